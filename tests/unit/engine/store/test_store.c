#include "cluster.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUT TERCET__PB__ITEM_OP__ITEM_PUT
#define GET TERCET__PB__ITEM_OP__ITEM_GET
#define DEL TERCET__PB__ITEM_OP__ITEM_DELETE

static struct store_options small(void) {
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.cache_bytes = 4u << 20;
    o.checkpoint_ms = 500;
    o.archive_required = false;
    return o;
}

static struct cluster *start(uint64_t seed) {
    static struct cluster c;
    struct store_options o = small();
    cluster_init(&c, seed, &o);
    cluster_create_group(&c);
    cluster_wait_leader(&c);
    return &c;
}

static void a_group_elects_writes_and_reads(void **state) {
    (void)state;
    struct cluster *c = start(1);
    int leader = cluster_leader(c);
    assert_true(c->pushes > 0);
    struct op put = {.op = PUT, .key = 1, .value = "one"};
    assert_int_equal(cluster_do(c, leader, &put), TC_OK);
    assert_string_equal(cluster_get(c, 1), "one");
    assert_null(cluster_get(c, 2));
    int other = (leader + 1) % NODES;
    assert_int_equal(cluster_do(c, other, &put), TC_ENOTLEADER);
    struct op strong = {.op = GET, .key = 1, .consistent = true};
    assert_int_equal(cluster_do(c, other, &strong), TC_ENOTLEADER);
    cluster_run(c, 400);
    struct op eventual = {.op = GET, .key = 1};
    assert_int_equal(cluster_do(c, other, &eventual), TC_OK);
    cluster_assert_equal(c);
    cluster_deinit(c);
}

static void a_repeated_request_id_is_answered_not_redone(void **state) {
    (void)state;
    struct cluster *c = start(2);
    int leader = cluster_leader(c);
    struct op put = {.op = PUT, .key = 1, .value = "one", .if_absent = true, .id = 500};
    uint64_t first = cluster_send(c, leader, &put);
    uint64_t again = cluster_send(c, leader, &put); /* while it is pending */
    assert_int_equal(cluster_wait(c, first)->err, TC_OK);
    assert_int_equal(cluster_wait(c, again)->err, TC_OK);
    assert_int_equal(cluster_do(c, leader, &put), TC_OK); /* after it was applied */
    put.id = 501;
    assert_int_equal(cluster_do(c, leader, &put), TC_ECONDITION);
    put.id = 500;
    cluster_stop(c, leader, /* power_loss= */ true); /* and at the next leader */
    int next = cluster_wait_leader(c);
    assert_int_not_equal(next, leader);
    assert_int_equal(cluster_do(c, next, &put), TC_OK);
    cluster_start(c, leader);
    cluster_assert_equal(c);
    cluster_deinit(c);
}

static void request_ids_survive_a_restart_below_the_checkpoint(void **state) {
    (void)state;
    struct cluster *c = start(3);
    struct op put = {.op = PUT, .key = 1, .value = "one", .if_absent = true, .id = 900};
    assert_int_equal(cluster_do(c, cluster_leader(c), &put), TC_OK);
    cluster_run(c, 3000); /* checkpoints pass it */
    for (int i = 0; i < NODES; i++)
        cluster_stop(c, i, true);
    for (int i = 0; i < NODES; i++)
        cluster_start(c, i);
    int leader = cluster_wait_leader(c);
    assert_int_equal(cluster_do(c, leader, &put), TC_OK);
    cluster_deinit(c);
}

static void conditions_see_the_pipeline_and_wait_for_it(void **state) {
    (void)state;
    struct cluster *c = start(4);
    int leader = cluster_leader(c);
    struct op one = {.op = PUT, .key = 1, .value = "one", .if_absent = true};
    struct op two = {.op = PUT, .key = 1, .value = "two", .if_value = true, .expect = "one"};
    struct op bad = {.op = PUT, .key = 1, .value = "three", .if_absent = true, .want = 4};
    struct op del = {.op = DEL, .key = 1, .if_value = true, .expect = "two", .want = 1};
    struct op late = {.op = PUT, .key = 1, .value = "four", .if_absent = true};
    uint64_t t1 = cluster_send(c, leader, &one);
    uint64_t t2 = cluster_send(c, leader, &two);
    uint64_t t3 = cluster_send(c, leader, &bad);
    uint64_t t4 = cluster_send(c, leader, &del);
    uint64_t t5 = cluster_send(c, leader, &late);
    /* The refusal saw writes that are not certain yet: it must not come at once. */
    assert_null(cluster_peek(c, t3));
    assert_int_equal(cluster_wait(c, t1)->err, TC_OK);
    assert_int_equal(cluster_wait(c, t2)->err, TC_OK);
    assert_int_equal(cluster_wait(c, t3)->err, TC_ECONDITION);
    assert_int_equal(cluster_wait(c, t4)->err, TC_OK);
    assert_int_equal(cluster_wait(c, t5)->err, TC_OK);
    assert_string_equal(cluster_get(c, 1), "four");
    cluster_assert_equal(c);
    cluster_deinit(c);
}

/* What a deposed leader had in its pipeline is of unknown outcome; refusals that rest on it are
 * retried elsewhere. Mutation 23 of REPLICATION.md B8. */
static void a_cut_off_leader_answers_nothing_it_cannot_know(void **state) {
    (void)state;
    struct cluster *c = start(5);
    int leader = cluster_leader(c);
    struct op put = {.op = PUT, .key = 1, .value = "lost?", .if_absent = true};
    struct op refused = {.op = PUT, .key = 1, .value = "x", .if_absent = true};
    struct op read = {.op = GET, .key = 1, .consistent = true};
    c->nodes[leader].cut = true;
    uint64_t t1 = cluster_send(c, leader, &put);
    uint64_t t2 = cluster_send(c, leader, &refused);
    cluster_run(c, 5000);
    assert_int_equal(cluster_wait(c, t1)->err, TC_EUNKNOWN);
    assert_int_equal(cluster_wait(c, t2)->err, TC_ENOTLEADER);
    tc_err err = cluster_do(c, leader, &read);
    assert_true(err == TC_ENOTLEADER || err == TC_EUNAVAILABLE);
    err = cluster_do(c, leader, &refused);
    assert_true(err == TC_ENOTLEADER || err == TC_EUNAVAILABLE);
    cluster_put(c, 1, "new");
    c->nodes[leader].cut = false;
    cluster_run(c, 2000);
    assert_string_equal(cluster_get(c, 1), "new");
    cluster_assert_equal(c);
    cluster_deinit(c);
}

static void a_node_that_was_down_catches_up_by_log(void **state) {
    (void)state;
    struct cluster *c = start(6);
    int down = (cluster_leader(c) + 1) % NODES;
    cluster_put(c, 0, "before");
    cluster_stop(c, down, true);
    for (int i = 1; i < 40; i++)
        cluster_put(c, i, "while down");
    cluster_start(c, down);
    cluster_assert_equal(c);
    cluster_deinit(c);
}

static uint64_t installed(struct cluster *c, int n) {
    return store_counters(c->nodes[n].store)->snapshots_installed;
}

/* So much was written that the log no longer reaches back: the others trimmed it. */
static void write_past_the_log(struct cluster *c) {
    for (int i = 0; i < 700; i++)
        cluster_put(c, i % 300, i % 7 ? "some value" : "another");
    cluster_run(c, 40000); /* request ids expire, checkpoints and trims follow */
    for (int i = 0; i < 10; i++)
        cluster_put(c, 1000 + i, "tail");
}

static void a_node_far_behind_takes_a_snapshot(void **state) {
    (void)state;
    struct cluster *c = start(7);
    int down = (cluster_leader(c) + 2) % NODES;
    cluster_stop(c, down, true);
    write_past_the_log(c);
    cluster_start(c, down);
    cluster_run(c, 8000);
    assert_int_equal(installed(c, down), 1);
    cluster_assert_equal(c);
    cluster_stop(c, down, true); /* and what it took is durable */
    cluster_start(c, down);
    cluster_put(c, 5, "after");
    cluster_assert_equal(c);
    assert_int_equal(installed(c, down), 0);
    cluster_deinit(c);
}

static void a_damaged_tree_is_taken_from_another_replica(void **state) {
    (void)state;
    struct cluster *c = start(8);
    for (int i = 0; i < 50; i++)
        cluster_put(c, i, "value");
    cluster_run(c, 2000);
    int victim = cluster_leader(c);
    cluster_stop(c, victim, false);
    /* Rot in every page of its B-tree but the superblocks. */
    for (uint64_t page = 2; page < 6; page++)
        assert_int_equal(sim_fs_flip(c->nodes[victim].fs, "d/replica-0000000000000007.tree",
                                     page * 16384 + 100, 3),
                         TC_OK);
    cluster_start(c, victim);
    cluster_put(c, 7, "newer");
    cluster_run(c, 12000);
    struct op read = {.op = GET, .key = 3};
    (void)cluster_do(c, victim, &read); /* meets the damage, if nothing did before */
    cluster_run(c, 12000);
    assert_int_equal(installed(c, victim), 1);
    assert_int_equal(store_counters(c->nodes[victim].store)->damage_found, 1);
    cluster_assert_equal(c);
    cluster_deinit(c);
}

static void a_reinstalled_leader_hands_over_first(void **state) {
    (void)state;
    struct cluster *c = start(9);
    for (int i = 0; i < 30; i++)
        cluster_put(c, i, "value");
    cluster_run(c, 2000);
    int victim = cluster_leader(c);
    assert_int_equal(store_reinstall(c->nodes[victim].store, GID), TC_OK);
    assert_int_equal(store_reinstall(c->nodes[victim].store, GID), TC_EBUSY);
    cluster_put(c, 7, "newer");
    assert_int_not_equal(cluster_leader(c), victim);
    cluster_run(c, 12000);
    assert_int_equal(installed(c, victim), 1);
    cluster_assert_equal(c);
    cluster_deinit(c);
}

static void all_three_crash_and_nothing_acknowledged_is_lost(void **state) {
    (void)state;
    struct cluster *c = start(10);
    for (int round = 0; round < 4; round++) {
        char value[32];
        for (int i = 0; i < 25; i++) {
            snprintf(value, sizeof value, "%d-%d", round, i);
            cluster_put(c, i, value);
        }
        for (int i = 0; i < NODES; i++)
            cluster_stop(c, i, true);
        for (int i = 0; i < NODES; i++)
            cluster_start(c, i);
        cluster_wait_leader(c);
        for (int i = 0; i < 25; i++) {
            snprintf(value, sizeof value, "%d-%d", round, i);
            assert_string_equal(cluster_get(c, i), value);
        }
    }
    cluster_assert_equal(c);
    cluster_deinit(c);
}

int beat_tests(void);
int idle_tests(void);
int chaos_tests(void);
int member_tests(void);
int request_tests(void);
int disk_tests(void);
int upkeep_tests(void);
int merge_tests(void);
int index_tests(void);
int expire_tests(void);
int outbox_tests(void);
int owed_tests(void);

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_elects_writes_and_reads),
        cmocka_unit_test(a_repeated_request_id_is_answered_not_redone),
        cmocka_unit_test(request_ids_survive_a_restart_below_the_checkpoint),
        cmocka_unit_test(conditions_see_the_pipeline_and_wait_for_it),
        cmocka_unit_test(a_cut_off_leader_answers_nothing_it_cannot_know),
        cmocka_unit_test(a_node_that_was_down_catches_up_by_log),
        cmocka_unit_test(a_node_far_behind_takes_a_snapshot),
        cmocka_unit_test(a_damaged_tree_is_taken_from_another_replica),
        cmocka_unit_test(a_reinstalled_leader_hands_over_first),
        cmocka_unit_test(all_three_crash_and_nothing_acknowledged_is_lost),
    };
    cmocka_set_test_filter(getenv("STORE_TEST"));
    int failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
    failed += request_tests();
    failed += beat_tests();
    failed += idle_tests();
    failed += disk_tests();
    failed += upkeep_tests();
    failed += member_tests();
    failed += merge_tests();
    failed += index_tests();
    failed += expire_tests();
    failed += outbox_tests();
    failed += owed_tests();
    return failed + chaos_tests();
}
