/* Quiet groups: many of them cost no message of their own, stay served, wake, and change their
 * leader when its node falls silent or its disk hangs. */
#include "cluster.h"

#include <stdio.h>

enum {
    GROUPS = 20, /* beside GID */
    FIRST_GID = 100,
};

static void start(struct cluster *c, uint64_t seed) {
    struct store_options o = store_options_default();
    o.archive_required = false;
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    cluster_init(c, seed, &o);
    cluster_create_group(c);
    for (uint64_t i = 0; i < GROUPS; i++)
        cluster_create_group_as(c, FIRST_GID + i);
    cluster_run(c, 5000);
}

static size_t led_by(const struct cluster *c, int n) {
    size_t led = 0, all = 0;
    if (c->nodes[n].store)
        store_replica_counts(c->nodes[n].store, &led, &all);
    return led;
}

static size_t led_without(const struct cluster *c, int without) {
    size_t led = 0;
    for (int i = 0; i < NODES; i++)
        led += i == without ? 0 : led_by(c, i);
    return led;
}

static int busiest(const struct cluster *c) {
    int best = 0;
    for (int i = 1; i < NODES; i++)
        if (led_by(c, i) > led_by(c, best))
            best = i;
    return best;
}

static void assert_quiet(const struct cluster *c, int n) {
    size_t quiet = 0, active = 0;
    store_quiet_counts(c->nodes[n].store, &quiet, &active);
    assert_int_equal(quiet, GROUPS + 1);
    assert_int_equal(active, 0);
}

static void idle_groups_send_nothing(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 71);
    struct store_counters before[NODES];
    for (int i = 0; i < NODES; i++) {
        assert_quiet(&c, i);
        before[i] = *store_counters(c.nodes[i].store);
    }
    cluster_run(&c, 3000);
    for (int i = 0; i < NODES; i++) {
        const struct store_counters *now = store_counters(c.nodes[i].store);
        uint64_t out = now->messages_out - before[i].messages_out;
        uint64_t beats = now->beats_out - before[i].beats_out;
        uint64_t acks = now->beats_in - before[i].beats_in;
        assert_true(beats > 0 && out == beats + acks);
        assert_int_equal(now->batches, before[i].batches);
        assert_quiet(&c, i);
    }
    cluster_deinit(&c);
}

static void a_quiet_group_is_served_and_wakes(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 72);
    struct op strong = {.op = TERCET__PB__ITEM_OP__ITEM_GET, .key = 1, .consistent = true};
    struct op eventual = {.op = TERCET__PB__ITEM_OP__ITEM_GET, .key = 1};
    int served = 0;
    for (int i = 0; i < NODES; i++) {
        served += cluster_do(&c, i, &strong) == TC_OK;
        assert_int_equal(cluster_do(&c, i, &eventual), TC_OK);
    }
    assert_int_equal(served, 1);
    for (int round = 0; round < 5; round++) {
        char value[16];
        snprintf(value, sizeof value, "v%d", round);
        struct op put = {.op = TERCET__PB__ITEM_OP__ITEM_PUT, .key = 1, .value = value};
        served = 0;
        for (int i = 0; i < NODES; i++)
            served += cluster_do(&c, i, &put) == TC_OK;
        assert_int_equal(served, 1);
        cluster_run(&c, 5000);
        for (int i = 0; i < NODES; i++)
            assert_quiet(&c, i);
    }
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

static void a_silent_node_leads_no_more(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 73);
    int gone = busiest(&c);
    assert_int_not_equal(led_by(&c, gone), 0);
    c.nodes[gone].cut = true;
    cluster_run(&c, 4000);
    assert_int_equal(led_without(&c, gone), GROUPS + 1);
    c.nodes[gone].cut = false;
    cluster_run(&c, 5000);
    for (int i = 0; i < NODES; i++)
        assert_quiet(&c, i);
    cluster_deinit(&c);
}

/* Its process is well, and beats would go on: they must not, and what it leads it gives away. */
static void a_node_whose_disk_hangs_leads_no_more(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 74);
    int sick = busiest(&c);
    size_t led = led_by(&c, sick);
    c.nodes[sick].disk_ms = 4200;
    struct op put = {.op = TERCET__PB__ITEM_OP__ITEM_PUT, .key = 1, .value = "v"};
    for (int i = 0; i < NODES; i++)
        (void)cluster_send(&c, i, &put); /* every node logs it, the sick one for seconds */
    cluster_run(&c, 1500);
    uint64_t beats = store_counters(c.nodes[sick].store)->beats_out;
    cluster_run(&c, 2000);
    assert_int_equal(store_counters(c.nodes[sick].store)->beats_out, beats);
    assert_true(led > 1);
    assert_int_equal(led_without(&c, sick), GROUPS + 1);
    c.nodes[sick].disk_ms = 0;
    cluster_run(&c, 5000);
    cluster_deinit(&c);
}

int beat_tests(void);
int beat_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_groups_send_nothing),
        cmocka_unit_test(a_quiet_group_is_served_and_wakes),
        cmocka_unit_test(a_silent_node_leads_no_more),
        cmocka_unit_test(a_node_whose_disk_hangs_leads_no_more),
    };
    return cmocka_run_group_tests_name("beat", tests, NULL, NULL);
}
