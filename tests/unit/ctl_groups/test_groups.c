/* What the operator's commands conclude from the nodes' reports. */
#include "ctl/groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    NODES = 4,
};

static struct cluster c;
static Tercet__Pb__NodeInfoReply reports[NODES];
static Tercet__Pb__ReplicaInfo replicas[NODES], *replica_list[NODES];
static Tercet__Pb__Partition partitions[NODES];
static Tercet__Pb__Member members[3], *member_list[3];
static Tercet__Pb__PeerInfo peers[2], *peer_list[2];
static char names[NODES][2] = {"a", "b", "c", "d"};

/* Group 101 on a (leader, rid 1), b and c (a log replica); d holds what is not a member. */
static int setup(void **state) {
    (void)state;
    c = (struct cluster){.storage_count = NODES};
    for (uint32_t i = 0; i < 3; i++) {
        tercet__pb__member__init(&members[i]);
        members[i].rid = i + 1;
        members[i].node = names[i];
        members[i].role = i == 2;
        member_list[i] = &members[i];
    }
    for (uint32_t i = 0; i < 2; i++) {
        tercet__pb__peer_info__init(&peers[i]);
        peers[i].rid = i + 2;
        peers[i].silent_ms = 100;
        peer_list[i] = &peers[i];
    }
    for (uint32_t i = 0; i < NODES; i++) {
        tercet__pb__partition__init(&partitions[i]);
        partitions[i].gid = 101;
        partitions[i].table_id = 100;
        partitions[i].epoch = 5;
        partitions[i].members = member_list;
        partitions[i].n_members = 3;
        tercet__pb__replica_info__init(&replicas[i]);
        replicas[i].partition = &partitions[i];
        replicas[i].rid = i + 1;
        replica_list[i] = &replicas[i];
        tercet__pb__node_info_reply__init(&reports[i]);
        reports[i].node = names[i];
        reports[i].replicas = &replica_list[i];
        reports[i].n_replicas = 1;
        c.reports[i] = &reports[i];
    }
    replicas[0].role = 2;
    replicas[0].peers = peer_list;
    replicas[0].n_peers = 2;
    partitions[0].leader_round = 7;
    return 0;
}

static void leader_members_and_kinds(void **state) {
    (void)state;
    struct groups g;
    groups_of(&c, &g);
    assert_int_equal(g.count, 1);
    const struct group *group = groups_find(&g, 101);
    assert_ptr_equal(group->leader, &replicas[0]);
    assert_int_equal(group->leader_node, 0);
    assert_int_equal(group->storage_count, 2); /* c holds a log only */
    assert_int_equal(group_kind_of(&replicas[1]), GROUP_STORAGE);
    assert_int_equal(group_kind_of(&replicas[2]), GROUP_LOG);
    assert_int_equal(group_kind_of(&replicas[3]), GROUP_LEARNER);
    assert_int_equal(group_silent_ms(group, 1), 0);
    assert_int_equal(group_silent_ms(group, 3), 100);
    assert_true(group_silent_ms(group, 9) == UINT64_MAX);
    assert_ptr_equal(group_member_on(group, "b"), &members[1]);
    assert_null(group_member_on(group, "d"));
    assert_null(groups_find(&g, 102));
    assert_int_equal(groups_node(&c, "c"), 2);
    assert_true(groups_node(&c, "z") == SIZE_MAX);
    groups_free(&g);
}

static void silent_member_does_not_count(void **state) {
    (void)state;
    struct groups g;
    peers[0].silent_ms = GROUPS_SILENT_MS;
    groups_of(&c, &g);
    assert_int_equal(g.at[0].storage_count, 1);
    groups_free(&g);
}

/* A leader that was cut off still says so; the one with the newer ballot counts, and its members.
 */
static void of_two_leaders_the_newer_counts(void **state) {
    (void)state;
    struct groups g;
    replicas[1].role = 2;
    partitions[1].leader_round = 8;
    partitions[1].epoch = 6;
    for (int turn = 0; turn < 2; turn++) {
        groups_of(&c, &g);
        assert_ptr_equal(g.at[0].leader, &replicas[1]);
        assert_ptr_equal(g.at[0].members, &partitions[1]);
        groups_free(&g);
        c.reports[0] = &reports[1]; /* and in the other order */
        c.reports[1] = &reports[0];
    }
}

static void without_a_leader_nothing_answers(void **state) {
    (void)state;
    struct groups g;
    replicas[0].role = 0;
    c.reports[3] = NULL;
    groups_of(&c, &g);
    assert_null(g.at[0].leader);
    assert_int_equal(g.at[0].storage_count, 0);
    assert_int_equal(g.at[0].members->n_members, 3);
    groups_free(&g);
    c.storage_count = 0;
    groups_of(&c, &g);
    assert_int_equal(g.count, 0);
    groups_free(&g);
}

static void node_states(void **state) {
    (void)state;
    Tercet__Pb__NodeInfoReply *r = &reports[0];
    char why[] = "the disk has been slow for too long";
    assert_string_equal(group_node_state(NULL, true, true), "silent");
    assert_string_equal(group_node_state(r, false, false), "up");
    assert_string_equal(group_node_state(r, false, true), "full");
    assert_string_equal(group_node_state(r, true, true), "draining");
    r->disk_fill = 1;
    assert_string_equal(group_node_state(r, false, false), "full");
    r->disk_slow = true;
    assert_string_equal(group_node_state(r, false, true), "slow");
    r->disk_drain = why; /* nobody marked it */
    assert_string_equal(group_node_state(r, false, true), "draining");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(leader_members_and_kinds),
        TEST(silent_member_does_not_count),
        TEST(of_two_leaders_the_newer_counts),
        TEST(without_a_leader_nothing_answers),
        TEST(node_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
