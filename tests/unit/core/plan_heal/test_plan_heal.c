/* Healing, moves and drains as a plan: six nodes, two per zone; one group unless a test says more.
 */
#include "core/plan/heal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define S(text) TC_SLICE_LIT(text)

enum {
    A1,
    A2,
    B1,
    B2,
    C1,
    C2,
    NODES,
    GROUPS_MAX = 200,
};

static struct plan_node nodes[NODES];
static struct plan_group groups[GROUPS_MAX];
static struct plan_partition records[GROUPS_MAX];
static struct plan_order order;
static struct plan_snapshot s;
static struct plan_out out;

/* A storage replica on every node given, rid 1 on the first, which leads. */
static void set_group(uint32_t i, uint32_t a, uint32_t b, uint32_t c) {
    const uint32_t at[] = {a, b, c};
    struct plan_group *g = &groups[i];
    *g = (struct plan_group){.gid = 101 + i,
                             .table_id = 100,
                             .epoch = 1,
                             .leader_rid = 1,
                             .leader_node = a,
                             .member_count = 3,
                             .change_node = PLAN_NODE_NONE};
    records[i] = (struct plan_partition){.gid = 101 + i, .table_id = 100, .epoch = 1};
    for (uint32_t m = 0; m < 3; m++) {
        g->members[m] = (struct plan_member){.rid = m + 1,
                                             .node = nodes[at[m]].name,
                                             .node_index = at[m],
                                             .zone = nodes[at[m]].zone};
        records[i].nodes[m] = nodes[at[m]].name;
        records[i].rids[m] = m + 1;
    }
}

static int setup(void **state) {
    (void)state;
    static const char *const names[] = {"a1", "a2", "b1", "b2", "c1", "c2"};
    static const char *const zones[] = {"a", "a", "b", "b", "c", "c"};
    for (uint32_t i = 0; i < NODES; i++)
        nodes[i] = (struct plan_node){.name = tc_slice_str(names[i]),
                                      .zone = tc_slice_str(zones[i]),
                                      .store = tc_slice_str(names[i]),
                                      .alive = true};
    set_group(0, A1, B1, C1);
    s = (struct plan_snapshot){.nodes = nodes,
                               .node_count = NODES,
                               .tables_read = true,
                               .next_id = 300,
                               .groups = groups,
                               .group_count = 1,
                               .partitions = records,
                               .partition_count = 1,
                               .orders = &order,
                               .pace = {.changes_max = 8, .changes_per_node_max = 2}};
    return 0;
}

static void silence(uint32_t member, uint64_t ms) {
    groups[0].members[member].silent_ms = ms;
    nodes[groups[0].members[member].node_index].alive = false;
}

static const struct plan_action *only(enum plan_action_type type) {
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, type);
    return &out.actions[0];
}

static void nothing(void) {
    plan_step(&s, &out);
    assert_int_equal(out.count, 0);
}

static void healthy_cluster_is_left_alone(void **state) {
    (void)state;
    nothing();
    assert_null(out.heal_halted);
    assert_null(out.blocked);
    assert_int_equal(out.unhealthy_count, 0);
}

static void dead_member_is_replaced_in_its_zone(void **state) {
    (void)state;
    silence(1, PLAN_DEAD_MS - 1); /* its leader's business so far */
    nothing();
    assert_int_equal(out.unhealthy_count, 1);
    silence(1, PLAN_DEAD_MS);
    const struct plan_action *a = only(PLAN_CHANGE_REPLICA);
    assert_int_equal(a->gid, 101);
    assert_int_equal(a->rid, 2);
    assert_int_equal(a->node_index, B2);
    assert_int_equal(a->leader_node, A1);
}

static void never_heard_member_is_dead(void **state) {
    (void)state;
    silence(2, PLAN_SILENT_NEVER);
    assert_int_equal(only(PLAN_CHANGE_REPLICA)->node_index, C2);
}

static void change_under_way_is_not_disturbed(void **state) {
    (void)state;
    silence(1, PLAN_DEAD_MS);
    groups[0].changing = true;
    nothing();
    assert_int_equal(out.changing_count, 1);
}

/* The node is back with an empty disk: the old rid is as good as dead, its node the best place. */
static void lost_disk_is_replaced_at_once_even_at_home(void **state) {
    (void)state;
    groups[0].members[1].lost = true;
    nodes[B2].replica_count = 5;
    const struct plan_action *a = only(PLAN_CHANGE_REPLICA);
    assert_int_equal(a->rid, 2);
    assert_int_equal(a->node_index, B1);
}

static void log_replica_becomes_a_storage_replica(void **state) {
    (void)state;
    groups[0].members[2].log = true;
    const struct plan_action *a = only(PLAN_HEAL_REPLICA);
    assert_int_equal(a->rid, 3);
    assert_int_equal(a->leader_node, A1);
    assert_int_equal(out.unhealthy_count, 1);
}

static void log_replica_waits_while_another_is_silent(void **state) {
    (void)state;
    groups[0].members[2].log = true;
    silence(1, PLAN_SUSPECT_MS);
    nothing();
}

static void without_a_majority_nothing_changes(void **state) {
    (void)state;
    silence(1, PLAN_DEAD_MS);
    silence(2, PLAN_DEAD_MS);
    nothing();
    assert_non_null(out.blocked);
    assert_int_equal(out.blocked_gid, 101);
}

static void draining_follower_moves(void **state) {
    (void)state;
    nodes[C1].draining = true;
    const struct plan_action *a = only(PLAN_CHANGE_REPLICA);
    assert_int_equal(a->rid, 3);
    assert_int_equal(a->node_index, C2);
}

static void draining_leader_hands_over_first(void **state) {
    (void)state;
    nodes[A1].draining = true;
    nodes[B1].draining = true;
    const struct plan_action *a = only(PLAN_TRANSFER);
    assert_int_equal(a->rid, 3); /* not to b1, which leaves as well */
    groups[0].leader_rid = 3;
    groups[0].leader_node = C1;
    a = only(PLAN_CHANGE_REPLICA); /* one at a time, though two are to leave */
    assert_int_equal(a->rid, 1);
    assert_int_equal(a->node_index, A2);
}

static void zones_stay_apart_or_nothing_moves(void **state) {
    (void)state;
    nodes[C1].draining = true;
    nodes[C2].full = true; /* a2 and b2 live, but their zones are taken, and zone c lives */
    s.pace.changes_per_node_max = 100;
    plan_step(&s, &out);
    /* c2 counts as living zone c, so nothing may share a zone. */
    assert_int_equal(out.count, 0);
    assert_non_null(out.blocked);
    assert_int_equal(out.waiting_count, 1);
}

static void two_living_zones_may_be_shared(void **state) {
    (void)state;
    silence(2, PLAN_DEAD_MS);
    nodes[C2].alive = false;
    nodes[A2].replica_count = 3;
    assert_int_equal(only(PLAN_CHANGE_REPLICA)->node_index, B2);
}

static void crowded_zone_is_thinned_when_the_third_lives_again(void **state) {
    (void)state;
    set_group(0, A1, B1, B2);
    const struct plan_action *a = only(PLAN_CHANGE_REPLICA);
    assert_int_equal(a->rid, 3);
    assert_true(a->node_index == C1 || a->node_index == C2);
}

static void order_is_carried_out_then_dropped(void **state) {
    (void)state;
    order = (struct plan_order){.gid = 101, .from = B1, .to = B2};
    s.order_count = 1;
    const struct plan_action *a = only(PLAN_CHANGE_REPLICA);
    assert_int_equal(a->rid, 2);
    assert_int_equal(a->node_index, B2);
    groups[0].changing = true;
    nothing();
    set_group(0, A1, B2, C1);
    groups[0].members[1].log = true; /* joined, its copy is still to come */
    a = only(PLAN_HEAL_REPLICA);
    groups[0].members[1].log = false;
    groups[0].epoch = 1;
    a = only(PLAN_DROP_ORDER);
    assert_int_equal(a->order_index, 0);
}

static void order_for_a_leader_transfers_first(void **state) {
    (void)state;
    order = (struct plan_order){.gid = 101, .from = A1, .to = A2};
    s.order_count = 1;
    assert_int_equal(only(PLAN_TRANSFER)->rid, 2);
}

static void order_waits_for_its_target_and_holds_up_nothing_else(void **state) {
    (void)state;
    order = (struct plan_order){.gid = 101, .from = B1, .to = B2};
    s.order_count = 1;
    nodes[B2].full = true;
    nothing();
    assert_non_null(out.blocked);
    nodes[C1].draining = true;
    assert_int_equal(only(PLAN_CHANGE_REPLICA)->rid, 3);
    nodes[B2].full = false;
    assert_int_equal(only(PLAN_CHANGE_REPLICA)->rid, 2);
}

static void orders_that_make_no_sense_are_dropped(void **state) {
    (void)state;
    s.order_count = 1;
    order = (struct plan_order){.gid = 101, .from = B1, .to = PLAN_NODE_NONE};
    assert_int_equal(only(PLAN_DROP_ORDER)->order_index, 0);
    order = (struct plan_order){.gid = 999, .from = B1, .to = B2}; /* no such group on record */
    assert_int_equal(only(PLAN_DROP_ORDER)->order_index, 0);
    order = (struct plan_order){.gid = 101, .from = B1, .to = C1}; /* c1 is a member */
    assert_int_equal(only(PLAN_DROP_ORDER)->order_index, 0);
    order = (struct plan_order){.gid = 101, .from = B1, .to = A2}; /* zone a has one */
    assert_int_equal(only(PLAN_DROP_ORDER)->order_index, 0);
    s.group_count = 0; /* it has no leader just now: the order waits */
    order = (struct plan_order){.gid = 101, .from = B1, .to = B2};
    nothing();
}

static void pace_bounds_the_cluster_and_each_node(void **state) {
    (void)state;
    for (uint32_t i = 0; i < GROUPS_MAX; i++)
        set_group(i, A1, B1, C1);
    s.group_count = s.partition_count = GROUPS_MAX;
    nodes[C1].draining = true;
    plan_step(&s, &out);
    assert_int_equal(out.count, 2); /* c2 takes two at a time */
    s.pace.changes_per_node_max = 100;
    plan_step(&s, &out);
    assert_int_equal(out.count, 8);
    for (uint32_t i = 0; i < 5; i++) {
        groups[i].changing = true; /* leaders are at it already */
        groups[i].change_node = C2;
    }
    plan_step(&s, &out);
    assert_int_equal(out.count, 3);
    assert_int_equal(out.waiting_count, GROUPS_MAX - 8);
    s.pace.changes_per_node_max = 5;
    nothing();
}

/* Urgency: a dead member comes before a drain, wherever it stands in the list. */
static void the_dead_come_first(void **state) {
    (void)state;
    set_group(0, A1, B1, C1);
    set_group(1, A2, B2, C1);
    s.group_count = s.partition_count = 2;
    s.pace.changes_max = 1;
    nodes[C1].draining = true;
    groups[1].members[1].lost = true;
    const struct plan_action *a = only(PLAN_CHANGE_REPLICA);
    assert_int_equal(a->gid, 102);
    assert_int_equal(a->rid, 2);
}

static void tables_that_come_or_go_are_left_alone(void **state) {
    (void)state;
    struct plan_table t = {.table_id = 100, .status = PLAN_DELETING};
    struct plan_replica held = {.node_index = A1, .gid = 101, .table_id = 100};
    s.tables = &t;
    s.table_count = 1;
    s.replicas = &held;
    s.replica_count = 1;
    groups[0].members[1].lost = true;
    assert_int_equal(only(PLAN_DELETE_REPLICA)->gid, 101);
}

static void half_of_the_nodes_silent_halts(void **state) {
    (void)state;
    groups[0].members[1].lost = true;
    nodes[A2].alive = nodes[B2].alive = false;
    plan_step(&s, &out);
    assert_int_equal(out.count, 1);
    nodes[C2].alive = false;
    nothing();
    assert_non_null(out.heal_halted);
}

static void twins_halt(void **state) {
    (void)state;
    nodes[C1].draining = true;
    nodes[B2].name = S("b1");
    nothing();
    assert_non_null(out.heal_halted);
    nodes[B2].name = S("b2");
    nodes[B2].store = S("b1"); /* a copied data folder */
    nothing();
    assert_non_null(out.heal_halted);
    nodes[B2].alive = false; /* the copy is gone */
    assert_int_equal(only(PLAN_CHANGE_REPLICA)->rid, 3);
}

static void records_follow_forwards_only(void **state) {
    (void)state;
    set_group(0, A1, B2, C1);
    groups[0].members[1].rid = 4;
    groups[0].epoch = 3;
    const struct plan_action *a = only(PLAN_RECORD_MEMBERS);
    assert_int_equal(a->gid, 101);
    groups[0].changing = true; /* not while it is on its way */
    nothing();
    groups[0].changing = false;
    records[0].epoch = 4; /* a leader of yesterday */
    nothing();
}

static void leaders_spread_after_a_restart(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        set_group(i, A1, B1, C1);
    s.group_count = s.partition_count = 6;
    uint32_t leads[NODES] = {6};
    for (int round = 0; round < 4; round++) {
        plan_step(&s, &out);
        assert_true(out.count <= PLAN_TRANSFERS_MAX);
        for (uint32_t i = 0; i < out.count; i++) {
            struct plan_group *g = &groups[out.actions[i].gid - 101];
            assert_int_equal(out.actions[i].type, PLAN_TRANSFER);
            leads[g->leader_node]--;
            g->leader_rid = out.actions[i].rid;
            g->leader_node = g->members[g->leader_rid - 1].node_index;
            leads[g->leader_node]++;
        }
    }
    assert_int_equal(leads[A1], 2);
    assert_int_equal(leads[B1], 2);
    assert_int_equal(leads[C1], 2);
    nothing();
}

static void leaders_stay_while_a_node_is_silent(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        set_group(i, A1, B1, C1);
    s.group_count = s.partition_count = 6;
    nodes[C2].alive = false;
    nothing();
}

/* Its log is behind and its grants are not known: a process gets leaders once it has run a while.
 */
static void leaders_stay_off_a_node_that_has_just_started(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        set_group(i, A1, B1, C1);
    s.group_count = s.partition_count = 6;
    nodes[B1].uptime_ms = PLAN_YOUNG_MS - 1;
    plan_step(&s, &out);
    assert_true(out.count > 0);
    for (uint32_t i = 0; i < out.count; i++)
        assert_int_equal(out.actions[i].rid, 3);
    nodes[B1].uptime_ms = PLAN_YOUNG_MS;
    plan_step(&s, &out);
    uint32_t to_b = 0;
    for (uint32_t i = 0; i < out.count; i++)
        to_b += out.actions[i].rid == 2;
    assert_true(to_b > 0);
}

/* One direction of one link is cut: neither of the two gets a leadership, nor gives one. */
static void leaders_stay_where_two_nodes_are_apart(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        set_group(i, A1, B1, C1);
    set_group(6, C1, B1, A2);
    s.group_count = s.partition_count = 7;
    groups[6].members[1].silent_ms = PLAN_APART_MS;
    plan_step(&s, &out);
    assert_int_equal(out.count, 0); /* not from A1 either: both who could take it are apart */
    groups[0].members[1].silent_ms = PLAN_APART_MS - 1;
    groups[6].members[1].silent_ms = 0;
    plan_step(&s, &out);
    assert_true(out.count > 0);
    groups[0].members[1].silent_ms = PLAN_APART_MS;
    nothing(); /* the leader's own link */
}

static void carry_out(const struct plan_action *a) {
    struct plan_group *g = &groups[a->gid - 101];
    uint32_t m = 0;
    while (g->members[m].rid != a->rid)
        m++;
    if (a->type == PLAN_TRANSFER) {
        g->leader_rid = a->rid;
        g->leader_node = g->members[m].node_index;
        return;
    }
    assert_int_not_equal(a->rid, g->leader_rid);
    g->members[m].node_index = a->node_index;
    g->members[m].node = nodes[a->node_index].name;
    g->members[m].rid += 10;
}

/* A whole drain by two autoadmins that know nothing of each other's rounds: every action is carried
 * out by a leader that forgets half of them; it ends all the same, one member at a time. */
static void drain_goes_on_whoever_plans(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        set_group(i, i % 2 ? A1 : C1, B1, i % 2 ? C1 : A1);
    s.group_count = s.partition_count = 20;
    nodes[C1].draining = true;
    uint32_t taken = 0;
    for (uint32_t round = 0; round < 100; round++) {
        plan_step(&s, &out);
        for (uint32_t i = 0; i < out.count; i++) {
            for (uint32_t k = 0; k < i; k++)
                assert_int_not_equal(out.actions[k].gid, out.actions[i].gid);
            if (++taken % 2)
                carry_out(&out.actions[i]);
        }
    }
    for (uint32_t i = 0; i < 20; i++)
        for (uint32_t m = 0; m < 3; m++)
            assert_int_not_equal(groups[i].members[m].node_index, C1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(healthy_cluster_is_left_alone),
        TEST(dead_member_is_replaced_in_its_zone),
        TEST(never_heard_member_is_dead),
        TEST(change_under_way_is_not_disturbed),
        TEST(lost_disk_is_replaced_at_once_even_at_home),
        TEST(log_replica_becomes_a_storage_replica),
        TEST(log_replica_waits_while_another_is_silent),
        TEST(without_a_majority_nothing_changes),
        TEST(draining_follower_moves),
        TEST(draining_leader_hands_over_first),
        TEST(zones_stay_apart_or_nothing_moves),
        TEST(two_living_zones_may_be_shared),
        TEST(crowded_zone_is_thinned_when_the_third_lives_again),
        TEST(order_is_carried_out_then_dropped),
        TEST(order_for_a_leader_transfers_first),
        TEST(order_waits_for_its_target_and_holds_up_nothing_else),
        TEST(orders_that_make_no_sense_are_dropped),
        TEST(pace_bounds_the_cluster_and_each_node),
        TEST(the_dead_come_first),
        TEST(tables_that_come_or_go_are_left_alone),
        TEST(half_of_the_nodes_silent_halts),
        TEST(twins_halt),
        TEST(records_follow_forwards_only),
        TEST(leaders_spread_after_a_restart),
        TEST(leaders_stay_while_a_node_is_silent),
        TEST(leaders_stay_off_a_node_that_has_just_started),
        TEST(leaders_stay_where_two_nodes_are_apart),
        TEST(drain_goes_on_whoever_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
