/* store__archive: what this node offers to the archiver, group by group (DESIGN.md 5). */
#ifndef TC_ENGINE_STORE_ARCHIVE_H
#define TC_ENGINE_STORE_ARCHIVE_H

#include "engine/store/store_private.h"

/* The replica may have something to offer: store_segment_next looks at it. */
void store__archive_look(struct replica *r, uint64_t now_ns);

#endif
