#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>

static void pack(struct tc_buf *out, const ProtobufCMessage *m) {
    size_t len = protobuf_c_message_get_packed_size(m);
    protobuf_c_message_pack(m, tc_buf_extend(out, len));
}

static void open_tree(struct cluster *c, struct cluster_node *n) {
    struct btree_opts o = {.gid = CLUSTER_GID, .create = true};
    assert_int_equal(btree_open(sim_fs_fs(c->fs), n->path, &o, &n->tree), TC_OK);
}

static void node_info(struct cluster *c, const struct cluster_node *n, struct tc_buf *out) {
    Tercet__Pb__Member members[CLUSTER_NODES + 1];
    Tercet__Pb__Member *list[CLUSTER_NODES + 1];
    for (uint32_t i = 0; i <= CLUSTER_NODES; i++) {
        tercet__pb__member__init(&members[i]);
        members[i].rid = i + 1;
        members[i].node = i < CLUSTER_NODES ? c->node[i].name : (char *)(uintptr_t) "node-log";
        members[i].role = i == CLUSTER_NODES; /* a log replica, which holds no items */
        list[i] = &members[i];
    }
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    p.gid = CLUSTER_GID;
    p.table_id = 3;
    p.epoch = 1;
    p.n_members = CLUSTER_NODES + 1;
    p.members = list;
    Tercet__Pb__ReplicaInfo r = TERCET__PB__REPLICA_INFO__INIT, *replicas[] = {&r};
    r.partition = &p;
    r.role = n->leads ? 2 : 0;
    r.state = (char *)(uintptr_t) "ok";
    Tercet__Pb__NodeInfoReply reply = TERCET__PB__NODE_INFO_REPLY__INIT;
    reply.node = (char *)(uintptr_t)n->name;
    reply.n_replicas = 1;
    reply.replicas = replicas;
    pack(out, &reply.base);
}

static tc_err vector(struct cluster *c, struct cluster_node *n, struct tc_buf *out) {
    if (n->busy > 0) {
        n->busy--;
        return TC_EBUSY;
    }
    struct btree_sums sums;
    btree_sums(n->tree, &sums);
    Tercet__Pb__ScrubVectorReply reply = TERCET__PB__SCRUB_VECTOR_REPLY__INIT;
    reply.n_sums = 2 * BTREE_BUCKET_COUNT;
    reply.sums = sums.sum;
    reply.item_count = btree_stats(n->tree).item_count;
    reply.chain = n->chain;
    pack(out, &reply.base);
    assert_true(c->index > 0);
    return TC_OK;
}

static void note_bad(void *user, const struct btree_damage *bad) {
    Tercet__Pb__ScrubPagesReply *reply = user;
    static Tercet__Pb__BadPage page;
    static Tercet__Pb__BadPage *list[] = {&page};
    tercet__pb__bad_page__init(&page);
    page.page = bad->page;
    page.what = (char *)(uintptr_t)bad->what;
    reply->bad = list;
    reply->n_bad = 1;
}

static tc_err pages(struct cluster_node *n, struct tc_buf *out) {
    Tercet__Pb__ScrubPagesReply reply = TERCET__PB__SCRUB_PAGES_REPLY__INIT;
    struct btree_verify *v = NULL;
    assert_int_equal(btree_verify_begin(n->tree, &v), TC_OK);
    assert_int_equal(btree_verify_step(v, UINT32_MAX, note_bad, &reply), TC_EEND);
    reply.pages = btree_verify_result(v).page_count;
    btree_verify_end(n->tree, v);
    pack(out, &reply.base);
    return TC_OK;
}

struct bucket {
    ProtobufCBinaryData keys[64];
    uint64_t hashes[64];
    size_t count;
};

static void note_key(void *user, struct tc_slice key, const struct btree_item_hash *hash) {
    struct bucket *b = user;
    assert_true(b->count < 64);
    b->keys[b->count].len = key.len;
    b->keys[b->count].data = malloc(key.len);
    memcpy(b->keys[b->count].data, key.data, key.len);
    b->hashes[b->count++] = hash->lo;
}

static tc_err bucket(struct cluster *c, struct cluster_node *n, struct tc_slice request,
                     struct tc_buf *out) {
    Tercet__Pb__ScrubBucketRequest *r =
        tercet__pb__scrub_bucket_request__unpack(NULL, request.len, request.data);
    struct bucket b = {.count = 0};
    struct tc_buf next = {0};
    assert_int_equal(
        btree_bucket_scan(n->tree, r->bucket, TC_SLICE_EMPTY, UINT32_MAX, note_key, &b, &next),
        TC_EEND);
    Tercet__Pb__ScrubBucketReply reply = TERCET__PB__SCRUB_BUCKET_REPLY__INIT;
    reply.n_keys = reply.n_hashes = b.count;
    reply.keys = b.keys;
    reply.hashes = b.hashes;
    reply.index = c->index;
    pack(out, &reply.base);
    for (size_t i = 0; i < b.count; i++)
        free(b.keys[i].data);
    tercet__pb__scrub_bucket_request__free_unpacked(r, NULL);
    return TC_OK;
}

static tc_err mark(struct cluster *c, const struct cluster_node *n, struct tc_buf *out) {
    if (!n->leads)
        return TC_ENOTLEADER;
    Tercet__Pb__ScrubMarkReply reply = TERCET__PB__SCRUB_MARK_REPLY__INIT;
    reply.index = c->index;
    pack(out, &reply.base);
    return TC_OK;
}

static tc_err ask(void *user, const char *addr, const char *method, struct tc_slice request,
                  uint32_t deadline_ms, struct tc_buf *ret_reply) {
    struct cluster *c = user;
    struct cluster_node *n = NULL;
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        if (strcmp(c->node[i].addr, addr) == 0)
            n = &c->node[i];
    assert_true(n != NULL && deadline_ms > 0);
    if (n->silent)
        return TC_EUNAVAILABLE;
    method += strlen("/tercet.Storage/");
    if (strcmp(method, "ScrubMark") == 0)
        return mark(c, n, ret_reply);
    if (strcmp(method, "ScrubVector") == 0)
        return vector(c, n, ret_reply);
    if (strcmp(method, "ScrubPages") == 0)
        return pages(n, ret_reply);
    if (strcmp(method, "ScrubBucket") == 0)
        return bucket(c, n, request, ret_reply);
    assert_string_equal(method, "NodeInfo");
    node_info(c, n, ret_reply);
    return TC_OK;
}

static bool pause_for(void *user, uint32_t ms) {
    struct cluster *c = user;
    c->paused_ms += ms;
    return true;
}

static uint64_t wall_ms(void *user) {
    struct cluster *c = user;
    return 1000 + c->paused_ms;
}

void cluster_init(struct cluster *c) {
    *c = (struct cluster){.fs = sim_fs_new(1), .index = 10};
    assert_int_equal(tc_fs_mkdir(sim_fs_fs(c->fs), "d"), TC_OK);
    c->env = (struct pass_env){.ask = ask,
                               .pause = pause_for,
                               .wall_ms = wall_ms,
                               .user = c,
                               .fs = sim_fs_fs(c->fs),
                               .dir = "d",
                               .apply_wait_ms = 1000,
                               .archive_wait_ms = 1000,
                               .pages_deadline_ms = 1000};
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        struct cluster_node *n = &c->node[i];
        snprintf(n->addr, sizeof n->addr, "h:%zu", i);
        snprintf(n->name, sizeof n->name, "node-%c", (char)('a' + i));
        snprintf(n->path, sizeof n->path, "d/%zu", i);
        n->leads = i == 1;
        n->chain = 99;
        c->addrs[i] = n->addr;
        open_tree(c, n);
    }
    for (uint32_t k = 0; k < 500; k++)
        cluster_put(c, k, "some value that fills pages a little faster than a short one would");
}

void cluster_deinit(struct cluster *c) {
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        btree_close(c->node[i].tree);
    sim_fs_free(c->fs);
}

void cluster_put(struct cluster *c, uint32_t key, const char *value) {
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        assert_int_equal(
            btree_put(c->node[i].tree, tc_slice(&key, sizeof key), tc_slice_str(value)), TC_OK);
}

void cluster_checkpoint(struct cluster *c) {
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        assert_int_equal(btree_checkpoint(c->node[i].tree, &(struct btree_stamp){.index = 1}),
                         TC_OK);
}

void cluster_rot(struct cluster *c, size_t i, uint64_t page) {
    assert_int_equal(
        sim_fs_flip(c->fs, c->node[i].path, page * BTREE_PAGE_BYTES + BTREE_PAGE_BYTES - 9, 3),
        TC_OK);
}

Tercet__Pb__ScrubGroup *cluster_scrub(struct cluster *c) {
    struct pass_nodes nodes;
    pass_nodes_ask(&c->env, c->addrs, CLUSTER_NODES, &nodes);
    uint64_t gid = pass_nodes_next_gid(&nodes, 0);
    assert_int_equal(pass_nodes_next_gid(&nodes, gid), 0);
    Tercet__Pb__ScrubGroup *g = pass_group(&c->env, &nodes, CLUSTER_GID);
    pass_nodes_deinit(&nodes);
    return g;
}

const Tercet__Pb__ScrubCheck *cluster_check(const Tercet__Pb__ScrubGroup *g, const char *name) {
    for (size_t i = 0; i < g->n_checks; i++)
        if (strcmp(g->checks[i]->name, name) == 0)
            return g->checks[i];
    fail_msg("no check %s", name);
    return NULL;
}
