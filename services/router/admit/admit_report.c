/* Demand to the gac and shares back: every second each gac node is told of the tables that are its
 * own, and answers with what this router may use of them.
 *
 * Without an answer the last share goes on: a table is never stopped because a gac is away. */
#include "base/assert.h"
#include "core/quota/quota.h"
#include "proto/common.pb-c.h"
#include "proto/gac.pb-c.h"
#include "router/admit/admit_private.h"

#include <stdlib.h>

enum {
    TOPUP_MS = 800,
    TABLES_PER_TOPUP_MAX = 1024,
    FORGET_ROUNDS = 60, /* reports without traffic after which a table is dropped */
};

static void apply_share(struct admit *a, const Tercet__Pb__TableShare *share, uint64_t now_ns) {
    uint64_t id = share->table_id, rates[2] = {share->rcu_mu, share->wcu_mu};
    struct admit_table *t = tc_map_get(&a->tables, tc_map_u64_key(&id));
    for (int k = 0; t && k < 2; k++) {
        struct bucket_config config =
            admit__limits(rates[k] < t->limit_mu[k] ? rates[k] : t->limit_mu[k], t->burst_s);
        bucket_configure(&t->meters[k].bucket, &config, now_ns);
    }
}

static void answered(void *user, const struct rpc_reply *reply) {
    struct admit *a = user;
    Tercet__Pb__TopUpReply *pb =
        reply->err == TC_OK
            ? tercet__pb__top_up_reply__unpack(NULL, reply->payload.len, reply->payload.data)
            : NULL;
    if (pb == NULL)
        return; /* the last share goes on */
    uint64_t now_ns = daemon_now_ns();
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < pb->n_shares; i++)
        if (pb->shares[i]->valid_ms > 0)
            apply_share(a, pb->shares[i], now_ns);
    pthread_mutex_unlock(&a->lock);
    tercet__pb__top_up_reply__free_unpacked(pb, NULL);
}

struct report {
    Tercet__Pb__TableDemand demands[TABLES_PER_TOPUP_MAX];
    Tercet__Pb__TableDemand *list[TABLES_PER_TOPUP_MAX];
    size_t count;
};

static void add_demand(struct report *r, struct admit_table *t, uint64_t interval_ms) {
    Tercet__Pb__TableDemand *d = &r->demands[r->count];
    tercet__pb__table_demand__init(d);
    d->table_id = t->table_id;
    d->version = t->version;
    d->rcu_limit_mu = t->limit_mu[0];
    d->wcu_limit_mu = t->limit_mu[1];
    d->rcu_consumed_mu = t->meters[0].consumed_mu;
    d->wcu_consumed_mu = t->meters[1].consumed_mu;
    d->rcu_refused_mu = t->meters[0].refused_mu;
    d->wcu_refused_mu = t->meters[1].refused_mu;
    d->interval_ms = interval_ms;
    r->list[r->count++] = d;
    for (int k = 0; k < 2; k++)
        t->meters[k].consumed_mu = t->meters[k].refused_mu = 0;
}

static bool idle(const struct admit_table *t) {
    return t->meters[0].consumed_mu + t->meters[0].refused_mu + t->meters[1].consumed_mu +
               t->meters[1].refused_mu ==
           0;
}

/* The gac node for a table: the first of its ring order whose stream is up. */
static size_t node_of(const struct admit *a, uint64_t table_id) {
    for (size_t rank = 0; rank < a->gac_count; rank++) {
        size_t i = quota_ring_pick(table_id, a->gac_names, a->gac_count, rank);
        if (rpc_peer_state(a->gac[i]) == RPC_PEER_UP)
            return i;
    }
    return a->gac_count;
}

static void collect(struct admit *a, struct report *reports, uint64_t interval_ms) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    pthread_mutex_lock(&a->lock);
    while (tc_map_next(&a->tables, &at, &key, &value)) {
        struct admit_table *t = value;
        uint64_t id = t->table_id;
        t->idle_rounds = idle(t) ? t->idle_rounds + 1 : 0;
        if (t->idle_rounds > FORGET_ROUNDS) {
            tc_map_del(&a->tables, tc_map_u64_key(&id));
            free(t);
            continue;
        }
        size_t node = node_of(a, id);
        if (node < a->gac_count && reports[node].count < TABLES_PER_TOPUP_MAX)
            add_demand(&reports[node], t, interval_ms);
    }
    pthread_mutex_unlock(&a->lock);
}

static void report_all(struct admit *a, uint64_t interval_ms) {
    if (a->gac_count == 0)
        return;
    struct report *reports = calloc(a->gac_count, sizeof *reports);
    TC_ASSERT(reports != NULL);
    collect(a, reports, interval_ms);
    for (size_t i = 0; i < a->gac_count; i++) {
        if (reports[i].count == 0)
            continue;
        Tercet__Pb__TopUpRequest request = TERCET__PB__TOP_UP_REQUEST__INIT;
        request.router = (char *)(uintptr_t)a->router;
        request.tables = reports[i].list;
        request.n_tables = reports[i].count;
        /* A report that cannot be sent is demand not heard: the last share goes on. */
        TC_IGNORE(rpc_peer_request_message(a->gac[i], TERCET__PB__FRAME_KIND__FRAME_TOPUP,
                                           &request.base, TOPUP_MS, answered, a));
    }
    free(reports);
}

uint64_t admit__report_run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct admit *a = user;
    const uint64_t period_ns = (uint64_t)ADMIT_REPORT_MS * 1000000u;
    (void)entries;
    (void)count;
    if (now_ns - a->reported_ns >= period_ns) {
        report_all(a, (now_ns - a->reported_ns) / 1000000u);
        a->reported_ns = now_ns;
    }
    return a->reported_ns + period_ns;
}
