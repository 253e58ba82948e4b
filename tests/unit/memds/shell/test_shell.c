/* Whole memds nodes on loopback: what storage pushes to one, routers find at the other. */
#include "daemon/worker.h"
#include "memds/shell.h"
#include "proto/common.pb-c.h"
#include "proto/memds.pb-c.h"
#include "rpc/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

enum {
    PATIENCE_S = 20,
    TARGET_BYTES = 64
};

struct node {
    struct rpc *rpc;
    struct shell *shell;
    struct daemon_metrics *registry;
    struct memds_metrics metrics;
    struct daemon_addrs peers;
    char target[TARGET_BYTES];
};

static struct rpc *rpc_as(const char *daemon) {
    const struct rpc_config config = {.self = {"test", daemon, daemon, "a"}};
    struct rpc *rpc = NULL;
    assert_int_equal(rpc_start(&config, &rpc), TC_OK);
    return rpc;
}

static void node_start(struct node *n, const char *listen, const char *peer) {
    *n = (struct node){.rpc = rpc_as("memds"), .registry = daemon_metrics_new()};
    daemon_metrics_add(n->registry, memds_metrics_table(), &n->metrics);
    if (peer)
        n->peers = (struct daemon_addrs){.count = 1, .items = {peer}};
    const struct shell_config config = {
        .rpc = n->rpc,
        .listen = listen,
        .peers = &n->peers,
        .metrics = &n->metrics,
        .records_max = 10000,
        .sync_interval_ms = 10,
    };
    assert_int_equal(shell_start(&config, &n->shell), TC_OK);
    snprintf(n->target, sizeof n->target, "127.0.0.1:%u", shell_port(n->shell));
}

static void node_stop(struct node *n) {
    shell_stop(n->shell);
    rpc_stop(n->rpc);
    daemon_metrics_free(n->registry);
}

/* A client of some daemon name, with calls that wait. */
struct client {
    struct rpc *rpc;
    struct rpc_peer *peer;
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    bool done;
    tc_err err;
    struct tc_buf payload;
};

static void client_start(struct client *c, const char *daemon, const char *target) {
    *c = (struct client){.rpc = rpc_as(daemon)};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->done_cond, NULL);
    const struct rpc_peer_config config = {.target = target};
    assert_int_equal(rpc_peer_open(c->rpc, &config, &c->peer), TC_OK);
}

static void client_stop(struct client *c) {
    rpc_peer_close(c->peer);
    rpc_stop(c->rpc);
    tc_buf_deinit(&c->payload);
    pthread_cond_destroy(&c->done_cond);
    pthread_mutex_destroy(&c->lock);
}

static void on_reply(void *user, const struct rpc_reply *reply) {
    struct client *c = user;
    pthread_mutex_lock(&c->lock);
    tc_buf_clear(&c->payload);
    tc_buf_append_slice(&c->payload, reply->payload);
    c->err = reply->err;
    c->done = true;
    pthread_cond_signal(&c->done_cond);
    pthread_mutex_unlock(&c->lock);
}

static tc_err call(struct client *c, uint32_t kind, const ProtobufCMessage *message) {
    c->done = false;
    const tc_err err =
        rpc_peer_request_message(c->peer, kind, message, /* deadline_ms= */ 5000, on_reply, c);
    if (err != TC_OK)
        return err;
    pthread_mutex_lock(&c->lock);
    while (!c->done)
        pthread_cond_wait(&c->done_cond, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return c->err;
}

/* Every condition below comes true by itself; only a defect meets the end of patience. */
static bool keep_trying(uint64_t *deadline_ns) {
    if (*deadline_ns == 0)
        *deadline_ns = daemon_now_ns() + PATIENCE_S * UINT64_C(1000000000);
    sched_yield();
    return daemon_now_ns() < *deadline_ns;
}

static tc_err push(struct client *c, uint64_t first_gid, uint64_t count, uint64_t removed) {
    Tercet__Pb__Partition p[100];
    Tercet__Pb__Partition *list[100];
    char starts[100][8];
    Tercet__Pb__PushRequest request = TERCET__PB__PUSH_REQUEST__INIT;
    for (uint64_t i = 0; i < count; i++) {
        tercet__pb__partition__init(&p[i]);
        snprintf(starts[i], sizeof starts[i], "%05d", (int)(first_gid + i));
        p[i].gid = first_gid + i;
        p[i].table_id = 7;
        p[i].epoch = 1;
        p[i].start = (ProtobufCBinaryData){.len = 5, .data = (uint8_t *)starts[i]};
        list[i] = &p[i];
    }
    request.n_partitions = count;
    request.partitions = list;
    request.n_removed_gids = removed != 0;
    request.removed_gids = &removed;
    return call(c, TERCET__PB__FRAME_KIND__FRAME_PUSH, &request.base);
}

static tc_err look_up(struct client *c, const char *key, uint64_t *ret_gid) {
    Tercet__Pb__Lookup l = TERCET__PB__LOOKUP__INIT;
    Tercet__Pb__Lookup *list[] = {&l};
    Tercet__Pb__LookupRequest request = TERCET__PB__LOOKUP_REQUEST__INIT;
    l.table_id = 7;
    l.has_key = true;
    l.key = (ProtobufCBinaryData){.len = strlen(key), .data = (uint8_t *)(uintptr_t)key};
    request.n_lookups = 1;
    request.lookups = list;
    const tc_err sent = call(c, TERCET__PB__FRAME_KIND__FRAME_LOOKUP, &request.base);
    if (sent != TC_OK)
        return sent;
    Tercet__Pb__LookupReply *reply =
        tercet__pb__lookup_reply__unpack(NULL, c->payload.len, c->payload.data);
    assert_non_null(reply);
    assert_int_equal(reply->n_results, 1);
    const tc_err err = (tc_err)reply->results[0]->err;
    const ProtobufCBinaryData packed = reply->results[0]->partition;
    Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, packed.len, packed.data);
    assert_non_null(p);
    *ret_gid = p->gid;
    tercet__pb__partition__free_unpacked(p, NULL);
    tercet__pb__lookup_reply__free_unpacked(reply, NULL);
    return err;
}

static void wait_for(struct client *c, const char *key, tc_err want, uint64_t want_gid) {
    uint64_t deadline_ns = 0;
    uint64_t gid = 0;
    tc_err err = look_up(c, key, &gid);
    while ((err != want || gid != want_gid) && keep_trying(&deadline_ns))
        err = look_up(c, key, &gid);
    assert_int_equal(err, want);
    assert_int_equal(gid, want_gid);
}

static void wait_equal(struct node *a, struct node *b, uint64_t records, uint64_t tombstones) {
    uint64_t deadline_ns = 0;
    struct shell_view x;
    struct shell_view y;
    do {
        shell_view(a->shell, &x);
        shell_view(b->shell, &y);
    } while ((x.root_lo != y.root_lo || x.root_hi != y.root_hi || x.records != records ||
              x.tombstones != tombstones) &&
             keep_trying(&deadline_ns));
    assert_true(x.root_lo == y.root_lo && x.root_hi == y.root_hi);
    assert_true(x.records == records && y.records == records);
    assert_true(x.tombstones == tombstones && y.tombstones == tombstones);
}

static void what_one_is_told_all_know(void **state) {
    (void)state;
    struct node a;
    struct node b;
    struct client storage;
    struct client router;
    char port[TARGET_BYTES];
    /* Both need the other's address: the first start of a only finds a free port. */
    node_start(&a, "127.0.0.1:0", NULL);
    memcpy(port, a.target, sizeof port);
    node_stop(&a);
    node_start(&b, "127.0.0.1:0", port);
    node_start(&a, port, b.target);
    client_start(&storage, "storage", a.target);
    client_start(&router, "router", b.target);

    wait_for(&router, "00001x", TC_EUNAVAILABLE, 0);
    assert_int_equal(push(&storage, 1, 100, 0), TC_OK);
    wait_for(&router, "00001x", TC_OK, 1);
    wait_for(&router, "00100", TC_OK, 100);
    wait_equal(&a, &b, 100, 0);
    assert_int_equal(push(&storage, 101, 1, /* removed= */ 50), TC_OK);
    wait_for(&router, "00101", TC_OK, 101);
    wait_for(&router, "00050x", TC_OK, 49);
    wait_equal(&a, &b, 100, 1);
    /* A node that lost everything is filled by its peer, which is warm by now. */
    client_stop(&router);
    char again[TARGET_BYTES];
    memcpy(again, b.target, sizeof again);
    node_stop(&b);
    node_start(&b, again, port);
    client_start(&router, "router", b.target);
    wait_for(&router, "00050x", TC_OK, 49);
    wait_equal(&a, &b, 100, 1);
    assert_true(daemon_metric_value(b.metrics.lookups_total) > 0);

    client_stop(&router);
    client_stop(&storage);
    node_stop(&a);
    node_stop(&b);
}

static void strangers_are_refused(void **state) {
    (void)state;
    struct node a;
    struct client router;
    node_start(&a, "127.0.0.1:0", NULL);
    client_start(&router, "router", a.target);
    uint64_t gid;
    assert_int_equal(look_up(&router, "x", &gid), TC_EUNAVAILABLE);
    assert_int_equal(push(&router, 1, 1, 0), TC_EAUTH);
    Tercet__Pb__SyncRequest sync = TERCET__PB__SYNC_REQUEST__INIT;
    assert_int_equal(call(&router, TERCET__PB__FRAME_KIND__FRAME_SYNC, &sync.base), TC_EAUTH);
    assert_int_equal(call(&router, TERCET__PB__FRAME_KIND__FRAME_ITEM, &sync.base),
                     TC_EUNSUPPORTED);
    Tercet__Pb__PushRequest none = TERCET__PB__PUSH_REQUEST__INIT;
    assert_int_equal(call(&router, TERCET__PB__FRAME_KIND__FRAME_LOOKUP, &none.base), TC_OK);
    assert_int_equal(daemon_metric_value(a.metrics.refused_total), 3);
    client_stop(&router);
    node_stop(&a);
}

/* Stopping in the middle of rounds must neither hang nor touch what is gone. */
static void stops_at_any_time(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct node a;
        struct node b;
        struct client storage;
        node_start(&a, "127.0.0.1:0", NULL);
        client_start(&storage, "storage", a.target);
        assert_int_equal(push(&storage, 1, 100, 0), TC_OK);
        node_start(&b, "127.0.0.1:0", a.target);
        struct shell_view view;
        uint64_t deadline_ns = 0;
        do
            shell_view(b.shell, &view);
        while (i > 0 && view.records == 0 && keep_trying(&deadline_ns));
        client_stop(&storage);
        node_stop(i == 1 ? &a : &b);
        node_stop(i == 1 ? &b : &a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_is_told_all_know),
        cmocka_unit_test(strangers_are_refused),
        cmocka_unit_test(stops_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
