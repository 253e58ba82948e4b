#include "rpc/message.h"
#include "rpc/peer_private.h"

#include "proto/common.pb-c.h"

enum {
    RESOLVE_BATCH = 64,        /* callbacks looked up under one lock */
    FRAME_OVERHEAD_BYTES = 64, /* counted for every frame, so that empty ones are bounded, too */
};

/* Whether a frame may be queued now. Lock held. */
static tc_err admit(struct rpc_peer *p, uint64_t bytes, bool request) {
    if (p->state == RPC_PEER_CLOSED)
        return TC_ECLOSED;
    if (p->session == NULL || p->session->stream.over)
        return TC_EUNAVAILABLE;
    tc_err err = rpc__window_room(&p->window, bytes, request);
    if (err != TC_OK)
        RPC__COUNT(p->rpc, refused_busy, 1);
    return err;
}

static tc_err request(struct rpc_peer *p, struct rpc_frame head, const struct rpc__payload *payload,
                      rpc_reply_fn done, void *user) {
    if (payload->len > RPC_PAYLOAD_BYTES_MAX)
        return TC_ELIMIT;
    uint64_t bytes = payload->len + FRAME_OVERHEAD_BYTES;
    uint64_t deadline_ns =
        head.deadline_ms ? rpc__now_ns() + (uint64_t)head.deadline_ms * 1000000U : UINT64_MAX;
    pthread_mutex_lock(&p->lock);
    tc_err err = admit(p, bytes, /* request= */ true);
    if (err != TC_OK) {
        pthread_mutex_unlock(&p->lock);
        return err;
    }
    bool sooner = deadline_ns < p->window.next_deadline_ns;
    struct rpc__slot *slot = rpc__window_add(&p->window, bytes, deadline_ns);
    head.id = slot->id;
    slot->done = done;
    slot->user = user;
    slot->session = p->session->number;
    slot->seq = rpc__outbox_push(&p->session->stream.outbox, &head, payload, 0);
    rpc__stream_flush_unlock(&p->session->stream);
    if (sooner)
        rpc__timer_sooner(&p->rpc->timers, &p->timer, deadline_ns);
    return TC_OK;
}

static tc_err send(struct rpc_peer *p, struct rpc_frame head, const struct rpc__payload *payload) {
    if (payload->len > RPC_PAYLOAD_BYTES_MAX)
        return TC_ELIMIT;
    uint64_t bytes = payload->len + FRAME_OVERHEAD_BYTES;
    pthread_mutex_lock(&p->lock);
    tc_err err = admit(p, bytes, /* request= */ false);
    if (err != TC_OK) {
        pthread_mutex_unlock(&p->lock);
        return err;
    }
    p->window.bytes += bytes;
    rpc__outbox_push(&p->session->stream.outbox, &head, payload, bytes);
    rpc__stream_flush_unlock(&p->session->stream);
    return TC_OK;
}

tc_err rpc_peer_request(struct rpc_peer *peer, uint32_t kind, struct tc_slice payload,
                        uint32_t deadline_ms, rpc_reply_fn done, void *user) {
    struct rpc__payload p = rpc__payload_bytes(payload);
    struct rpc_frame head = {.kind = kind, .deadline_ms = deadline_ms};
    return request(peer, head, &p, done, user);
}

tc_err rpc_peer_request_message(struct rpc_peer *peer, uint32_t kind,
                                const ProtobufCMessage *message, uint32_t deadline_ms,
                                rpc_reply_fn done, void *user) {
    struct rpc__payload p = rpc__payload_message(message);
    struct rpc_frame head = {.kind = kind, .deadline_ms = deadline_ms};
    return request(peer, head, &p, done, user);
}

tc_err rpc_peer_send(struct rpc_peer *peer, uint32_t kind, struct tc_slice payload) {
    struct rpc__payload p = rpc__payload_bytes(payload);
    return send(peer, (struct rpc_frame){.kind = kind}, &p);
}

tc_err rpc_peer_send_message(struct rpc_peer *peer, uint32_t kind,
                             const ProtobufCMessage *message) {
    struct rpc__payload p = rpc__payload_message(message);
    return send(peer, (struct rpc_frame){.kind = kind}, &p);
}

struct answer {
    rpc_reply_fn done;
    void *user;
    struct rpc_reply reply;
};

/* Lock held. */
static void take_ping(struct rpc_peer *p, uint64_t now_ns) {
    if (p->session && p->session->ping_sent_ns != 0) {
        p->rtt_us = (now_ns - p->session->ping_sent_ns) / 1000;
        p->session->ping_sent_ns = 0;
    }
}

/* Find the requests that up to RESOLVE_BATCH replies answer, from frame *at on; late answers find
 * none. */
static size_t resolve(struct rpc_peer *p, struct rpc_frames *frames, size_t *at,
                      struct answer *answers) {
    size_t count = 0;
    pthread_mutex_lock(&p->lock);
    for (; *at < frames->count && count < RESOLVE_BATCH; (*at)++) {
        const struct rpc_frame *f = &frames->frames[*at];
        if (!f->reply)
            continue;
        if (f->kind == TERCET__PB__FRAME_KIND__FRAME_PING)
            take_ping(p, frames->received_ns);
        struct rpc__slot *slot = rpc__window_find(&p->window, f->id);
        if (slot == NULL)
            continue;
        struct rpc_reply reply = {
            .err = f->err, .from_peer = true, .payload = f->payload, .frames = frames};
        answers[count++] = (struct answer){slot->done, slot->user, reply};
        rpc__window_remove(&p->window, slot);
    }
    pthread_mutex_unlock(&p->lock);
    return count;
}

void rpc__peer_replies(struct rpc_peer *p, struct rpc_frames *frames) {
    struct answer answers[RESOLVE_BATCH];
    for (size_t at = 0; at < frames->count;) {
        size_t count = resolve(p, frames, &at, answers);
        for (size_t i = 0; i < count; i++)
            answers[i].done(answers[i].user, &answers[i].reply);
    }
}

void rpc__peer_fail_session(struct rpc_peer *p, uint32_t session, uint64_t sent_seq) {
    uint32_t at = 0;
    for (;;) {
        pthread_mutex_lock(&p->lock);
        struct rpc__slot *slot = rpc__window_of_session(&p->window, session, &at);
        struct rpc__slot was = slot ? *slot : (struct rpc__slot){0};
        if (slot)
            rpc__window_remove(&p->window, slot);
        pthread_mutex_unlock(&p->lock);
        if (slot == NULL)
            return;
        struct rpc_reply reply = {.err = was.seq <= sent_seq ? TC_ECLOSED : TC_EUNAVAILABLE};
        was.done(was.user, &reply);
    }
}

uint64_t rpc__peer_expire(struct rpc_peer *p, uint64_t now_ns) {
    uint32_t at = 0;
    pthread_mutex_lock(&p->lock);
    while (p->window.next_deadline_ns <= now_ns || at != 0) {
        struct rpc__slot *slot = rpc__window_expired(&p->window, now_ns, &at);
        if (slot == NULL)
            break;
        struct rpc__slot was = *slot;
        rpc__window_remove(&p->window, slot);
        pthread_mutex_unlock(&p->lock);
        RPC__COUNT(p->rpc, timeouts, 1);
        struct rpc_reply reply = {.err = TC_ETIMEOUT};
        was.done(was.user, &reply);
        pthread_mutex_lock(&p->lock);
    }
    uint64_t next_ns = p->window.next_deadline_ns;
    pthread_mutex_unlock(&p->lock);
    return next_ns;
}
