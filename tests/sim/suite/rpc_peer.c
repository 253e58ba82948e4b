/* The client's end of streams. */
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t numbers;

/* ---- connecting */

/* Events name a peer by where it stands and its number: it may be gone when they come. */
struct attempt {
    struct rpc_peer *peer;
    struct suite_proc *proc;
    uint64_t life;
    uint64_t number;
};

static struct rpc_peer *still(const struct attempt *a) {
    if (!a->proc->alive || a->proc->life != a->life)
        return NULL;
    for (struct tc_list *r = a->proc->rpcs.next; r != &a->proc->rpcs; r = r->next) {
        struct rpc *rpc = TC_CONTAINER(r, struct rpc, link);
        for (struct tc_list *l = rpc->peers.next; l != &rpc->peers; l = l->next) {
            struct rpc_peer *p = TC_CONTAINER(l, struct rpc_peer, link);
            if (p == a->peer && p->number == a->number && p->state != RPC_PEER_CLOSED)
                return p;
        }
    }
    return NULL;
}

static void again_after(struct rpc_peer *p, uint64_t ns, suite_fn fn) {
    struct attempt *a = calloc(1, sizeof *a);
    TC_ASSERT(a != NULL);
    *a = (struct attempt){p, p->rpc->proc, p->rpc->life, p->number};
    suite_after(suite_now, ns, fn, a);
}

static void connect(struct suite *s, void *arg);

static uint64_t backoff_ns(const struct rpc_peer *p) {
    return (p->failures <= 1 ? 50 : p->failures == 2 ? 200 : 500) * SUITE_MS;
}

static void set_state(struct rpc_peer *p, enum rpc_peer_state state) {
    bool was_up = p->state == RPC_PEER_UP;
    p->state = state;
    if ((was_up || state == RPC_PEER_UP) && p->config.on_state)
        p->config.on_state(p->config.user, p, state);
}

static void fail_slots(struct rpc_peer *p) {
    struct tc_list gone;
    tc_list_init(&gone);
    struct tc_list *l;
    while ((l = tc_list_pop_front(&p->slots)) != NULL)
        tc_list_push_back(&gone, l);
    p->slot_count = 0;
    while ((l = tc_list_pop_front(&gone)) != NULL) {
        struct wire_slot *slot = TC_CONTAINER(l, struct wire_slot, link);
        struct rpc_reply reply = {.err = slot->sent ? TC_ECLOSED : TC_EUNAVAILABLE};
        slot->done(slot->user, &reply);
        free(slot);
    }
}

static void fell_back(void *arg) {
    struct attempt *a = arg;
    struct rpc_peer *p = still(a);
    free(a);
    if (p == NULL || p->state == RPC_PEER_UP)
        return;
    wire_frames_drop(&p->early);
    set_state(p, RPC_PEER_BACKOFF);
    fail_slots(p);
}

static void try_later(struct suite *s, void *arg) {
    struct attempt *a = arg;
    struct rpc_peer *p = still(a);
    (void)s;
    free(a);
    if (p == NULL)
        return;
    p->state = RPC_PEER_CONNECTING;
    again_after(p, suite_net_delay_ns(suite_now), connect);
}

static void refused(struct rpc_peer *p) {
    struct attempt *a = calloc(1, sizeof *a);
    TC_ASSERT(a != NULL);
    *a = (struct attempt){p, p->rpc->proc, p->rpc->life, p->number};
    p->failures++;
    wire_post(p->rpc, fell_back, a);
    again_after(p, backoff_ns(p), try_later);
}

static struct rpc_server *reach(struct suite *s, const struct rpc_peer *p) {
    struct rpc_server *server = wire_listener(s, p->target);
    uint32_t from = p->rpc->proc->id, to = wire_proc_of(p->target);
    if (server == NULL || !suite_net_open(s, from, to) || !suite_net_open(s, to, from))
        return NULL;
    const struct rpc_identity *id = &server->rpc->self;
    bool same = strcmp(id->cluster, p->rpc->self.cluster) == 0;
    return same && (p->expected[0] == 0 || strcmp(p->expected, id->node) == 0) ? server : NULL;
}

static void came_up(void *arg) {
    struct wire_session *w = arg;
    if (w->peer)
        wire_peer_up(w->peer, w);
}

static void connect(struct suite *s, void *arg) {
    struct attempt *a = arg;
    struct rpc_peer *p = still(a);
    free(a);
    if (p == NULL)
        return;
    struct rpc_server *server = reach(s, p);
    if (server == NULL || server->config.on_frames == NULL) {
        refused(p);
        return;
    }
    p->failures = 0;
    p->session = wire_session_new(p, server);
    wire_post(p->rpc, came_up, p->session);
}

void wire_peer_up(struct rpc_peer *p, struct wire_session *w) {
    struct tc_list *l;
    p->rpc->stats.peers_up++;
    set_state(p, RPC_PEER_UP);
    while ((l = tc_list_pop_front(&p->early)) != NULL)
        wire_session_push(w, WIRE_UP, TC_CONTAINER(l, struct wire_frame, link));
}

void wire_peer_lost(struct rpc_peer *p, struct wire_session *w) {
    if (p->session != w || p->state == RPC_PEER_CLOSED)
        return;
    p->session = NULL;
    p->failures = 1;
    p->rpc->stats.reconnects++;
    wire_frames_drop(&w->outbox[WIRE_UP]);
    wire_frames_drop(&p->early);
    again_after(p, backoff_ns(p), try_later);
    set_state(p, RPC_PEER_BACKOFF);
    fail_slots(p);
}

/* ---- life */

static void copy(char *to, size_t cap, const char *from) {
    snprintf(to, cap, "%s", from ? from : "");
}

tc_err rpc_peer_open(struct rpc *rpc, const struct rpc_peer_config *config,
                     struct rpc_peer **ret_peer) {
    struct rpc_peer *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->rpc = rpc;
    p->config = *config;
    p->number = ++numbers;
    copy(p->target, sizeof p->target, config->target);
    copy(p->expected, sizeof p->expected, config->node);
    p->config.frames_max = config->frames_max ? config->frames_max : 4096;
    tc_list_init(&p->early);
    tc_list_init(&p->slots);
    tc_list_push_back(&rpc->peers, &p->link);
    again_after(p, suite_net_delay_ns(suite_now), connect);
    *ret_peer = p;
    return TC_OK;
}

static void finish(void *arg) {
    struct rpc_peer *p = arg;
    fail_slots(p);
    p->finished = true;
    suite_wake(p->rpc->proc, p, /* all= */ true);
}

void rpc_peer_close(struct rpc_peer *peer) {
    if (peer == NULL)
        return;
    peer->state = RPC_PEER_CLOSED;
    if (peer->session)
        wire_session_leave(peer->session, WIRE_UP);
    peer->session = NULL;
    wire_frames_drop(&peer->early);
    wire_post(peer->rpc, finish, peer);
    while (!peer->finished)
        (void)suite_park(peer, UINT64_MAX);
    tc_list_remove(&peer->link);
    free(peer);
}

enum rpc_peer_state rpc_peer_state(const struct rpc_peer *peer) {
    return peer->state;
}

const char *rpc_peer_target(const struct rpc_peer *peer) {
    return peer->target;
}

void rpc_peer_stats(struct rpc_peer *peer, struct rpc_peer_stats *ret_stats) {
    *ret_stats =
        (struct rpc_peer_stats){.state = peer->state, .outstanding_count = peer->slot_count};
}

/* ---- requests */

static struct wire_slot *find(struct rpc_peer *p, uint64_t id) {
    for (struct tc_list *l = p->slots.next; l != &p->slots; l = l->next)
        if (TC_CONTAINER(l, struct wire_slot, link)->id == id)
            return TC_CONTAINER(l, struct wire_slot, link);
    return NULL;
}

static void take_out(struct rpc_peer *p, struct wire_slot *slot) {
    tc_list_remove(&slot->link);
    p->slot_count--;
}

struct expiry {
    struct attempt of;
    uint64_t id;
};

static void expire(void *arg) {
    struct expiry *e = arg;
    struct rpc_peer *p = still(&e->of);
    struct wire_slot *slot = p ? find(p, e->id) : NULL;
    free(e);
    if (slot == NULL)
        return;
    take_out(p, slot);
    p->rpc->stats.timeouts++;
    struct rpc_reply reply = {.err = TC_ETIMEOUT};
    slot->done(slot->user, &reply);
    free(slot);
}

static void expires(struct suite *s, void *arg) {
    struct expiry *e = arg;
    struct rpc_peer *p = still(&e->of);
    (void)s;
    if (p && find(p, e->id))
        wire_post(p->rpc, expire, e);
    else
        free(e);
}

static void expire_after(struct rpc_peer *p, uint64_t id, uint32_t deadline_ms) {
    struct expiry *e = calloc(1, sizeof *e);
    TC_ASSERT(e != NULL);
    *e = (struct expiry){{p, p->rpc->proc, p->rpc->life, p->number}, id};
    suite_after(suite_now, deadline_ms * SUITE_MS, expires, e);
}

static tc_err admit(const struct rpc_peer *p, bool request) {
    if (p->state == RPC_PEER_CLOSED)
        return TC_ECLOSED;
    if (p->state == RPC_PEER_BACKOFF)
        return TC_EUNAVAILABLE;
    return request && p->slot_count >= p->config.frames_max ? TC_EBUSY : TC_OK;
}

static void push(struct rpc_peer *p, struct wire_frame *f) {
    p->rpc->stats.frames_sent++;
    if (p->state == RPC_PEER_UP && p->session)
        wire_session_push(p->session, WIRE_UP, f);
    else
        tc_list_push_back(&p->early, &f->link);
}

static tc_err request(struct rpc_peer *p, struct wire_frame *f, rpc_reply_fn done, void *user) {
    struct wire_slot *slot = calloc(1, sizeof *slot);
    TC_ASSERT(slot != NULL);
    *slot = (struct wire_slot){.id = ++numbers, .done = done, .user = user};
    f->head.id = slot->id;
    tc_list_push_back(&p->slots, &slot->link);
    p->slot_count++;
    push(p, f);
    if (f->head.deadline_ms)
        expire_after(p, slot->id, f->head.deadline_ms);
    return TC_OK;
}

tc_err rpc_peer_request(struct rpc_peer *peer, uint32_t kind, struct tc_slice payload,
                        uint32_t deadline_ms, rpc_reply_fn done, void *user) {
    TC_TRY(admit(peer, /* request= */ true));
    struct rpc_frame head = {.kind = kind, .deadline_ms = deadline_ms};
    return request(peer, wire_frame_new(head, payload), done, user);
}

tc_err rpc_peer_request_message(struct rpc_peer *peer, uint32_t kind,
                                const ProtobufCMessage *message, uint32_t deadline_ms,
                                rpc_reply_fn done, void *user) {
    TC_TRY(admit(peer, /* request= */ true));
    struct rpc_frame head = {.kind = kind, .deadline_ms = deadline_ms};
    return request(peer, wire_frame_new_message(head, message), done, user);
}

tc_err rpc_peer_send(struct rpc_peer *peer, uint32_t kind, struct tc_slice payload) {
    TC_TRY(admit(peer, /* request= */ false));
    push(peer, wire_frame_new((struct rpc_frame){.kind = kind}, payload));
    return TC_OK;
}

tc_err rpc_peer_send_message(struct rpc_peer *peer, uint32_t kind,
                             const ProtobufCMessage *message) {
    TC_TRY(admit(peer, /* request= */ false));
    push(peer, wire_frame_new_message((struct rpc_frame){.kind = kind}, message));
    return TC_OK;
}

void wire_peer_sent(struct rpc_peer *p, const struct rpc_frames *frames) {
    for (size_t i = 0; i < frames->count; i++) {
        struct wire_slot *slot = frames->frames[i].id ? find(p, frames->frames[i].id) : NULL;
        if (slot)
            slot->sent = true;
    }
}

static void resolve(struct rpc_peer *p, struct rpc_frames *frames) {
    for (size_t i = 0; i < frames->count; i++) {
        const struct rpc_frame *f = &frames->frames[i];
        struct wire_slot *slot = f->reply ? find(p, f->id) : NULL;
        if (slot == NULL)
            continue;
        take_out(p, slot);
        struct rpc_reply reply = {
            .err = f->err, .from_peer = true, .payload = f->payload, .frames = frames};
        slot->done(slot->user, &reply);
        free(slot);
    }
}

void wire_peer_take(struct rpc_peer *p, struct rpc_frames *frames) {
    p->rpc->stats.frames_received += frames->count;
    struct rpc_frames *others = p->config.on_frames ? wire_frames_some(frames, false) : NULL;
    resolve(p, frames);
    if (others) {
        others->peer = p;
        p->config.on_frames(p->config.user, p, others);
    }
    rpc_frames_unref(frames);
}
