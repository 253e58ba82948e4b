/* store__digest: all that a planner reads of this node's replicas as one number, so that it can ask
 * every few seconds and be told "as before" by a node that holds thousands of idle ones. */
#ifndef TC_ENGINE_STORE_DIGEST_H
#define TC_ENGINE_STORE_DIGEST_H

#include "engine/store/store_private.h"

/* Never 0. Equal numbers: the same store in the same boot with the same replicas, epochs, roles,
 * leaders, states, changes and silences (in whole seconds), as of the last look at each replica
 * (due.h). What grows all the time (indices, items, bytes) is not in it. O(active replicas). */
uint64_t store__digest(struct store *s);
/* The replica was looked at: what it adds to the digest is taken anew. */
void store__digest_note(struct replica *r, uint64_t now_ns);
/* It goes. */
void store__digest_drop(struct replica *r);

#endif
