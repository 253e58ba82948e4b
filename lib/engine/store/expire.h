/* store__expire: the leader deletes items whose time is over (docs/protocols/index.md).
 *
 * Rows 0x14 stand in order of time. A leader that knows when the first one is due does nothing
 * until then: it learns of earlier ones as they are applied (aux.h), and looks again when a term
 * begins. What is due is deleted by an ordinary WRITE, if the item's attribute still says so as it
 * stands in the pipeline; a row that no item stands behind any more goes alone. Times more than
 * five years past are no expiry times: their rows stay. A batch at a time, behind requests.
 *
 * A table whose expiry times were disabled needs none of its rows: the leader deletes them, a batch
 * in one entry, and looks from the first one on until it finds none. So nothing need be remembered
 * of how far it is.
 *
 * In a group of a global index such rows, in the order of the group's own hybrid time, say which
 * rows are gone (rows.h). No clock of a wall says when they may be dropped: the leader marks its
 * hybrid time, and options.gone_ms later by its monotonic clock what was gone before the mark's
 * second goes. So the rows of an idle group's last second stay until it writes again.
 */
#ifndef TC_ENGINE_STORE_EXPIRE_H
#define TC_ENGINE_STORE_EXPIRE_H

#include "engine/store/store_private.h"

enum {
    STORE_EXPIRE_BATCH = 64,         /* rows looked at in one go */
    STORE_EXPIRE_PAUSE_MS = 50,      /* between two batches of a group */
    STORE_EXPIRE_REFUSED_MS = 1000,  /* after one that had no room */
    STORE_EXPIRE_PAST_S = 157680000, /* five years */
};

/* One look; cheap where nothing is due. */
void store__expire_tick(struct replica *r, uint64_t now_ns);
/* An expiry row was put. */
static inline void store__expire_note(struct replica *r, uint64_t seconds) {
    if (seconds < r->expire.next_s)
        r->expire.next_s = seconds;
}
/* What was proposed may not happen, or the rows are others: look anew. */
static inline void store__expire_reset(struct replica *r) {
    r->expire.next_s = 0;
    r->expire.mark_ns = 0;
}

#endif
