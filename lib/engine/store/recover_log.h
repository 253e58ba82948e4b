/* store__recover: what the log holds of a replica when it starts (REPLICATION.md B11). */
#ifndef TC_ENGINE_STORE_RECOVER_LOG_H
#define TC_ENGINE_STORE_RECOVER_LOG_H

#include "engine/store/store_private.h"

/* All entries above base, without bodies but those of configurations; unreadable ones are marked
 * PAXOS_FAULTY, and the operator hears of them. ret_entries NULL: there are none.
 *   Errors   TC_ECORRUPT  the log has a hole, or more entries than can be
 *            TC_EIO */
TC_MUST_USE tc_err store__recover_entries(const struct replica *r, uint64_t base,
                                          struct paxos_entry **ret_entries, size_t *ret_count);
void store__recover_entries_free(struct paxos_entry *entries, size_t count);
/* Request ids of entries that the B-tree already holds (up to r->noted), as far back as somebody
 * may still repeat one; and the highest hybrid time among them. */
void store__recover_ids(struct replica *r, const struct paxos_entry *entries, size_t count);

#endif
