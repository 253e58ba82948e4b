/* shell_run: the scrub thread. Passes over all groups, quick and deep, each at its interval, and
 * deep scrubs on demand between them.
 *
 * Threads: one of its own does all the work; methods run on rpc threads and only queue.
 * Limits: RUN_REQUESTS_MAX demands waiting, then TC_EBUSY.
 */
#ifndef TC_SERVICES_SCRUBBER_SHELL_RUN_H
#define TC_SERVICES_SCRUBBER_SHELL_RUN_H

#include "daemon/log.h"
#include "rpc/server.h"
#include "scrubber/options.h"
#include "scrubber/shell_board.h"

enum {
    RUN_REQUESTS_MAX = 16,
};

struct run;

struct run_config {
    struct rpc *rpc;
    struct daemon_log *log;
    struct board *board;
    const struct scrubber_options *options;
    struct scrubber_metrics *metrics;
    const char *dir; /* scratch; exists */
};

/* Errors: TC_EINVAL (archive URL), TC_EUNAVAILABLE (no thread). */
TC_MUST_USE tc_err run_start(const struct run_config *config, struct run **ret_run);
/* Wake the thread out of whatever it waits for, join it, refuse what is queued, free. */
void run_stop(struct run *r);
/* /tercet.Scrubber/Run, /Last and /Progress; user is the struct run. */
void run_method_run(void *user, struct rpc_call *call, struct tc_slice payload);
void run_method_last(void *user, struct rpc_call *call, struct tc_slice payload);
void run_method_progress(void *user, struct rpc_call *call, struct tc_slice payload);

#endif
