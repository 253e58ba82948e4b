#include "router/admit/admit_private.h"

#include "base/assert.h"

#include <stdlib.h>

enum {
    UNIT_MU = 1000,
};

struct bucket_config admit__limits(uint64_t rate_mu, uint32_t burst_s) {
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
        struct bucket_config config = admit__limits(fresh[k], t->burst_s);
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
            struct bucket_config config = admit__limits(t->limit_mu[k], t->burst_s);
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

tc_err admit_new(const struct admit_config *config, struct admit **ret_admit) {
    struct admit *a = calloc(1, sizeof *a);
    if (a == NULL)
        return TC_ENOMEM;
    a->router = config->router;
    a->reported_ns = daemon_now_ns();
    pthread_mutex_init(&a->lock, NULL);
    struct daemon_worker_config work = {
        .name = "admit", .count_max = 1, .run = admit__report_run, .user = a};
    tc_err err = TC_OK;
    for (size_t i = 0; i < config->gac->count && i < ADMIT_GAC_MAX && err == TC_OK; i++) {
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
