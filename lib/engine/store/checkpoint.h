/* store__checkpoint: B-tree checkpoints as jobs of the worker. */
#ifndef TC_ENGINE_STORE_CHECKPOINT_H
#define TC_ENGINE_STORE_CHECKPOINT_H

#include "engine/store/store_private.h"

/* Begin one if it is due by bytes, by time or by wish and nothing stands in its way. */
void store__checkpoint_maybe(struct replica *r, uint64_t now_ns);
/* Tell paxos how far the durable B-tree reaches. */
void store__checkpoint_report(struct replica *r);

#endif
