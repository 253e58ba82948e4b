/* Questions to memds: queued one per use, sent as batches. Whatever queues while batches are in
 * flight goes with the next one, so memds sees fewer and larger messages as the load rises.
 * Refreshes, for which nobody waits, also wait for each other: one batch in ROUTE__REFRESH_NS. */
#include "route/route_private.h"

#include "base/assert.h"
#include "rpc/message.h"

#include <stdlib.h>

struct route_batch {
    struct route *route;
    struct route_lookup *lookups;
    size_t count;
    uint32_t tries;
};

void route__lookup_add(struct route *r, struct tc_slice name, uint64_t table_id,
                       struct tc_slice key, bool before, struct route_find *find,
                       struct route_call *call) {
    bool waits = find != NULL || call != NULL;
    r->stats.lookups++;
    if (r->queue_count >= ROUTE_LOOKUPS_MAX && !waits) {
        r->stats.dropped++;
        return;
    }
    struct tc_slice bytes = table_id ? key : name;
    struct route_lookup *l = malloc(sizeof *l + bytes.len);
    TC_ASSERT(l != NULL);
    *l = (struct route_lookup){
        .find = find, .call = call, .table_id = table_id, .before = before, .len = bytes.len};
    if (bytes.len)
        memcpy(l->bytes, bytes.data, bytes.len);
    *r->queue_tail = l;
    r->queue_tail = &l->next;
    r->queue_count++;
    r->queue_waiters += waits;
}

void route__lookups_drop(struct route *r) {
    while (r->queue_head) {
        struct route_lookup *l = r->queue_head;
        TC_ASSERT(l->find == NULL && l->call == NULL);
        r->queue_head = l->next;
        free(l);
    }
    r->queue_tail = &r->queue_head;
    r->queue_count = 0;
}

/* Whether a batch may leave now; if it is too early, the timer is set. Lock held. */
static bool due(struct route *r) {
    if (r->queue_head == NULL || r->closing || r->batches_in_flight >= ROUTE__BATCHES_IN_FLIGHT_MAX)
        return false;
    uint64_t now_ns = daemon_now_ns();
    bool now = r->queue_waiters > 0 || r->queue_count >= ROUTE__LOOKUPS_PER_BATCH_MAX ||
               now_ns >= r->refresh_ns;
    if (now)
        r->refresh_ns = now_ns + ROUTE__REFRESH_NS;
    else if (!r->refresh_armed)
        route__retry_flush(r, r->refresh_ns);
    r->refresh_armed = r->refresh_armed || !now;
    return now;
}

static struct route_batch *take_batch(struct route *r) {
    if (!due(r))
        return NULL;
    struct route_batch *b = calloc(1, sizeof *b);
    TC_ASSERT(b != NULL);
    b->route = r;
    b->lookups = r->queue_head;
    struct route_lookup **at = &r->queue_head;
    while (*at && b->count < ROUTE__LOOKUPS_PER_BATCH_MAX) {
        b->count++;
        r->queue_waiters -= (*at)->find != NULL || (*at)->call != NULL;
        at = &(*at)->next;
    }
    r->queue_head = *at;
    *at = NULL;
    if (r->queue_head == NULL)
        r->queue_tail = &r->queue_head;
    r->queue_count -= b->count;
    r->batches_in_flight++;
    return b;
}

static void fill(const struct route_batch *b, Tercet__Pb__Lookup *lookups,
                 Tercet__Pb__Lookup **list, struct tc_buf *names) {
    size_t i = 0, offsets[ROUTE__LOOKUPS_PER_BATCH_MAX];
    for (struct route_lookup *l = b->lookups; l; l = l->next, i++) {
        offsets[i] = names->len;
        tc_buf_append(names, l->bytes, l->len);
        tc_buf_append_u8(names, 0);
    }
    i = 0;
    for (struct route_lookup *l = b->lookups; l; l = l->next, i++) {
        tercet__pb__lookup__init(&lookups[i]);
        list[i] = &lookups[i];
        uint8_t *bytes = names->data + offsets[i];
        lookups[i].table_id = l->table_id;
        if (l->table_id == 0) {
            lookups[i].table = (char *)bytes;
            continue;
        }
        lookups[i].has_key = true;
        lookups[i].before = l->before;
        lookups[i].key = (ProtobufCBinaryData){l->len, bytes};
    }
}

/* Take one result into the cache and wake its waiter, which consumes the reference it is given. */
static void settle(struct route *r, struct route_lookup *l, Tercet__Pb__LookupResult *result,
                   tc_err err) {
    struct route_table *table = NULL;
    struct route_partition *partition = NULL;
    if (result)
        err = tc_err_from_wire(result->err);
    pthread_mutex_lock(&r->lock);
    if (result && result->table.len)
        table = route__table_learn(r, tc_slice(l->bytes, l->table_id ? 0 : l->len),
                                   tc_slice(result->table.data, result->table.len));
    if (result && result->partition.len)
        route__partition_learn(r, l, tc_slice(result->partition.data, result->partition.len));
    if (l->call)
        partition = route__partition_get(r, l->table_id, tc_slice(l->bytes, l->len), l->before);
    pthread_mutex_unlock(&r->lock);
    if (l->find)
        route__find_answered(r, l->find, err == TC_OK && !table ? TC_ENOTFOUND : err, table);
    else
        route_table_unref(table);
    if (l->find == NULL && l->table_id == 0 && result && err == TC_ENOTFOUND)
        route__doubt(r, tc_slice(l->bytes, l->len));
    if (l->call)
        route__call_routed(r, l->call, err == TC_OK && !partition ? TC_ENOTFOUND : err, partition);
}

static void send_batch(struct route *r, struct route_batch *b);

static void finish_batch(struct route *r, struct route_batch *b, Tercet__Pb__LookupReply *reply,
                         tc_err err) {
    size_t i = 0;
    struct route_lookup *l = b->lookups;
    pthread_mutex_lock(&r->lock);
    r->batches_in_flight--;
    pthread_mutex_unlock(&r->lock);
    while (l) {
        struct route_lookup *next = l->next;
        settle(r, l, reply && i < reply->n_results ? reply->results[i] : NULL,
               reply ? TC_ECORRUPT : err);
        free(l);
        l = next;
        i++;
    }
    free(b);
    route__lookup_flush(r);
}

static void answered(void *user, const struct rpc_reply *reply) {
    struct route_batch *b = user;
    struct route *r = b->route;
    Tercet__Pb__LookupReply *pb = NULL;
    if (reply->err == TC_OK)
        pb = tercet__pb__lookup_reply__unpack(NULL, reply->payload.len, reply->payload.data);
    pthread_mutex_lock(&r->lock);
    bool again = pb == NULL && b->tries < r->memds_count && !r->closing;
    pthread_mutex_unlock(&r->lock);
    if (again) {
        send_batch(r, b); /* the next memds node */
        return;
    }
    finish_batch(r, b, pb, reply->err == TC_OK ? TC_ECORRUPT : TC_EUNAVAILABLE);
    if (pb)
        tercet__pb__lookup_reply__free_unpacked(pb, NULL);
}

static void send_batch(struct route *r, struct route_batch *b) {
    Tercet__Pb__Lookup lookups[ROUTE__LOOKUPS_PER_BATCH_MAX], *list[ROUTE__LOOKUPS_PER_BATCH_MAX];
    Tercet__Pb__LookupRequest request = TERCET__PB__LOOKUP_REQUEST__INIT;
    struct tc_buf names = {0};
    fill(b, lookups, list, &names);
    request.lookups = list;
    request.n_lookups = b->count;
    tc_err err = TC_EUNAVAILABLE;
    while (err != TC_OK && b->tries++ < r->memds_count) {
        size_t turn = __atomic_fetch_add(&r->memds_turn, 1, __ATOMIC_RELAXED) % r->memds_count;
        err = rpc_peer_request_message(r->memds[turn], TERCET__PB__FRAME_KIND__FRAME_LOOKUP,
                                       &request.base, ROUTE__LOOKUP_MS, answered, b);
    }
    tc_buf_deinit(&names);
    if (err != TC_OK)
        finish_batch(r, b, NULL, TC_EUNAVAILABLE);
}

void route__lookup_flush(struct route *r) {
    for (;;) {
        pthread_mutex_lock(&r->lock);
        struct route_batch *b = take_batch(r);
        pthread_mutex_unlock(&r->lock);
        if (b == NULL)
            return;
        send_batch(r, b);
    }
}
