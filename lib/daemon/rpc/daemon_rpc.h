/* daemon_rpc: a daemon's struct rpc, from its common and TLS options, with its log and metrics.
 *
 *   static struct daemon_rpc r;                          in spec, so that --list-metrics shows
 * them: .shared_metrics = daemon_rpc_metrics_table(), .shared_metrics_values = &r.metrics
 *   TC_TRY(daemon_rpc_start(&r, &daemon));               then r.rpc
 *   daemon_rpc_stop(&r);                                 before daemon_teardown
 *
 * Threads: start and stop on the main thread; exports read it from the admin thread meanwhile.
 */
#ifndef TC_DAEMON_RPC_H
#define TC_DAEMON_RPC_H

#include "daemon/daemon.h"
#include "rpc/rpc.h"

#include <pthread.h>

#define DAEMON_RPC_METRICS(X)                                                                      \
    X(COUNTER, messages_sent_total, "", "", "stream messages sent")                                \
    X(COUNTER, messages_received_total, "", "", "stream messages received")                        \
    X(COUNTER, frames_sent_total, "", "", "frames sent; per message: how well sends are batched")  \
    X(COUNTER, frames_received_total, "", "", "frames received")                                   \
    X(COUNTER, sent_bytes_total, "bytes", "", "stream bytes sent, before TLS")                     \
    X(COUNTER, received_bytes_total, "bytes", "", "stream bytes received, before TLS")             \
    X(COUNTER, timeouts_total, "", "", "requests to other nodes that met their deadline")          \
    X(COUNTER, refused_busy_total, "", "", "frames refused since a peer's window was full")        \
    X(COUNTER, reconnects_total, "", "", "streams opened again after a loss")                      \
    X(COUNTER, hello_refused_total, "", "", "handshakes refused: other cluster, node or protocol") \
    X(GAUGE, peers_up, "", "", "streams to other nodes that work now")                             \
    X(GAUGE, conns_open, "", "", "streams from other nodes open now")

DAEMON_METRICS(daemon_rpc_metrics, "rpc", DAEMON_RPC_METRICS)

struct daemon_rpc_gauge {
    struct daemon_rpc *owner;
    size_t offset; /* in struct rpc_stats */
};

struct daemon_rpc {
    struct rpc *rpc; /* NULL when stopped */
    pthread_mutex_t lock;
    struct daemon_rpc_metrics metrics;
    struct daemon_rpc_gauge gauges[sizeof(struct rpc_stats) / sizeof(uint64_t)];
};

/* Errors: those of rpc_start, told in the log. */
TC_MUST_USE tc_err daemon_rpc_start(struct daemon_rpc *r, struct daemon *d);
/* rpc_stop; exports show zeros from then on. Of a zeroed struct a no-op. */
void daemon_rpc_stop(struct daemon_rpc *r);

#endif
