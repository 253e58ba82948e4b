/* Growth: a table that was promised more partitions gets them by splits of its widest groups. */
#include "core/plan/plan.h"
#include "core/plan/plan_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    GROUPS = 8
};

struct world {
    struct plan_snapshot s;
    struct plan_table table;
    struct plan_partition partitions[GROUPS];
    uint64_t gids[GROUPS];
    uint64_t reshaped[GROUPS];
    struct plan_out out;
};

static void grow(struct world *w) {
    const struct plan_table *t = &w->table;
    plan__grow(&w->s,
               &(struct plan_growth){0, t->table_id, t->gids, t->gid_count, t->partitions_wanted},
               &w->out);
}

/* Groups 101, 102 ...; group i holds 1 << widths[i] hashes. */
static void setup(struct world *w, uint32_t wanted, const unsigned *widths, uint32_t count) {
    uint64_t first = 0;
    *w = (struct world){0};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hashes = UINT64_C(1) << widths[i];
        w->gids[i] = 101 + i;
        w->partitions[i] = (struct plan_partition){
            .gid = 101 + i, .table_id = 100, .first_hash = first, .last_hash = first + hashes - 1};
        first += hashes;
    }
    w->table = (struct plan_table){.table_id = 100,
                                   .status = PLAN_ACTIVE,
                                   .partitions_wanted = wanted,
                                   .gids = w->gids,
                                   .gid_count = count};
    w->s = (struct plan_snapshot){.tables = &w->table,
                                  .table_count = 1,
                                  .partitions = w->partitions,
                                  .partition_count = count,
                                  .reshaped = w->reshaped};
    grow(w);
}

static void check(const struct world *w, uint32_t i, uint64_t gid, uint64_t hash) {
    assert_true(i < w->out.count);
    assert_int_equal(w->out.actions[i].type, PLAN_SPLIT);
    assert_int_equal(w->out.actions[i].gid, gid);
    assert_int_equal(w->out.actions[i].hash, hash);
}

static void nothing_is_split_without_need(void **state) {
    (void)state;
    struct world w;
    setup(&w, 0, (unsigned[]){10, 10}, 2);
    assert_int_equal(w.out.count, 0);
    setup(&w, 2, (unsigned[]){10, 10}, 2);
    assert_int_equal(w.out.count, 0);
    setup(&w, 1, (unsigned[]){10, 10}, 2);
    assert_int_equal(w.out.count, 0);
}

static void the_widest_are_split_in_the_middle(void **state) {
    (void)state;
    struct world w;
    setup(&w, 5, (unsigned[]){4, 6, 5}, 3);
    assert_int_equal(w.out.count, 2);
    check(&w, 0, 102, 16 + 32);
    check(&w, 1, 103, 16 + 64 + 16);
    setup(&w, 3, (unsigned[]){4, 4}, 2);
    assert_int_equal(w.out.count, 1);
    check(&w, 0, 101, 8);
}

static void a_few_at_a_time(void **state) {
    (void)state;
    struct world w;
    setup(&w, 40, (unsigned[]){9, 9, 9, 9, 9, 9, 9, 9}, GROUPS);
    assert_int_equal(w.out.count, PLAN_SPLITS_AT_ONCE);
}

/* What is under way counts, so that an order is neither given twice nor one too many. */
static void orders_under_way_count(void **state) {
    (void)state;
    struct world w;
    setup(&w, 3, (unsigned[]){6, 6}, 2);
    w.reshaped[0] = 101;
    w.s.reshaped_count = 1;
    w.out.count = 0;
    grow(&w);
    assert_int_equal(w.out.count, 0);
    w.table.partitions_wanted = 4;
    grow(&w);
    assert_int_equal(w.out.count, 1);
    check(&w, 0, 102, 64 + 32);
}

/* A group that refused is passed over, and keeps nobody else's place. */
static void refused_splits_are_left_out(void **state) {
    (void)state;
    struct world w;
    uint64_t refused[] = {102};
    setup(&w, 4, (unsigned[]){4, 6, 5}, 3);
    w.s.refused = refused;
    w.s.refused_count = 1;
    w.out.count = 0;
    grow(&w);
    assert_int_equal(w.out.count, 1);
    check(&w, 0, 103, 16 + 64 + 16);
}

/* One hash is one partition key, or as good as: nothing to split between. */
static void one_hash_is_not_split(void **state) {
    (void)state;
    struct world w;
    setup(&w, 4, (unsigned[]){0, 1}, 2);
    assert_int_equal(w.out.count, 1);
    check(&w, 0, 102, 2);
}

static void a_group_of_all_hashes(void **state) {
    (void)state;
    struct world w;
    setup(&w, 2, (unsigned[]){0}, 1);
    w.partitions[0].first_hash = 0;
    w.partitions[0].last_hash = UINT64_MAX;
    grow(&w);
    assert_int_equal(w.out.count, 1);
    check(&w, 0, 101, UINT64_C(1) << 63);
}

static void throughput_needs_partitions(void **state) {
    (void)state;
    assert_int_equal(plan_partitions_for(0, 0), 1);
    assert_int_equal(plan_partitions_for(3000, 1000), 1);
    assert_int_equal(plan_partitions_for(3001, 1000), 2);
    assert_int_equal(plan_partitions_for(3000, 1001), 2);
    assert_int_equal(plan_partitions_for(12000, 4000), PLAN_ON_DEMAND_PARTITIONS);
    assert_int_equal(plan_partitions_for(40000, 40000), 40);
    assert_int_equal(plan_partitions_for(UINT64_MAX, 1), PLAN_PARTITIONS_PER_TABLE_MAX);
    struct plan_table t = {.on_demand = true, .partitions_wanted = 7};
    assert_int_equal(plan_partition_count(&t), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_split_without_need),
        cmocka_unit_test(the_widest_are_split_in_the_middle),
        cmocka_unit_test(a_few_at_a_time),
        cmocka_unit_test(orders_under_way_count),
        cmocka_unit_test(refused_splits_are_left_out),
        cmocka_unit_test(one_hash_is_not_split),
        cmocka_unit_test(a_group_of_all_hashes),
        cmocka_unit_test(throughput_needs_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
