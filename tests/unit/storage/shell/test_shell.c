/* Rows of indexes on their way, with the real threads of rpc, route and a store thread: divided
 * while partitions change under them, refused, answered late. Each shipment must come back to the
 * store thread once, with every row's own answer. The store itself is played here. */
#include "base/assert.h"
#include "base/reader.h"
#include "proto/bytes.h"
#include "route/route_private.h"
#include "shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    SHIPMENTS = 120,
    ROWS = STORE_INDEX_ROWS_MAX,
    TABLE = 7,
    REFUSED = 13, /* the version of a row that the index cannot take now */
    BUSY_EVERY = 7,
};

struct node {
    struct shell shell;
    struct daemon daemon;
    struct storage_options options;
    char addr[32];
    struct rpc_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock */
    size_t requests;
    bool split;            /* the group of "" to "m" is two by now */
    uint32_t arrived[256]; /* rows, by the first byte of their keys */
    size_t done;
    size_t answers[SHIPMENTS];
    size_t unavailable;     /* rows */
    size_t sent[SHIPMENTS]; /* the store thread's */
};

static struct node node;

/* ---- the store and what else the shell has */

struct shell_post *shell_post_new(enum shell_post_kind kind) {
    struct shell_post *post = calloc(1, sizeof *post);
    TC_ASSERT(post != NULL);
    post->kind = kind;
    return post;
}

void shell_post_free(struct shell_post *post) {
    shell_shipment_free(post->shipment);
    free(post);
}

static bool is_refused(size_t shipment, size_t row) {
    return shipment % 10 == 3 && row == 5;
}

static void post(enum shell_post_kind kind, uint64_t token) {
    struct shell_post *p = shell_post_new(kind);
    p->token = token;
    tc_err err = daemon_worker_post(node.shell.worker, p);
    TC_ASSERT(err == TC_OK);
}

/* A row that was refused takes those of its part with it, and no others: keys of one letter. */
void store_index_done(struct store *s, uint64_t token, const tc_err *errs, size_t count) {
    (void)s;
    size_t unavailable = 0;
    TC_ASSERT(token < SHIPMENTS && count == ROWS);
    for (size_t i = 0; i < count; i++) {
        bool throttled = errs[i] == TC_ETHROTTLED;
        unavailable += errs[i] != TC_OK && !throttled;
        TC_ASSERT(!throttled || (token % 10 == 3 && i < ROWS / 2));
        TC_ASSERT(!is_refused(token, i) || errs[i] != TC_OK);
    }
    pthread_mutex_lock(&node.lock);
    node.unavailable += unavailable;
    node.answers[token]++;
    if (unavailable > 0 && !node.shell.resting)
        post(SHELL_CALL, token); /* the machine is slow: as the outbox does */
    else
        node.done++;
    pthread_cond_broadcast(&node.changed);
    pthread_mutex_unlock(&node.lock);
}

/* ---- the groups of the index: all on one node, whose rpc threads answer */

static Tercet__Pb__Partition *partition(uint64_t gid, uint64_t epoch, const char *start,
                                        const char *end) {
    Tercet__Pb__Member member = TERCET__PB__MEMBER__INIT, *members[] = {&member};
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    member.rid = 1;
    member.addr = node.addr;
    p.gid = gid;
    p.table_id = TABLE;
    p.epoch = epoch;
    p.leader_rid = 1;
    p.members = members;
    p.n_members = 1;
    p.start = proto_bytes(tc_slice_str(start));
    p.end = proto_bytes(tc_slice_str(end));
    return route__partition_dup(&p);
}

static void learn(Tercet__Pb__Partition *p) {
    struct route *r = node.shell.route;
    pthread_mutex_lock(&r->lock);
    route__partition_put(r, p);
    pthread_mutex_unlock(&r->lock);
}

static tc_err take(const Tercet__Pb__IndexRequest *m) {
    tc_err err = TC_OK;
    for (size_t i = 0; i < m->n_rows; i++) {
        const Tercet__Pb__IndexRow *row = m->rows[i];
        bool low = row->key.data[0] < 'h', right = row->key.data[0] >= 'm';
        TC_ASSERT(m->gid == (right ? 2U : low ? 3U : 4U));
        node.arrived[row->key.data[0]]++;
        if (row->version == REFUSED)
            err = TC_ETHROTTLED;
    }
    return err;
}

/* The first request for the group that was split brings its children to light. */
static void answer(struct rpc_conn *conn, const struct rpc_frame *f,
                   const Tercet__Pb__IndexRequest *m) {
    Tercet__Pb__IndexReply reply = TERCET__PB__INDEX_REPLY__INIT;
    tc_err err = TC_EBUSY;
    pthread_mutex_lock(&node.lock);
    bool busy = ++node.requests % BUSY_EVERY == 0;
    if (m->gid == 1) {
        learn(partition(4, 2, "h", "m"));
        reply.moved = partition(3, 2, "", "h");
        err = TC_EMOVED;
        node.split = true;
    } else if (!busy) {
        err = take(m);
    }
    pthread_mutex_unlock(&node.lock);
    rpc_conn_reply_message(conn, f->id, f->kind, err, &reply.base);
    if (reply.moved)
        tercet__pb__partition__free_unpacked(reply.moved, NULL);
}

static void on_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames) {
    (void)user;
    for (size_t i = 0; i < frames->count; i++) {
        const struct rpc_frame *f = &frames->frames[i];
        Tercet__Pb__IndexRequest *m =
            tercet__pb__index_request__unpack(NULL, f->payload.len, f->payload.data);
        TC_ASSERT(m != NULL && f->kind == TERCET__PB__FRAME_KIND__FRAME_INDEX);
        answer(conn, f, m);
        tercet__pb__index_request__free_unpacked(m, NULL);
    }
    rpc_frames_unref(frames);
}

/* ---- the store thread */

/* Half of the rows stand below "m", the other half above. */
static void send(struct shell *s, uint64_t token) {
    Tercet__Pb__IndexRow rows[ROWS], *list[ROWS];
    Tercet__Pb__IndexRequest m = TERCET__PB__INDEX_REQUEST__INIT;
    struct store_effect e = {.token = token, .table_id = TABLE};
    char keys[ROWS][16];
    for (size_t i = 0; i < ROWS; i++) {
        char letter = (char)(i < ROWS / 2 ? 'a' + i % 16 * 12 / 16 : 'm' + i % 16 * 14 / 16);
        tercet__pb__index_row__init(&rows[i]);
        snprintf(keys[i], sizeof keys[i], "%c%02zu", letter, i);
        rows[i].key = proto_bytes(tc_slice_str(keys[i]));
        rows[i].version = is_refused(token, i) ? REFUSED : 100;
        list[i] = &rows[i];
    }
    m.rows = list;
    m.n_rows = ROWS;
    proto_append(&e.payload, &m.base);
    node.sent[token]++;
    shell_index_send(s, &e);
    tc_buf_deinit(&e.payload);
}

/* The first shipment made a route that knows nothing: what is asked for is not there until now. */
static void know_partitions(const struct shell *s) {
    if (s->route == NULL)
        return;
    learn(partition(1, 1, "", "m"));
    learn(partition(2, 1, "m", ""));
}

static void take_post(struct shell *s, struct shell_post *post) {
    bool first = s->route == NULL;
    switch ((int)post->kind) {
    case SHELL_CALL: /* here: a shipment is to leave */
        send(s, post->token);
        break;
    case SHELL_INDEX:
        shell_take_index(s, post);
        break;
    case SHELL_STOP:
        s->resting = true;
        break;
    default:
        TC_ASSERT(false);
    }
    if (first)
        know_partitions(s);
    shell_post_free(post);
}

static uint64_t run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct shell *s = user;
    (void)now_ns;
    for (size_t i = 0; i < count; i++)
        take_post(s, entries[i]);
    return UINT64_MAX;
}

/* ---- the test */

static void begin(struct rpc **ret_rpc) {
    struct rpc_config config = {.self = {"test", "storage", "node-a", "a"}};
    struct rpc_server_config listen = {.listen = "127.0.0.1:0", .on_frames = on_frames};
    struct shell *s = &node.shell;
    pthread_mutex_init(&node.lock, NULL);
    pthread_cond_init(&node.changed, NULL);
    assert_int_equal(rpc_start(&config, ret_rpc), TC_OK);
    assert_int_equal(rpc_server_start(*ret_rpc, &listen, &node.server), TC_OK);
    snprintf(node.addr, sizeof node.addr, "127.0.0.1:%u", rpc_server_port(node.server));
    node.options.memds = (struct daemon_addrs){.items = {"127.0.0.1:1"}, .count = 1};
    node.daemon.common.zone = "a";
    s->rpc = *ret_rpc;
    s->options = &node.options;
    s->daemon = &node.daemon;
    struct daemon_worker_config worker = {.name = "store",
                                          .count_max = SHELL_POSTS_MAX,
                                          .reserve_count = SHELL_RESERVE,
                                          .run = run,
                                          .user = s};
    assert_int_equal(daemon_worker_start(&worker, &s->worker), TC_OK);
}

static void wait_for(size_t done) {
    pthread_mutex_lock(&node.lock);
    while (node.done < done)
        pthread_cond_wait(&node.changed, &node.lock);
    pthread_mutex_unlock(&node.lock);
}

static void end(struct rpc *rpc) {
    route_free(node.shell.route);
    daemon_worker_stop(node.shell.worker);
    rpc_server_stop(node.server);
    rpc_stop(rpc);
    pthread_cond_destroy(&node.changed);
    pthread_mutex_destroy(&node.lock);
}

static void shipments_come_back_once(void **state) {
    struct rpc *rpc = NULL;
    (void)state;
    begin(&rpc);
    for (uint64_t i = 0; i + 1 < SHIPMENTS; i++)
        post(SHELL_CALL, i);
    wait_for(SHIPMENTS - 1);
    size_t before = node.unavailable;
    post(SHELL_STOP, 0);
    post(SHELL_CALL, SHIPMENTS - 1); /* a node that rests sends nothing */
    wait_for(SHIPMENTS);
    end(rpc);
    assert_int_equal(node.unavailable, before + ROWS);
    assert_int_equal(node.shell.shipments_out, 0);
    assert_true(node.split);
    for (size_t i = 0; i < SHIPMENTS; i++)
        assert_true(node.sent[i] > 0 && node.answers[i] == node.sent[i]);
    for (char c = 'a'; c < 'm'; c++)
        assert_true(node.arrived[(uint8_t)c] >= SHIPMENTS - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(shipments_come_back_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
