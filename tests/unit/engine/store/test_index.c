/* What follows from items, on three stores: rows in the same entry, ranges that see items or rows
 * only, schemas through CONF entries, splits and merges by home. */
#include "cluster.h"

#include "core/index/index_aux.h"
#include "core/index/index_range.h"
#include "core/json/json_item.h"
#include "core/key/key.h"
#include "engine/store/store_private.h"
#include "sim/kit/index_rows.h"

#include <stdio.h>

enum {
    STEP_MS = 20,
    PATIENCE = 500,
    LEFT = 30,
    RIGHT = 31,
    MERGED = 32,
};

static struct cluster cluster;

static int setup(void **state) {
    struct store_options options = store_options_default();
    options.archive_required = false;
    options.segment_bytes = 4 << 20;
    options.wal_max_bytes = 64 << 20;
    options.checkpoint_ms = 200;
    cluster_init(&cluster, 77, &options);
    cluster_create_group(&cluster);
    cluster.epoch = 0; /* any: schemas raise it */
    *state = &cluster;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    cluster_deinit(&cluster);
    return 0;
}

/* ---- schema */

/* pk S, sk S; local 1 on l N, keys only; global 9 on g S; expiry time t. */
static struct index_schema schema(uint64_t version) {
    struct index_schema s = {.version = version,
                             .kind = INDEX_TABLE,
                             .hash = {TC_SLICE_LIT("pk"), ITEM_S},
                             .range = {TC_SLICE_LIT("sk"), ITEM_S},
                             .has_range = true,
                             .ttl = TC_SLICE_LIT("t"),
                             .ttl_tag = 1,
                             .def_count = 2};
    s.defs[0] = (struct index_def){.id = 1,
                                   .name = TC_SLICE_LIT("by-l"),
                                   .hash = {{TC_SLICE_LIT("pk"), ITEM_S}},
                                   .hash_count = 1,
                                   .range = {{TC_SLICE_LIT("l"), ITEM_N}},
                                   .range_count = 1,
                                   .projection = INDEX_KEYS_ONLY};
    s.defs[1] = (struct index_def){.id = 9,
                                   .name = TC_SLICE_LIT("by-g"),
                                   .global = true,
                                   .table_id = 55,
                                   .hash = {{TC_SLICE_LIT("g"), ITEM_S}},
                                   .hash_count = 1,
                                   .projection = INDEX_ALL};
    return s;
}

static tc_err set_schema(struct cluster *c, int n, uint64_t gid, const struct index_schema *s,
                         uint64_t *ret_version) {
    Tercet__Pb__SetSchemaRequest req = TERCET__PB__SET_SCHEMA_REQUEST__INIT;
    struct tc_buf bytes = {0}, out = {0};
    assert_int_equal(index_schema_encode(s, &bytes), TC_OK);
    req.gid = gid;
    req.schema = (ProtobufCBinaryData){.len = bytes.len, .data = bytes.data};
    tc_err err = store_set_schema(c->nodes[n].store, &req, &out);
    if (err == TC_OK) {
        Tercet__Pb__SetSchemaReply *reply =
            tercet__pb__set_schema_reply__unpack(NULL, out.len, out.data);
        *ret_version = reply->version;
        tercet__pb__set_schema_reply__free_unpacked(reply, NULL);
    }
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&out);
    return err;
}

static void put_in_force(struct cluster *c, uint64_t version) {
    struct index_schema s = schema(version);
    uint64_t got = 0;
    for (int i = 0; i < PATIENCE && got < version; i++) {
        for (int n = 0; n < NODES && got < version; n++)
            if (c->nodes[n].store)
                (void)set_schema(c, n, GID, &s, &got);
        cluster_run(c, STEP_MS);
    }
    assert_int_equal(got, version);
}

/* ---- items */

static struct tc_buf item_bytes, key_bytes;

static struct tc_slice item_of(const char *json) {
    struct json_item j = {0};
    struct json_diag diag;
    struct tc_arena arena = {0};
    struct json_reader r = json_reader(tc_slice_str(json), &arena, JSON_ITEM_DEPTH);
    tc_buf_clear(&item_bytes);
    assert_int_equal(json_item_read(&j, &r, &item_bytes, &diag), TC_OK);
    json_item_deinit(&j);
    tc_arena_deinit(&arena);
    return tc_buf_slice(&item_bytes);
}

static struct tc_slice key_of(struct tc_slice item) {
    const struct index_schema s = schema(1);
    tc_buf_clear(&key_bytes);
    assert_true(index_base_key(&s, item, &key_bytes));
    return tc_buf_slice(&key_bytes);
}

/* PUT (or DELETE) until it is answered for good; the caller frees the reply. */
static Tercet__Pb__ItemReply *write_item(struct cluster *c, uint64_t gid, Tercet__Pb__ItemOp op,
                                         const char *json, uint64_t id, tc_err *ret_err) {
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    struct tc_slice item = item_of(json), key = key_of(item);
    uint64_t words[2] = {id, 0x1d};
    req.gid = gid;
    req.op = op;
    req.request_id = (ProtobufCBinaryData){.len = sizeof words, .data = (uint8_t *)words};
    req.key = (ProtobufCBinaryData){.len = key.len, .data = (uint8_t *)(uintptr_t)key.data};
    if (op == TERCET__PB__ITEM_OP__ITEM_PUT)
        req.item = (ProtobufCBinaryData){.len = item.len, .data = (uint8_t *)(uintptr_t)item.data};
    for (int i = 0; i < PATIENCE; i++) {
        int n = i % NODES;
        if (c->nodes[n].store == NULL)
            continue;
        uint64_t token = ++c->next_token;
        store_item_request(c->nodes[n].store, token, &req);
        const struct reply *r = cluster_wait(c, token);
        *ret_err = r->err;
        if (r->err == TC_OK || tc_err_class(r->err) == TC_CLASS_NONE)
            return cluster_item_reply(r);
        cluster_run(c, STEP_MS);
    }
    fail_msg("a write is not answered");
    return NULL;
}

static uint64_t next_id = 100;

static void put(struct cluster *c, uint64_t gid, const char *json) {
    tc_err err = TC_OK;
    Tercet__Pb__ItemReply *m =
        write_item(c, gid, TERCET__PB__ITEM_OP__ITEM_PUT, json, ++next_id, &err);
    assert_int_equal(err, TC_OK);
    tercet__pb__item_reply__free_unpacked(m, NULL);
}

static void drop(struct cluster *c, uint64_t gid, const char *json) {
    tc_err err = TC_OK;
    Tercet__Pb__ItemReply *m =
        write_item(c, gid, TERCET__PB__ITEM_OP__ITEM_DELETE, json, ++next_id, &err);
    assert_int_equal(err, TC_OK);
    tercet__pb__item_reply__free_unpacked(m, NULL);
}

/* ---- what must be so on every store */

static void check_rows(struct cluster *c, uint64_t gid, uint64_t items) {
    for (int n = 0; n < NODES; n++) {
        struct replica *r = store__find(c->nodes[n].store, gid);
        struct btree_cursor cursor;
        struct tc_slice value;
        assert_non_null(r);
        assert_non_null(r->tree);
        struct index_rows rows = {.local_id = 1,
                                  .hash = "pk",
                                  .range = "sk",
                                  .local = "l",
                                  .ttl = "t",
                                  .ttl_whole = true,
                                  .start = proto_slice(r->desc->partition->start),
                                  .end = proto_slice(r->desc->partition->end)};
        btree_cursor_init(&cursor, r->tree);
        tc_err err = btree_cursor_seek(&cursor, BTREE_GE, TC_SLICE_EMPTY);
        for (; err == TC_OK; err = btree_cursor_next(&cursor)) {
            assert_int_equal(btree_cursor_value(&cursor, &value), TC_OK);
            index_rows_add(&rows, tc_buf_slice(&cursor.key), value);
        }
        btree_cursor_deinit(&cursor);
        if (!index_rows_check(&rows))
            fail_msg("node %d group %d: %s", n, (int)gid, rows.problem);
        assert_int_equal(rows.items, items);
        assert_int_equal(r->aux.count, rows.auxiliary);
        assert_int_equal(btree_stats(r->tree).item_count - r->aux.count, items);
        index_rows_deinit(&rows);
    }
}

static int leader(struct cluster *c, uint64_t gid) {
    for (int i = 0; i < PATIENCE; i++) {
        for (int n = 0; n < NODES; n++) {
            const struct replica *r =
                c->nodes[n].store ? store__find(c->nodes[n].store, gid) : NULL;
            if (r && r->status.serving && r->state == REPLICA_OK)
                return n;
        }
        cluster_run(c, STEP_MS);
    }
    fail_msg("nobody leads");
    return -1;
}

#define ITEM(pk, sk, l, rest)                                                                      \
    "{\"pk\":{\"S\":\"" pk "\"},\"sk\":{\"S\":\"" sk "\"},\"l\":{\"N\":\"" l "\"}" rest "}"
#define T(seconds) ",\"t\":{\"N\":\"" seconds "\"}"
#define FUTURE     "9999999999"

/* ---- tests */

static void rows_follow_items(void **state) {
    struct cluster *c = *state;
    put_in_force(c, 1);
    put(c, GID, ITEM("a", "1", "5", T(FUTURE)));
    put(c, GID, ITEM("a", "2", "4", ",\"g\":{\"S\":\"q\"}"));
    put(c, GID, ITEM("b", "1", "5", ""));
    put(c, GID, ITEM("a", "1", "6", T(FUTURE "0")));
    put(c, GID, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"3\"}}");
    drop(c, GID, ITEM("b", "1", "5", ""));
    cluster_run(c, 2000);
    check_rows(c, GID, 3);
    const struct replica *r = store__find(c->nodes[0].store, GID);
    assert_int_equal(r->aux.outbox_count, 1);
}

static void answers_say_what_indexes_cost(void **state) {
    struct cluster *c = *state;
    tc_err err = TC_OK;
    put_in_force(c, 1);
    put(c, GID, ITEM("a", "1", "5", ",\"g\":{\"S\":\"q\"}"));
    for (int repeat = 0; repeat < 2; repeat++) { /* the second is answered from the log */
        Tercet__Pb__ItemReply *m =
            write_item(c, GID, TERCET__PB__ITEM_OP__ITEM_PUT,
                       ITEM("a", "1", "6", ",\"g\":{\"S\":\"q\"}"), 7777, &err);
        assert_int_equal(err, TC_OK);
        assert_int_equal(m->n_index_units, 2);
        assert_int_equal(m->index_units[0]->id, 1);
        assert_int_equal(m->index_units[0]->units, 2); /* moved: a delete and a put */
        assert_int_equal(m->index_units[1]->id, 9);
        assert_int_equal(m->index_units[1]->units, 1); /* the whole item is projected */
        assert_true(m->collection_bytes > 0);
        tercet__pb__item_reply__free_unpacked(m, NULL);
    }
    Tercet__Pb__ItemReply *m =
        write_item(c, GID, TERCET__PB__ITEM_OP__ITEM_PUT,
                   "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"1\"},\"g\":{\"N\":\"1\"}}", 7778, &err);
    assert_int_equal(err, TC_EINVAL);
    assert_non_null(strstr(m->message, "Type mismatch for Index Key g Expected: S Actual: N "
                                       "IndexName: by-g"));
    tercet__pb__item_reply__free_unpacked(m, NULL);
}

/* The sort keys that a range gives, one after the other. */
static void range_is(struct cluster *c, Tercet__Pb__RangeRequest *req, const char *want) {
    struct tc_buf got = {0};
    tc_err err = TC_OK;
    req->gid = GID;
    req->consistent = true;
    Tercet__Pb__RangeReply *m = cluster_range(c, leader(c, GID), req, &err);
    assert_int_equal(err, TC_OK);
    struct tc_reader r = tc_reader(tc_slice(m->items.data, m->items.len));
    while (!tc_reader_at_end(&r)) {
        struct item_value v;
        struct tc_slice item = tc_reader_lenbytes(&r);
        assert_true(item_get(item, TC_SLICE_LIT("sk"), &v));
        tc_buf_append_slice(&got, v.body);
        if (req->fetch && item_get(item, TC_SLICE_LIT("x"), &v))
            tc_buf_append_str(&got, "x");
    }
    tc_buf_append_u8(&got, 0);
    assert_string_equal((const char *)got.data, want);
    tc_buf_deinit(&got);
    tercet__pb__range_reply__free_unpacked(m, NULL);
}

static void ranges_see_items_or_rows(void **state) {
    struct cluster *c = *state;
    put_in_force(c, 1);
    put(c, GID, ITEM("a", "1", "9", ",\"x\":{\"S\":\"y\"}" T(FUTURE)));
    put(c, GID, ITEM("a", "2", "8", ",\"g\":{\"S\":\"q\"}"));
    put(c, GID, ITEM("a", "3", "7", ""));
    put(c, GID, ITEM("b", "4", "6", T(FUTURE)));
    put(c, GID, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"5\"}}");
    struct tc_slice b = key_of(item_of("{\"pk\":{\"S\":\"b\"},\"sk\":{\"S\":\"4\"}}"));
    struct tc_buf second = {0};
    tc_buf_append_slice(&second, b);
    bool b_first = tc_slice_cmp(tc_buf_slice(&second),
                                key_of(item_of("{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"1\"}}"))) < 0;
    tc_buf_deinit(&second);
    Tercet__Pb__RangeRequest req = TERCET__PB__RANGE_REQUEST__INIT;
    range_is(c, &req, b_first ? "41235" : "12354");
    req.reverse = true;
    range_is(c, &req, b_first ? "53214" : "45321");
    req.auxiliary = true; /* a scan of the index */
    req.index_id = 1;
    range_is(c, &req, b_first ? "1234" : "4123");
    req.reverse = false;
    range_is(c, &req, b_first ? "4321" : "3214");
    req.fetch = true;
    range_is(c, &req, b_first ? "4321x" : "321x4");
    /* A query: l between 7 and 8 of a. */
    struct index_schema s = schema(1);
    struct tc_buf hash = {0}, low = {0}, high = {0}, start = {0}, end = {0};
    item_put_string(&hash, TC_SLICE_LIT("a"));
    assert_int_equal(item_put_number(&low, TC_SLICE_LIT("7")), TC_OK);
    assert_int_equal(item_put_number(&high, TC_SLICE_LIT("8")), TC_OK);
    struct item_value hv = item_value_at(tc_buf_slice(&hash));
    struct index_condition condition = {.hash = &hv, .compare = INDEX_BETWEEN};
    condition.low = item_value_at(tc_buf_slice(&low));
    condition.high = item_value_at(tc_buf_slice(&high));
    index_range(&s.defs[0], &condition, &start, &end);
    req.start = (ProtobufCBinaryData){.len = start.len, .data = start.data};
    req.end = (ProtobufCBinaryData){.len = end.len, .data = end.data};
    range_is(c, &req, "32");
    req.index_id = 9; /* no local one */
    tc_err err = TC_OK;
    tercet__pb__range_reply__free_unpacked(cluster_range(c, leader(c, GID), &req, &err), NULL);
    assert_int_equal(err, TC_EINVAL);
    tc_buf_deinit(&hash);
    tc_buf_deinit(&low);
    tc_buf_deinit(&high);
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
}

static void a_schema_outlives_crashes_and_is_never_older(void **state) {
    struct cluster *c = *state;
    uint64_t got = 0;
    put_in_force(c, 3);
    struct index_schema older = schema(2);
    assert_int_equal(set_schema(c, leader(c, GID), GID, &older, &got), TC_OK);
    assert_int_equal(got, 3);
    for (int n = 0; n < NODES; n++)
        cluster_stop(c, n, /* power_loss= */ true);
    for (int n = 0; n < NODES; n++)
        cluster_start(c, n);
    put(c, GID, ITEM("a", "1", "5", T(FUTURE)));
    cluster_run(c, 2000);
    for (int n = 0; n < NODES; n++) {
        Tercet__Pb__NodeInfoReply *info = cluster_info(c, n);
        assert_int_equal(info->replicas[0]->schema_version, 3);
        assert_int_equal(info->replicas[0]->item_count, 1);
        assert_true(info->replicas[0]->partition->epoch > 1);
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    }
    check_rows(c, GID, 1);
    for (int n = 0; n < NODES; n++)
        cluster_stop(c, n, /* power_loss= */ false);
    for (int n = 0; n < NODES; n++)
        cluster_start(c, n);
    cluster_run(c, 3000);
    check_rows(c, GID, 1); /* counted as before */
}

static void what_is_no_schema_is_refused(void **state) {
    struct cluster *c = *state;
    Tercet__Pb__SetSchemaRequest req = TERCET__PB__SET_SCHEMA_REQUEST__INIT;
    struct tc_buf out = {0};
    uint8_t junk[] = {1, 2, 3};
    int n = leader(c, GID);
    req.gid = GID;
    assert_int_equal(store_set_schema(c->nodes[n].store, &req, &out), TC_EINVAL);
    req.schema = (ProtobufCBinaryData){.len = sizeof junk, .data = junk};
    assert_int_equal(store_set_schema(c->nodes[n].store, &req, &out), TC_EINVAL);
    req.gid = 999;
    assert_int_equal(store_set_schema(c->nodes[n].store, &req, &out), TC_ENOTFOUND);
    struct index_schema s = schema(1);
    uint64_t got = 0;
    assert_int_equal(set_schema(c, (n + 1) % NODES, GID, &s, &got), TC_ENOTLEADER);
    tc_buf_deinit(&out);
}

/* ---- splits and merges */

static const char *const pks[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

static void fill(struct cluster *c) {
    char json[256];
    for (size_t i = 0; i < sizeof pks / sizeof *pks; i++)
        for (int sk = 0; sk < 3; sk++) {
            snprintf(json, sizeof json,
                     "{\"pk\":{\"S\":\"%s\"},\"sk\":{\"S\":\"%d\"},\"l\":{\"N\":\"%d\"},"
                     "\"g\":{\"S\":\"q%d\"},\"t\":{\"N\":\"%d\"}}",
                     pks[i], sk, 10 - sk, sk, 2000000000 + 7 * (int)i + sk);
            put(c, GID, json);
        }
}

static bool all_have(struct cluster *c, uint64_t gid) {
    for (int n = 0; n < NODES; n++) {
        const struct replica *r = store__find(c->nodes[n].store, gid);
        if (r == NULL || r->state != REPLICA_OK)
            return false;
    }
    return true;
}

static void split(struct cluster *c, struct tc_slice key) {
    Tercet__Pb__SplitRequest req = TERCET__PB__SPLIT_REQUEST__INIT;
    req.gid = GID;
    req.key = (ProtobufCBinaryData){.len = key.len, .data = (uint8_t *)(uintptr_t)key.data};
    req.left_gid = LEFT;
    req.right_gid = RIGHT;
    for (int i = 0; i < PATIENCE && !(all_have(c, LEFT) && all_have(c, RIGHT)); i++) {
        struct tc_buf out = {0};
        for (int n = 0; n < NODES; n++)
            TC_IGNORE(store_split(c->nodes[n].store, &req, &out)); /* until it is made */
        tc_buf_deinit(&out);
        cluster_run(c, STEP_MS);
    }
    assert_true(all_have(c, LEFT) && all_have(c, RIGHT));
}

static void merge(struct cluster *c) {
    Tercet__Pb__SealRequest seal = TERCET__PB__SEAL_REQUEST__INIT;
    Tercet__Pb__MergeRequest req = TERCET__PB__MERGE_REQUEST__INIT;
    seal.gid = req.right_gid = RIGHT;
    seal.left_gid = req.gid = LEFT;
    seal.merged_gid = req.merged_gid = MERGED;
    for (int i = 0; i < 4 * PATIENCE && !all_have(c, MERGED); i++) {
        struct tc_buf out = {0};
        for (int n = 0; n < NODES; n++) {
            TC_IGNORE(store_seal(c->nodes[n].store, &seal, &out)); /* until it is made */
            TC_IGNORE(store_merge(c->nodes[n].store, &req, &out));
        }
        tc_buf_deinit(&out);
        cluster_run(c, STEP_MS);
    }
    assert_true(all_have(c, MERGED));
}

static void rows_go_where_their_items_go(void **state) {
    struct cluster *c = *state;
    put_in_force(c, 1);
    fill(c);
    /* In the midst of a collection: it is cut before it. */
    struct tc_buf cut = {0};
    tc_buf_append_slice(&cut, key_of(item_of("{\"pk\":{\"S\":\"d\"},\"sk\":{\"S\":\"1\"}}")));
    split(c, tc_buf_slice(&cut));
    cluster_run(c, 2000);
    const struct replica *right = store__find(c->nodes[0].store, RIGHT);
    assert_int_equal(right->desc->partition->start.len, 8);
    assert_memory_equal(right->desc->partition->start.data, cut.data, 8);
    const struct replica *left = store__find(c->nodes[0].store, LEFT);
    uint64_t left_items = btree_stats(left->tree).item_count - left->aux.count;
    assert_true(left_items > 0 && left_items < 24 && left_items % 3 == 0);
    check_rows(c, LEFT, left_items);
    check_rows(c, RIGHT, 24 - left_items);
    assert_int_equal(left->aux.outbox_count, left_items);
    merge(c);
    cluster_run(c, 2000);
    check_rows(c, MERGED, 24);
    put(c, MERGED, ITEM("a", "9", "1", T("2000000001")));
    cluster_run(c, 2000);
    check_rows(c, MERGED, 25);
    tc_buf_deinit(&cut);
}

static void a_replica_taken_anew_has_all_rows(void **state) {
    struct cluster *c = *state;
    put_in_force(c, 1);
    fill(c);
    int follower = (leader(c, GID) + 1) % NODES;
    assert_int_equal(store_reinstall(c->nodes[follower].store, GID), TC_OK);
    for (int i = 0; i < PATIENCE && !all_have(c, GID); i++)
        cluster_run(c, STEP_MS);
    cluster_run(c, 2000);
    check_rows(c, GID, 24);
}

int index_tests(void);

int index_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_follow_items, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_say_what_indexes_cost, setup, teardown),
        cmocka_unit_test_setup_teardown(ranges_see_items_or_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_schema_outlives_crashes_and_is_never_older, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_schema_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_go_where_their_items_go, setup, teardown),
        cmocka_unit_test_setup_teardown(a_replica_taken_anew_has_all_rows, setup, teardown),
    };
    int failed = cmocka_run_group_tests_name("index", tests, NULL, NULL);
    tc_buf_deinit(&item_bytes);
    tc_buf_deinit(&key_bytes);
    return failed;
}
