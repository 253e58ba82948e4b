#include "route/route_private.h"

#include "base/assert.h"
#include "proto/bytes.h"

#include <stdlib.h>
#include <sys/random.h>

enum {
    RETRY_COUNT_MAX = 1 << 20
};

static tc_err open_memds(struct route *r) {
    for (size_t i = 0; i < r->config.memds->count && i < ROUTE__MEMDS_MAX; i++) {
        struct rpc_peer_config config = {.target = r->config.memds->items[i]};
        TC_TRY(rpc_peer_open(r->config.rpc, &config, &r->memds[r->memds_count]));
        r->memds_count++;
    }
    return r->memds_count > 0 ? TC_OK : TC_EINVAL;
}

tc_err route_new(const struct route_config *config, struct route **ret_route) {
    struct route *r = calloc(1, sizeof *r);
    if (r == NULL)
        return TC_ENOMEM;
    r->config = *config;
    if (getrandom(r->id_seed, sizeof r->id_seed, 0) != (ssize_t)sizeof r->id_seed)
        TC_ASSERT(!"the system has no random bytes");
    r->queue_tail = &r->queue_head;
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->peers_lock, NULL);
    pthread_cond_init(&r->idle, NULL);
    struct daemon_worker_config work = {.name = "route-retry",
                                        .count_max = 1,
                                        .reserve_count = RETRY_COUNT_MAX,
                                        .run = route__retry_run,
                                        .user = r};
    tc_err err = open_memds(r);
    if (err == TC_OK)
        err = daemon_worker_start(&work, &r->retry);
    if (err != TC_OK) {
        route_free(r);
        return err;
    }
    *ret_route = r;
    return TC_OK;
}

void route_stop(struct route *r) {
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    while (r->in_flight > 0)
        pthread_cond_wait(&r->idle, &r->lock);
    r->closing = true; /* refreshes still under way end without starting more */
    pthread_mutex_unlock(&r->lock);
}

void route_free(struct route *r) {
    if (r == NULL)
        return;
    route_stop(r);
    if (r->retry)
        daemon_worker_stop(r->retry);
    for (size_t i = 0; i < r->memds_count; i++)
        rpc_peer_close(r->memds[i]);
    for (size_t i = 0; i < r->peer_count; i++)
        rpc_peer_close(r->peers[i].peer);
    if (r->due) /* nothing waits any more but a flush, at most one */
        TC_ASSERT(r->due->next == NULL && r->due->call == NULL && r->due->find == NULL);
    free(r->due);
    route__lookups_drop(r);
    route__cache_clear(r);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->peers_lock);
    pthread_cond_destroy(&r->idle);
    free(r);
}

void route_learn_table(struct route *r, const Tercet__Pb__TableDescriptor *d) {
    Tercet__Pb__TableDescriptor *copy = (Tercet__Pb__TableDescriptor *)proto_dup(&d->base);
    pthread_mutex_lock(&r->lock);
    struct route_table *t = route__table_put(r, copy);
    pthread_mutex_unlock(&r->lock);
    route_table_unref(t);
}

bool route_ready(struct route *r) {
    pthread_mutex_lock(&r->lock);
    bool ready = r->ready;
    bool ask = !ready && !r->closing;
    if (ask) /* where group 1 is; the answer makes us ready */
        route__lookup_add(r, TC_SLICE_EMPTY, SYSTEM_TABLE_ID, TC_SLICE_EMPTY, false, NULL, NULL);
    pthread_mutex_unlock(&r->lock);
    if (ask)
        route__lookup_flush(r);
    return ready;
}

void route_flush(struct route *r) {
    pthread_mutex_lock(&r->lock);
    route__cache_clear(r);
    pthread_mutex_unlock(&r->lock);
}

void route_stats(struct route *r, struct route_stats *ret_stats) {
    pthread_mutex_lock(&r->lock);
    *ret_stats = r->stats;
    ret_stats->tables = r->tables.count;
    ret_stats->partitions = r->partition_count;
    pthread_mutex_unlock(&r->lock);
}

bool route_partition_end(struct route *r, uint64_t table_id, struct tc_slice key,
                         struct tc_buf *ret_end) {
    pthread_mutex_lock(&r->lock);
    struct route_partition *p = route__partition_get(r, table_id, key, /* before= */ false);
    pthread_mutex_unlock(&r->lock);
    if (p == NULL)
        return false;
    tc_buf_append(ret_end, p->pb->end.data, p->pb->end.len);
    route__partition_unref(p);
    return true;
}
