/* What storage nodes say of their disks, and what is planned because of it: their reports go the
 * whole way through the snapshot. Six nodes, two per zone; one group on a1 (leads), b1 and c1. */
#include "core/plan/heal.h"
#include "shell_observe_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    A1,
    A2,
    B1,
    B2,
    C1,
    C2,
    NODES,
    FULL_BYTES = 1000,
    GROUPS = 4,
};

static const char *const addrs[NODES] = {"h:1", "h:2", "h:3", "h:4", "h:5", "h:6"};
static Tercet__Pb__NodeInfoReply reports[NODES];
static struct plan_group groups[GROUPS];
static struct shell_view view;
static struct plan_out out;

void *shell_view_alloc(struct shell_view *v, size_t count, size_t size) {
    void *memory = tc_arena_calloc(&v->arena, count ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

static char *text(const char *literal) {
    return (char *)(uintptr_t)literal;
}

static void set_group(uint32_t i, uint32_t leader, uint32_t second, uint32_t third) {
    const uint32_t at[] = {leader, second, third};
    struct plan_group *g = &groups[i];
    *g = (struct plan_group){.gid = 101 + i,
                             .table_id = 100,
                             .leader_rid = 1,
                             .leader_node = leader,
                             .member_count = 3,
                             .change_node = PLAN_NODE_NONE};
    for (uint32_t m = 0; m < 3; m++)
        g->members[m] = (struct plan_member){.rid = m + 1,
                                             .node = tc_slice_str(reports[at[m]].node),
                                             .node_index = at[m],
                                             .zone = tc_slice_str(reports[at[m]].zone)};
}

static int setup(void **state) {
    (void)state;
    static const char *const names[NODES] = {"a1", "a2", "b1", "b2", "c1", "c2"};
    static const char *const zones[NODES] = {"a", "a", "b", "b", "c", "c"};
    view = (struct shell_view){0};
    tc_arena_init(&view.arena, 1 << 20);
    for (uint32_t i = 0; i < NODES; i++) {
        tercet__pb__node_info_reply__init(&reports[i]);
        reports[i].node = text(names[i]);
        reports[i].zone = text(zones[i]);
        reports[i].store_uuid = (ProtobufCBinaryData){.len = 2, .data = (uint8_t *)text(names[i])};
        reports[i].disk_free_bytes = FULL_BYTES;
        reports[i].uptime_ms = PLAN_YOUNG_MS;
        view.reports[i] = &reports[i];
    }
    set_group(0, A1, B1, C1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tc_arena_deinit(&view.arena);
    return 0;
}

/* The plan over the reports as they are now. */
static void plan(uint32_t group_count) {
    const struct catalog system = {.addrs = addrs, .addr_count = NODES};
    const struct shell_limits limits = {.pace = {.changes_max = 8, .changes_per_node_max = 2},
                                        .full_bytes = FULL_BYTES};
    view.snapshot = (struct plan_snapshot){.tables_read = true, .next_id = 300};
    shell_view_add_nodes(&view, &system, &limits);
    view.snapshot.groups = groups;
    view.snapshot.group_count = group_count;
    plan_step(&view.snapshot, &out);
}

static const struct plan_action *only(enum plan_action_type type) {
    plan(1);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.actions[0].type, type);
    return &out.actions[0];
}

static void a_healthy_disk_is_left_alone(void **state) {
    (void)state;
    plan(1);
    assert_int_equal(out.count, 0);
    assert_int_equal(view.snapshot.node_count, NODES);
    assert_false(view.snapshot.nodes[B1].full || view.snapshot.nodes[B1].draining ||
                 view.snapshot.nodes[B1].leads_not);
}

/* Its store had better be emptied: as if the operator had marked it. */
static void a_disk_that_drains_itself_is_emptied(void **state) {
    (void)state;
    reports[B1].disk_drain = text("the disk failed writes more than once within a day");
    const struct plan_action *a = only(PLAN_CHANGE_REPLICA);
    assert_int_equal(a->rid, 2);
    assert_int_equal(a->node_index, B2);
    reports[B1].disk_drain = text("");
    reports[A1].disk_drain = text("the disk has been slow for too long"); /* it leads */
    assert_int_equal(only(PLAN_TRANSFER)->leader_node, A1);
}

/* Whatever the reason why a store refuses replicas, none is sent there. */
static void a_disk_without_room_takes_nothing(void **state) {
    (void)state;
    reports[C1].disk_drain = text("it fails");
    assert_int_equal(only(PLAN_CHANGE_REPLICA)->node_index, C2);
    for (int why = 0; why < 3; why++) {
        reports[C2].disk_free_bytes = FULL_BYTES - (why == 0);
        reports[C2].disk_fill = why == 1; /* the first step: no replicas */
        reports[C2].disk_slow = why == 2;
        plan(1);
        assert_int_equal(out.count, 0);
        assert_non_null(out.blocked);
    }
    reports[C2].disk_slow = false;
    reports[C2].disk_drain = text("it fails too"); /* no zone c is left: zones may be shared */
    assert_true(only(PLAN_CHANGE_REPLICA)->node_index < B2 + 1);
    reports[C2].disk_drain = text("");
    assert_int_equal(only(PLAN_CHANGE_REPLICA)->node_index, C2); /* it has room again */
    assert_null(out.blocked);
}

/* A full disk only takes nothing more; what it holds stays. */
static void a_full_disk_is_not_emptied(void **state) {
    (void)state;
    reports[B1].disk_fill = 3; /* no writes */
    reports[B1].disk_slow = true;
    plan(1);
    assert_int_equal(out.count, 0);
}

/* b1 leads nothing and a1 all: leaders are spread, but to no disk that had better not lead. */
static void leaders_stay_off_such_disks(void **state) {
    (void)state;
    for (uint32_t i = 0; i < GROUPS; i++)
        set_group(i, A1, B1, C1);
    reports[B1].disk_fill = 1; /* takes no replicas; may lead */
    plan(GROUPS);
    uint32_t to_b1 = 0;
    for (uint32_t i = 0; i < out.count; i++)
        to_b1 += out.actions[i].type == PLAN_TRANSFER && out.actions[i].rid == 2;
    assert_true(to_b1 > 0);
    for (int why = 0; why < 2; why++) {
        reports[B1].disk_fill = why == 0 ? 2 : 0; /* the second step: no leaders */
        reports[B1].disk_slow = why == 1;
        plan(GROUPS);
        assert_true(out.count > 0);
        for (uint32_t i = 0; i < out.count; i++) {
            assert_int_equal(out.actions[i].type, PLAN_TRANSFER);
            assert_int_equal(out.actions[i].rid, 3);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_healthy_disk_is_left_alone),      TEST(a_disk_that_drains_itself_is_emptied),
        TEST(a_disk_without_room_takes_nothing), TEST(a_full_disk_is_not_emptied),
        TEST(leaders_stay_off_such_disks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
