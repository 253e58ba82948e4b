#include "route/route_private.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "proto/bytes.h"
#include "rpc/message.h"

#include <stdlib.h>

static void send_now(struct route *r, struct route_call *c);

void route__finished(struct route *r) {
    pthread_mutex_lock(&r->lock);
    TC_ASSERT(r->in_flight > 0);
    if (--r->in_flight == 0)
        pthread_cond_broadcast(&r->idle);
    pthread_mutex_unlock(&r->lock);
}

void route__begun(struct route *r, bool missed) {
    r->in_flight += missed ? 2 : 1;
}

static void finish(struct route_call *c, tc_err err, const ProtobufCMessage *reply) {
    struct route *r = c->route;
    struct route_partition *p = c->partition;
    c->partition = NULL;
    /* A refusal after an attempt whose fate is unknown does not make that attempt undone. */
    if (c->maybe_applied && err != TC_OK && reply == NULL)
        err = TC_EUNKNOWN;
    if (TC_MUTANT(102) && err == TC_EUNKNOWN) /* what may have happened is called refused */
        err = TC_ETHROTTLED;
    if (p && c->kind == ROUTE_ITEM && c->request.item.op != TERCET__PB__ITEM_OP__ITEM_GET)
        route__recent_wrote(&r->recent, c->table_id, p->pb->gid, c->key, daemon_now_ns());
    c->done(c, err, reply, p ? p->pb : NULL);
    route__partition_unref(p);
    route__finished(r);
}

/* Never the same twice: the count within this router, a random number among routers. */
static void new_request_id(struct route *r, uint8_t ret_id[16]) {
    uint64_t count = __atomic_add_fetch(&r->id_count, 1, __ATOMIC_RELAXED);
    uint64_t id[2] = {r->id_seed[0] + count, r->id_seed[1]};
    memcpy(ret_id, id, sizeof id);
}

/* Lock held. A reference to the cached partition; without one the call waits for memds. */
static struct route_partition *begin(struct route *r, struct route_call *c) {
    struct route_partition *p = route__partition_get(r, c->table_id, c->key, c->before);
    r->stats.calls++;
    r->stats.call_misses += p == NULL;
    route__begun(r, p == NULL);
    route__lookup_add(r, TC_SLICE_EMPTY, c->table_id, c->key, c->before, NULL, p ? NULL : c);
    return p;
}

void route_call(struct route *r, struct route_call *c) {
    c->route = r;
    c->partition = NULL;
    c->attempts = 0;
    c->maybe_applied = false;
    new_request_id(r, c->request_id);
    pthread_mutex_lock(&r->lock);
    bool refused = r->closing;
    struct route_partition *p = refused ? NULL : begin(r, c);
    pthread_mutex_unlock(&r->lock);
    if (refused) {
        c->done(c, TC_EUNAVAILABLE, NULL, NULL);
        return;
    }
    route__lookup_flush(r); /* before the call is sent: once it is answered, route may be freed */
    if (p)
        route__call_routed(r, c, TC_OK, p);
    else
        route__finished(r);
}

static uint64_t backoff_ns(const struct route_call *c) {
    uint64_t delay_ns = (uint64_t)ROUTE__RETRY_MIN_NS << (c->attempts < 5 ? c->attempts : 5);
    return delay_ns < ROUTE__RETRY_MAX_NS ? delay_ns : ROUTE__RETRY_MAX_NS;
}

/* Try again later, or give up with err when no time is left. */
static void again_or_finish(struct route *r, struct route_call *c, tc_err err, uint64_t delay_ns) {
    if (daemon_now_ns() + delay_ns >= c->deadline_ns) {
        finish(c, err, NULL);
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->stats.retries++;
    pthread_mutex_unlock(&r->lock);
    route__retry_call(r, c, delay_ns);
}

void route__call_routed(struct route *r, struct route_call *c, tc_err err,
                        struct route_partition *p) {
    if (p == NULL) {
        again_or_finish(r, c, err == TC_OK || err == TC_ENOTFOUND ? TC_EUNAVAILABLE : err,
                        ROUTE__RETRY_MAX_NS / 2);
        return;
    }
    route__partition_unref(c->partition);
    c->partition = p;
    send_now(r, c);
}

/* A retry takes the newest route from the cache; only the first use asks memds, so that retries do
 * not multiply its load. A partition that is gone from the cache is asked for again. */
void route__call_again(struct route *r, struct route_call *c) {
    pthread_mutex_lock(&r->lock);
    struct route_partition *p = route__partition_get(r, c->table_id, c->key, c->before);
    if (p == NULL)
        route__lookup_add(r, TC_SLICE_EMPTY, c->table_id, c->key, c->before, NULL, c);
    pthread_mutex_unlock(&r->lock);
    if (p)
        route__call_routed(r, c, TC_OK, p);
    else
        route__lookup_flush(r);
}

static const Tercet__Pb__Member *member_of(const Tercet__Pb__Partition *p, uint32_t rid) {
    for (size_t i = 0; i < p->n_members; i++)
        if (p->members[i]->rid == rid)
            return p->members[i];
    return NULL;
}

/* Any replica will do, and the nearest is as good as the leader. */
static bool is_near_enough(const struct route *r, const struct route_call *c, uint64_t now_ns) {
    if (!c->any_replica || c->attempts > 0)
        return false;
    if (c->kind == ROUTE_ITEM)
        return !route__recent_item(&r->recent, c->table_id, c->key, now_ns);
    struct tc_slice start = proto_slice(c->request.range.start);
    struct tc_slice end = proto_slice(c->request.range.end);
    return !route__recent_range(&r->recent, c->table_id, c->partition->pb->gid, start, end, now_ns);
}

/* Leader first; when it did not serve, each member in turn. Any replica: the own zone first. */
static const Tercet__Pb__Member *choose(const struct route *r, const struct route_call *c,
                                        uint64_t now_ns) {
    const Tercet__Pb__Partition *p = c->partition->pb;
    if (p->n_members == 0)
        return NULL;
    if (is_near_enough(r, c, now_ns)) {
        for (size_t i = 0; i < p->n_members; i++)
            if (p->members[i]->role == 0 && strcmp(p->members[i]->zone, r->config.zone) == 0)
                return p->members[i];
    }
    const Tercet__Pb__Member *leader = member_of(p, p->leader_rid);
    if (leader && !(c->attempts & 1))
        return leader;
    return p->members[(c->attempts + c->request_id[0]) % p->n_members];
}

static void learn(struct route *r, const Tercet__Pb__Partition *moved) {
    if (moved == NULL || moved->n_members == 0)
        return;
    Tercet__Pb__Partition *copy = route__partition_dup(moved);
    pthread_mutex_lock(&r->lock);
    r->stats.moved++;
    route__partition_put(r, copy);
    pthread_mutex_unlock(&r->lock);
}

static void handle(struct route *r, struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                   const Tercet__Pb__Partition *moved) {
    c->attempts++;
    switch ((int)err) {
    case TC_ENOTLEADER:
    case TC_EMOVED:
        learn(r, moved);
        /* The node knew better: go there at once. It knew nothing: an election is under way. */
        again_or_finish(r, c, TC_EUNAVAILABLE,
                        moved && moved->leader_rid != 0 && c->attempts < 3 ? 0 : backoff_ns(c));
        return;
    case TC_EUNKNOWN:
    case TC_ETIMEOUT:
    case TC_ECLOSED:
        c->maybe_applied = true;
        again_or_finish(r, c, TC_EUNKNOWN, backoff_ns(c));
        return;
    case TC_EUNAVAILABLE:
    case TC_EBUSY:
    case TC_ENOTFOUND: /* this node holds no replica of the group: the route is old */
    case TC_ESTALE:
    case TC_ECORRUPT: /* a damaged replica names itself; another one serves */
    case TC_EIO:
        if (err != TC_ENOTFOUND || reply == NULL || moved == NULL)
            learn(r, moved);
        again_or_finish(r, c, err == TC_ENOTFOUND ? TC_EUNAVAILABLE : err, backoff_ns(c));
        return;
    default:
        finish(c, err, reply);
    }
}

static const ProtobufCMessageDescriptor *reply_type(enum route_call_kind kind) {
    switch (kind) {
    case ROUTE_ITEM:
        return &tercet__pb__item_reply__descriptor;
    case ROUTE_RANGE:
        return &tercet__pb__range_reply__descriptor;
    case ROUTE_INDEX:
        break;
    }
    return &tercet__pb__index_reply__descriptor;
}

static const Tercet__Pb__Partition *moved_of(enum route_call_kind kind,
                                             const ProtobufCMessage *reply) {
    switch (kind) {
    case ROUTE_ITEM:
        return ((const Tercet__Pb__ItemReply *)reply)->moved;
    case ROUTE_RANGE:
        return ((const Tercet__Pb__RangeReply *)reply)->moved;
    case ROUTE_INDEX:
        break;
    }
    return ((const Tercet__Pb__IndexReply *)reply)->moved;
}

static void answered(void *user, const struct rpc_reply *reply) {
    struct route_call *c = user;
    struct route *r = c->route;
    const ProtobufCMessageDescriptor *type = reply_type(c->kind);
    ProtobufCMessage *message = NULL;
    tc_err err = reply->err;
    if (reply->from_peer) {
        message = protobuf_c_message_unpack(type, NULL, reply->payload.len, reply->payload.data);
        if (message == NULL)
            err = TC_EUNKNOWN;
    }
    handle(r, c, err, message, message ? moved_of(c->kind, message) : NULL);
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
}

/* Rows of an index that do not all stand in this partition: the caller must divide them anew. */
static bool is_astride(const struct route_call *c) {
    const Tercet__Pb__IndexRequest *index = &c->request.index;
    if (c->kind != ROUTE_INDEX || index->n_rows == 0)
        return false;
    const Tercet__Pb__IndexRow *last = index->rows[index->n_rows - 1];
    return !route__partition_holds(c->partition->pb, proto_slice(last->key), /* before= */ false);
}

static tc_err send_to(struct route_call *c, struct rpc_peer *peer, uint32_t deadline_ms) {
    const Tercet__Pb__Partition *p = c->partition->pb;
    if (TC_MUTANT(101)) /* a repeat is not known as one */
        new_request_id(c->route, c->request_id);
    const ProtobufCBinaryData id = {sizeof c->request_id, c->request_id};
    switch (c->kind) {
    case ROUTE_RANGE:
        c->request.range.gid = p->gid;
        c->request.range.epoch = p->epoch;
        return rpc_peer_request_message(peer, TERCET__PB__FRAME_KIND__FRAME_RANGE,
                                        &c->request.range.base, deadline_ms, answered, c);
    case ROUTE_INDEX:
        c->request.index.gid = p->gid;
        c->request.index.epoch = p->epoch;
        c->request.index.request_id = id;
        return rpc_peer_request_message(peer, TERCET__PB__FRAME_KIND__FRAME_INDEX,
                                        &c->request.index.base, deadline_ms, answered, c);
    case ROUTE_ITEM:
        break;
    }
    c->request.item.gid = p->gid;
    c->request.item.epoch = p->epoch;
    c->request.item.request_id = id;
    return rpc_peer_request_message(peer, TERCET__PB__FRAME_KIND__FRAME_ITEM, &c->request.item.base,
                                    deadline_ms, answered, c);
}

static void send_now(struct route *r, struct route_call *c) {
    uint64_t now_ns = daemon_now_ns();
    if (now_ns >= c->deadline_ns) {
        finish(c, TC_EUNAVAILABLE, NULL);
        return;
    }
    if (is_astride(c)) {
        finish(c, TC_EMOVED, NULL);
        return;
    }
    uint64_t left_ms = (c->deadline_ns - now_ns) / 1000000u + 1;
    const Tercet__Pb__Member *m = choose(r, c, now_ns);
    struct rpc_peer *peer = m ? route__peer(r, m->addr) : NULL;
    tc_err err =
        peer ? send_to(c, peer, (uint32_t)(left_ms < ROUTE_ATTEMPT_MS ? left_ms : ROUTE_ATTEMPT_MS))
             : TC_EUNAVAILABLE;
    if (err != TC_OK)
        handle(r, c, err, NULL, NULL);
}
