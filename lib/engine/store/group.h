/* store__group: what the rest of the store needs of a replica's place in its group. */
#ifndef TC_ENGINE_STORE_GROUP_H
#define TC_ENGINE_STORE_GROUP_H

#include "engine/store/store_private.h"

/* This replica leads and has applied the entry that began its term: it knows every write that was
 * ever answered. */
bool store__group_leads(const struct replica *r);
/* ... and nobody else can lead at this moment; reads the clock. */
bool store__group_may_read(const struct replica *r);
/* The applied state is at most a second or so behind the group's; for eventual reads. */
bool store__group_fresh(const struct replica *r);
/* Append an entry of this leader's ballot.
 *   Errors   TC_ENOTLEADER, TC_EBUSY (window or pipeline full), TC_EFULL */
TC_MUST_USE tc_err store__group_propose(struct replica *r, uint32_t type, struct tc_blob *body,
                                        uint64_t *ret_index);
/* Give leadership to another member that can take it, if there is one. */
void store__group_resign(struct replica *r);
/* The newest partition, with the leader hint filled in; borrowed until the next input. */
const Tercet__Pb__Partition *store__group_partition(struct replica *r);

#endif
