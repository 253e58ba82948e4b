/* daemon_mailbox: a bounded queue of pointers from many threads to one.
 *
 * Threads: any may post; one drains. Posting takes the lock for a few instructions and wakes the
 * reader only when the box was empty; a drain swaps the whole box, so a batch costs one lock and
 * one wake. Order: as posted.
 * Bound: count_max entries by daemon_mailbox_post; reserve_count more by
 * daemon_mailbox_post_reserved, for answers whose number is bounded by the requests in flight,
 * which must not be lost to a full box. Memory: entries belong to the poster until TC_OK, then to
 * the box and its reader.
 */
#ifndef TC_DAEMON_MAILBOX_H
#define TC_DAEMON_MAILBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon_mailbox;

struct daemon_mailbox_config {
    size_t count_max;
    size_t reserve_count;
    bool eventfd; /* wake by an eventfd for an epoll loop instead of daemon_mailbox_wait */
};

TC_MUST_USE tc_err daemon_mailbox_new(const struct daemon_mailbox_config *config,
                                      struct daemon_mailbox **ret_box);
/* Must be empty or its remaining entries are lost to the caller; NULL is a no-op. */
void daemon_mailbox_free(struct daemon_mailbox *box);
/* Errors: TC_EBUSY (full: throttle), TC_ECLOSED; the entry stays the caller's. */
TC_MUST_USE tc_err daemon_mailbox_post(struct daemon_mailbox *box, void *entry);
TC_MUST_USE tc_err daemon_mailbox_post_reserved(struct daemon_mailbox *box, void *entry);
/* Everything posted so far, without waiting; the array is valid until the next drain or wait. */
size_t daemon_mailbox_drain(struct daemon_mailbox *box, void ***ret_entries);
/* Wait for entries, the monotonic deadline (UINT64_MAX: none) or the close; then drain.
 * Not for eventfd boxes. */
size_t daemon_mailbox_wait(struct daemon_mailbox *box, uint64_t deadline_ns, void ***ret_entries);
/* Readable when entries wait; drain clears it. -1 without eventfd. */
int daemon_mailbox_fd(const struct daemon_mailbox *box);
/* Refuse further posts and wake the reader; what is inside can still be drained. */
void daemon_mailbox_close(struct daemon_mailbox *box);
bool daemon_mailbox_closed(struct daemon_mailbox *box);
/* Entries waiting now. */
size_t daemon_mailbox_count(struct daemon_mailbox *box);

#endif
