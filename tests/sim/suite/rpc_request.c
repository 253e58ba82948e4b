/* Requests and frames on the client's end of a stream: sent, answered, or past their deadline. */
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdlib.h>

uint64_t wire_number(void) {
    static uint64_t numbers;
    return ++numbers;
}

void wire_peer_fail(struct rpc_peer *p) {
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
    struct wire_peer_ref of;
    uint64_t id;
};

static void expire(void *arg) {
    struct expiry *e = arg;
    struct rpc_peer *p = wire_peer_still(&e->of);
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
    struct rpc_peer *p = wire_peer_still(&e->of);
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
    *slot = (struct wire_slot){.id = wire_number(), .done = done, .user = user};
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
