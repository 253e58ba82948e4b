/* shell_probe: probes one router for ever, as a customer would see it, on a thread of its own.
 *
 * A probe is a PutItem of a counter's next value on condition that the counter is lower, then a
 * consistent GetItem. What the counter may be is known exactly:
 *
 *   acked <= value read <= tried
 *
 * acked is the last value whose write was acknowledged, tried the last that was sent; they differ
 * after a request whose outcome is unknown. Anything else read is a lost or stale write.
 * No request is ever repeated: what fails once has failed for a customer.
 */
#ifndef TC_SERVICES_CANARY_SHELL_PROBE_H
#define TC_SERVICES_CANARY_SHELL_PROBE_H

#include "base/arena.h"
#include "daemon/log.h"
#include "daemon/worker.h"
#include "metrics.h"
#include "options.h"

#include <pthread.h>

enum {
    PROBE_TEXT_BYTES_MAX = 256,
};

struct probe_config {
    const struct canary_options *options;
    const struct canary_metrics *metrics;
    struct daemon_log *log;
    const char *router; /* HOST:PORT */
    const char *node;   /* this canary's name: part of the counter's key */
    const char *zone;   /* part of the table's name */
};

/* What /status shows; copied under the lock. */
struct probe_state {
    uint64_t ok_count, failed_count, inconsistent_count;
    uint64_t window_ok_count, window_count, window_end_ns;
    uint64_t last_ok_ns;
    char last_error[PROBE_TEXT_BYTES_MAX];
};

struct probe {
    struct probe_config config;
    struct daemon_worker *worker;
    struct sigv4 *signer;
    void *curl;
    char table[64], key[PROBE_TEXT_BYTES_MAX];
    bool known; /* acked and tried are, after the first read */
    uint64_t acked, tried;
    uint64_t settled_ns;     /* before, a write of an earlier process may still arrive */
    uint64_t table_grace_ns; /* a table just asked for need not answer before */
    struct tc_buf body, answer;
    struct tc_arena arena;
    pthread_mutex_t lock; /* state */
    struct probe_state state;
};

/* Start probing. curl_global_init was called. Errors: TC_ENOMEM */
TC_MUST_USE tc_err probe_start(struct probe *p, const struct probe_config *config);
/* Ends within timeout_ms of the request in flight. */
void probe_stop(struct probe *p);
struct probe_state probe_state(struct probe *p);

#endif
