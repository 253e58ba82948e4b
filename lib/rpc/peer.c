#include "rpc/peer_private.h"

#include "proto/common.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

static const uint64_t backoff_ms[] = {50, 200, 500};

enum {
    BACKOFFS = sizeof backoff_ms / sizeof backoff_ms[0],
    FRAMES_DEFAULT = 4096,
    BYTES_DEFAULT = 16 << 20,
};

void rpc__peer_unref(struct rpc_peer *p) {
    pthread_mutex_lock(&p->lock);
    TC_ASSERT(p->refs > 0);
    p->refs--;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static void tell_state(struct rpc_peer *p, enum rpc_peer_state state) {
    RPC__COUNT(p->rpc, peers_up, state == RPC_PEER_UP ? 1 : (uint64_t)-1);
    if (p->config.on_state)
        p->config.on_state(p->config.user, p, state);
}

void rpc__peer_up(struct rpc_peer *p, struct rpc__session *s) {
    pthread_mutex_lock(&p->lock);
    if (p->session != s || p->state != RPC_PEER_CONNECTING) {
        pthread_mutex_unlock(&p->lock);
        return;
    }
    p->state = RPC_PEER_UP;
    p->failures = 0;
    p->problem[0] = p->logged[0] = '\0';
    p->heartbeat_ns = rpc__now_ns() + (uint64_t)p->config.heartbeat_ms * 1000000U;
    RPC__COUNT(p->rpc, reconnects, p->was_up);
    p->was_up = true;
    s->stream.open = true;
    rpc__stream_flush_unlock(&s->stream);
    rpc__log(p->rpc, TC_OK, "peer up: target=%s", p->target);
    tell_state(p, RPC_PEER_UP);
    rpc__timer_sooner(&p->rpc->timers, &p->timer, p->heartbeat_ns);
}

/* Each new reason is told once, not each attempt. */
static void log_problem(struct rpc_peer *p) {
    char problem[sizeof p->problem];
    pthread_mutex_lock(&p->lock);
    bool known = p->state == RPC_PEER_CLOSED || strcmp(p->problem, p->logged) == 0;
    memcpy(p->logged, p->problem, sizeof p->logged);
    memcpy(problem, p->problem, sizeof problem);
    pthread_mutex_unlock(&p->lock);
    if (!known)
        rpc__log(p->rpc, TC_EUNAVAILABLE, "peer down: target=%s why=\"%s\"", p->target, problem);
}

void rpc__peer_lost(struct rpc_peer *p, struct rpc__session *s, const char *why) {
    pthread_mutex_lock(&p->lock);
    if (p->session == s)
        p->session = NULL;
    if (p->state != RPC_PEER_CLOSED) {
        uint32_t step = p->failures < BACKOFFS ? p->failures : BACKOFFS - 1;
        p->failures++;
        p->state = RPC_PEER_BACKOFF;
        p->retry_ns = rpc__now_ns() + backoff_ms[step] * 1000000U;
        if (!s->refused)
            snprintf(p->problem, sizeof p->problem, "%s", why);
    }
    enum rpc_peer_state state = p->state;
    uint64_t retry_ns = state == RPC_PEER_BACKOFF ? p->retry_ns : 0;
    pthread_mutex_unlock(&p->lock);
    rpc__peer_fail_session(p, s->number, s->stream.sent_seq);
    log_problem(p);
    if (s->greeted)
        tell_state(p, state);
    rpc__timer_sooner(&p->rpc->timers, &p->timer, retry_ns);
}

/* Lock held on entry, released on return. */
static void beat_unlock(struct rpc_peer *p, uint64_t now_ns) {
    struct rpc__session *s = p->session;
    struct rpc_frame head = {.id = 1, .kind = TERCET__PB__FRAME_KIND__FRAME_PING};
    struct rpc__payload none = rpc__payload_bytes(TC_SLICE_EMPTY);
    p->heartbeat_ns = now_ns + (uint64_t)p->config.heartbeat_ms * 1000000U;
    if (s->ping_sent_ns == 0) {
        s->ping_sent_ns = now_ns;
        rpc__outbox_push(&s->stream.outbox, &head, &none, 0);
    }
    rpc__stream_flush_unlock(&s->stream);
}

/* Heartbeat, silence and connect timeout; when to look again. */
static uint64_t watch_session(struct rpc_peer *p, uint64_t now_ns) {
    pthread_mutex_lock(&p->lock);
    struct rpc__session *s = p->session;
    if (s == NULL || s->stream.over) {
        pthread_mutex_unlock(&p->lock);
        return UINT64_MAX;
    }
    uint64_t silent_ns = s->stream.last_received_ns + (uint64_t)p->config.silence_ms * 1000000U;
    if (now_ns >= silent_ns) {
        grpc_call *call = rpc__stream_end(&s->stream);
        pthread_mutex_unlock(&p->lock);
        rpc__cancel(call, GRPC_STATUS_UNAVAILABLE, "peer is silent");
        return UINT64_MAX;
    }
    if (p->state != RPC_PEER_UP) {
        pthread_mutex_unlock(&p->lock);
        return silent_ns;
    }
    bool beat = now_ns >= p->heartbeat_ns;
    uint64_t next_ns =
        beat ? now_ns + (uint64_t)p->config.heartbeat_ms * 1000000U : p->heartbeat_ns;
    if (beat)
        beat_unlock(p, now_ns);
    else
        pthread_mutex_unlock(&p->lock);
    return next_ns < silent_ns ? next_ns : silent_ns;
}

/* When to retry; UINT64_MAX if that is not the state or it was done. */
static uint64_t retry(struct rpc_peer *p, uint64_t now_ns) {
    pthread_mutex_lock(&p->lock);
    bool waiting = p->state == RPC_PEER_BACKOFF;
    bool go = waiting && now_ns >= p->retry_ns;
    if (go)
        p->state = RPC_PEER_CONNECTING;
    uint64_t retry_ns = p->retry_ns;
    pthread_mutex_unlock(&p->lock);
    if (go)
        rpc__session_start(p);
    return waiting && !go ? retry_ns : UINT64_MAX;
}

static uint64_t min_ns(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t on_timer(struct rpc__timer *t, uint64_t now_ns) {
    struct rpc_peer *p = TC_CONTAINER(t, struct rpc_peer, timer);
    if (rpc_peer_state(p) == RPC_PEER_CLOSED)
        return 0;
    uint64_t next_ns = rpc__peer_expire(p, now_ns);
    next_ns = min_ns(next_ns, retry(p, now_ns));
    return min_ns(next_ns, watch_session(p, now_ns));
}

static void forget_timer(struct rpc__timer *t) {
    rpc__peer_unref(TC_CONTAINER(t, struct rpc_peer, timer));
}

static void destroy(struct rpc_peer *p) {
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    rpc__window_deinit(&p->window);
    free(p);
}

static struct rpc_peer *create(struct rpc *rpc, const struct rpc_peer_config *c) {
    struct rpc_peer *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->rpc = rpc;
    p->config = *c;
    p->config.heartbeat_ms = c->heartbeat_ms ? c->heartbeat_ms : 1000;
    p->config.silence_ms = c->silence_ms ? c->silence_ms : 3000;
    snprintf(p->target, sizeof p->target, "%s", c->target);
    snprintf(p->node, sizeof p->node, "%s", c->node ? c->node : "");
    p->config.target = p->target;
    p->config.node = p->node;
    p->refs = 2;
    p->timer.fn = on_timer;
    p->timer.forget = forget_timer;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    rpc__window_init(&p->window, c->frames_max ? c->frames_max : FRAMES_DEFAULT,
                     c->bytes_max ? c->bytes_max : BYTES_DEFAULT);
    return p;
}

tc_err rpc_peer_open(struct rpc *rpc, const struct rpc_peer_config *config,
                     struct rpc_peer **ret_peer) {
    if (!rpc__target_ok(config->target) || config->frames_max > RPC_PEER_FRAMES_MAX)
        return TC_EINVAL;
    struct rpc_peer *p = create(rpc, config);
    pthread_mutex_lock(&rpc->lock);
    tc_list_push_back(&rpc->peers, &p->link);
    pthread_mutex_unlock(&rpc->lock);
    *ret_peer = p; /* before any callback may look for it */
    rpc__timer_add(&rpc->timers, &p->timer,
                   rpc__now_ns() + (uint64_t)p->config.silence_ms * 1000000U);
    rpc__session_start(p);
    return TC_OK;
}

void rpc_peer_close(struct rpc_peer *p) {
    if (p == NULL)
        return;
    grpc_call *call = NULL;
    pthread_mutex_lock(&p->lock);
    p->state = RPC_PEER_CLOSED;
    if (p->session)
        call = rpc__stream_end(&p->session->stream);
    pthread_mutex_unlock(&p->lock);
    rpc__cancel(call, GRPC_STATUS_CANCELLED, "closed");
    rpc__timer_sooner(&p->rpc->timers, &p->timer, 0);
    pthread_mutex_lock(&p->lock);
    while (p->refs > 1)
        pthread_cond_wait(&p->changed, &p->lock);
    TC_ASSERT(p->window.count == 0);
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_lock(&p->rpc->lock);
    tc_list_remove(&p->link);
    pthread_mutex_unlock(&p->rpc->lock);
    destroy(p);
}

void rpc__peers_stop(struct rpc *rpc) {
    for (;;) {
        pthread_mutex_lock(&rpc->lock);
        struct tc_list *first = tc_list_empty(&rpc->peers) ? NULL : rpc->peers.next;
        pthread_mutex_unlock(&rpc->lock);
        if (first == NULL)
            return;
        rpc_peer_close(TC_CONTAINER(first, struct rpc_peer, link));
    }
}

enum rpc_peer_state rpc_peer_state(const struct rpc_peer *peer) {
    struct rpc_peer *p = (struct rpc_peer *)(uintptr_t)peer; /* its lock */
    pthread_mutex_lock(&p->lock);
    enum rpc_peer_state state = p->state;
    pthread_mutex_unlock(&p->lock);
    return state;
}

const char *rpc_peer_target(const struct rpc_peer *peer) {
    return peer->target;
}

void rpc_peer_stats(struct rpc_peer *p, struct rpc_peer_stats *ret_stats) {
    pthread_mutex_lock(&p->lock);
    *ret_stats = (struct rpc_peer_stats){
        .state = p->state,
        .outstanding_count = p->window.count,
        .outbox_bytes = p->session ? p->session->stream.outbox.bytes : 0,
        .window_bytes = p->window.bytes,
        .rtt_us = p->rtt_us,
    };
    memcpy(ret_stats->problem, p->problem, sizeof ret_stats->problem);
    pthread_mutex_unlock(&p->lock);
}
