/* Offers over a real stream: what a storage node sends and what it is told. */
#include "archiver/shell_offers.h"
#include "base/assert.h"
#include "base/crc32c.h"
#include "core/paxos/paxos.h"
#include "env/sim/sim.h"
#include "proto/archive.pb-c.h"
#include "proto/common.pb-c.h"
#include "rpc/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), TC_OK)

enum {
    LOG = 20,
};

/* A store that fails while told to: only the flag crosses threads, the disk is the worker's. */
struct gate {
    struct objstore store;
    struct objstore *inner;
    bool broken; /* atomic */
};

static struct objstore *inner(struct objstore *o, tc_err *ret_err) {
    struct gate *g = TC_CONTAINER(o, struct gate, store);
    *ret_err = __atomic_load_n(&g->broken, __ATOMIC_ACQUIRE) ? TC_EIO : TC_OK;
    return g->inner;
}

static tc_err gate_put(struct objstore *o, const char *key, struct tc_slice bytes) {
    tc_err err;
    struct objstore *to = inner(o, &err);
    return err == TC_OK ? objstore_put(to, key, bytes) : err;
}

static tc_err gate_get(struct objstore *o, const char *key, struct tc_buf *out) {
    tc_err err;
    struct objstore *from = inner(o, &err);
    return err == TC_OK ? objstore_get(from, key, out) : err;
}

static tc_err gate_list(struct objstore *o, const char *prefix, const char *after,
                        objstore_visit *visit, void *user, bool *ret_more) {
    tc_err err;
    struct objstore *from = inner(o, &err);
    return err == TC_OK ? objstore_list(from, prefix, after, visit, user, ret_more) : err;
}

static tc_err gate_remove(struct objstore *o, const char *key) {
    tc_err err;
    struct objstore *from = inner(o, &err);
    return err == TC_OK ? objstore_remove(from, key) : err;
}

static const struct objstore_ops GATE_OPS = {
    .put = gate_put, .get = gate_get, .list = gate_list, .remove = gate_remove};

struct rig {
    struct sim_fs *disk;
    struct gate gate;
    struct daemon_metrics *all_metrics;
    struct archiver_metrics metrics;
    struct offers offers;
    struct rpc *rpc;
    struct rpc_server *server;
    struct rpc *client;
    struct rpc_peer *peer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool up;
    bool answered;
    tc_err err;
    Tercet__Pb__SegmentReply *reply;
};

static void on_state(void *user, struct rpc_peer *peer, enum rpc_peer_state state) {
    (void)peer;
    struct rig *r = user;
    pthread_mutex_lock(&r->lock);
    r->up = state == RPC_PEER_UP;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void on_reply(void *user, const struct rpc_reply *reply) {
    struct rig *r = user;
    pthread_mutex_lock(&r->lock);
    r->err = reply->err;
    r->reply = reply->err == TC_OK ? tercet__pb__segment_reply__unpack(NULL, reply->payload.len,
                                                                       reply->payload.data)
                                   : NULL;
    r->answered = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void wait_for(struct rig *r, const bool *flag) {
    pthread_mutex_lock(&r->lock);
    while (!*flag)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

static void connect_as(struct rig *r, const char *daemon) {
    char target[32];
    snprintf(target, sizeof target, "127.0.0.1:%u", rpc_server_port(r->server));
    struct rpc_config config = {.self = {"test", daemon, "node-b", "b"}};
    OK(rpc_start(&config, &r->client));
    struct rpc_peer_config peer = {.target = target, .on_state = on_state, .user = r};
    OK(rpc_peer_open(r->client, &peer, &r->peer));
    wait_for(r, &r->up);
}

static struct rig *rig_new(const char *daemon) {
    struct rig *r = calloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->disk = sim_fs_new(1);
    OK(tc_fs_mkdir(sim_fs_fs(r->disk), "s"));
    r->gate.store.ops = &GATE_OPS;
    OK(objstore_dir_new(sim_fs_fs(r->disk), "s", &r->gate.inner));
    r->all_metrics = daemon_metrics_new();
    daemon_metrics_add(r->all_metrics, archiver_metrics_table(), &r->metrics);
    struct offers_config offers = {.store = &r->gate.store,
                                   .compress = true,
                                   .queue_max_bytes = 1 << 20,
                                   .metrics = &r->metrics};
    OK(offers_start(&r->offers, &offers));
    struct rpc_config config = {.self = {"test", "archiver", "archiver-a", "a"}};
    OK(rpc_start(&config, &r->rpc));
    struct rpc_server_config listen = {
        .listen = "127.0.0.1:0", .on_frames = offers_frames, .user = &r->offers};
    OK(rpc_server_start(r->rpc, &listen, &r->server));
    connect_as(r, daemon);
    return r;
}

static void rig_free(struct rig *r) {
    rpc_stop(r->client);
    rpc_server_stop(r->server);
    offers_stop(&r->offers);
    rpc_stop(r->rpc);
    daemon_metrics_free(r->all_metrics);
    objstore_free(r->gate.inner);
    sim_fs_free(r->disk);
    free(r);
}

static void send(struct rig *r, const Tercet__Pb__SegmentOffer *offer) {
    r->answered = false;
    OK(rpc_peer_request_message(r->peer, TERCET__PB__FRAME_KIND__FRAME_SEGMENT, &offer->base, 10000,
                                on_reply, r));
    wait_for(r, &r->answered);
}

static void reply_free(struct rig *r) {
    tercet__pb__segment_reply__free_unpacked(r->reply, NULL);
    r->reply = NULL;
}

/* A log of LOG entries whose bodies are "x"; chain[i] is the hash after entry i. */
static void make_log(Tercet__Pb__LogEntry *entries, Tercet__Pb__LogEntry **list, uint64_t *chain) {
    static uint8_t body[] = "x";
    chain[0] = 5;
    for (uint64_t i = 1; i <= LOG; i++) {
        struct paxos_entry e = {
            .index = i, .ballot = 1, .type = 2, .body_crc = tc_crc32c(0, body, 1), .body_len = 1};
        chain[i] = paxos_chain(7, chain[i - 1], &e);
        tercet__pb__log_entry__init(&entries[i - 1]);
        entries[i - 1].index = i;
        entries[i - 1].ballot = 1;
        entries[i - 1].chain = chain[i];
        entries[i - 1].type = 2;
        entries[i - 1].body_crc = e.body_crc;
        entries[i - 1].body = (ProtobufCBinaryData){.len = 1, .data = body};
        list[i - 1] = &entries[i - 1];
    }
}

static Tercet__Pb__SegmentOffer offer_of(const uint64_t *chain, uint64_t first, uint64_t last) {
    Tercet__Pb__SegmentOffer o = TERCET__PB__SEGMENT_OFFER__INIT;
    o.gid = 7;
    o.table_id = 2;
    o.table = (char *)(uintptr_t) "orders";
    o.node = (char *)(uintptr_t) "node-b";
    o.rid = 2;
    o.first = first;
    o.last = last;
    o.chain_before = first ? chain[first - 1] : 0;
    o.chain_after = first ? chain[last] : 0;
    return o;
}

static void test_offers_are_archived(void **state) {
    (void)state;
    Tercet__Pb__LogEntry entries[LOG];
    Tercet__Pb__LogEntry *list[LOG];
    uint64_t chain[LOG + 1];
    make_log(entries, list, chain);
    struct rig *r = rig_new("storage");
    Tercet__Pb__SegmentOffer o = offer_of(chain, 0, 0);
    send(r, &o);
    assert_true(r->err == TC_OK && r->reply->archived == 0);
    reply_free(r);
    o = offer_of(chain, 1, 10);
    o.entries = list;
    o.n_entries = 10;
    send(r, &o);
    assert_true(r->err == TC_OK && r->reply->archived == 10);
    assert_true(r->reply->archived_chain == chain[10] && r->reply->problem[0] == 0);
    reply_free(r);
    /* Another replica is asked for its chain hashes, and shows different ones. */
    o = offer_of(chain, 0, 0);
    o.rid = 3;
    send(r, &o);
    assert_true(r->reply->n_verify == 1 && r->reply->verify[0]->first == 1 &&
                r->reply->verify[0]->last == 10);
    reply_free(r);
    o = offer_of(chain, 1, 10);
    o.rid = 3;
    o.chain_after++;
    send(r, &o);
    assert_string_equal(r->reply->problem, "node-b rid 3: chain differs at [1, 10]");
    reply_free(r);
    rpc_stop(r->client);
    r->client = NULL;
    rpc_server_stop(r->server);
    r->server = NULL;
    offers_stop(&r->offers);
    assert_int_equal(daemon_metric_value(r->metrics.replicas_differ_total), 1);
    assert_int_equal(daemon_metric_value(r->metrics.entries_total), 10);
    rig_free(r);
}

/* What is archived is given back page by page; what is not, in words. */
static void test_archived_entries_are_given_back(void **state) {
    (void)state;
    Tercet__Pb__LogEntry entries[LOG];
    Tercet__Pb__LogEntry *list[LOG];
    uint64_t chain[LOG + 1];
    make_log(entries, list, chain);
    struct rig *r = rig_new("storage");
    Tercet__Pb__SegmentOffer o = offer_of(chain, 1, 10);
    o.entries = list;
    o.n_entries = 10;
    send(r, &o);
    reply_free(r);
    o = offer_of(chain, 0, 0);
    o.read_first = 4;
    o.read_last = 9;
    send(r, &o);
    assert_true(r->err == TC_OK && r->reply->n_entries == 6);
    for (uint64_t i = 4; i <= 9; i++) {
        const Tercet__Pb__LogEntry *e = r->reply->entries[i - 4];
        assert_true(e->index == i && e->chain == chain[i] && e->type == 2 && e->body_len == 1 &&
                    e->body.len == 1 && e->body.data[0] == 'x' &&
                    e->body_crc == entries[i - 1].body_crc);
    }
    reply_free(r);
    o.read_first = 11;
    o.read_last = 20;
    send(r, &o);
    assert_true(r->err == TC_OK && r->reply->n_entries == 0);
    assert_string_equal(r->reply->problem, "nothing is archived at 11");
    reply_free(r);
    o.read_last = 1; /* no range */
    send(r, &o);
    assert_int_equal(r->err, TC_EINVAL);
    o.read_first = 1;
    o.read_last = 10;
    __atomic_store_n(&r->gate.broken, true, __ATOMIC_RELEASE);
    send(r, &o);
    assert_int_equal(r->err, TC_EIO);
    rig_free(r);
}

static void test_failing_store_is_told(void **state) {
    (void)state;
    Tercet__Pb__LogEntry entries[LOG];
    Tercet__Pb__LogEntry *list[LOG];
    uint64_t chain[LOG + 1];
    make_log(entries, list, chain);
    struct rig *r = rig_new("storage");
    __atomic_store_n(&r->gate.broken, true, __ATOMIC_RELEASE);
    Tercet__Pb__SegmentOffer o = offer_of(chain, 1, 10);
    o.entries = list;
    o.n_entries = 10;
    send(r, &o);
    assert_int_equal(r->err, TC_EIO);
    struct tc_buf why = {0};
    assert_false(offers_ready(&r->offers, &why));
    tc_buf_deinit(&why);
    __atomic_store_n(&r->gate.broken, false, __ATOMIC_RELEASE);
    send(r, &o);
    assert_true(r->err == TC_OK && r->reply->archived == 10);
    reply_free(r);
    o.n_entries = 3; /* fewer than first..last says */
    o.first = 11;
    o.last = 20;
    o.chain_before = chain[10];
    o.chain_after = chain[20];
    o.entries = list + 10;
    send(r, &o);
    assert_true(r->err == TC_OK && r->reply->archived == 10);
    assert_string_equal(r->reply->problem, "node-b rid 2: entry 14: unreadable or missing");
    reply_free(r);
    o.rid = 0;
    send(r, &o);
    assert_int_equal(r->err, TC_EINVAL);
    rig_free(r);
}

static void test_only_storage_may_offer(void **state) {
    (void)state;
    uint64_t chain[LOG + 1] = {0};
    struct rig *r = rig_new("router");
    Tercet__Pb__SegmentOffer o = offer_of(chain, 0, 0);
    send(r, &o);
    assert_int_equal(r->err, TC_EAUTH);
    rig_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers_are_archived),
        cmocka_unit_test(test_archived_entries_are_given_back),
        cmocka_unit_test(test_failing_store_is_told),
        cmocka_unit_test(test_only_storage_may_offer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
