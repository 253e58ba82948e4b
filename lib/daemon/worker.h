/* daemon_worker: one thread that owns some state, a mailbox in front of it and a timer.
 *
 * The thread drains the mailbox and calls run(user, entries, count, now_ns), which steps the state
 * and performs effects; it returns the monotonic time at which it wants to be called even without
 * entries (UINT64_MAX: never). With count 0 the timer is due. The thread's name is the worker's.
 */
#ifndef TC_DAEMON_WORKER_H
#define TC_DAEMON_WORKER_H

#include "daemon/mailbox.h"

struct daemon_worker;

struct daemon_worker_config {
    const char *name; /* at most 15 bytes show in ps */
    size_t count_max; /* of the mailbox */
    size_t reserve_count;
    uint64_t (*run)(void *user, void **entries, size_t count, uint64_t now_ns);
    void *user;
};

/* run is called once at the start with count 0, to learn the first timer. */
TC_MUST_USE tc_err daemon_worker_start(const struct daemon_worker_config *config,
                                       struct daemon_worker **ret_worker);
struct daemon_mailbox *daemon_worker_mailbox(struct daemon_worker *w);
/* daemon_mailbox_post on its mailbox. */
TC_MUST_USE tc_err daemon_worker_post(struct daemon_worker *w, void *entry);
TC_MUST_USE tc_err daemon_worker_post_reserved(struct daemon_worker *w, void *entry);
/* Close the mailbox, let run take every entry that is inside, join, free. Blocks; not from run. */
void daemon_worker_stop(struct daemon_worker *w);

/* CLOCK_MONOTONIC, the clock of every _ns in daemon and rpc. */
uint64_t daemon_now_ns(void);

#endif
