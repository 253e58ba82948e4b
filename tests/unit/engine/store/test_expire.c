/* Items go when their time has come. */
#include "index_fixture.h"

#include "core/index/index_aux.h"
#include "engine/store/expire.h"
#include "engine/store/store_private.h"

#include <stdio.h>

static uint64_t expired(struct cluster *c) {
    uint64_t count = 0;
    for (int n = 0; n < NODES; n++)
        count += c->nodes[n].store ? store_counters(c->nodes[n].store)->expired : 0;
    return count;
}

/* Seconds since 1970 on the stores' clocks. */
static uint64_t wall_s(const struct cluster *c) {
    return (c->clock.now_ns + c->clock.wall_offset_ns) / 1000000000u;
}

static void put_timed(struct cluster *c, const char *sk, uint64_t seconds) {
    char json[160];
    snprintf(
        json, sizeof json,
        "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"%s\"},\"l\":{\"N\":\"1\"},\"t\":{\"N\":\"%llu\"}}",
        sk, (unsigned long long)seconds);
    index_put(c, GID, json);
}

static void items_go_when_their_time_has_come(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    put_timed(c, "soon", wall_s(c) + 5);
    put_timed(c, "later", wall_s(c) + 1000);
    put_timed(c, "long ago", wall_s(c) - STORE_EXPIRE_PAST_S - 100); /* no expiry time */
    put_timed(c, "renewed", wall_s(c) + 6);
    put_timed(c, "renewed", wall_s(c) + 2000);
    cluster_run(c, 3000);
    index_check_rows(c, GID, 4);
    assert_int_equal(expired(c), 0);
    cluster_run(c, 6000);
    index_check_rows(c, GID, 3);
    assert_int_equal(expired(c), 1);
    Tercet__Pb__RangeRequest req = TERCET__PB__RANGE_REQUEST__INIT;
    index_range_is(c, &req, "laterlong agorenewed");
}

static void a_text_is_no_expiry_time(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    index_put(c, GID, ITEM("a", "1", "5", ",\"t\":{\"S\":\"1000000001\"}"));
    index_put(c, GID, ITEM("a", "2", "5", ",\"t\":{\"N\":\"-5\"}"));
    index_put(c, GID, ITEM("a", "3", "5", ",\"t\":{\"N\":\"0.5\"}"));
    cluster_run(c, 3000);
    index_check_rows(c, GID, 3);
    assert_int_equal(expired(c), 0);
}

/* What became due while nobody led is deleted by whoever leads next, each item once. */
static void another_leader_goes_on_with_expiry(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    char sk[16];
    for (int i = 0; i < 150; i++) {
        snprintf(sk, sizeof sk, "%d", i);
        put_timed(c, sk, wall_s(c) + 60);
    }
    for (int n = 0; n < NODES; n++)
        cluster_stop(c, n, /* power_loss= */ false);
    cluster_run(c, 70000);
    for (int n = 0; n < NODES; n++)
        cluster_start(c, n);
    (void)index_leader(c, GID);
    cluster_run(c, 10000);
    index_check_rows(c, GID, 0);
    assert_int_equal(expired(c), 150);
    const struct replica *r = store__find(c->nodes[0].store, GID);
    assert_int_equal(r->aux.count, 2); /* of the backfills; the collection is gone too */
}

/* ---- disabled */

static uint64_t count_rows(struct cluster *c) {
    const struct replica *r = store__find(c->nodes[index_leader(c, GID)].store, GID);
    struct btree_cursor cursor;
    struct tc_buf from = {0}, to = {0};
    uint64_t count = 0;
    index_kind_range(INDEX_KIND_EXPIRY, &from, &to);
    btree_cursor_init(&cursor, r->tree);
    tc_err err = btree_cursor_seek(&cursor, BTREE_GE, tc_buf_slice(&from));
    while (err == TC_OK && tc_slice_cmp(tc_buf_slice(&cursor.key), tc_buf_slice(&to)) < 0) {
        count++;
        err = btree_cursor_next(&cursor);
    }
    btree_cursor_deinit(&cursor);
    tc_buf_deinit(&from);
    tc_buf_deinit(&to);
    return count;
}

/* Expiry times in that attribute; NULL: none. */
static void set_ttl(struct cluster *c, uint64_t version, const char *attribute) {
    struct index_schema s = index_schema_at(version);
    uint64_t now = 0;
    s.ttl = attribute ? tc_slice_str(attribute) : TC_SLICE_EMPTY;
    s.ttl_tag = version;
    for (int i = 0; i < PATIENCE && now < version; i++) {
        (void)index_set_schema(c, index_leader(c, GID), GID, &s, &now);
        cluster_run(c, STEP_MS);
    }
    assert_int_equal(now, version);
}

static void put_many(struct cluster *c, int count) {
    char sk[16];
    for (int i = 0; i < count; i++) {
        snprintf(sk, sizeof sk, "%d", i);
        put_timed(c, sk, wall_s(c) + 100000);
    }
}

static void rows_go_when_expiry_times_are_disabled(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    put_many(c, 400);
    assert_int_equal(count_rows(c), 400);
    set_ttl(c, 2, NULL);
    cluster_run(c, 40); /* a batch or two: it is paced */
    const uint64_t left = count_rows(c);
    assert_true(left > 0);
    cluster_run(c, 2000);
    assert_int_equal(count_rows(c), 0);
    assert_int_equal(expired(c), 0);
    put_timed(c, "late", wall_s(c) + 5);
    cluster_run(c, 10000);
    assert_int_equal(count_rows(c), 0);
    assert_int_equal(expired(c), 0);
}

/* Enabled again before its row was swept: the row is due, the item says another time by now. */
static void a_row_that_was_left_deletes_nothing(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    const uint64_t soon_s = wall_s(c) + 30;
    char sk[16];
    for (int i = 0; i < 400; i++) {
        snprintf(sk, sizeof sk, "%d", i);
        put_timed(c, sk, soon_s);
    }
    put_timed(c, "renewed", soon_s + 1); /* swept last */
    set_ttl(c, 2, NULL);
    put_timed(c, "renewed", soon_s + 9000);
    set_ttl(c, 3, "t");
    cluster_run(c, 5000);
    assert_int_equal(count_rows(c), 402);
    cluster_run(c, 40000);
    assert_int_equal(expired(c), 400);
    assert_int_equal(count_rows(c), 1);
}

/* Times of an old attribute that a leader left behind count no more, those of the new one do. */
static void another_leader_sweeps_and_another_attribute_counts(void **state) {
    struct cluster *c = *state;
    index_put_in_force(c, 1);
    put_many(c, 200);
    index_put(c, GID, ITEM("b", "1", "5", ",\"u\":{\"N\":\"9999999999\"}" T(FUTURE)));
    set_ttl(c, 2, NULL);
    for (int n = 0; n < NODES; n++)
        cluster_stop(c, n, /* power_loss= */ false);
    for (int n = 0; n < NODES; n++)
        cluster_start(c, n);
    for (int i = 0; i < PATIENCE && count_rows(c) > 0; i++)
        cluster_run(c, STEP_MS);
    assert_int_equal(count_rows(c), 0);
    set_ttl(c, 3, "u");
    cluster_run(c, 2000);
    assert_int_equal(count_rows(c), 1);
    put_timed(c, "old", wall_s(c) + 3);
    char json[128];
    snprintf(json, sizeof json,
             "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"new\"},\"u\":{\"N\":\"%llu\"}}",
             (unsigned long long)wall_s(c) + 3);
    index_put(c, GID, json);
    assert_int_equal(count_rows(c), 2);
    cluster_run(c, 8000);
    assert_int_equal(expired(c), 1);
    assert_int_equal(count_rows(c), 1);
}

int expire_tests(void);

int expire_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_go_when_their_time_has_come, index_setup,
                                        index_teardown),
        cmocka_unit_test_setup_teardown(a_text_is_no_expiry_time, index_setup, index_teardown),
        cmocka_unit_test_setup_teardown(another_leader_goes_on_with_expiry, index_setup,
                                        index_teardown),
        cmocka_unit_test_setup_teardown(rows_go_when_expiry_times_are_disabled, index_setup,
                                        index_teardown),
        cmocka_unit_test_setup_teardown(a_row_that_was_left_deletes_nothing, index_setup,
                                        index_teardown),
        cmocka_unit_test_setup_teardown(another_leader_sweeps_and_another_attribute_counts,
                                        index_setup, index_teardown),
    };
    return cmocka_run_group_tests_name("expire", tests, NULL, NULL);
}
