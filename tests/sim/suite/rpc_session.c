/* Streams over the network: delays, stalls, silence, resets. */
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdlib.h>

#define FLUSH_NS   UINT64_C(20000) /* what is queued within it leaves together */
#define STALLED_NS (100 * SUITE_MS)
#define BEAT_NS    SUITE_S

static struct tc_list sessions = {&sessions, &sessions};

/* ---- the network */

bool suite_net_open(const struct suite *s, uint32_t from, uint32_t to) {
    return !s->net.cut[from][to];
}

void suite_net_cut(struct suite *s, uint32_t from, uint32_t to) {
    s->net.cut[from][to] = true;
    s->net.cut_ns[from][to] = s->now_ns;
}

/* What the sender's window holds has been sent, and nothing is acknowledged. */
static bool window_full(const struct suite *s, uint32_t from, uint32_t to) {
    return s->net.window_ns != 0 && s->net.cut[to][from] &&
           s->now_ns >= s->net.cut_ns[to][from] + s->net.window_ns;
}

uint64_t suite_net_delay_ns(struct suite *s) {
    uint64_t ns = tc_prng_between(&s->prng, s->net.delay_min_ns, s->net.delay_max_ns);
    return tc_prng_chance(&s->prng, s->net.stall_ppm, 1000000) ? ns + s->net.stall_ns : ns;
}

void suite_net_heal(struct suite *s) {
    for (uint32_t i = 0; i < SUITE_PROCS_MAX; i++)
        for (uint32_t k = 0; k < SUITE_PROCS_MAX; k++)
            s->net.cut[i][k] = false;
}

static bool open_way(const struct wire_session *w, enum wire_way way) {
    uint32_t from = w->ends[way == WIRE_UP ? 0 : 1], to = w->ends[way == WIRE_UP ? 1 : 0];
    return suite_net_open(suite_now, from, to) && !window_full(suite_now, from, to);
}

/* ---- ends */

static bool end_alive(const struct wire_session *w, int end) {
    const struct suite_proc *p = &suite_now->procs[w->ends[end]];
    bool there = end == 0 ? w->peer != NULL : w->conn != NULL;
    return there && p->alive && p->life == w->lives[end];
}

static void lose_peer(void *arg) {
    struct wire_session *w = arg;
    struct rpc_peer *p = w->peer;
    w->peer = NULL;
    if (p)
        wire_peer_lost(p, w);
}

static void lose_conn(void *arg) {
    struct wire_session *w = arg;
    struct rpc_conn *c = w->conn;
    w->conn = NULL;
    if (c)
        wire_conn_lost(c);
}

static void lose_end(struct wire_session *w, int end) {
    if (!end_alive(w, end))
        return;
    if (end == 0)
        wire_post(w->peer->rpc, lose_peer, w);
    else
        wire_post(w->conn->server->rpc, lose_conn, w);
}

struct reset {
    struct wire_session *w;
    int end;
};

static void reset_arrives(struct suite *s, void *arg) {
    struct reset *r = arg;
    enum wire_way way = r->end == 1 ? WIRE_UP : WIRE_DOWN;
    (void)s;
    if (open_way(r->w, way))
        lose_end(r->w, r->end);
    free(r);
}

static void tell_other(struct wire_session *w, int other) {
    struct reset *r = calloc(1, sizeof *r);
    TC_ASSERT(r != NULL);
    *r = (struct reset){w, other};
    suite_after(suite_now, suite_net_delay_ns(suite_now), reset_arrives, r);
}

void wire_session_leave(struct wire_session *w, enum wire_way from_end) {
    if (from_end == WIRE_UP)
        w->peer = NULL;
    else
        w->conn = NULL;
    wire_frames_drop(&w->outbox[from_end]);
    tell_other(w, from_end == WIRE_UP ? 1 : 0);
}

void suite_rpc_killed(struct suite_proc *p) {
    for (struct tc_list *l = sessions.next; l != &sessions; l = l->next) {
        struct wire_session *w = TC_CONTAINER(l, struct wire_session, link);
        for (int end = 0; end < 2; end++)
            if (w->ends[end] == p->id && end_alive(w, 1 - end))
                tell_other(w, 1 - end);
    }
    wire_calls_killed(p);
    tc_list_init(&p->rpcs);
}

/* ---- heartbeats */

static bool beats(const struct wire_session *w, int end) {
    const struct suite_proc *p = &suite_now->procs[w->ends[end]];
    return end_alive(w, end) && p->paused_until_ns <= suite_now->now_ns;
}

static void beat(struct suite *s, void *arg) {
    struct wire_session *w = arg;
    bool up = beats(w, 0) && open_way(w, WIRE_UP);
    bool down = up && beats(w, 1) && open_way(w, WIRE_DOWN);
    if (up)
        w->heard_ns[1] = s->now_ns;
    if (down)
        w->heard_ns[0] = s->now_ns;
    if (beats(w, 0) && s->now_ns - w->heard_ns[0] > 3 * SUITE_S)
        lose_end(w, 0);
    if (beats(w, 1) && s->now_ns - w->heard_ns[1] > 5 * SUITE_S)
        lose_end(w, 1);
    if (end_alive(w, 0) || end_alive(w, 1))
        suite_after(s, BEAT_NS, beat, w);
    else
        tc_list_remove(&w->link);
}

struct wire_session *wire_session_new(struct rpc_peer *peer, struct rpc_server *server) {
    struct wire_session *w = calloc(1, sizeof *w);
    TC_ASSERT(w != NULL);
    w->ends[0] = peer->rpc->proc->id;
    w->ends[1] = server->rpc->proc->id;
    w->lives[0] = peer->rpc->proc->life;
    w->lives[1] = server->rpc->proc->life;
    w->peer = peer;
    w->heard_ns[0] = w->heard_ns[1] = suite_now->now_ns;
    for (int i = 0; i < 2; i++) {
        tc_list_init(&w->outbox[i]);
        tc_list_init(&w->under_way[i]);
    }
    tc_list_push_back(&sessions, &w->link);
    w->conn = wire_conn_new(server, peer->rpc, w);
    suite_after(suite_now, BEAT_NS, beat, w);
    return w;
}

/* ---- messages */

struct delivery {
    struct wire_session *w;
    struct rpc_frames *frames;
};

static void deliver_up(void *arg) {
    struct delivery *d = arg;
    struct rpc_conn *c = d->w->conn;
    if (c && c->server->config.on_frames) {
        d->frames->conn = rpc_conn_ref(c);
        c->server->config.on_frames(c->server->config.user, c, d->frames);
    } else {
        rpc_frames_unref(d->frames);
    }
    free(d);
}

static void deliver_down(void *arg) {
    struct delivery *d = arg;
    if (d->w->peer)
        wire_peer_take(d->w->peer, d->frames);
    else
        rpc_frames_unref(d->frames);
    free(d);
}

static void deliver(struct wire_session *w, enum wire_way way, struct rpc_frames *frames) {
    struct delivery *d = calloc(1, sizeof *d);
    TC_ASSERT(d != NULL);
    *d = (struct delivery){w, frames};
    frames->received_ns = suite_proc_mono_ns(&suite_now->procs[w->ends[way == WIRE_UP ? 1 : 0]]);
    suite_now->message_count++;
    for (size_t i = 0; i < frames->count; i++)
        suite_mix(suite_now, frames->frames[i].payload.data, frames->frames[i].payload.len);
    w->heard_ns[way == WIRE_UP ? 1 : 0] = suite_now->now_ns;
    if (way == WIRE_UP)
        wire_post(w->conn->server->rpc, deliver_up, d);
    else
        wire_post(w->peer->rpc, deliver_down, d);
}

static void arrive(struct wire_session *w, enum wire_way way);

static void arrive_up(struct suite *s, void *arg) {
    (void)s;
    arrive(arg, WIRE_UP);
}

static void arrive_down(struct suite *s, void *arg) {
    (void)s;
    arrive(arg, WIRE_DOWN);
}

static void arrive_after(struct wire_session *w, enum wire_way way, uint64_t ns) {
    suite_after(suite_now, ns, way == WIRE_UP ? arrive_up : arrive_down, w);
}

/* When a stalled way is tried again: TCP waits twice as long each time. */
static uint64_t next_try_ns(struct wire_session *w, enum wire_way way) {
    if (suite_now->net.window_ns == 0)
        return STALLED_NS;
    uint64_t last_ns = w->stalled_ns[way];
    w->stalled_ns[way] = last_ns ? 2 * last_ns : 2 * STALLED_NS;
    return w->stalled_ns[way];
}

/* In order: the first under way, unless the link is cut; then all wait behind it. */
static void arrive(struct wire_session *w, enum wire_way way) {
    if (tc_list_empty(&w->under_way[way]))
        return;
    struct wire_parcel *p = TC_CONTAINER(w->under_way[way].next, struct wire_parcel, link);
    if (p->at_ns > suite_now->now_ns)
        return; /* an alarm of a parcel that went earlier; its own comes */
    if (end_alive(w, way == WIRE_UP ? 1 : 0) && !open_way(w, way)) {
        arrive_after(w, way, next_try_ns(w, way));
        return;
    }
    w->stalled_ns[way] = 0;
    tc_list_remove(&p->link);
    if (end_alive(w, way == WIRE_UP ? 1 : 0))
        deliver(w, way, p->frames);
    else
        rpc_frames_unref(p->frames);
    free(p);
    if (!tc_list_empty(&w->under_way[way]))
        arrive_after(w, way, 0);
}

static void flush(struct wire_session *w, enum wire_way way) {
    w->flushing[way] = false;
    if (!end_alive(w, way == WIRE_UP ? 0 : 1) || tc_list_empty(&w->outbox[way]))
        return;
    struct wire_parcel *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->frames = wire_frames_take(&w->outbox[way]);
    if (way == WIRE_UP)
        wire_peer_sent(w->peer, p->frames);
    p->at_ns = suite_now->now_ns + suite_net_delay_ns(suite_now);
    if (!tc_list_empty(&w->under_way[way])) {
        struct wire_parcel *last = TC_CONTAINER(w->under_way[way].prev, struct wire_parcel, link);
        p->at_ns = p->at_ns > last->at_ns ? p->at_ns : last->at_ns;
    }
    tc_list_push_back(&w->under_way[way], &p->link);
    arrive_after(w, way, p->at_ns - suite_now->now_ns);
}

static void flush_up(struct suite *s, void *arg) {
    (void)s;
    flush(arg, WIRE_UP);
}

static void flush_down(struct suite *s, void *arg) {
    (void)s;
    flush(arg, WIRE_DOWN);
}

void wire_session_push(struct wire_session *w, enum wire_way way, struct wire_frame *f) {
    tc_list_push_back(&w->outbox[way], &f->link);
    if (w->flushing[way])
        return;
    w->flushing[way] = true;
    suite_after(suite_now, FLUSH_NS, way == WIRE_UP ? flush_up : flush_down, w);
}
