#include "daemon/rpc/daemon_rpc.h"

#include "base/assert.h"

/* One total; the others are not worth a cache, an export reads a dozen. */
static int64_t read_total(void *user) {
    const struct daemon_rpc_gauge *g = user;
    struct daemon_rpc *r = g->owner;
    struct rpc_stats stats = {0};
    pthread_mutex_lock(&r->lock);
    if (r->rpc)
        rpc_stats(r->rpc, &stats);
    pthread_mutex_unlock(&r->lock);
    uint64_t value;
    memcpy(&value, (const char *)&stats + g->offset, sizeof value);
    return (int64_t)value;
}

static void bind(struct daemon_rpc *r) {
    const struct {
        struct daemon_metric *metric;
        size_t offset;
    } rows[] = {
        {r->metrics.messages_sent_total, offsetof(struct rpc_stats, messages_sent)},
        {r->metrics.messages_received_total, offsetof(struct rpc_stats, messages_received)},
        {r->metrics.frames_sent_total, offsetof(struct rpc_stats, frames_sent)},
        {r->metrics.frames_received_total, offsetof(struct rpc_stats, frames_received)},
        {r->metrics.sent_bytes_total, offsetof(struct rpc_stats, bytes_sent)},
        {r->metrics.received_bytes_total, offsetof(struct rpc_stats, bytes_received)},
        {r->metrics.timeouts_total, offsetof(struct rpc_stats, timeouts)},
        {r->metrics.refused_busy_total, offsetof(struct rpc_stats, refused_busy)},
        {r->metrics.reconnects_total, offsetof(struct rpc_stats, reconnects)},
        {r->metrics.hello_refused_total, offsetof(struct rpc_stats, hello_refused)},
        {r->metrics.peers_up, offsetof(struct rpc_stats, peers_up)},
        {r->metrics.conns_open, offsetof(struct rpc_stats, conns_open)},
    };
    _Static_assert(sizeof rows / sizeof rows[0] == sizeof r->gauges / sizeof r->gauges[0],
                   "every total is exported");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        TC_ASSERT(rows[i].metric != NULL);
        r->gauges[i] = (struct daemon_rpc_gauge){r, rows[i].offset};
        daemon_metric_set_read(rows[i].metric, read_total, &r->gauges[i]);
    }
}

tc_err daemon_rpc_start(struct daemon_rpc *r, struct daemon *d) {
    struct rpc_config config = {
        .self = {d->common.cluster, d->spec.name, d->node, d->common.zone},
        .tls = {.cert_path = d->tls.tls_cert, .key_path = d->tls.tls_key, .ca_path = d->tls.tls_ca},
        .log = daemon_log_rpc,
        .log_user = d->log,
    };
    TC_TRY(rpc_start(&config, &r->rpc));
    pthread_mutex_init(&r->lock, NULL);
    bind(r);
    return TC_OK;
}

/* Exports go on while it stops, which may take as long as its servers' grace. */
void daemon_rpc_stop(struct daemon_rpc *r) {
    struct rpc *rpc = r->rpc;
    if (rpc == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->rpc = NULL;
    pthread_mutex_unlock(&r->lock);
    rpc_stop(rpc);
}
