#include "shell_topup.h"

#include "base/assert.h"
#include "daemon/worker.h"
#include "proto/common.pb-c.h"
#include "proto/gac.pb-c.h"
#include "rpc/message.h"

#include <stdlib.h>

enum {
    TABLES_PER_REPORT_MAX = 4096
};

struct topup_table {
    uint64_t table_id;
    uint64_t seen_ns;
    struct quota_table quota;
};

void topup_init(struct topup *t, size_t tables_max, struct gac_metrics *metrics) {
    *t = (struct topup){.tables_max = tables_max, .metrics = metrics};
    pthread_mutex_init(&t->lock, NULL);
}

void topup_deinit(struct topup *t) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&t->tables, &at, &key, &value))
        free(value);
    tc_map_deinit(&t->tables);
    pthread_mutex_destroy(&t->lock);
}

/* Tables that nobody reports any more. */
static void sweep(struct topup *t, uint64_t now_ns) {
    if (now_ns - t->swept_ns < TOPUP_FORGET_NS / 4)
        return;
    t->swept_ns = now_ns;
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&t->tables, &at, &key, &value)) {
        struct topup_table *table = value;
        if (now_ns - table->seen_ns < TOPUP_FORGET_NS)
            continue;
        uint64_t id = table->table_id;
        tc_map_del(&t->tables, tc_map_u64_key(&id));
        free(table);
    }
}

static struct topup_table *find(struct topup *t, uint64_t table_id) {
    struct topup_table *table = tc_map_get(&t->tables, tc_map_u64_key(&table_id));
    if (table || t->tables.count >= t->tables_max)
        return table;
    table = calloc(1, sizeof *table);
    TC_ASSERT(table != NULL);
    table->table_id = table_id;
    tc_map_put(&t->tables, tc_map_u64_key(&table_id), table);
    return table;
}

static uint64_t per_second(uint64_t consumed_mu, uint64_t refused_mu, uint64_t interval_ms) {
    const uint64_t bound = UINT64_C(1) << 50;
    uint64_t sum =
        (consumed_mu < bound ? consumed_mu : bound) + (refused_mu < bound ? refused_mu : bound);
    uint64_t rate = sum * 1000 / (interval_ms ? interval_ms : 1000);
    return rate < UINT32_MAX ? rate
                             : UINT32_MAX; /* far above any limit; keeps quota's arithmetic exact */
}

static void take(struct topup *t, const char *router, const Tercet__Pb__TableDemand *d,
                 Tercet__Pb__TableShare *ret_share, uint64_t now_ns) {
    tercet__pb__table_share__init(ret_share);
    ret_share->table_id = d->table_id;
    struct topup_table *table = find(t, d->table_id);
    if (table == NULL) {
        daemon_metric_add(t->metrics->refused_total, 1);
        return;
    }
    table->seen_ns = now_ns;
    struct quota_report report = {
        .router = tc_slice_str(router),
        .version = d->version,
        .limit = {d->rcu_limit_mu, d->wcu_limit_mu},
        .demand = {per_second(d->rcu_consumed_mu, d->rcu_refused_mu, d->interval_ms),
                   per_second(d->wcu_consumed_mu, d->wcu_refused_mu, d->interval_ms)},
    };
    struct quota_rates share = quota_take_report(&table->quota, &report, now_ns);
    ret_share->rcu_mu = share.read_mu;
    ret_share->wcu_mu = share.write_mu;
    ret_share->valid_ms = QUOTA_VALID_MS;
}

static void answer(struct topup *t, struct rpc_conn *conn, uint64_t id,
                   const Tercet__Pb__TopUpRequest *request) {
    Tercet__Pb__TableShare *shares = calloc(request->n_tables + 1, sizeof *shares);
    Tercet__Pb__TableShare **list = calloc(request->n_tables + 1, sizeof(void *));
    TC_ASSERT(shares != NULL && list != NULL);
    uint64_t now_ns = daemon_now_ns();
    pthread_mutex_lock(&t->lock);
    sweep(t, now_ns);
    for (size_t i = 0; i < request->n_tables; i++) {
        take(t, request->router, request->tables[i], &shares[i], now_ns);
        list[i] = &shares[i];
    }
    daemon_metric_set(t->metrics->tables, (int64_t)t->tables.count);
    pthread_mutex_unlock(&t->lock);
    Tercet__Pb__TopUpReply reply = TERCET__PB__TOP_UP_REPLY__INIT;
    reply.shares = list;
    reply.n_shares = request->n_tables;
    rpc_conn_reply_message(conn, id, TERCET__PB__FRAME_KIND__FRAME_TOPUP, TC_OK, &reply.base);
    daemon_metric_add(t->metrics->topups_total, 1);
    daemon_metric_add(t->metrics->shares_total, request->n_tables);
    free(shares);
    free(list);
}

static void one_frame(struct topup *t, struct rpc_conn *conn, const struct rpc_frame *f) {
    Tercet__Pb__TopUpRequest *request =
        f->kind == TERCET__PB__FRAME_KIND__FRAME_TOPUP
            ? tercet__pb__top_up_request__unpack(NULL, f->payload.len, f->payload.data)
            : NULL;
    if (request && request->n_tables <= TABLES_PER_REPORT_MAX) {
        answer(t, conn, f->id, request);
    } else {
        daemon_metric_add(t->metrics->refused_total, 1);
        rpc_conn_reply(conn, f->id, f->kind, TC_EINVAL, TC_SLICE_EMPTY);
    }
    if (request)
        tercet__pb__top_up_request__free_unpacked(request, NULL);
}

void topup_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames) {
    for (size_t i = 0; i < frames->count; i++)
        one_frame(user, conn, &frames->frames[i]);
    rpc_frames_unref(frames);
}

void topup_status(struct topup *t, struct tc_buf *ret_json) {
    size_t at = 0, printed = 0;
    struct tc_slice key;
    void *value;
    tc_buf_append_str(ret_json, "{\"tables\":[");
    pthread_mutex_lock(&t->lock);
    while (tc_map_next(&t->tables, &at, &key, &value)) {
        const struct topup_table *table = value;
        tc_buf_printf(
            ret_json,
            "%s{\"table_id\":%llu,\"rcu_limit_mu\":%llu,\"wcu_limit_mu\":%llu,\"routers\":%u}",
            printed++ ? "," : "", (unsigned long long)table->table_id,
            (unsigned long long)table->quota.limit.read_mu,
            (unsigned long long)table->quota.limit.write_mu, table->quota.count);
    }
    pthread_mutex_unlock(&t->lock);
    tc_buf_append_str(ret_json, "]}");
}
