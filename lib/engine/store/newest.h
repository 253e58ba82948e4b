/* store__newest: the newest state of a key at a leader, its own pipeline included.
 *
 * Slices are borrowed until the pipeline or the B-tree is touched again.
 */
#ifndef TC_ENGINE_STORE_NEWEST_H
#define TC_ENGINE_STORE_NEWEST_H

#include "engine/store/store_private.h"

/* What the B-tree holds; empty with TC_OK: nothing. A page that cannot be read makes the replica a
 * damaged one. */
TC_MUST_USE tc_err store__newest_applied(struct replica *r, struct tc_slice key,
                                         struct tc_slice *ret_value);
/* ret_index: of the pending entry that the state comes from, if that is higher than what stands
 * there; untouched for an applied state. */
TC_MUST_USE tc_err store__newest(struct replica *r, struct tc_slice key, struct tc_slice *ret_value,
                                 uint64_t *ret_index);

#endif
