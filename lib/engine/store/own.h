/* store__own: a WRITE of the leader's own, which no request asked for: it pays what is owed, fills
 * an index, or deletes what has expired. It carries a request id like any other, drawn by chance.
 */
#ifndef TC_ENGINE_STORE_OWN_H
#define TC_ENGINE_STORE_OWN_H

#include "engine/store/store_private.h"

/* Propose it; its keys are read through the overlay from now on. if_room: not while the log has
 * none for peers (store__log_has_room); the id is drawn all the same.
 *   Errors   those of store__group_propose; TC_EFULL (if_room) */
TC_MUST_USE tc_err store__own_write(struct replica *r, const struct entry_mutation *mutations,
                                    size_t count, uint64_t hlc_ns, bool if_room,
                                    uint64_t *ret_index);

#endif
