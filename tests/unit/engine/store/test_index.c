/* What follows from items, on three stores: rows in the same entry, ranges that see items or rows
 * only, schemas through CONF entries, splits and merges by home. */
#include "index_fixture.h"

#include "core/index/index_aux.h"
#include "core/index/index_derive.h"
#include "core/index/index_range.h"
#include "core/key/key.h"
#include "engine/store/aux.h"
#include "engine/store/store_private.h"
#include "proto/bytes.h"

#include <stdio.h>

static void rows_follow_items(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    index_put(c, GID, ITEM("a", "1", "5", T(FUTURE)));
    index_put(c, GID, ITEM("a", "2", "4", ",\"g\":{\"S\":\"q\"}"));
    index_put(c, GID, ITEM("b", "1", "5", ""));
    index_put(c, GID, ITEM("a", "1", "6", T(FUTURE "0")));
    index_put(c, GID, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"3\"}}");
    index_drop(c, GID, ITEM("b", "1", "5", ""));
    cluster_run(c, 2000);
    index_check_rows(c, GID, 3);
    const struct replica *r = store__find(c->nodes[0].store, GID);
    assert_int_equal(r->aux.outbox_count, 1);
}

static void answers_say_what_indexes_cost(void **state) {
    struct cluster *c = *state;
    tc_err err = TC_OK;
    index_put_in_force(c, 1);
    index_put(c, GID, ITEM("a", "1", "5", ",\"g\":{\"S\":\"q\"}"));
    for (int repeat = 0; repeat < 2; repeat++) { /* the second is answered from the log */
        Tercet__Pb__ItemReply *m =
            index_write_item(c, GID, TERCET__PB__ITEM_OP__ITEM_PUT,
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
    Tercet__Pb__ItemReply *m = index_write_item(
        c, GID, TERCET__PB__ITEM_OP__ITEM_PUT,
        "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"1\"},\"g\":{\"N\":\"1\"}}", 7778, &err);
    assert_int_equal(err, TC_EINVAL);
    assert_non_null(strstr(m->message, "Type mismatch for Index Key g Expected: S Actual: N "
                                       "IndexName: by-g"));
    tercet__pb__item_reply__free_unpacked(m, NULL);
}

static void put_raw(struct cluster *c, struct tc_slice key) {
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    struct tc_buf copy = {0};
    uint64_t id[2] = {++c->next_id, 0x5a};
    tc_buf_append_slice(&copy, key);
    req.gid = GID;
    req.op = TERCET__PB__ITEM_OP__ITEM_PUT;
    req.request_id = (ProtobufCBinaryData){.len = sizeof id, .data = (uint8_t *)id};
    req.key = proto_bytes(tc_buf_slice(&copy));
    req.item = proto_bytes(index_item_of("{\"pk\":{\"S\":\"x\"}}"));
    uint64_t token = ++c->next_token;
    store_item_request(c->nodes[index_leader(c, GID)].store, token, &req);
    assert_int_equal(cluster_wait(c, token)->err, TC_OK);
    tc_buf_deinit(&copy);
}

/* Replicas that were told other bounds apply what the leader let pass. */
static void a_leader_alone_asks_for_the_bound_of_a_collection(void **state) {
    struct cluster *c = *state;
    tc_err err = TC_OK;
    index_put_in_force(c, 1);
    const int leader = index_leader(c, GID);
    for (int n = 0; n < NODES; n++)
        c->nodes[n].store->options.collection_bytes_max = n == leader ? 1000 : 1;
    index_put(c, GID, ITEM("a", "1", "5", ""));
    cluster_run(c, 2000);
    index_check_rows(c, GID, 1);
    c->nodes[leader].store->options.collection_bytes_max = 10;
    Tercet__Pb__ItemReply *m = index_write_item(c, GID, TERCET__PB__ITEM_OP__ITEM_PUT,
                                                ITEM("a", "2", "5", ""), 7779, &err);
    assert_int_equal(err, TC_ELIMIT);
    assert_string_equal(m->message, INDEX_COLLECTION_FULL_TEXT);
    assert_true(m->collection_bytes > 10);
    tercet__pb__item_reply__free_unpacked(m, NULL);
    index_put(c, GID, ITEM("a", "1", "6", "")); /* as large as before */
    index_drop(c, GID, ITEM("a", "1", "6", ""));
    cluster_run(c, 2000);
    index_check_rows(c, GID, 0);
}

static void ranges_see_items_or_rows(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    index_put(c, GID, ITEM("a", "1", "9", ",\"x\":{\"S\":\"y\"}" T(FUTURE)));
    index_put(c, GID, ITEM("a", "2", "8", ",\"g\":{\"S\":\"q\"}"));
    index_put(c, GID, ITEM("a", "3", "7", ""));
    index_put(c, GID, ITEM("b", "4", "6", T(FUTURE)));
    index_put(c, GID, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"5\"}}");
    struct tc_slice b = index_key_of(index_item_of("{\"pk\":{\"S\":\"b\"},\"sk\":{\"S\":\"4\"}}"));
    struct tc_buf second = {0};
    tc_buf_append_slice(&second, b);
    bool b_first =
        tc_slice_cmp(tc_buf_slice(&second),
                     index_key_of(index_item_of("{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"1\"}}"))) <
        0;
    tc_buf_deinit(&second);
    Tercet__Pb__RangeRequest req = TERCET__PB__RANGE_REQUEST__INIT;
    index_range_is(c, &req, b_first ? "41235" : "12354");
    req.reverse = true;
    index_range_is(c, &req, b_first ? "53214" : "45321");
    req.auxiliary = true; /* a scan of the index */
    req.index_id = 1;
    index_range_is(c, &req, b_first ? "1234" : "4123");
    req.reverse = false;
    index_range_is(c, &req, b_first ? "4321" : "3214");
    req.fetch = true;
    index_range_is(c, &req, b_first ? "4321x" : "321x4");
    /* A query: l between 7 and 8 of a. */
    struct index_schema s = index_schema_at(1);
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
    index_range_is(c, &req, "32");
    req.index_id = 9; /* no local one */
    tc_err err = TC_OK;
    tercet__pb__range_reply__free_unpacked(cluster_range(c, index_leader(c, GID), &req, &err),
                                           NULL);
    assert_int_equal(err, TC_EINVAL);
    tc_buf_deinit(&hash);
    tc_buf_deinit(&low);
    tc_buf_deinit(&high);
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
}

/* Without a schema a table takes any key; rows of an index that comes later are found around
 * it. */
static void ranges_get_past_keys_without_a_hash(void **state) {
    struct cluster *c = *state;
    struct tc_slice key = index_key_of(index_item_of(ITEM("a", "1", "9", "")));
    for (size_t bytes = 1; bytes < 8; bytes++)
        put_raw(c, tc_slice(key.data, bytes));
    index_put_in_force(c, 1);
    index_put(c, GID, ITEM("a", "1", "9", ""));
    Tercet__Pb__RangeRequest req = TERCET__PB__RANGE_REQUEST__INIT;
    req.auxiliary = true;
    req.index_id = 1;
    index_range_is(c, &req, "1");
    req.reverse = true;
    index_range_is(c, &req, "1");
}

static void a_schema_outlives_crashes_and_is_never_older(void **state) {
    struct cluster *c = *state;
    uint64_t got = 0;
    index_put_in_force(c, 3);
    struct index_schema older = index_schema_at(2);
    assert_int_equal(index_set_schema(c, index_leader(c, GID), GID, &older, &got), TC_OK);
    assert_int_equal(got, 3);
    for (int n = 0; n < NODES; n++)
        cluster_stop(c, n, /* power_loss= */ true);
    for (int n = 0; n < NODES; n++)
        cluster_start(c, n);
    index_put(c, GID, ITEM("a", "1", "5", T(FUTURE)));
    cluster_run(c, 2000);
    for (int n = 0; n < NODES; n++) {
        Tercet__Pb__NodeInfoReply *info = cluster_info(c, n);
        assert_int_equal(info->replicas[0]->schema_version, 3);
        assert_int_equal(info->replicas[0]->item_count, 1);
        assert_true(info->replicas[0]->partition->epoch > 1);
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    }
    index_check_rows(c, GID, 1);
    for (int n = 0; n < NODES; n++)
        cluster_stop(c, n, /* power_loss= */ false);
    for (int n = 0; n < NODES; n++)
        cluster_start(c, n);
    cluster_run(c, 3000);
    index_check_rows(c, GID, 1); /* counted as before */
}

static void what_is_no_schema_is_refused(void **state) {
    struct cluster *c = *state;
    Tercet__Pb__SetSchemaRequest req = TERCET__PB__SET_SCHEMA_REQUEST__INIT;
    struct tc_buf out = {0};
    uint8_t junk[] = {1, 2, 3};
    int n = index_leader(c, GID);
    req.gid = GID;
    assert_int_equal(store_set_schema(c->nodes[n].store, &req, &out), TC_EINVAL);
    req.schema = (ProtobufCBinaryData){.len = sizeof junk, .data = junk};
    assert_int_equal(store_set_schema(c->nodes[n].store, &req, &out), TC_EINVAL);
    req.gid = 999;
    assert_int_equal(store_set_schema(c->nodes[n].store, &req, &out), TC_ENOTFOUND);
    struct index_schema s = index_schema_at(1);
    uint64_t got = 0;
    assert_int_equal(index_set_schema(c, (n + 1) % NODES, GID, &s, &got), TC_ENOTLEADER);
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
            index_put(c, GID, json);
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
    index_put_in_force(c, 1);
    fill(c);
    /* In the midst of a collection: it is cut before it. */
    struct tc_buf cut = {0};
    tc_buf_append_slice(&cut,
                        index_key_of(index_item_of("{\"pk\":{\"S\":\"d\"},\"sk\":{\"S\":\"1\"}}")));
    split(c, tc_buf_slice(&cut));
    cluster_run(c, 2000);
    const struct replica *right = store__find(c->nodes[0].store, RIGHT);
    assert_int_equal(right->desc->partition->start.len, 8);
    assert_memory_equal(right->desc->partition->start.data, cut.data, 8);
    const struct replica *left = store__find(c->nodes[0].store, LEFT);
    uint64_t left_items = btree_stats(left->tree).item_count - left->aux.count;
    assert_true(left_items > 0 && left_items < 24 && left_items % 3 == 0);
    index_check_rows(c, LEFT, left_items);
    index_check_rows(c, RIGHT, 24 - left_items);
    assert_int_equal(left->aux.outbox_count, left_items);
    merge(c);
    cluster_run(c, 2000);
    index_check_rows(c, MERGED, 24);
    index_put(c, MERGED, ITEM("a", "9", "1", T("2000000001")));
    cluster_run(c, 2000);
    index_check_rows(c, MERGED, 25);
    tc_buf_deinit(&cut);
}

static void a_replica_taken_anew_has_all_rows(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    fill(c);
    int follower = (index_leader(c, GID) + 1) % NODES;
    assert_int_equal(store_reinstall(c->nodes[follower].store, GID), TC_OK);
    for (int i = 0; i < PATIENCE && !all_have(c, GID); i++)
        cluster_run(c, STEP_MS);
    cluster_run(c, 2000);
    index_check_rows(c, GID, 24);
}

/* A stamp of an older version does not say how many rows a local index has. */
static void rows_of_local_indexes_are_counted_anew(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    fill(c);
    cluster_run(c, 2000);
    for (int n = 0; n < NODES; n++) {
        struct replica *r = store__find(c->nodes[n].store, GID);
        assert_int_equal(r->aux.local_count, 1);
        memset(r->aux.locals, 0, sizeof r->aux.locals);
        r->aux.local_count = 0;
        r->aux.uncounted = true;
        assert_int_equal(store__aux_recount(r), TC_OK);
        assert_false(r->aux.uncounted);
    }
    index_check_rows(c, GID, 24);
}

int index_tests(void);

int index_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_follow_items, index_setup, index_teardown),
        cmocka_unit_test_setup_teardown(answers_say_what_indexes_cost, index_setup, index_teardown),
        cmocka_unit_test_setup_teardown(a_leader_alone_asks_for_the_bound_of_a_collection,
                                        index_setup, index_teardown),
        cmocka_unit_test_setup_teardown(ranges_see_items_or_rows, index_setup, index_teardown),
        cmocka_unit_test_setup_teardown(a_schema_outlives_crashes_and_is_never_older, index_setup,
                                        index_teardown),
        cmocka_unit_test_setup_teardown(ranges_get_past_keys_without_a_hash, index_setup,
                                        index_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_schema_is_refused, index_setup, index_teardown),
        cmocka_unit_test_setup_teardown(rows_go_where_their_items_go, index_setup, index_teardown),
        cmocka_unit_test_setup_teardown(a_replica_taken_anew_has_all_rows, index_setup,
                                        index_teardown),
        cmocka_unit_test_setup_teardown(rows_of_local_indexes_are_counted_anew, index_setup,
                                        index_teardown),
    };
    int failed = cmocka_run_group_tests_name("index", tests, NULL, NULL);
    return failed;
}
