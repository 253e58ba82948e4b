/* store__admit: whether a request may be served here and now. */
#ifndef TC_ENGINE_STORE_ADMIT_H
#define TC_ENGINE_STORE_ADMIT_H

#include "engine/store/store_private.h"

/* Fill the partition's buckets by the store's options; the system group has no limits. */
void store__admit_init(struct replica *r);

/* Does the request belong to this replica? r may be NULL (no such group here).
 *   key      empty: a range request, which is cut to the group's range instead
 *   Errors   TC_EMOVED      other group, range or an older epoch; it was split
 *            TC_EBUSY       it is being split: not decided yet whether it will be
 *            TC_ENOTLEADER  the router knows a newer epoch than this replica */
TC_MUST_USE tc_err store__admit_route(const struct replica *r, uint64_t epoch, struct tc_slice key);
/*   Errors   TC_ENOTLEADER, TC_EUNAVAILABLE (no lease, or too far behind), TC_ETHROTTLED */
TC_MUST_USE tc_err store__admit_read(struct replica *r, bool consistent);
/* As for a consistent read (a failed condition is one), and there is room for a write.
 *   Errors   ... TC_EBUSY, TC_EFULL */
TC_MUST_USE tc_err store__admit_write(struct replica *r, bool deletes);
/* Take what was used from the partition's bucket; reads are admitted before their cost is known. */
void store__admit_charge_read(struct replica *r, uint64_t bytes, bool consistent);
void store__admit_charge_write(struct replica *r, uint64_t bytes);

#endif
