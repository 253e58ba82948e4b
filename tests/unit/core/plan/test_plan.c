#include "core/plan/lease.h"
#include "core/plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define S(text) TC_SLICE_LIT(text)

static struct plan_node nodes[4];
static struct plan_out out;

static struct plan_snapshot three_nodes(void) {
    nodes[0] = (struct plan_node){.name = S("sa"), .zone = S("a"), .alive = true};
    nodes[1] = (struct plan_node){.name = S("sb"), .zone = S("b"), .alive = true};
    nodes[2] = (struct plan_node){.name = S("sc"), .zone = S("c"), .alive = true};
    nodes[3] = (struct plan_node){.name = S("sc2"), .zone = S("c"), .alive = true};
    return (struct plan_snapshot){.nodes = nodes, .node_count = 3, .next_id = PLAN_FIRST_ID};
}

static void virgin_cluster_is_bootstrapped(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, PLAN_BOOTSTRAP);
}

static void bootstrap_waits_for_every_node(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    nodes[1].alive = false;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    assert_non_null(out.halted);
}

/* A node that lost its disk answers as virgin while its peers hold replicas. */
static void empty_node_never_founds_a_second_cluster(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    struct plan_replica held = {.node_index = 0, .gid = 1};
    s.replicas = &held;
    s.replica_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    assert_non_null(out.halted);
}

static void bootstrap_cut_short_goes_on_with_the_same_stores(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    struct plan_replica held = {.node_index = 0, .gid = 1};
    s.replicas = &held;
    s.replica_count = 1;
    /* sc came back with another store: its name is left out of the report. */
    s.system = (struct plan_partition){
        .gid = 1, .table_id = 1, .nodes = {S("sa"), S("sb"), S("")}, .rids = {1, 2, 3}};
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, PLAN_CREATE_REPLICA);
    assert_int_equal(out.actions[0].node_index, 1);
    assert_int_equal(out.actions[0].rid, 2);
}

static void two_zones_are_not_enough(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    nodes[1].zone = S("a");
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    assert_non_null(out.halted);
}

static void new_table_is_recorded_before_it_is_created(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    s.node_count = 4;
    nodes[2].replica_count = 9;
    struct plan_table t[2] = {{.name = S("t"), .status = PLAN_CREATING, .on_demand = true},
                              {.name = S("u"), .status = PLAN_CREATING, .wcu = 2500, .rcu = 1}};
    s.tables_read = true;
    s.tables = t;
    s.table_count = 2;
    plan_step(&s, &out);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.actions[0].type, PLAN_PLACE);
    assert_int_equal(out.actions[0].table_id, 100);
    assert_int_equal(out.actions[0].partition_count, 4);
    assert_int_equal(out.actions[0].nodes[2], 3); /* the emptier node of zone c */
    assert_int_equal(out.actions[1].table_id, 105);
    assert_int_equal(out.actions[1].partition_count, 3);
}

static void placed_table_gets_replicas_then_becomes_active(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    uint64_t gid = 101;
    struct plan_table t = {.table_id = 100, .status = PLAN_CREATING, .gids = &gid, .gid_count = 1};
    struct plan_partition p = {
        .gid = 101, .table_id = 100, .nodes = {S("sb"), S("sc"), S("sa")}, .rids = {1, 2, 3}};
    struct plan_replica held[3] = {{.node_index = 1, .gid = 101}};
    s.tables_read = true;
    s.tables = &t;
    s.table_count = 1;
    s.partitions = &p;
    s.partition_count = 1;
    s.replicas = held;
    s.replica_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.actions[0].type, PLAN_CREATE_REPLICA);
    assert_int_equal(out.actions[0].rid, 2);
    assert_int_equal(out.actions[0].node_index, 2);
    assert_int_equal(out.actions[1].rid, 3);
    held[1] = (struct plan_replica){.node_index = 2, .gid = 101, .leader = true};
    held[2] = (struct plan_replica){.node_index = 0, .gid = 101};
    s.replica_count = 3;
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, PLAN_SET_ACTIVE);
}

static void deleting_waits_for_a_silent_node(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    struct plan_table t = {.table_id = 100, .status = PLAN_DELETING};
    struct plan_partition p = {
        .gid = 101, .table_id = 100, .nodes = {S("sa"), S("sb"), S("sc")}, .rids = {1, 2, 3}};
    /* It moved since the record was written: sc2 holds it, and is asked. */
    struct plan_replica held = {.node_index = 3, .gid = 101, .table_id = 100};
    s.node_count = 4;
    s.tables_read = true;
    s.tables = &t;
    s.table_count = 1;
    s.partitions = &p;
    s.partition_count = 1;
    s.replicas = &held;
    s.replica_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, PLAN_DELETE_REPLICA);
    assert_int_equal(out.actions[0].node_index, 3);
    s.replica_count = 0;
    nodes[2].alive = false;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    nodes[2].name = S(""); /* silent since this autoadmin started, and no directory names it */
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    nodes[2].name = S("sc");
    nodes[2].alive = true;
    plan_step(&s, &out);
    assert_int_equal(out.actions[0].type, PLAN_DROP_TABLE);
    assert_false(out.actions[0].node_silent);
}

/* sc was replaced by sc2 while it was dead: the table goes without it, its replica when it returns.
 */
static void replica_of_a_dropped_table_goes_when_its_node_returns(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    struct plan_table t = {.table_id = 100, .status = PLAN_DELETING};
    struct plan_partition p = {
        .gid = 101, .table_id = 100, .nodes = {S("sa"), S("sb"), S("sc2")}, .rids = {1, 2, 4}};
    s.node_count = 4;
    nodes[2].alive = false;
    s.tables_read = true;
    s.tables = &t;
    s.table_count = 1;
    s.partitions = &p;
    s.partition_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, PLAN_DROP_TABLE);
    assert_true(out.actions[0].node_silent);
    const uint64_t dropped = 100;
    s.table_count = s.partition_count = 0;
    s.dropped_ids = &dropped;
    s.dropped_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    struct plan_replica held[2] = {{.node_index = 2, .gid = 101, .table_id = 100},
                                   {.node_index = 2, .gid = 777, .table_id = 776}};
    nodes[2].alive = true;
    s.replicas = held;
    s.replica_count = 2;
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, PLAN_DELETE_REPLICA);
    assert_int_equal(out.actions[0].gid, 101);
    s.replica_count = 0;
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, PLAN_FORGET_DROPPED);
}

/* rid 3 was replaced while the table was being made; its node has deleted it since. */
static void outgrown_record_creates_nothing(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    uint64_t gid = 101;
    struct plan_table t = {.table_id = 100, .status = PLAN_CREATING, .gids = &gid, .gid_count = 1};
    struct plan_partition p = {.gid = 101,
                               .table_id = 100,
                               .epoch = 1,
                               .nodes = {S("sb"), S("sc"), S("sa")},
                               .rids = {1, 2, 3}};
    struct plan_replica held[2] = {{.node_index = 1, .gid = 101, .epoch = 1},
                                   {.node_index = 2, .gid = 101, .epoch = 3}};
    s.tables_read = true;
    s.tables = &t;
    s.table_count = 1;
    s.partitions = &p;
    s.partition_count = 1;
    s.replicas = held;
    s.replica_count = 2;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    held[1].epoch = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, PLAN_CREATE_REPLICA);
}

static void draining_node_is_given_nothing_new(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    struct plan_table t = {.name = S("t"), .status = PLAN_CREATING, .wcu = 1, .rcu = 1};
    s.node_count = 4;
    nodes[2].draining = true;
    nodes[3].replica_count = 9;
    s.tables_read = true;
    s.tables = &t;
    s.table_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.actions[0].type, PLAN_PLACE);
    assert_int_equal(out.actions[0].nodes[2], 3);
    nodes[3].full = true;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    assert_non_null(out.halted);
}

static void replicas_without_record_are_left_alone(void **state) {
    (void)state;
    struct plan_snapshot s = three_nodes();
    struct plan_replica held = {.node_index = 0, .gid = 777};
    s.tables_read = true;
    s.replicas = &held;
    s.replica_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
}

static void partition_starts_divide_the_hash_space(void **state) {
    (void)state;
    for (uint32_t n = 1; n <= PLAN_PARTITIONS_PER_TABLE_MAX; n++) {
        assert_int_equal(plan_partition_start(0, n), 0);
        for (uint32_t i = 1; i < n; i++)
            assert_true(plan_partition_start(i, n) > plan_partition_start(i - 1, n));
    }
    assert_true(plan_partition_start(1, 2) == (uint64_t)1 << 63);
}

static void lease_changes_hands_only_after_silence(void **state) {
    (void)state;
    struct plan_lease l = {0};
    const uint64_t s = 1000000000;
    assert_int_equal(plan_lease_step(&l, 0, false, 1 * s), PLAN_LEASE_TAKE);
    assert_int_equal(plan_lease_step(&l, 4, false, 2 * s), PLAN_LEASE_WATCH);
    assert_int_equal(plan_lease_step(&l, 5, false, 6 * s), PLAN_LEASE_WATCH); /* it lives */
    assert_int_equal(plan_lease_step(&l, 5, false, 11 * s - 1), PLAN_LEASE_WATCH);
    assert_int_equal(plan_lease_step(&l, 5, false, 11 * s), PLAN_LEASE_TAKE);
    assert_int_equal(plan_lease_step(&l, 6, true, 12 * s), PLAN_LEASE_ACT);
    assert_int_equal(plan_lease_step(&l, 6, true, 13 * s), PLAN_LEASE_RENEW);
}

/* ---- indexes */

static const uint64_t table_gids[2] = {101, 102}, index_gid = 201;
static struct plan_index idx;
static struct plan_table indexed;
static struct plan_group groups[3];
static struct plan_replica led = {.node_index = 0, .gid = 201, .table_id = 200, .leader = true};

/* A table of two groups that know version 1 of the schema, with one index. */
static struct plan_snapshot indexed_table(struct plan_index index) {
    struct plan_snapshot s = three_nodes();
    idx = index;
    indexed = (struct plan_table){.table_id = 100,
                                  .status = PLAN_UPDATING,
                                  .gids = table_gids,
                                  .gid_count = 2,
                                  .indexes = &idx,
                                  .index_count = 1,
                                  .schema = S("v1"),
                                  .schema_version = 1};
    for (uint32_t i = 0; i < 2; i++)
        groups[i] = (struct plan_group){.gid = 101 + i,
                                        .table_id = 100,
                                        .leader_node = i,
                                        .change_node = PLAN_NODE_NONE,
                                        .schema = S("v1"),
                                        .schema_version = 1};
    s.tables_read = true;
    s.tables = &indexed;
    s.table_count = 1;
    s.groups = groups;
    s.group_count = 2;
    s.pace = (struct plan_pace){8, 8};
    return s;
}

static void only_action(const struct plan_snapshot *s, enum plan_action_type type) {
    plan_step(s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, type);
}

static void new_index_is_placed_made_known_and_carried_over(void **state) {
    (void)state;
    struct plan_snapshot s = indexed_table(
        (struct plan_index){.id = 3, .global = true, .status = PLAN_CREATING, .wcu = 1500});
    only_action(&s, PLAN_PLACE_INDEX);
    assert_int_equal(out.actions[0].table_id, PLAN_FIRST_ID);
    assert_int_equal(out.actions[0].partition_count, 2);
    idx.table_id = 200;
    idx.gids = &index_gid;
    idx.gid_count = 1;
    struct plan_partition p = {
        .gid = 201, .table_id = 200, .nodes = {S("sa"), S(""), S("")}, .rids = {1}};
    s.partitions = &p;
    s.partition_count = 1;
    only_action(&s, PLAN_CREATE_REPLICA);
    s.replicas = &led;
    s.replica_count = 1;
    only_action(&s, PLAN_BACKFILL);
    idx.backfilling = true;
    indexed.schema = S("v2");
    indexed.schema_version = 2;
    plan_step(&s, &out);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.actions[1].type, PLAN_SET_SCHEMA);
    assert_int_equal(out.actions[1].gid, 102);
    assert_int_equal(out.actions[1].leader_node, 1);
    const uint32_t other = 2, done = 3;
    for (int i = 0; i < 2; i++) {
        groups[i].schema = S("v2");
        groups[i].schema_version = 2;
        groups[i].backfilled = i ? &other : &done;
        groups[i].backfilled_count = 1;
    }
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    groups[1].backfilled = &done;
    only_action(&s, PLAN_INDEX_ACTIVE);
    groups[1].retired = true; /* it was split: its children are not on record yet */
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    groups[1].retired = false;
    idx.status = PLAN_ACTIVE;
    only_action(&s, PLAN_SET_ACTIVE);
}

/* Its throughput was raised: it has one partition and needs three. */
static void index_grows_before_it_is_active_again(void **state) {
    (void)state;
    struct plan_snapshot s = indexed_table((struct plan_index){.id = 1,
                                                               .global = true,
                                                               .status = PLAN_UPDATING,
                                                               .table_id = 200,
                                                               .gids = &index_gid,
                                                               .gid_count = 1,
                                                               .wcu = 2500});
    struct plan_partition p = {
        .gid = 201, .table_id = 200, .first_hash = 0, .last_hash = UINT64_MAX};
    s.partitions = &p;
    s.partition_count = 1;
    only_action(&s, PLAN_SPLIT);
    assert_int_equal(out.actions[0].gid, 201);
    assert_int_equal(out.actions[0].table_id, 200);
    s.reshaped = &index_gid; /* ordered already */
    s.reshaped_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    idx.wcu = 900;
    only_action(&s, PLAN_INDEX_ACTIVE);
}

static void index_goes_only_when_no_group_knows_it(void **state) {
    (void)state;
    struct plan_snapshot s = indexed_table((struct plan_index){.id = 1,
                                                               .global = true,
                                                               .status = PLAN_DELETING,
                                                               .table_id = 200,
                                                               .gids = &index_gid,
                                                               .gid_count = 1});
    s.replicas = &led;
    s.replica_count = 1;
    indexed.schema = S("v2");
    indexed.schema_version = 2;
    plan_step(&s, &out);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.actions[0].type, PLAN_SET_SCHEMA);
    groups[0].schema = groups[1].schema = S("v2");
    groups[0].schema_version = 2;
    groups[1].schema_version = 2;
    only_action(&s, PLAN_DELETE_REPLICA);
    assert_int_equal(out.actions[0].gid, 201);
    s.replica_count = 0;
    only_action(&s, PLAN_DROP_INDEX);
    assert_false(out.actions[0].node_silent);
}

/* The record says when items expire, under the version that the groups have already. */
static void changed_schema_gets_a_version_and_reaches_every_group(void **state) {
    (void)state;
    struct plan_snapshot s = indexed_table((struct plan_index){.id = 1, .status = PLAN_ACTIVE});
    indexed.status = PLAN_ACTIVE;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    indexed.schema = S("v1 and expiry times");
    only_action(&s, PLAN_RAISE_SCHEMA);
    indexed.schema_version = 2;
    groups[2] = groups[1]; /* a child that is not on record yet; its parent is left alone */
    groups[2].gid = 103;
    groups[1].retired = true;
    groups[0].changing = true; /* told when that is over */
    s.group_count = 3;
    only_action(&s, PLAN_SET_SCHEMA);
    assert_int_equal(out.actions[0].gid, 103);
}

static void table_and_its_indexes_come_and_go_together(void **state) {
    (void)state;
    struct plan_snapshot s = indexed_table(
        (struct plan_index){.id = 1, .global = true, .status = PLAN_CREATING, .wcu = 1});
    s.group_count = 0;
    indexed.status = PLAN_CREATING;
    indexed.table_id = 0;
    indexed.gid_count = 0;
    struct plan_table two[2] = {indexed, indexed};
    s.tables = two;
    s.table_count = 2;
    plan_step(&s, &out);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.actions[0].table_id, 100);
    assert_int_equal(out.actions[1].table_id, 104); /* a partition each of table and index */
    two[0].table_id = 100;
    two[0].gids = table_gids;
    two[0].gid_count = 1;
    idx.table_id = 200;
    idx.gids = &index_gid;
    idx.gid_count = 1;
    struct plan_replica held[2] = {{.node_index = 1, .gid = 101, .table_id = 100, .leader = true},
                                   led};
    s.table_count = 1;
    s.replicas = held;
    s.replica_count = 1;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
    s.replica_count = 2;
    only_action(&s, PLAN_SET_ACTIVE);
    two[0].status = PLAN_DELETING;
    plan_step(&s, &out);
    assert_int_equal(out.count, 2);
    s.replicas = &led;
    s.replica_count = 1;
    only_action(&s, PLAN_DELETE_REPLICA);
    s.replica_count = 0;
    only_action(&s, PLAN_DROP_TABLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virgin_cluster_is_bootstrapped),
        cmocka_unit_test(bootstrap_waits_for_every_node),
        cmocka_unit_test(empty_node_never_founds_a_second_cluster),
        cmocka_unit_test(bootstrap_cut_short_goes_on_with_the_same_stores),
        cmocka_unit_test(two_zones_are_not_enough),
        cmocka_unit_test(new_table_is_recorded_before_it_is_created),
        cmocka_unit_test(placed_table_gets_replicas_then_becomes_active),
        cmocka_unit_test(deleting_waits_for_a_silent_node),
        cmocka_unit_test(replica_of_a_dropped_table_goes_when_its_node_returns),
        cmocka_unit_test(outgrown_record_creates_nothing),
        cmocka_unit_test(draining_node_is_given_nothing_new),
        cmocka_unit_test(replicas_without_record_are_left_alone),
        cmocka_unit_test(partition_starts_divide_the_hash_space),
        cmocka_unit_test(new_index_is_placed_made_known_and_carried_over),
        cmocka_unit_test(index_grows_before_it_is_active_again),
        cmocka_unit_test(index_goes_only_when_no_group_knows_it),
        cmocka_unit_test(changed_schema_gets_a_version_and_reaches_every_group),
        cmocka_unit_test(table_and_its_indexes_come_and_go_together),
        cmocka_unit_test(lease_changes_hands_only_after_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
