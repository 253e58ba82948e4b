/* store__upkeep: what keeps the log short: checkpoints, trims, segments made and emptied. */
#ifndef TC_ENGINE_STORE_UPKEEP_H
#define TC_ENGINE_STORE_UPKEEP_H

#include "engine/store/store_private.h"

enum {
    UPKEEP_EVERY_MS = 50,
};

/* Of the store: segments, the disk, a log that runs full. */
void store__upkeep(struct store *s, uint64_t now_ns);
/* Of one replica: checkpoint, trim, request ids, members. */
void store__upkeep_replica(struct replica *r, uint64_t now_ns);

#endif
