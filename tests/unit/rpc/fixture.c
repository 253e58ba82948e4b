#include "fixture.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void gate_init(struct gate *g) {
    pthread_condattr_t attr;
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&g->changed, &attr);
    pthread_condattr_destroy(&attr);
}

static void gate_add(struct gate *g, int *value, int count) {
    pthread_mutex_lock(&g->lock);
    *value += count;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static struct timespec limit(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += FIXTURE_WAIT_MS / 1000;
    return at;
}

void gate_wait(struct gate *g, const int *value, int least) {
    struct timespec at = limit();
    pthread_mutex_lock(&g->lock);
    while (*value < least)
        TC_ASSERT(pthread_cond_timedwait(&g->changed, &g->lock, &at) == 0);
    pthread_mutex_unlock(&g->lock);
}

int gate_read(struct gate *g, const int *value) {
    pthread_mutex_lock(&g->lock);
    int v = *value;
    pthread_mutex_unlock(&g->lock);
    return v;
}

void gate_wait_state(struct tally *t, enum rpc_peer_state state) {
    struct timespec at = limit();
    pthread_mutex_lock(&t->gate.lock);
    while (t->state != state)
        TC_ASSERT(pthread_cond_timedwait(&t->gate.changed, &t->gate.lock, &at) == 0);
    pthread_mutex_unlock(&t->gate.lock);
}

static void on_open(void *user, struct rpc_conn *conn) {
    struct node *n = user;
    pthread_mutex_lock(&n->gate.lock);
    snprintf(n->peer_node, sizeof n->peer_node, "%s", rpc_conn_identity(conn)->node);
    pthread_mutex_unlock(&n->gate.lock);
    gate_add(&n->gate, &n->opened, 1);
}

static void on_close(void *user, struct rpc_conn *conn) {
    struct node *n = user;
    (void)conn;
    gate_add(&n->gate, &n->closed, 1);
}

static void hold(struct node *n, struct rpc_conn *conn) {
    pthread_mutex_lock(&n->gate.lock);
    if (n->kept == NULL)
        n->kept = rpc_conn_ref(conn);
    pthread_mutex_unlock(&n->gate.lock);
    gate_add(&n->gate, &n->held_count, 1);
}

/* Fill the connection's outbox with notes that the client does not read, then answer. */
static void flood(struct node *n, struct rpc_conn *conn, const struct rpc_frame *f) {
    static uint8_t note[1 << 20];
    int sent = 0;
    while (rpc_conn_send(conn, KIND_NOTE, tc_slice(note, sizeof note)) == TC_OK)
        sent++;
    rpc_conn_reply(conn, f->id, f->kind, TC_OK, tc_slice(note, sizeof note));
    gate_add(&n->gate, &n->notes, sent);
}

static void serve_frame(struct node *n, struct rpc_conn *conn, const struct rpc_frame *f) {
    if (f->kind == KIND_ECHO)
        rpc_conn_reply(conn, f->id, f->kind, TC_OK, f->payload);
    else if (f->kind == KIND_FAIL)
        rpc_conn_reply(conn, f->id, f->kind, TC_ECONDITION, f->payload);
    else if (f->kind == KIND_FLOOD)
        flood(n, conn, f);
    else if (f->kind == KIND_HOLD)
        hold(n, conn);
    else if (f->kind == KIND_NOTE) {
        TC_IGNORE(rpc_conn_send(conn, KIND_NOTE, f->payload)); /* the client may be gone */
        gate_add(&n->gate, &n->notes, 1);
    }
}

static void on_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames) {
    for (size_t i = 0; i < frames->count; i++)
        serve_frame(user, conn, &frames->frames[i]);
    rpc_frames_unref(frames);
}

static void method_echo(void *user, struct rpc_call *call, struct tc_slice payload) {
    (void)user;
    tc_err err = payload.len > 0 && payload.data[0] == '!' ? TC_ESTALE : TC_OK;
    rpc_call_reply(call, err, payload);
}

static void method_hold(void *user, struct rpc_call *call, struct tc_slice payload) {
    struct node *n = user;
    (void)payload;
    TC_ASSERT(n->held == NULL);
    n->held = call;
    gate_add(&n->gate, &n->held_count, 1);
}

static void on_log(void *user, tc_err err, const char *text) {
    struct node *n = user;
    (void)err;
    pthread_mutex_lock(&n->gate.lock);
    snprintf(n->log, sizeof n->log, "%s", text);
    pthread_mutex_unlock(&n->gate.lock);
}

void node_serve(struct node *n, const char *listen, uint32_t idle_ms) {
    struct rpc_method methods[] = {
        {"/tercet.Test/Echo", method_echo, n},
        {"/tercet.Test/Hold", method_hold, n},
    };
    struct rpc_server_config c = {.listen = listen ? listen : "127.0.0.1:0",
                                  .on_open = on_open,
                                  .on_frames = on_frames,
                                  .on_close = on_close,
                                  .user = n,
                                  .methods = methods,
                                  .method_count = 2,
                                  .idle_ms = idle_ms ? idle_ms : FIXTURE_WAIT_MS,
                                  .grace_ms = 50};
    assert_int_equal(rpc_server_start(n->rpc, &c, &n->server), TC_OK);
    snprintf(n->target, sizeof n->target, "127.0.0.1:%u", rpc_server_port(n->server));
}

struct node *node_start(const struct node_options *o) {
    struct node *n = calloc(1, sizeof *n);
    TC_ASSERT(n != NULL);
    gate_init(&n->gate);
    struct rpc_config c = {
        .self = {.cluster = o->cluster ? o->cluster : "test", .daemon = "t", .node = o->node},
        .tls = o->tls,
        .thread_count = o->threads,
        .log = on_log,
        .log_user = n};
    assert_int_equal(rpc_start(&c, &n->rpc), TC_OK);
    return n;
}

void node_stop(struct node *n) {
    rpc_stop(n->rpc);
    rpc_conn_unref(n->kept);
    if (n->held)
        rpc_call_reply(n->held, TC_OK, TC_SLICE_EMPTY);
    pthread_mutex_destroy(&n->gate.lock);
    pthread_cond_destroy(&n->gate.changed);
    free(n);
}

void tally_init(struct tally *t) {
    *t = (struct tally){0};
    gate_init(&t->gate);
}

void tally_done(void *user, const struct rpc_reply *reply) {
    struct tally *t = user;
    pthread_mutex_lock(&t->gate.lock);
    t->done++;
    t->ok += reply->err == TC_OK;
    t->failed += reply->err != TC_OK;
    t->last_err = reply->err;
    t->last_from_peer = reply->from_peer;
    t->last_len = reply->payload.len;
    t->last_byte = reply->payload.len ? reply->payload.data[reply->payload.len - 1] : 0;
    pthread_cond_broadcast(&t->gate.changed);
    pthread_mutex_unlock(&t->gate.lock);
}

void tally_frames(void *user, struct rpc_peer *peer, struct rpc_frames *frames) {
    struct tally *t = user;
    (void)peer;
    pthread_mutex_lock(&t->gate.lock);
    while (t->blocked)
        pthread_cond_wait(&t->gate.changed, &t->gate.lock);
    pthread_mutex_unlock(&t->gate.lock);
    gate_add(&t->gate, &t->notes, (int)frames->count);
    rpc_frames_unref(frames);
}

void tally_state(void *user, struct rpc_peer *peer, enum rpc_peer_state state) {
    struct tally *t = user;
    (void)peer;
    pthread_mutex_lock(&t->gate.lock);
    t->state = state;
    t->state_changes++;
    pthread_cond_broadcast(&t->gate.changed);
    pthread_mutex_unlock(&t->gate.lock);
}

struct rpc_peer *peer_to(struct node *client, const struct node *server, struct tally *t,
                         uint32_t frames_max) {
    struct rpc_peer_config c = {.target = server->target,
                                .frames_max = frames_max,
                                .silence_ms = FIXTURE_WAIT_MS,
                                .on_frames = tally_frames,
                                .on_state = tally_state,
                                .user = t};
    struct rpc_peer *p = NULL;
    assert_int_equal(rpc_peer_open(client->rpc, &c, &p), TC_OK);
    return p;
}
