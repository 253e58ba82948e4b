#include "cluster.h"

#include "base/assert.h"
#include "core/expr/expr.h"
#include "core/item/item.h"
#include "core/key/key.h"

#include <stdio.h>
#include <stdlib.h>

struct parcel {
    struct tc_list link;
    uint64_t at_ns;
    enum store_effect_type type;
    struct tc_buf bytes;
};

struct late_job {
    struct tc_list link;
    struct store_job *job;
    uint64_t at_ns;
};

static uint64_t node_random(void *user) {
    return tc_prng_u64(&((struct node *)user)->prng);
}

static void trace_line(void *user, const char *text) {
    struct node *n = user;
    fprintf(stderr, "[%6llu] %d %s\n", (unsigned long long)(n->cluster->clock.now_ns / 1000000),
            (int)(n - n->cluster->nodes), text);
}

static void parcel_free(struct parcel *p) {
    tc_buf_deinit(&p->bytes);
    free(p);
}

static void drop_inbox(struct node *n) {
    for (struct tc_list *l = tc_list_pop_front(&n->inbox); l; l = tc_list_pop_front(&n->inbox))
        parcel_free(TC_CONTAINER(l, struct parcel, link));
}

void cluster_start(struct cluster *c, int i) {
    struct node *n = &c->nodes[i];
    char name[16], addr[32], zone[2] = {(char)('a' + i), 0};
    snprintf(name, sizeof name, "storage-%d", i);
    snprintf(addr, sizeof addr, "node:%d", i);
    struct store_options o = c->options;
    o.node = name;
    o.addr = addr;
    o.zone = zone;
    struct tc_buf diag = {0};
    tc_err err = store_open(&n->env, "d", &o, &diag, &n->store);
    if (err != TC_OK)
        fprintf(stderr, "open: %s %.*s\n", tc_err_name(err), (int)diag.len, (char *)diag.data);
    assert_int_equal(err, TC_OK);
    tc_buf_deinit(&diag);
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, i);
    memcpy(n->uuid, info->store_uuid.data, STORE_UUID_BYTES);
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
}

void cluster_init(struct cluster *c, uint64_t seed, const struct store_options *options) {
    memset(c, 0, sizeof *c);
    c->options = *options;
    c->epoch = 1;
    c->prng = tc_prng(seed);
    sim_clock_init(&c->clock, 1000000000, 1700000000000000000u);
    for (int i = 0; i < ALL_NODES; i++) {
        struct node *n = &c->nodes[i];
        n->cluster = c;
        n->fs = sim_fs_new(seed * 31 + (uint64_t)i);
        n->prng = tc_prng(seed * 77 + (uint64_t)i);
        n->env = (struct store_env){
            .fs = sim_fs_fs(n->fs), .clock = &c->clock.clock, .random = node_random, .user = n};
        if (getenv("STORE_TRACE"))
            n->env.trace = (struct tc_trace){.line = trace_line, .user = n};
        tc_list_init(&n->inbox);
        tc_list_init(&n->jobs);
        assert_int_equal(tc_fs_mkdir(n->env.fs, "d"), TC_OK);
        cluster_start(c, i);
    }
}

/* What the other threads hold comes back before the end, as in a real shutdown, and fails when the
 * machine is down. */
static void take_back(struct node *n) {
    struct tc_list *l;
    if (n->batch) {
        tc_err err = store_batch_write(n->batch);
        err = store_batch_done(n->store, n->batch, err);
        n->batch = NULL;
    }
    while ((l = tc_list_pop_front(&n->jobs)) != NULL) {
        struct late_job *late = TC_CONTAINER(l, struct late_job, link);
        store_job_run(late->job);
        store_job_done(n->store, late->job);
        free(late);
    }
}

void cluster_stop(struct cluster *c, int i, bool power_loss) {
    struct node *n = &c->nodes[i];
    sim_fs_crash_after(n->fs, 0);
    take_back(n);
    store_close(n->store);
    n->store = NULL;
    drop_inbox(n);
    if (power_loss)
        sim_fs_crash(n->fs);
    else
        sim_fs_restart(n->fs);
}

void cluster_deinit(struct cluster *c) {
    for (int i = 0; i < ALL_NODES; i++) {
        if (c->nodes[i].store)
            take_back(&c->nodes[i]);
        store_close(c->nodes[i].store);
        drop_inbox(&c->nodes[i]);
        sim_fs_free(c->nodes[i].fs);
    }
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&c->replies, &at, &key, &value)) {
        tc_buf_deinit(&((struct reply *)value)->payload);
        free(value);
    }
    tc_map_deinit(&c->replies);
}

/* ---- one step of a node */

static void deliver_beat(struct node *n, const struct parcel *p) {
    if (p->type == STORE_SEND_BEAT) {
        Tercet__Pb__NodeBeat *b = tercet__pb__node_beat__unpack(NULL, p->bytes.len, p->bytes.data);
        assert_non_null(b);
        store_receive_beat(n->store, b);
        tercet__pb__node_beat__free_unpacked(b, NULL);
        return;
    }
    Tercet__Pb__NodeBeatAck *a =
        tercet__pb__node_beat_ack__unpack(NULL, p->bytes.len, p->bytes.data);
    assert_non_null(a);
    store_receive_beat_ack(n->store, a);
    tercet__pb__node_beat_ack__free_unpacked(a, NULL);
}

static void deliver(struct node *n, const struct parcel *p) {
    if (p->type == STORE_SEND_BEAT || p->type == STORE_SEND_BEAT_ACK) {
        deliver_beat(n, p);
        return;
    }
    if (p->type == STORE_SEND_CHUNK) {
        Tercet__Pb__SnapshotChunk *m =
            tercet__pb__snapshot_chunk__unpack(NULL, p->bytes.len, p->bytes.data);
        assert_non_null(m);
        store_receive_chunk(n->store, m);
        tercet__pb__snapshot_chunk__free_unpacked(m, NULL);
        return;
    }
    Tercet__Pb__PaxosMessage *m =
        tercet__pb__paxos_message__unpack(NULL, p->bytes.len, p->bytes.data);
    assert_non_null(m);
    store_receive(n->store, m);
    tercet__pb__paxos_message__free_unpacked(m, NULL);
}

static void post(struct cluster *c, struct node *to, const struct store_effect *e) {
    struct parcel *p = calloc(1, sizeof *p);
    uint64_t delay_ms = c->loss_permille ? 1 + tc_prng_below(&c->prng, 4) : 1;
    p->at_ns = c->clock.now_ns + delay_ms * 1000000;
    p->type = e->type;
    tc_buf_append_slice(&p->bytes, tc_buf_slice(&e->payload));
    tc_list_push_back(&to->inbox, &p->link);
}

static void send(struct cluster *c, struct node *from, const struct store_effect *e) {
    struct node *n = &c->nodes[e->addr[5] - '0'];
    bool chunk = e->type == STORE_SEND_CHUNK;
    if (from->cut || n->cut || n->store == NULL)
        return;
    if (tc_prng_chance(&c->prng, c->loss_permille, 1000))
        return;
    post(c, n, e);
    if (!chunk && tc_prng_chance(&c->prng, c->loss_permille, 1000))
        post(c, n, e);
}

static void keep_reply(struct cluster *c, struct store_effect *e) {
    struct reply *r = calloc(1, sizeof *r);
    r->err = e->err;
    r->payload = e->payload;
    e->payload = (struct tc_buf){0};
    void *before = tc_map_put(&c->replies, tc_map_u64_key(&e->token), r);
    assert_null(before); /* exactly one answer */
}

/* Calls are answered at once. Who asks about a third node is told whether that one is up. */
static tc_err run_call(struct cluster *c, struct node *n, const struct store_effect *e,
                       struct tc_buf *answer) {
    if (strstr(e->method, "CreateReplica")) {
        Tercet__Pb__CreateReplicaRequest *m =
            tercet__pb__create_replica_request__unpack(NULL, e->payload.len, e->payload.data);
        tc_err err = store_create_replica(n->store, m);
        tercet__pb__create_replica_request__free_unpacked(m, NULL);
        return err;
    }
    if (strstr(e->method, "DeleteReplica")) {
        Tercet__Pb__DeleteReplicaRequest *m =
            tercet__pb__delete_replica_request__unpack(NULL, e->payload.len, e->payload.data);
        tc_err err = store_delete_request(n->store, m);
        tercet__pb__delete_replica_request__free_unpacked(m, NULL);
        return err;
    }
    if (strstr(e->method, "ReplicaAlive") == NULL)
        return store_get_partition(n->store, GID, answer);
    Tercet__Pb__ReplicaAliveRequest *m =
        tercet__pb__replica_alive_request__unpack(NULL, e->payload.len, e->payload.data);
    Tercet__Pb__ReplicaAliveReply reply = TERCET__PB__REPLICA_ALIVE_REPLY__INIT;
    const struct node *about = &c->nodes[m->addr[5] - '0'];
    reply.alive = about->store != NULL && !about->cut;
    size_t size = tercet__pb__replica_alive_reply__get_packed_size(&reply);
    (void)tercet__pb__replica_alive_reply__pack(&reply, tc_buf_extend(answer, size));
    tercet__pb__replica_alive_request__free_unpacked(m, NULL);
    return TC_OK;
}

static void call(struct cluster *c, struct node *from, const struct store_effect *e) {
    struct node *n = &c->nodes[e->addr[5] - '0'];
    struct tc_buf answer = {0};
    tc_err err = TC_EUNAVAILABLE;
    if (n->store && !n->cut && !from->cut)
        err = run_call(c, n, e, &answer);
    store_call_done(from->store, e->token, err, tc_buf_slice(&answer));
    tc_buf_deinit(&answer);
}

void cluster_refuse_rows(struct node *n, const struct store_effect *e, tc_err err) {
    tc_err errs[STORE_INDEX_ROWS_MAX];
    Tercet__Pb__IndexRequest *m =
        tercet__pb__index_request__unpack(NULL, e->payload.len, e->payload.data);
    assert_non_null(m);
    assert_in_range(m->n_rows, 1, STORE_INDEX_ROWS_MAX);
    for (size_t i = 0; i < m->n_rows; i++)
        errs[i] = err;
    store_index_done(n->store, e->token, errs, m->n_rows);
    tercet__pb__index_request__free_unpacked(m, NULL);
}

void cluster_drain(struct cluster *c, struct node *n) {
    struct store_effect *e;
    while ((e = store_effect_next(n->store)) != NULL) {
        if (e->type == STORE_REPLY)
            keep_reply(c, e);
        else if (e->type == STORE_PUSH)
            c->pushes++;
        else if (e->type == STORE_CALL)
            call(c, n, e);
        else if (e->type == STORE_INDEX && c->on_rows)
            c->on_rows(c, n, e);
        else if (e->type == STORE_INDEX)
            cluster_refuse_rows(n, e, TC_EUNAVAILABLE);
        else
            send(c, n, e);
        store_effect_free(e);
    }
}

static uint64_t disk_time(struct cluster *c) {
    uint64_t ms = c->disk_max_ms ? tc_prng_below(&c->prng, c->disk_max_ms) : 0;
    return c->clock.now_ns + ms * 1000000;
}

static void write_log(struct cluster *c, struct node *n) {
    if (n->batch && c->clock.now_ns >= n->batch_ns) {
        tc_err err = store_batch_write(n->batch);
        assert_int_equal(store_batch_done(n->store, n->batch, err), TC_OK);
        n->batch = NULL;
    }
    struct store_batch *b = n->batch ? NULL : store_batch_take(n->store);
    if (b == NULL)
        return;
    n->batch = b;
    n->batch_ns = disk_time(c) + n->disk_ms * 1000000u;
    if (n->batch_ns <= c->clock.now_ns)
        write_log(c, n);
}

static void run_jobs(struct cluster *c, struct node *n) {
    for (struct store_job *j = store_job_take(n->store); j; j = store_job_take(n->store)) {
        struct late_job *late = calloc(1, sizeof *late);
        late->job = j;
        late->at_ns = disk_time(c);
        tc_list_push_back(&n->jobs, &late->link);
    }
    while (!tc_list_empty(&n->jobs)) {
        struct late_job *late = TC_CONTAINER(n->jobs.next, struct late_job, link);
        if (late->at_ns > c->clock.now_ns)
            return;
        tc_list_remove(&late->link);
        store_job_run(late->job);
        store_job_done(n->store, late->job);
        free(late);
    }
}

static void take_inbox(struct cluster *c, struct node *n) {
    struct tc_list *next;
    for (struct tc_list *l = n->inbox.next; l != &n->inbox; l = next) {
        struct parcel *p = TC_CONTAINER(l, struct parcel, link);
        next = l->next;
        if (p->at_ns > c->clock.now_ns)
            continue;
        tc_list_remove(l);
        deliver(n, p);
        parcel_free(p);
    }
}

static void node_step(struct cluster *c, struct node *n) {
    take_inbox(c, n);
    store_tick(n->store);
    write_log(c, n);
    cluster_drain(c, n);
    run_jobs(c, n);
    cluster_drain(c, n);
    assert_false(store_failed(n->store));
}

void cluster_run(struct cluster *c, uint64_t ms) {
    for (; ms > 0; ms--) {
        c->clock.now_ns += 1000000;
        for (int i = 0; i < ALL_NODES; i++)
            if (c->nodes[i].store)
                node_step(c, &c->nodes[i]);
    }
}

/* ---- groups */

void cluster_tell_directory(struct cluster *c, uint64_t version) {
    Tercet__Pb__Directory d = TERCET__PB__DIRECTORY__INIT;
    Tercet__Pb__DirectoryNode nodes[ALL_NODES], *pointers[ALL_NODES];
    char addr[ALL_NODES][24], zone[ALL_NODES][2];
    d.version = version;
    d.nodes = pointers;
    d.n_nodes = ALL_NODES;
    for (int i = 0; i < ALL_NODES; i++) {
        tercet__pb__directory_node__init(&nodes[i]);
        snprintf(addr[i], sizeof addr[i], "node:%d", i);
        zone[i][0] = (char)('a' + i);
        zone[i][1] = 0;
        nodes[i].node = nodes[i].addr = addr[i];
        nodes[i].zone = zone[i];
        nodes[i].store_uuid =
            (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = c->nodes[i].uuid};
        pointers[i] = &nodes[i];
    }
    for (int i = 0; i < ALL_NODES; i++)
        if (c->nodes[i].store)
            assert_int_equal(store_set_directory(c->nodes[i].store, &d), TC_OK);
}

Tercet__Pb__NodeInfoReply *cluster_info(struct cluster *c, int n) {
    struct tc_buf b = {0};
    store_node_info(c->nodes[n].store, 0, &b);
    Tercet__Pb__NodeInfoReply *info = tercet__pb__node_info_reply__unpack(NULL, b.len, b.data);
    assert_non_null(info);
    tc_buf_deinit(&b);
    return info;
}

void cluster_create_group(struct cluster *c) {
    cluster_create_group_as(c, GID);
}

void cluster_create_group_as(struct cluster *c, uint64_t gid) {
    Tercet__Pb__Member members[NODES], *pointers[NODES];
    char addr[NODES][24], zone[NODES][2];
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    p.gid = gid;
    p.table_id = 5;
    p.epoch = 1;
    for (int i = 0; i < NODES; i++) {
        tercet__pb__member__init(&members[i]);
        snprintf(addr[i], sizeof addr[i], "node:%d", i);
        zone[i][0] = (char)('a' + i);
        zone[i][1] = 0;
        members[i].rid = (uint32_t)i + 1;
        members[i].addr = addr[i];
        members[i].node = addr[i];
        members[i].zone = zone[i];
        members[i].store_uuid =
            (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = c->nodes[i].uuid};
        pointers[i] = &members[i];
    }
    p.members = pointers;
    p.n_members = NODES;
    for (int i = 0; i < NODES; i++) {
        Tercet__Pb__CreateReplicaRequest req = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
        req.partition = &p;
        req.rid = (uint32_t)i + 1;
        char table[] = "things";
        req.table_name = table;
        assert_int_equal(store_create_replica(c->nodes[i].store, &req), TC_OK);
        assert_int_equal(store_create_replica(c->nodes[i].store, &req), TC_EEXISTS);
    }
}

int cluster_leader(struct cluster *c) {
    for (int i = 0; i < NODES; i++) {
        size_t led = 0, all = 0;
        if (c->nodes[i].store)
            store_replica_counts(c->nodes[i].store, &led, &all);
        struct op read = {.op = TERCET__PB__ITEM_OP__ITEM_GET, .key = 1, .consistent = true};
        if (led == 1 && cluster_do(c, i, &read) == TC_OK)
            return i;
    }
    return -1;
}

int cluster_wait_leader(struct cluster *c) {
    for (int i = 0; i < 2000; i++) {
        cluster_run(c, 10);
        int leader = cluster_leader(c);
        if (leader >= 0)
            return leader;
    }
    fail_msg("no leader in 20 s");
    return -1;
}

void cluster_assert_equal(struct cluster *c) {
    cluster_run(c, 3000);
    uint64_t items = 0, bytes = 0, applied = 0;
    for (int i = 0; i < NODES; i++) {
        Tercet__Pb__NodeInfoReply *info = cluster_info(c, i);
        const Tercet__Pb__ReplicaInfo *r = info->replicas[0];
        assert_string_equal(r->state, "ok");
        if (i > 0) {
            assert_int_equal(r->applied, applied);
            assert_int_equal(r->item_count, items);
            assert_int_equal(r->item_bytes, bytes);
        }
        applied = r->applied;
        items = r->item_count;
        bytes = r->item_bytes;
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    }
}
