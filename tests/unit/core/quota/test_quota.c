#include "base/prng.h"
#include "core/bucket/bucket.h"
#include "core/quota/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t S = 1000000000u;

static uint64_t report(struct quota_table *t, const char *router, uint64_t limit, uint64_t demand,
                       uint64_t now) {
    struct quota_report r = {tc_slice_str(router), 1, {limit, limit}, {0, demand}};
    return quota_take_report(t, &r, now).write_mu;
}

static void alone_a_router_gets_everything(void **state) {
    (void)state;
    struct quota_table t = {0};
    assert_int_equal(report(&t, "a", 50000, 0, S), 50000);
    assert_int_equal(report(&t, "a", 50000, 500000, 2 * S), 50000);
}

static void shares_follow_demand(void **state) {
    (void)state;
    struct quota_table t = {0};
    (void)report(&t, "a", 100000, 10000, S);
    (void)report(&t, "b", 100000, 500000, S);
    uint64_t a = report(&t, "a", 100000, 10000, 2 * S);
    uint64_t b = report(&t, "b", 100000, 500000, 2 * S);
    assert_true(a + b <= 100000);
    assert_true(b > 90000 && a >= 100000 / 20 / 2 - 1);
}

static void shares_never_sum_above_the_limit(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(9);
    for (int round = 0; round < 200; round++) {
        struct quota_table t = {0};
        uint64_t limit = tc_prng_below(&p, 80000000), n = tc_prng_between(&p, 1, 20), sum = 0;
        uint64_t demand[20];
        char name[8];
        for (uint64_t pass = 0; pass < 2; pass++)
            for (uint64_t i = 0; i < n; i++) {
                demand[i] = pass ? demand[i] : tc_prng_below(&p, 100000000);
                snprintf(name, sizeof name, "r%d", (int)i);
                uint64_t share = report(&t, name, limit, demand[i], pass * S + S);
                sum += pass ? share : 0;
            }
        assert_true(sum <= limit);
    }
}

static void silent_router_counts_no_more(void **state) {
    (void)state;
    struct quota_table t = {0};
    (void)report(&t, "a", 1000, 1000, S);
    assert_true(report(&t, "b", 1000, 1000, S) < 600);
    assert_int_equal(report(&t, "b", 1000, 1000, 5 * S), 1000);
}

static void older_limits_are_ignored(void **state) {
    (void)state;
    struct quota_table t = {0};
    struct quota_report fresh = {TC_SLICE_LIT("a"), 5, {700, 700}, {0, 0}};
    struct quota_report old = {TC_SLICE_LIT("a"), 4, {100, 100}, {0, 0}};
    assert_int_equal(quota_take_report(&t, &fresh, S).write_mu, 700);
    assert_int_equal(quota_take_report(&t, &old, S).write_mu, 700);
}

/* All gac die after shares were handed out: two routers together stay within the limit plus one
 * burst each, whatever the load. */
static void dead_gac_admits_no_more_than_the_last_shares(void **state) {
    (void)state;
    struct quota_table t = {0};
    const uint64_t limit = 50000;
    struct bucket b[2];
    (void)report(&t, "r0", limit, 300000, S);
    (void)report(&t, "r1", limit, 200000, S);
    uint64_t rates[2] = {report(&t, "r0", limit, 300000, 2 * S),
                         report(&t, "r1", limit, 200000, 2 * S)};
    uint64_t admitted = 0, seconds = 30;
    for (int i = 0; i < 2; i++)
        bucket_init(&b[i], &(struct bucket_config){rates[i], rates[i], 0}, 0);
    for (uint64_t now = 0; now < seconds * S; now += S / 500)
        for (int i = 0; i < 2; i++)
            if (bucket_take(&b[i], 1000, now) == TC_OK)
                admitted += 1000;
    assert_true(admitted <= limit * (seconds + 1));
    assert_true(admitted >= limit * (seconds - 1));
}

static void ring_moves_only_the_dead_nodes_tables(void **state) {
    (void)state;
    const char *all[] = {"gac-a", "gac-b", "gac-c"}, *less[] = {"gac-a", "gac-c"};
    size_t owned[3] = {0};
    for (uint64_t id = 0; id < 3000; id++) {
        size_t pick = quota_ring_pick(id, all, 3, 0);
        size_t now = quota_ring_pick(id, less, 2, 0);
        owned[pick]++;
        if (pick != 1)
            assert_string_equal(all[pick], less[now]);
        assert_true(quota_ring_pick(id, all, 3, 1) != pick);
    }
    for (int i = 0; i < 3; i++)
        assert_true(owned[i] > 800);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_a_router_gets_everything),
        cmocka_unit_test(shares_follow_demand),
        cmocka_unit_test(shares_never_sum_above_the_limit),
        cmocka_unit_test(silent_router_counts_no_more),
        cmocka_unit_test(older_limits_are_ignored),
        cmocka_unit_test(dead_gac_admits_no_more_than_the_last_shares),
        cmocka_unit_test(ring_moves_only_the_dead_nodes_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
