/* A whole store as an earlier version left it: identity, descriptor, directory, log with states and
 * a configuration entry, B-tree with its stamp. It must open and serve. */
#include "golden.h"

#include "core/item/item.h"
#include "core/key/key.h"
#include "engine/btree/btree.h"
#include "engine/store/store.h"
#include "engine/system/system.h"
#include "env/sim/sim.h"
#include "proto/bytes.h"
#include "proto/system.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
    GID = 7,
    ITEMS = 40,
    WAL_SEGMENT = 4 << 20,
};

static const char *const files[] = {"store", "replica-0000000000000007.desc",
                                    "replica-0000000000000007.tree", "wal/seg-0000"};

struct rig {
    struct sim_fs *disk;
    struct sim_clock clock;
    struct tc_prng prng;
    struct store_env env;
    struct store *store;
    struct tc_buf reply;
    tc_err reply_err;
    bool replied;
};

static uint64_t random_bits(void *user) {
    return tc_prng_u64(&((struct rig *)user)->prng);
}

static struct store_options options(void) {
    struct store_options o = store_options_default();
    o.node = "storage-a";
    o.zone = "a";
    o.addr = "node:0";
    o.segment_bytes = WAL_SEGMENT;
    o.wal_max_bytes = 16 * (uint64_t)WAL_SEGMENT;
    o.archive_required = false;
    return o;
}

static void rig_init(struct rig *r) {
    *r = (struct rig){.disk = sim_fs_new(5), .prng = tc_prng(99)};
    sim_clock_init(&r->clock, 1000000000, 1700000000000000000u);
    r->env = (struct store_env){
        .fs = sim_fs_fs(r->disk), .clock = &r->clock.clock, .random = random_bits, .user = r};
    OK(tc_fs_mkdir(r->env.fs, "d"));
}

static void rig_open(struct rig *r) {
    struct store_options o = options();
    struct tc_buf diag = {0};
    tc_err err = store_open(&r->env, "d", &o, &diag, &r->store);
    if (err != TC_OK)
        fail_msg("%s: %.*s", tc_err_name(err), (int)diag.len, (const char *)diag.data);
    tc_buf_deinit(&diag);
}

static void rig_deinit(struct rig *r) {
    store_close(r->store);
    tc_buf_deinit(&r->reply);
    sim_fs_free(r->disk);
}

static void rig_step(struct rig *r) {
    struct store_effect *e;
    r->clock.now_ns += 1000000;
    store_tick(r->store);
    for (struct store_batch *b = store_batch_take(r->store); b; b = store_batch_take(r->store))
        OK(store_batch_done(r->store, b, store_batch_write(b)));
    for (struct store_job *j = store_job_take(r->store); j; j = store_job_take(r->store)) {
        store_job_run(j);
        store_job_done(r->store, j);
    }
    while ((e = store_effect_next(r->store)) != NULL) {
        if (e->type == STORE_REPLY) {
            tc_buf_clear(&r->reply);
            tc_buf_append_slice(&r->reply, tc_buf_slice(&e->payload));
            r->reply_err = e->err;
            r->replied = true;
        }
        store_effect_free(e);
    }
}

static void rig_run(struct rig *r, uint64_t ms) {
    while (ms-- > 0)
        rig_step(r);
}

static tc_err request(struct rig *r, const Tercet__Pb__ItemRequest *req) {
    r->replied = false;
    store_item_request(r->store, 1, req);
    for (int i = 0; i < 1000 && !r->replied; i++)
        rig_step(r);
    assert_true(r->replied);
    return r->reply_err;
}

static void make_key(struct tc_buf *out, int i) {
    char text[16];
    struct tc_buf v = {0};
    int len = snprintf(text, sizeof text, "key-%d", i);
    item_put_string(&v, tc_slice(text, (size_t)len));
    key_append_hash(out, item_value_at(tc_buf_slice(&v)));
    tc_buf_deinit(&v);
}

/* Every tenth value is long enough for a run of pages. */
static void make_item(struct tc_buf *out, int i) {
    struct tc_buf v = {0}, text = {0};
    size_t len = i % 10 == 9 ? 30000 : 100;
    for (size_t k = 0; k < len; k++)
        tc_buf_append_u8(&text, (uint8_t)('a' + i % 26));
    item_put_string(&v, tc_buf_slice(&text));
    struct item_builder b = {0};
    item_builder_add(&b, tc_slice_str("a"), tc_buf_slice(&v));
    OK(item_builder_finish(&b, out));
    item_builder_deinit(&b);
    tc_buf_deinit(&v);
    tc_buf_deinit(&text);
}

static void put(struct rig *r, int i) {
    struct tc_buf key = {0}, item = {0};
    uint8_t id[16] = {(uint8_t)i, 1};
    make_key(&key, i);
    make_item(&item, i);
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    req.gid = GID;
    req.op = TERCET__PB__ITEM_OP__ITEM_PUT;
    req.key = (ProtobufCBinaryData){.len = key.len, .data = key.data};
    req.item = (ProtobufCBinaryData){.len = item.len, .data = item.data};
    req.request_id = (ProtobufCBinaryData){.len = sizeof id, .data = id};
    tc_err err = request(r, &req);
    for (int tries = 0; tries < 50 && err != TC_OK; tries++) {
        rig_run(r, 100);
        err = request(r, &req);
    }
    OK(err);
    tc_buf_deinit(&key);
    tc_buf_deinit(&item);
}

static void check_item(struct rig *r, int i) {
    struct tc_buf key = {0}, item = {0};
    make_key(&key, i);
    make_item(&item, i);
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    req.gid = GID;
    req.op = TERCET__PB__ITEM_OP__ITEM_GET;
    req.consistent = true;
    req.key = (ProtobufCBinaryData){.len = key.len, .data = key.data};
    OK(request(r, &req));
    Tercet__Pb__ItemReply *reply =
        tercet__pb__item_reply__unpack(NULL, r->reply.len, r->reply.data);
    assert_non_null(reply);
    assert_true(reply->found);
    assert_true(
        tc_slice_eq(tc_slice(reply->new_item.data, reply->new_item.len), tc_buf_slice(&item)));
    tercet__pb__item_reply__free_unpacked(reply, NULL);
    tc_buf_deinit(&key);
    tc_buf_deinit(&item);
}

/* A group of one: it elects itself and needs nobody. */
static void create_group(struct rig *r) {
    struct tc_buf info = {0};
    char table[] = "things", node[] = "storage-a", zone[] = "a", addr[] = "node:0";
    store_node_info(r->store, 0, &info);
    Tercet__Pb__NodeInfoReply *me = tercet__pb__node_info_reply__unpack(NULL, info.len, info.data);
    Tercet__Pb__Member member = TERCET__PB__MEMBER__INIT, *members[1] = {&member};
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    Tercet__Pb__CreateReplicaRequest req = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
    assert_non_null(me);
    member.rid = req.rid = 1;
    member.node = node;
    member.zone = zone;
    member.addr = addr;
    member.store_uuid = me->store_uuid;
    p.gid = GID;
    p.table_id = 5;
    p.epoch = 1;
    p.members = members;
    p.n_members = 1;
    req.partition = &p;
    req.table_name = table;
    OK(store_create_replica(r->store, &req));
    tercet__pb__node_info_reply__free_unpacked(me, NULL);
    tc_buf_deinit(&info);
}

/* ---- files between the disk of the simulation and the source tree */

static void read_file(struct tc_fs *fs, const char *name, struct tc_buf *out) {
    char path[128];
    struct tc_file *f = NULL;
    uint64_t size = 0;
    (void)snprintf(path, sizeof path, "d/%s", name);
    OK(tc_fs_open(fs, path, TC_FS_READ_ONLY, &f));
    OK(tc_file_size(f, &size));
    OK(tc_file_read_at(f, 0, tc_buf_extend(out, (size_t)size), (size_t)size));
    tc_file_close(f);
}

static void golden_name(const char *name, char *to, size_t cap) {
    const char *slash = strchr(name, '/');
    (void)snprintf(to, cap, "store-v1-%s.zst", slash ? slash + 1 : name);
}

static void save_golden(struct rig *r) {
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct tc_buf bytes = {0}, packed = {0};
        char name[128];
        read_file(r->env.fs, files[i], &bytes);
        size_t bound = ZSTD_compressBound(bytes.len);
        size_t len = ZSTD_compress(tc_buf_extend(&packed, bound), bound, bytes.data, bytes.len, 19);
        assert_false(ZSTD_isError(len));
        golden_name(files[i], name, sizeof name);
        (void)golden_make(name, tc_slice(packed.data, len));
        tc_buf_deinit(&bytes);
        tc_buf_deinit(&packed);
    }
}

static void load_golden(struct rig *r) {
    OK(tc_fs_mkdir(r->env.fs, "d/wal"));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct tc_buf packed = {0}, bytes = {0};
        char name[128], path[128];
        struct tc_file *f = NULL;
        golden_name(files[i], name, sizeof name);
        golden_read(name, &packed);
        unsigned long long size = ZSTD_getFrameContentSize(packed.data, packed.len);
        assert_true(size < 16u << 20);
        size_t len = ZSTD_decompress(tc_buf_extend(&bytes, (size_t)size), (size_t)size, packed.data,
                                     packed.len);
        assert_int_equal(len, size);
        (void)snprintf(path, sizeof path, "d/%s", files[i]);
        OK(tc_fs_open(r->env.fs, path, TC_FS_CREATE, &f));
        OK(tc_file_write_at(f, 0, bytes.data, bytes.len));
        tc_file_close(f);
        tc_buf_deinit(&packed);
        tc_buf_deinit(&bytes);
    }
}

/* Half of the items are in the B-tree's checkpoint, the rest in the log alone. */
static void test_write_store(void **state) {
    (void)state;
    static struct rig r;
    if (!golden_writing())
        skip();
    rig_init(&r);
    rig_open(&r);
    create_group(&r);
    rig_run(&r, 4000);
    for (int i = 0; i < ITEMS / 2; i++)
        put(&r, i);
    rig_run(&r, 70000);
    for (int i = ITEMS / 2; i < ITEMS; i++)
        put(&r, i);
    save_golden(&r);
    rig_deinit(&r);
}

static void test_read_store(void **state) {
    (void)state;
    static struct rig r;
    struct tc_buf json = {0};
    rig_init(&r);
    load_golden(&r);
    rig_open(&r);
    rig_run(&r, 5000);
    store_status_json(r.store, &json);
    tc_buf_append_u8(&json, 0);
    assert_non_null(strstr((const char *)json.data, "\"boot\":2,"));
    assert_non_null(strstr((const char *)json.data, "\"state\":\"ok\""));
    for (int i = 0; i < ITEMS; i++)
        check_item(&r, i);
    put(&r, ITEMS);
    check_item(&r, ITEMS);
    tc_buf_deinit(&json);
    rig_deinit(&r);
}

static void test_read_btree(void **state) {
    (void)state;
    static struct rig r;
    struct btree *t = NULL;
    rig_init(&r);
    load_golden(&r);
    struct btree_opts o = {.gid = GID, .cache_bytes = 1 << 20, .dirty_bytes_max = 1 << 20};
    OK(btree_open(r.env.fs, "d/replica-0000000000000007.tree", &o, &t));
    assert_int_equal(btree_stats(t).item_count, ITEMS / 2);
    assert_true(btree_durable_stamp(t).index >= ITEMS / 2);
    for (int i = 0; i < ITEMS / 2; i++) {
        struct tc_buf key = {0}, item = {0};
        struct tc_slice value;
        make_key(&key, i);
        make_item(&item, i);
        OK(btree_get(t, tc_buf_slice(&key), &value));
        assert_true(tc_slice_eq(value, tc_buf_slice(&item)));
        tc_buf_deinit(&key);
        tc_buf_deinit(&item);
    }
    btree_close(t);
    sim_fs_free(r.disk);
}

/* What a fresh store writes for the same identity: equal bytes. */
static void test_identity_and_descriptor_bit_for_bit(void **state) {
    (void)state;
    static struct rig r;
    struct tc_buf bytes = {0};
    rig_init(&r);
    rig_open(&r);
    create_group(&r);
    read_file(r.env.fs, "store", &bytes);
    golden_same("store-identity-v1", tc_buf_slice(&bytes));
    tc_buf_clear(&bytes);
    read_file(r.env.fs, files[1], &bytes);
    golden_same("replica-descriptor-v1", tc_buf_slice(&bytes));
    tc_buf_deinit(&bytes);
    rig_deinit(&r);
}

static void test_directory(void **state) {
    (void)state;
    static struct rig r;
    struct tc_buf bytes = {0}, json = {0};
    char node[] = "storage-b", zone[] = "b", addr[] = "node:1";
    Tercet__Pb__DirectoryNode n = TERCET__PB__DIRECTORY_NODE__INIT, *list[1] = {&n};
    Tercet__Pb__Directory d = TERCET__PB__DIRECTORY__INIT;
    rig_init(&r);
    rig_open(&r);
    n.node = node;
    n.zone = zone;
    n.addr = addr;
    n.state = TERCET__PB__DIRECTORY_STATE__DIRECTORY_DRAINING;
    d.version = 1700000000123u;
    d.nodes = list;
    d.n_nodes = 1;
    OK(store_set_directory(r.store, &d));
    read_file(r.env.fs, "directory", &bytes);
    golden_same("directory-v1", tc_buf_slice(&bytes));
    tc_buf_clear(&bytes);
    golden_read("directory-v1", &bytes);
    store_close(r.store);
    struct tc_file *f = NULL;
    OK(tc_fs_open(r.env.fs, "d/directory", TC_FS_CREATE, &f));
    OK(tc_file_write_at(f, 0, bytes.data, bytes.len));
    tc_file_close(f);
    rig_open(&r);
    store_status_json(r.store, &json);
    tc_buf_append_u8(&json, 0);
    assert_non_null(strstr((const char *)json.data, "\"directory_version\":1700000000123"));
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&json);
    rig_deinit(&r);
}

static void test_system_record(void **state) {
    (void)state;
    struct tc_buf item = {0}, file = {0}, key = {0};
    struct system_record record = {.kind = tc_slice_str(SYSTEM_KIND_NODE),
                                   .name = tc_slice_str("storage-a"),
                                   .version = 12,
                                   .data = tc_slice("\x08\x01", 2)};
    struct system_record again;
    system_item(&item, &record);
    golden_same("system-record-v1", tc_buf_slice(&item));
    golden_read("system-record-v1", &file);
    OK(item_check(tc_buf_slice(&file)));
    OK(system_decode(tc_buf_slice(&file), &again));
    assert_true(again.version == 12 && tc_slice_eq(again.name, record.name));
    system_key(&key, SYSTEM_KIND_NODE, record.name);
    golden_same("system-key-v1", tc_buf_slice(&key));
    tc_buf_deinit(&item);
    tc_buf_deinit(&file);
    tc_buf_deinit(&key);
}

static void test_reshape_order(void **state) {
    (void)state;
    uint64_t parents[] = {104}, children[] = {300, 301};
    struct tc_buf packed = {0}, file = {0};
    Tercet__Pb__ReshapeOrder order = TERCET__PB__RESHAPE_ORDER__INIT;
    order.parents = parents;
    order.n_parents = 1;
    order.children = children;
    order.n_children = 2;
    order.key = (ProtobufCBinaryData){.len = 8, .data = (uint8_t *)"\x80\0\0\0\0\0\0\0"};
    order.step = TERCET__PB__RESHAPE_STEP__RESHAPE_RETIRING;
    order.table_id = 100;
    order.asked_ms = 1700000000123;
    order.step_ms = 1700000000456;
    order.waits = (char *)(uintptr_t) "a storage node is silent";
    proto_append(&packed, &order.base);
    golden_same("reshape-order-v1", tc_buf_slice(&packed));
    golden_read("reshape-order-v1", &file);
    Tercet__Pb__ReshapeOrder *again = tercet__pb__reshape_order__unpack(NULL, file.len, file.data);
    assert_non_null(again);
    assert_true(again->step == order.step && again->table_id == 100 && again->key.len == 8);
    assert_true(again->n_parents == 1 && again->n_children == 2 && again->children[1] == 301);
    tercet__pb__reshape_order__free_unpacked(again, NULL);
    tc_buf_deinit(&packed);
    tc_buf_deinit(&file);
}

int store_formats(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_store),
        cmocka_unit_test(test_read_store),
        cmocka_unit_test(test_read_btree),
        cmocka_unit_test(test_identity_and_descriptor_bit_for_bit),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_system_record),
        cmocka_unit_test(test_reshape_order),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
