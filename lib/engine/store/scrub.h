/* store__scrub: content vectors at marked indices, page checks, buckets (REPLICATION.md C4). */
#ifndef TC_ENGINE_STORE_SCRUB_H
#define TC_ENGINE_STORE_SCRUB_H

#include "engine/store/store_private.h"

/* A SCRUB entry is being applied: keep the content vector as it is now. */
void store__scrub_remember(struct replica *r, const struct paxos_entry *e);

#endif
