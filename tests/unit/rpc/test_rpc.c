#include "fixture.h"

#include "base/prng.h"
#include "proto/common.pb-c.h"
#include "rpc/batch_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct node_options server_a = {.node = "server-a"};
static const struct node_options client_a = {.node = "client-a"};

/* A server, and a client whose answers are counted. */
struct pair {
    struct node *server, *client;
    struct tally tally;
};

static int pair_setup(void **state) {
    struct pair *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->server = node_start(&server_a);
    w->client = node_start(&client_a);
    node_serve(w->server, NULL, 0);
    tally_init(&w->tally);
    *state = w;
    return 0;
}

static int pair_teardown(void **state) {
    struct pair *w = *state;
    node_stop(w->client);
    node_stop(w->server);
    free(w);
    return 0;
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

static struct rpc_peer *pair_peer(struct pair *w, uint32_t frames_max) {
    return peer_to(w->client, w->server, &w->tally, frames_max);
}

static void pair_ask(struct pair *w, struct rpc_peer *p, uint32_t kind, struct tc_slice payload,
                     uint32_t deadline_ms) {
    assert_int_equal(rpc_peer_request(p, kind, payload, deadline_ms, tally_done, &w->tally), TC_OK);
}

/* The hand-written envelope and the generated code read each other's bytes. */
static void test_envelope(void **state) {
    (void)state;
    struct tc_prng prng = tc_prng(7);
    for (int round = 0; round < 200; round++) {
        struct tc_buf message = {0};
        struct rpc_frame want[8];
        uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        size_t count = tc_prng_below(&prng, 8);
        for (size_t i = 0; i < count; i++) {
            want[i] = (struct rpc_frame){
                .id = tc_prng_u64(&prng) >> tc_prng_below(&prng, 64),
                .kind = (uint32_t)tc_prng_below(&prng, 300),
                .deadline_ms = (uint32_t)(tc_prng_u64(&prng) >> (32 + tc_prng_below(&prng, 32))),
                .err = (tc_err) - (int)tc_prng_below(&prng, 24),
                .reply = tc_prng_chance(&prng, 1, 2),
                .payload = tc_slice(bytes, tc_prng_below(&prng, 9))};
            struct rpc__payload p = rpc__payload_bytes(want[i].payload);
            rpc__batch_append(&message, &want[i], &p);
        }
        Tercet__Pb__Batch *b = tercet__pb__batch__unpack(NULL, message.len, message.data);
        assert_non_null(b);
        assert_int_equal(b->n_frames, count);
        struct rpc_frame got[8];
        size_t got_count = 99;
        struct tc_buf again = {0};
        tercet__pb__batch__pack(b, tc_buf_extend(&again, tercet__pb__batch__get_packed_size(b)));
        assert_int_equal(rpc__batch_count(tc_buf_slice(&again), &got_count), TC_OK);
        assert_int_equal(got_count, count);
        assert_int_equal(rpc__batch_decode(tc_buf_slice(&again), got, count), TC_OK);
        for (size_t i = 0; i < count; i++) {
            const Tercet__Pb__Frame *f = b->frames[i];
            assert_true(f->id == want[i].id && f->kind == want[i].kind);
            assert_true(f->err == (int32_t)want[i].err && f->reply == want[i].reply);
            assert_true(got[i].id == want[i].id && got[i].kind == want[i].kind);
            assert_true(got[i].err == want[i].err && got[i].reply == want[i].reply);
            assert_true(got[i].deadline_ms == want[i].deadline_ms);
            assert_true(tc_slice_eq(got[i].payload, want[i].payload));
        }
        tercet__pb__batch__free_unpacked(b, NULL);
        tc_buf_deinit(&message);
        tc_buf_deinit(&again);
    }
}

struct echo_client {
    struct tally t;
    struct rpc_peer *peer;
    int left; /* to be sent; under the tally's lock */
};

static void echo_again(void *user, const struct rpc_reply *reply) {
    struct echo_client *c = user;
    pthread_mutex_lock(&c->t.gate.lock);
    bool more = c->left > 0;
    c->left -= more;
    pthread_mutex_unlock(&c->t.gate.lock);
    uint8_t byte = (uint8_t)(reply->payload.data[0] + 1);
    tally_done(&c->t, reply);
    if (more)
        assert_int_equal(
            rpc_peer_request(c->peer, KIND_ECHO, tc_slice(&byte, 1), 10000, echo_again, c), TC_OK);
}

static void echo_64(uint32_t threads) {
    struct node *s = node_start(&(struct node_options){.node = "server-a", .threads = threads});
    struct node *c = node_start(&(struct node_options){.node = "client-a", .threads = threads});
    node_serve(s, NULL, 0);
    struct echo_client e = {.left = 5000 - 64};
    tally_init(&e.t);
    e.peer = peer_to(c, s, &e.t, 0);
    gate_wait_state(&e.t, RPC_PEER_UP);
    for (uint8_t i = 0; i < 64; i++)
        assert_int_equal(
            rpc_peer_request(e.peer, KIND_ECHO, tc_slice(&i, 1), 10000, echo_again, &e), TC_OK);
    gate_wait(&e.t.gate, &e.t.done, 5000);
    assert_int_equal(e.t.ok, 5000);
    struct rpc_stats stats;
    rpc_stats(c->rpc, &stats);
    assert_true(stats.frames_received >= 5000);
    assert_true(stats.messages_received < stats.frames_received); /* batching happens */
    assert_int_equal(stats.peers_up, 1);
    struct rpc_peer_stats ps;
    rpc_peer_stats(e.peer, &ps);
    assert_int_equal(ps.outstanding_count, 0);
    assert_int_equal(ps.window_bytes, 0);
    rpc_peer_close(e.peer);
    gate_wait(&s->gate, &s->closed, 1);
    assert_string_equal(s->peer_node, "client-a");
    node_stop(c);
    node_stop(s);
}

static void test_echo(void **state) {
    (void)state;
    echo_64(1);
}

static void test_echo_many_threads(void **state) {
    (void)state;
    echo_64(3);
}

static void test_errors_notes_and_large(void **state) {
    struct pair *w = *state;
    struct rpc_peer *p = pair_peer(w, 0);
    pair_ask(w, p, KIND_FAIL, TC_SLICE_LIT("why"), 0);
    gate_wait(&w->tally.gate, &w->tally.done, 1);
    assert_int_equal(w->tally.last_err, TC_ECONDITION);
    assert_true(w->tally.last_from_peer);
    assert_int_equal(w->tally.last_len, 3);
    size_t len = 20 << 20;
    uint8_t *large = calloc(1, len);
    assert_non_null(large);
    large[len - 1] = 42;
    pair_ask(w, p, KIND_ECHO, tc_slice(large, len), 0);
    gate_wait(&w->tally.gate, &w->tally.done, 2);
    assert_int_equal(w->tally.last_len, len);
    assert_int_equal(w->tally.last_byte, 42);
    free(large);
    struct tc_slice over = tc_slice("", (size_t)RPC_PAYLOAD_BYTES_MAX + 1);
    assert_int_equal(rpc_peer_request(p, KIND_ECHO, over, 0, tally_done, &w->tally), TC_ELIMIT);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rpc_peer_send(p, KIND_NOTE, TC_SLICE_LIT("n")), TC_OK);
    gate_wait(&w->tally.gate, &w->tally.notes, 100);
    assert_int_equal(gate_read(&w->server->gate, &w->server->notes), 100);
    Tercet__Pb__Hello hello = TERCET__PB__HELLO__INIT;
    hello.protocol_version = 300;
    assert_int_equal(rpc_peer_request_message(p, KIND_ECHO, &hello.base, 0, tally_done, &w->tally),
                     TC_OK);
    gate_wait(&w->tally.gate, &w->tally.done, 3);
    assert_int_equal(w->tally.last_len, 3);
}

static void test_window_and_deadline(void **state) {
    struct pair *w = *state;
    struct rpc_peer *p = pair_peer(w, 4);
    gate_wait_state(&w->tally, RPC_PEER_UP);
    for (int i = 0; i < 4; i++)
        pair_ask(w, p, KIND_HOLD, TC_SLICE_EMPTY, 30);
    tc_err err = rpc_peer_request(p, KIND_HOLD, TC_SLICE_EMPTY, 30, tally_done, &w->tally);
    if (gate_read(&w->tally.gate, &w->tally.done) ==
        0) /* none has met its deadline on a slow machine */
        assert_int_equal(err, TC_EBUSY);
    gate_wait(&w->tally.gate, &w->tally.done, 4);
    assert_int_equal(w->tally.last_err, TC_ETIMEOUT);
    assert_false(w->tally.last_from_peer);
    /* Room again, and the stream still works. */
    pair_ask(w, p, KIND_ECHO, TC_SLICE_LIT("x"), 0);
    gate_wait(&w->tally.gate, &w->tally.ok, 1);
    struct rpc_stats stats;
    rpc_stats(w->client->rpc, &stats);
    assert_true(stats.timeouts >= 4 && stats.refused_busy <= 1);
}

static void test_bytes_window(void **state) {
    struct pair *w = *state;
    struct rpc_peer_config pc = {
        .target = w->server->target, .bytes_max = 1000, .on_state = tally_state, .user = &w->tally};
    struct rpc_peer *p = NULL;
    assert_int_equal(rpc_peer_open(w->client->rpc, &pc, &p), TC_OK);
    uint8_t kilo[2000] = {0};
    /* One frame always fits; then the window is full until it is answered. */
    pair_ask(w, p, KIND_HOLD, tc_slice(kilo, 2000), 0);
    assert_int_equal(rpc_peer_request(p, KIND_ECHO, TC_SLICE_EMPTY, 0, tally_done, &w->tally),
                     TC_EBUSY);
    assert_int_equal(rpc_peer_send(p, KIND_NOTE, TC_SLICE_EMPTY), TC_EBUSY);
    rpc_peer_close(p);
    assert_int_equal(w->tally.done, 1);
}

/* Kill the server: sent requests end as ECLOSED, the peer comes back when it does. */
static void test_reconnect(void **state) {
    struct pair *w = *state;
    char listen[64];
    snprintf(listen, sizeof listen, "%s", w->server->target);
    struct rpc_peer *p = pair_peer(w, 0);
    gate_wait_state(&w->tally, RPC_PEER_UP);
    pair_ask(w, p, KIND_HOLD, TC_SLICE_EMPTY, 0);
    gate_wait(&w->server->gate, &w->server->held_count, 1);
    rpc_server_stop(w->server->server);
    gate_wait(&w->tally.gate, &w->tally.done, 1);
    assert_int_equal(w->tally.last_err, TC_ECLOSED);
    gate_wait_state(&w->tally, RPC_PEER_BACKOFF);
    assert_int_equal(rpc_conn_send(w->server->kept, KIND_NOTE, TC_SLICE_EMPTY), TC_ECLOSED);
    node_serve(w->server, listen, 0);
    gate_wait_state(&w->tally, RPC_PEER_UP);
    pair_ask(w, p, KIND_ECHO, TC_SLICE_LIT("x"), 0);
    gate_wait(&w->tally.gate, &w->tally.ok, 1);
    struct rpc_stats stats;
    rpc_stats(w->client->rpc, &stats);
    assert_true(stats.reconnects >= 1);
}

static void test_never_sent(void **state) {
    struct pair *w = *state;
    rpc_server_stop(w->server->server); /* a port where nobody listens */
    struct rpc_peer *p = pair_peer(w, 0);
    tc_err err = rpc_peer_request(p, KIND_ECHO, TC_SLICE_EMPTY, 0, tally_done, &w->tally);
    if (err == TC_OK) { /* queued while connecting */
        gate_wait(&w->tally.gate, &w->tally.done, 1);
        assert_int_equal(w->tally.last_err, TC_EUNAVAILABLE);
    } else {
        assert_int_equal(err, TC_EUNAVAILABLE);
    }
}

/* Somebody accepts the connection and says nothing: given up, and nothing was sent. What was queued
 * no longer counts in the window, or every lost stream would leave less of it until nothing is. */
static void test_mute_server(void **state) {
    (void)state;
    struct node *c = node_start(&client_a);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    char target[32];
    snprintf(target, sizeof target, "127.0.0.1:%u", ntohs(addr.sin_port));
    struct tally t;
    tally_init(&t);
    struct rpc_peer_config pc = {.target = target, .silence_ms = 100};
    struct rpc_peer *p = NULL;
    assert_int_equal(rpc_peer_open(c->rpc, &pc, &p), TC_OK);
    uint8_t kilo[1000] = {0};
    for (int i = 0; i < 20; i++)
        assert_int_equal(rpc_peer_send(p, KIND_NOTE, tc_slice(kilo, sizeof kilo)), TC_OK);
    assert_int_equal(rpc_peer_request(p, KIND_ECHO, TC_SLICE_EMPTY, 0, tally_done, &t), TC_OK);
    gate_wait(&t.gate, &t.done, 1);
    assert_int_equal(t.last_err, TC_EUNAVAILABLE);
    struct rpc_peer_stats stats;
    rpc_peer_stats(p, &stats);
    assert_int_equal(stats.window_bytes, 0);
    struct tc_buf none = {0};
    assert_int_equal(rpc_unary_wait(c->rpc, target, "/a/b", TC_SLICE_EMPTY, 50, &none),
                     TC_EUNAVAILABLE);
    node_stop(c);
    close(fd);
}

static void test_hello_mismatch(void **state) {
    (void)state;
    struct node *s = node_start(&server_a);
    struct node *c = node_start(&(struct node_options){.node = "x", .cluster = "other"});
    node_serve(s, NULL, 0);
    struct tally t;
    tally_init(&t);
    struct rpc_peer *p = peer_to(c, s, &t, 0);
    tc_err err = rpc_peer_request(p, KIND_ECHO, TC_SLICE_EMPTY, 0, tally_done, &t);
    if (err == TC_OK) {
        gate_wait(&t.gate, &t.done, 1);
        assert_int_equal(t.last_err, TC_EUNAVAILABLE);
    }
    struct rpc_peer_stats stats = {0};
    while (stats.problem[0] == '\0')
        rpc_peer_stats(p, &stats);
    assert_non_null(strstr(stats.problem, "cluster 'other', expected 'test'"));
    rpc_peer_close(p);
    assert_int_equal(s->opened, 0);
    node_stop(c);
    rpc_server_stop(s->server); /* orders its log before this line */
    assert_non_null(strstr(s->log, "cluster 'other'"));
    node_stop(s);
}

/* A peer that is told which node it should find refuses another. */
static void test_wrong_node(void **state) {
    struct pair *w = *state;
    struct rpc_peer_config pc = {.target = w->server->target, .node = "server-b"};
    struct rpc_peer *p = NULL;
    assert_int_equal(rpc_peer_open(w->client->rpc, &pc, &p), TC_OK);
    struct rpc_peer_stats stats = {0};
    while (stats.problem[0] == '\0')
        rpc_peer_stats(p, &stats);
    assert_string_equal(stats.problem, "refused: node 'server-a', expected 'server-b'");
}

/* The client's heartbeat stands for life: without it the server ends the stream. */
static void test_silence(void **state) {
    (void)state;
    struct node *s = node_start(&server_a), *c = node_start(&client_a);
    node_serve(s, NULL, 60);
    struct tally t;
    tally_init(&t);
    struct rpc_peer_config pc = {.target = s->target,
                                 .on_state = tally_state,
                                 .user = &t,
                                 .heartbeat_ms = 20,
                                 .silence_ms = 10000};
    struct rpc_peer *p = NULL;
    assert_int_equal(rpc_peer_open(c->rpc, &pc, &p), TC_OK);
    struct rpc_peer_stats stats = {0};
    while (stats.rtt_us == 0)
        rpc_peer_stats(p, &stats);
    rpc_peer_close(p);
    pc.heartbeat_ms = 60000;
    int changes = gate_read(&t.gate, &t.state_changes);
    assert_int_equal(rpc_peer_open(c->rpc, &pc, &p), TC_OK);
    gate_wait(&t.gate, &t.state_changes, changes + 2); /* up, then cut */
    node_stop(c);
    node_stop(s);
}

static void test_hold(void **state) {
    struct pair *w = *state;
    struct rpc_peer *p = pair_peer(w, 0);
    gate_wait_state(&w->tally, RPC_PEER_UP);
    struct rpc_stats before, during, after;
    rpc_stats(w->client->rpc, &before);
    rpc_hold(w->client->rpc);
    for (int i = 0; i < 10; i++)
        pair_ask(w, p, KIND_ECHO, TC_SLICE_LIT("x"), 0);
    rpc_stats(w->client->rpc, &during);
    rpc_release(w->client->rpc);
    gate_wait(&w->tally.gate, &w->tally.ok, 10);
    rpc_stats(w->client->rpc, &after);
    assert_true(during.frames_sent - before.frames_sent <= 1); /* a heartbeat at most */
    assert_true(after.messages_sent - before.messages_sent <= 2);
}

/* A client that does not read fills the server's outbox to its bound, and loses payloads only. */
static void test_outbox_bound(void **state) {
    struct pair *w = *state;
    w->tally.blocked = true;
    struct rpc_peer *p = pair_peer(w, 0);
    pair_ask(w, p, KIND_FLOOD, TC_SLICE_EMPTY, 0);
    gate_wait(&w->server->gate, &w->server->notes, (RPC_CONN_OUTBOX_BYTES_MAX >> 20) - 1);
    pthread_mutex_lock(&w->tally.gate.lock);
    w->tally.blocked = false;
    pthread_cond_broadcast(&w->tally.gate.changed);
    pthread_mutex_unlock(&w->tally.gate.lock);
    gate_wait(&w->tally.gate, &w->tally.done, 1);
    assert_int_equal(w->tally.last_err, TC_EUNKNOWN);
    assert_int_equal(w->tally.last_len, 0);
    gate_wait(&w->tally.gate, &w->tally.notes, gate_read(&w->server->gate, &w->server->notes));
}

static void test_close_with_requests(void **state) {
    (void)state;
    struct node *s = node_start(&server_a), *c = node_start(&client_a);
    node_serve(s, NULL, 0);
    struct tally t;
    tally_init(&t);
    struct rpc_peer *p = peer_to(c, s, &t, 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(rpc_peer_request(p, KIND_HOLD, TC_SLICE_EMPTY, 60000, tally_done, &t),
                         TC_OK);
    rpc_peer_close(p);
    assert_int_equal(t.done, 500);
    assert_int_equal(t.failed, 500);
    node_stop(s);
    node_stop(c);
}

/* Stop with everything in flight: each request and call ends once, nothing leaks. */
static void test_stop_in_flight(void **state) {
    (void)state;
    struct node *s = node_start(&server_a), *c = node_start(&client_a);
    node_serve(s, NULL, 0);
    struct tally t;
    tally_init(&t);
    struct rpc_peer *p = peer_to(c, s, &t, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rpc_peer_request(p, i % 2 ? KIND_HOLD : KIND_ECHO, TC_SLICE_LIT("z"), 0,
                                          tally_done, &t),
                         TC_OK);
    assert_int_equal(
        rpc_unary(c->rpc, s->target, "/tercet.Test/Hold", TC_SLICE_EMPTY, 60000, tally_done, &t),
        TC_OK);
    gate_wait(&s->gate, &s->held_count, 51);
    gate_wait(&t.gate, &t.ok, 50);
    rpc_server_stop(s->server);
    gate_wait(&t.gate, &t.done, 101);
    assert_int_equal(t.ok, 50);
    assert_int_equal(t.last_err, TC_ECLOSED);
    assert_int_equal(
        rpc_unary(c->rpc, s->target, "/tercet.Test/Hold", TC_SLICE_EMPTY, 60000, tally_done, &t),
        TC_OK);
    node_stop(c);
    assert_int_equal(t.done, 102);
    node_stop(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_echo_many_threads),
        PAIR_TEST(test_errors_notes_and_large),
        PAIR_TEST(test_window_and_deadline),
        PAIR_TEST(test_bytes_window),
        PAIR_TEST(test_reconnect),
        PAIR_TEST(test_never_sent),
        cmocka_unit_test(test_mute_server),
        cmocka_unit_test(test_hello_mismatch),
        PAIR_TEST(test_wrong_node),
        cmocka_unit_test(test_silence),
        PAIR_TEST(test_hold),
        PAIR_TEST(test_outbox_bound),
        cmocka_unit_test(test_close_with_requests),
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_stop_in_flight),
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_mutual_tls),
        cmocka_unit_test(test_tls_files_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
