/* shell_round: the whole daemon's state, and the rounds that its one worker goes through.
 *
 * Two small reads of group 1 make an idle round; nodes are asked when the records show that
 * something is to be done, and now and then.
 * Threads: the worker's, but for what lock guards, which the status page reads.
 */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_ROUND_H
#define TC_SERVICES_AUTOADMIN_SHELL_ROUND_H

#include "core/plan/lease.h"
#include "daemon/daemon.h"
#include "daemon/rpc/daemon_rpc.h"
#include "daemon/worker.h"
#include "metrics.h"
#include "options.h"
#include "shell_counts.h"
#include "shell_directory.h"
#include "shell_orders.h"
#include "shell_seen.h"

#include <pthread.h>

struct autoadmin {
    struct daemon daemon;
    struct autoadmin_options options;
    struct autoadmin_metrics metrics;
    struct daemon_rpc rpc;
    struct catalog system;
    struct plan_lease lease;
    struct plan_out plan;
    struct shell_directory directory;
    struct shell_orders orders; /* of this round */
    struct shell_counts counts;
    uint64_t nodes_asked_ns;
    struct shell_seen idle; /* when nothing was to be done */
    uint64_t tables_seen;   /* records over which nothing was to be done */
    bool healing;           /* a group changes, or waits to */
    bool busy;              /* the last round had something to do */
    bool founded;           /* the system group has answered once */
    pthread_mutex_t lock;   /* what /status reads from the admin thread: */
    struct autoadmin_seen {
        struct plan_out plan; /* its texts and counts */
        uint64_t directory_version;
        uint32_t tables;
        uint32_t orders; /* open ones */
        bool holder;
    } seen;
    bool holder;
};

/* daemon_worker_config.run; user: struct autoadmin. */
uint64_t shell_round_run(void *user, void **entries, size_t count, uint64_t now_ns);
/* daemon_spec.status, on the admin thread. */
void shell_round_status(void *user, struct tc_buf *ret_json);

#endif
