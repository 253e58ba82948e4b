#include "router/admit/admit.h"

#include "base/assert.h"
#include "base/map.h"
#include "core/bucket/bucket.h"
#include "core/quota/quota.h"
#include "daemon/worker.h"
#include "rpc/message.h"

#include "proto/common.pb-c.h"
#include "proto/gac.pb-c.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    GAC_MAX = 16,
    UNIT_MU = 1000,
    TOPUP_MS = 800,
    TABLES_PER_TOPUP_MAX = 1024,
    FORGET_ROUNDS = 60, /* reports without traffic after which a table is dropped */
};

struct meter {
    struct bucket bucket;
    uint64_t consumed_mu; /* since the last report */
    uint64_t refused_mu;
};

struct admit_table {
    uint64_t table_id;
    uint64_t version;
    uint64_t limit_mu[2]; /* read, write */
    uint32_t burst_s;
    struct meter meters[2];
    uint32_t idle_rounds;
};

struct admit {
    pthread_mutex_t lock;
    struct tc_map tables;
    struct rpc_peer *gac[GAC_MAX];
    const char *gac_names[GAC_MAX];
    size_t gac_count;
    const char *router;
    struct daemon_worker *worker;
    uint64_t reported_ns;
};

static struct bucket_config limits(uint64_t rate_mu, uint32_t burst_s) {
    if (rate_mu > BUCKET_RATE_MU_MAX)
        rate_mu = BUCKET_RATE_MU_MAX;
    uint64_t burst = rate_mu * burst_s, debt = rate_mu * ADMIT_DEBT_S;
    return (struct bucket_config){
        .rate_mu_per_s = rate_mu,
        .burst_mu = burst > UNIT_MU ? burst : UNIT_MU,
        .debt_mu_max = debt > ADMIT_DEBT_MU ? debt : ADMIT_DEBT_MU,
    };
}

/* What the table as a whole may use per second; 0: it is held by its partitions alone. */
static uint64_t limit_of(const Tercet__Pb__TableDescriptor *d, bool write) {
    if (d->billing == TERCET__PB__BILLING_MODE__BILLING_PROVISIONED)
        return (write ? d->wcu : d->rcu) * UNIT_MU;
    return (write ? d->max_write_units : d->max_read_units) * UNIT_MU;
}

/* What was provisioned and not used is saved up; a maximum is one at any time. */
static uint32_t burst_of(const Tercet__Pb__TableDescriptor *d) {
    return d->billing == TERCET__PB__BILLING_MODE__BILLING_PROVISIONED ? ADMIT_BURST_S
                                                                       : ADMIT_MAXIMUM_BURST_S;
}

/* A change of the table's own limits takes effect at once; the share follows within a second. */
static void adopt(struct admit_table *t, const Tercet__Pb__TableDescriptor *d, uint64_t now_ns) {
    uint64_t fresh[2] = {limit_of(d, /* write= */ false), limit_of(d, /* write= */ true)};
    bool same_burst = t->burst_s == burst_of(d);
    t->version = d->version;
    t->burst_s = burst_of(d);
    for (int k = 0; k < 2; k++) {
        if (t->limit_mu[k] == fresh[k] && same_burst)
            continue;
        t->limit_mu[k] = fresh[k];
        struct bucket_config config = limits(fresh[k], t->burst_s);
        bucket_configure(&t->meters[k].bucket, &config, now_ns);
    }
}

static struct admit_table *find(struct admit *a, const Tercet__Pb__TableDescriptor *d,
                                uint64_t now_ns) {
    uint64_t id = d->table_id;
    struct admit_table *t = tc_map_get(&a->tables, tc_map_u64_key(&id));
    if (t == NULL) {
        if (a->tables.count >= ADMIT_TABLES_MAX)
            return NULL;
        t = calloc(1, sizeof *t);
        TC_ASSERT(t != NULL);
        *t = (struct admit_table){.table_id = id,
                                  .version = d->version,
                                  .burst_s = burst_of(d),
                                  .limit_mu = {limit_of(d, false), limit_of(d, true)}};
        for (int k = 0; k < 2; k++) {
            struct bucket_config config = limits(t->limit_mu[k], t->burst_s);
            bucket_init(&t->meters[k].bucket, &config, now_ns);
        }
        tc_map_put(&a->tables, tc_map_u64_key(&id), t);
    }
    if (d->version > t->version)
        adopt(t, d, now_ns);
    return t;
}

bool admit_open(struct admit *a, const Tercet__Pb__TableDescriptor *table, bool write) {
    if (limit_of(table, write) == 0)
        return true;
    uint64_t now_ns = daemon_now_ns();
    pthread_mutex_lock(&a->lock);
    struct admit_table *t = find(a, table, now_ns);
    bool open = t == NULL || bucket_open(&t->meters[write].bucket, now_ns);
    if (!open)
        t->meters[write].refused_mu += UNIT_MU;
    pthread_mutex_unlock(&a->lock);
    return open;
}

void admit_charge(struct admit *a, const Tercet__Pb__TableDescriptor *table, bool write,
                  uint64_t cost_mu) {
    if (limit_of(table, write) == 0)
        return;
    uint64_t now_ns = daemon_now_ns();
    pthread_mutex_lock(&a->lock);
    struct admit_table *t = find(a, table, now_ns);
    if (t) {
        bucket_debit(&t->meters[write].bucket, cost_mu, now_ns);
        t->meters[write].consumed_mu += cost_mu;
    }
    pthread_mutex_unlock(&a->lock);
}

static void apply_share(struct admit *a, const Tercet__Pb__TableShare *share, uint64_t now_ns) {
    uint64_t id = share->table_id, rates[2] = {share->rcu_mu, share->wcu_mu};
    struct admit_table *t = tc_map_get(&a->tables, tc_map_u64_key(&id));
    for (int k = 0; t && k < 2; k++) {
        struct bucket_config config =
            limits(rates[k] < t->limit_mu[k] ? rates[k] : t->limit_mu[k], t->burst_s);
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

static uint64_t run(void *user, void **entries, size_t count, uint64_t now_ns) {
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

tc_err admit_new(const struct admit_config *config, struct admit **ret_admit) {
    struct admit *a = calloc(1, sizeof *a);
    if (a == NULL)
        return TC_ENOMEM;
    a->router = config->router;
    a->reported_ns = daemon_now_ns();
    pthread_mutex_init(&a->lock, NULL);
    struct daemon_worker_config work = {.name = "admit", .count_max = 1, .run = run, .user = a};
    tc_err err = TC_OK;
    for (size_t i = 0; i < config->gac->count && i < GAC_MAX && err == TC_OK; i++) {
        struct rpc_peer_config peer = {.target = config->gac->items[i]};
        err = rpc_peer_open(config->rpc, &peer, &a->gac[i]);
        a->gac_names[i] = config->gac->items[i];
        a->gac_count += err == TC_OK;
    }
    if (err == TC_OK)
        err = daemon_worker_start(&work, &a->worker);
    if (err != TC_OK) {
        admit_free(a);
        return err;
    }
    *ret_admit = a;
    return TC_OK;
}

void admit_free(struct admit *a) {
    if (a == NULL)
        return;
    if (a->worker)
        daemon_worker_stop(a->worker);
    for (size_t i = 0; i < a->gac_count; i++)
        rpc_peer_close(a->gac[i]);
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&a->tables, &at, &key, &value))
        free(value);
    tc_map_deinit(&a->tables);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
