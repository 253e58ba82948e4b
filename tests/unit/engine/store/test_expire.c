/* Items go when their time has come. */
#include "index_fixture.h"

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

int expire_tests(void);

int expire_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_go_when_their_time_has_come, index_setup,
                                        index_teardown),
        cmocka_unit_test_setup_teardown(a_text_is_no_expiry_time, index_setup, index_teardown),
        cmocka_unit_test_setup_teardown(another_leader_goes_on_with_expiry, index_setup,
                                        index_teardown),
    };
    return cmocka_run_group_tests_name("expire", tests, NULL, NULL);
}
