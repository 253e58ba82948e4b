#include "cluster.h"

#include "base/crc32c.h"
#include "core/entry/entry.h"
#include "core/paxos/paxos.h"

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
    reply.n_replicas = !n->gone;
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
    if (n->gone)
        return TC_ENOTFOUND;
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

static void waits(void *user, const char *what, uint32_t max_ms) {
    struct cluster *c = user;
    if (what[0])
        snprintf(c->waited_for, sizeof c->waited_for, "%s, %u ms", what, max_ms);
    c->waits = what[0] != 0;
}

static uint64_t wall_ms(void *user) {
    struct cluster *c = user;
    return 1000 + c->paused_ms;
}

void cluster_init(struct cluster *c) {
    *c = (struct cluster){.fs = sim_fs_new(1)};
    assert_int_equal(tc_fs_mkdir(sim_fs_fs(c->fs), "d"), TC_OK);
    c->env = (struct pass_env){.ask = ask,
                               .pause = pause_for,
                               .wall_ms = wall_ms,
                               .waits = waits,
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
        c->addrs[i] = n->addr;
        open_tree(c, n);
    }
    for (uint32_t k = 0; k < 500; k++)
        cluster_put(c, k, "some value that fills pages a little faster than a short one would");
}

void cluster_deinit(struct cluster *c) {
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        btree_close(c->node[i].tree);
    for (uint64_t i = 1; i <= c->index; i++)
        tc_buf_deinit(&c->bodies[i]);
    objstore_free(c->store);
    sim_fs_free(c->fs);
}

static void log_put(struct cluster *c, struct tc_slice key, struct tc_slice value) {
    uint64_t index = ++c->index;
    assert_true(index <= CLUSTER_ENTRIES_MAX);
    struct entry_write w = {.hlc_ns = index};
    struct entry_mutation m = {.op = ENTRY_PUT, .key = key, .item = value};
    entry_write_encode(&w, &m, 1, &c->bodies[index]);
    struct tc_slice body = tc_buf_slice(&c->bodies[index]);
    struct paxos_entry e = {.index = index,
                            .ballot = 5,
                            .type = PAXOS_WRITE,
                            .body_len = (uint32_t)body.len,
                            .body_crc = tc_crc32c(0, body.data, body.len)};
    e.chain = paxos_chain(CLUSTER_GID, c->log[index - 1].chain, &e);
    c->log[index] = (struct archive_entry){.index = index,
                                           .ballot = e.ballot,
                                           .chain = e.chain,
                                           .body_crc = e.body_crc,
                                           .type = e.type,
                                           .body = body};
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        c->node[i].chain = e.chain;
}

void cluster_put(struct cluster *c, uint32_t key, const char *value) {
    log_put(c, tc_slice(&key, sizeof key), tc_slice_str(value));
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

static void put_object(struct cluster *c, const char *key, const struct tc_buf *object,
                       uint32_t *ret_crc) {
    assert_int_equal(objstore_put(c->store, key, tc_buf_slice(object)), TC_OK);
    *ret_crc = tc_crc32c(0, object->data, object->len);
}

static void archive_segment(struct cluster *c, struct archive_manifest *m, uint64_t first,
                            uint64_t last) {
    struct tc_buf entries = {0}, object = {0};
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    for (uint64_t i = first; i <= last; i++)
        archive_entry_encode(&c->log[i], &entries);
    struct archive_segment s = {.gid = CLUSTER_GID,
                                .table_id = 3,
                                .first = first,
                                .last = last,
                                .chain_before = c->log[first - 1].chain,
                                .chain_after = c->log[last].chain,
                                .entries = tc_buf_slice(&entries)};
    assert_int_equal(archive_segment_encode(&s, first % 200 == 1, &object), TC_OK);
    archive_segment_key(CLUSTER_GID, first, last, s.chain_after, key);
    struct archive_segment_ref ref = {.first = first,
                                      .last = last,
                                      .chain_before = s.chain_before,
                                      .chain_after = s.chain_after,
                                      .bytes = object.len};
    put_object(c, key, &object, &ref.crc);
    assert_int_equal(archive_manifest_add_segment(m, &ref), TC_OK);
    tc_buf_deinit(&entries);
    tc_buf_deinit(&object);
}

/* The items at index, from the log. */
static struct btree *tree_at(struct cluster *c, uint64_t index, uint32_t wrong) {
    struct btree_opts o = {.gid = CLUSTER_GID, .create = true};
    struct btree *t = NULL;
    assert_int_equal(btree_open(sim_fs_fs(c->fs), "d/scratch", &o, &t), TC_OK);
    for (uint64_t i = 1; i <= index; i++) {
        struct entry_write w;
        struct entry_mutation m;
        assert_int_equal(entry_write_decode(c->log[i].body, &w), TC_OK);
        struct entry_iter it = entry_iter(&w);
        assert_true(entry_next(&it, &m));
        assert_int_equal(btree_put(t, m.key, m.item), TC_OK);
    }
    if (wrong)
        assert_int_equal(btree_put(t, tc_slice(&wrong, 4), TC_SLICE_LIT("wrong")), TC_OK);
    return t;
}

static void archive_part(struct cluster *c, struct btree *t, uint64_t index,
                         struct archive_part_ref *ret_ref, struct tc_buf *first_key) {
    struct tc_buf items = {0}, object = {0};
    struct btree_cursor cursor;
    struct tc_slice value;
    btree_cursor_init(&cursor, t);
    for (tc_err err = btree_cursor_seek(&cursor, BTREE_GE, TC_SLICE_EMPTY); err == TC_OK;
         err = btree_cursor_next(&cursor)) {
        if (items.len == 0)
            tc_buf_append_slice(first_key, tc_buf_slice(&cursor.key));
        assert_int_equal(btree_cursor_value(&cursor, &value), TC_OK);
        archive_item_encode(tc_buf_slice(&cursor.key), value, &items);
    }
    btree_cursor_deinit(&cursor);
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    struct archive_part part = {.gid = CLUSTER_GID,
                                .index = index,
                                .item_count = btree_stats(t).item_count,
                                .items = tc_buf_slice(&items)};
    assert_int_equal(archive_part_encode(&part, true, &object), TC_OK);
    archive_part_key(CLUSTER_GID, index, 0, key);
    *ret_ref = (struct archive_part_ref){
        .first_key = tc_buf_slice(first_key), .item_count = part.item_count, .bytes = object.len};
    put_object(c, key, &object, &ret_ref->crc);
    tc_buf_deinit(&items);
    tc_buf_deinit(&object);
}

static void archive_snapshot(struct cluster *c, struct archive_manifest *m, uint64_t index,
                             uint32_t wrong) {
    struct btree *t = tree_at(c, index, wrong);
    struct tc_buf parts = {0}, object = {0}, first_key = {0};
    struct archive_part_ref ref;
    struct btree_sums sums;
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    archive_part(c, t, index, &ref, &first_key);
    archive_part_ref_encode(&ref, &parts);
    btree_sums(t, &sums);
    struct archive_snapshot s = {.gid = CLUSTER_GID,
                                 .table_id = 3,
                                 .index = index,
                                 .ballot = 5,
                                 .chain = c->log[index].chain,
                                 .item_count = ref.item_count,
                                 .sums = tc_slice(sums.sum, sizeof sums.sum),
                                 .part_count = 1,
                                 .parts = tc_buf_slice(&parts)};
    assert_int_equal(archive_snapshot_encode(&s, &object), TC_OK);
    archive_snapshot_key(CLUSTER_GID, index, key);
    struct archive_snapshot_ref in = {.index = index,
                                      .ballot = 5,
                                      .chain = s.chain,
                                      .key_count = s.item_count,
                                      .bytes = ref.bytes,
                                      .part_count = 1};
    put_object(c, key, &object, &in.crc);
    assert_int_equal(archive_manifest_add_snapshot(m, &in), TC_OK);
    tc_buf_deinit(&parts);
    tc_buf_deinit(&object);
    tc_buf_deinit(&first_key);
    btree_close(t);
}

void cluster_archive(struct cluster *c, uint64_t index, uint64_t snapshot_index, uint32_t wrong) {
    struct archive_manifest m = {.gid = CLUSTER_GID, .table_id = 3};
    assert_int_equal(tc_fs_mkdir(sim_fs_fs(c->fs), "d/archive"), TC_OK);
    assert_int_equal(objstore_dir_new(sim_fs_fs(c->fs), "d/archive", &c->store), TC_OK);
    for (uint64_t first = 1; first <= index; first += CLUSTER_SEGMENT_ENTRIES) {
        uint64_t last = first + CLUSTER_SEGMENT_ENTRIES - 1;
        archive_segment(c, &m, first, last < index ? last : index);
    }
    if (snapshot_index)
        archive_snapshot(c, &m, snapshot_index, wrong);
    assert_int_equal(archive_manifest_store(c->store, &m), TC_OK);
    archive_manifest_deinit(&m);
    c->env.store = c->store;
}

void cluster_segment_path(const struct cluster *c, size_t n, char ret_path[256], const char **key) {
    char name[ARCHIVE_OBJECT_KEY_BYTES];
    uint64_t first = n * CLUSTER_SEGMENT_ENTRIES + 1, last = first + CLUSTER_SEGMENT_ENTRIES - 1;
    last = last < c->index ? last : c->index;
    archive_segment_key(CLUSTER_GID, first, last, c->log[last].chain, name);
    snprintf(ret_path, 256, "d/archive/%s", name);
    *key = ret_path + strlen("d/archive/");
}

Tercet__Pb__ScrubGroup *cluster_scrub(struct cluster *c) {
    struct pass_nodes nodes;
    pass_nodes_ask(&c->env, c->addrs, CLUSTER_NODES, &nodes);
    uint64_t gid = pass_nodes_next_gid(&nodes, 0);
    assert_int_equal(pass_nodes_next_gid(&nodes, gid), 0);
    Tercet__Pb__ScrubGroup *g = pass_group(&c->env, &nodes, CLUSTER_GID, PASS_DEEP);
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
