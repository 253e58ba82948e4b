#include "core/heal/heal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define S(text)   TC_SLICE_LIT(text)
#define SECOND_NS UINT64_C(1000000000)

/* A group of 1 (leader), 2 and 3 in zones a, b and c; stores 1 to 6, two in each zone. */
static struct quorum_config config;
static struct heal_peer peers[4];
static struct heal_store stores[6];
static struct heal_input in;

static void name_store(uint8_t *uuid, uint8_t number) {
    memset(uuid, number, QUORUM_UUID_BYTES);
}

static struct quorum_member member(uint32_t rid, const char *zone) {
    struct quorum_member m = {.rid = rid, .role = QUORUM_STORAGE};
    name_store(m.store, (uint8_t)rid);
    m.zone[0] = zone[0];
    return m;
}

static int setup(void **state) {
    static const struct tc_slice zones[] = {
        {(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}, {(const uint8_t *)"c", 1}};
    (void)state;
    config = (struct quorum_config){.version = 4, .sets[0].count = 3};
    for (uint32_t i = 0; i < 3; i++)
        config.sets[0].members[i] = member(i + 1, i == 0 ? "a" : i == 1 ? "b" : "c");
    for (uint32_t i = 0; i < 6; i++) {
        stores[i] = (struct heal_store){.zone = zones[i % 3], .load = 10};
        name_store(stores[i].uuid, (uint8_t)(i + 1));
    }
    for (uint32_t i = 0; i < 4; i++)
        peers[i] = (struct heal_peer){.rid = i + 2, .has_tree = true, .match = 100};
    in = (struct heal_input){.config = &config,
                             .settled = true,
                             .self = 1,
                             .commit = 100,
                             .peers = peers,
                             .peer_count = 2,
                             .stores = stores,
                             .store_count = 6,
                             .copies_max = 2,
                             .dead_ns = 5 * SECOND_NS / 2,
                             .patience_ns = 10 * SECOND_NS};
    return 0;
}

static void silence(uint32_t rid, uint64_t seconds) {
    peers[rid - 2].silent_ns = seconds * SECOND_NS;
}

static void expect(enum heal_action_type type, uint32_t rid) {
    struct heal_action a = heal_next(&in);
    assert_int_equal(a.type, type);
    assert_int_equal(a.rid, rid);
    assert_non_null(a.why);
}

static void whole_group_needs_nothing(void **state) {
    (void)state;
    expect(HEAL_NOTHING, 0);
    silence(3, 2);
    expect(HEAL_NOTHING, 0);
    assert_int_equal(heal_live_logs(&in), 3);
    silence(3, 3);
    assert_int_equal(heal_live_logs(&in), 2);
}

static void silent_voter_is_replaced_when_a_second_one_agrees(void **state) {
    (void)state;
    silence(3, 3);
    expect(HEAL_CONFIRM, 3);
    assert_int_equal(heal_next(&in).via, 2);
    peers[1].opinion = HEAL_ASKED;
    expect(HEAL_NOTHING, 3);
    peers[1].opinion = HEAL_LOST;
    expect(HEAL_LEARN, 3);
    assert_int_equal(heal_next(&in).store, 5); /* the other store of zone c */
}

static void nobody_else_to_ask_is_no_reason_to_wait(void **state) {
    (void)state;
    config.sets[0].count = 2;
    peers[1].rid = 9; /* not a member */
    silence(2, 3);
    in.peer_count = 1;
    expect(HEAL_LEARN, 2);
}

static void the_longest_silence_comes_first(void **state) {
    (void)state;
    silence(2, 3);
    silence(3, 4);
    expect(HEAL_LEARN, 3);
}

static void unsettled_configuration_is_left_alone(void **state) {
    (void)state;
    silence(3, 30);
    in.settled = false;
    expect(HEAL_NOTHING, 0);
}

static void no_usable_store_means_waiting(void **state) {
    (void)state;
    silence(3, 3);
    peers[1].opinion = HEAL_LOST;
    for (uint32_t i = 3; i < 6; i++)
        stores[i].state = HEAL_DRAINING;
    expect(HEAL_NOTHING, 3);
}

/* Its store is there and holds nothing: as good as any other of its zone, and the only one that a
 * small cluster has. It is a newcomer all the same. */
static void voter_that_was_never_made_is_made_anew_where_it_is_missing(void **state) {
    (void)state;
    silence(3, 3);
    in.store_count = 3;
    peers[1].opinion = HEAL_LOST;
    expect(HEAL_NOTHING, 3);
    peers[1].opinion = HEAL_ABSENT;
    expect(HEAL_LEARN, 3);
    assert_int_equal(heal_next(&in).store, 2);
    stores[2].avoid = true;
    expect(HEAL_NOTHING, 3);
    assert_int_equal(heal_place(&config, 2, /* vacant= */ true, stores, 3), 1);
}

static void voter_that_another_one_reaches_is_left_alone(void **state) {
    (void)state;
    silence(3, 3);
    peers[1].opinion = HEAL_REACHED;
    expect(HEAL_NOTHING, 3);
}

/* ---- placement */

static void zone_of_the_lost_one_comes_first(void **state) {
    (void)state;
    stores[5].load = 1000;
    assert_int_equal(heal_place(&config, 3, /* vacant= */ false, stores, 6), 5);
}

static void least_loaded_store_of_the_zone(void **state) {
    (void)state;
    stores[4].zone = S("c");
    stores[4].load = 7;
    stores[5].load = 8;
    assert_int_equal(heal_place(&config, 3, /* vacant= */ false, stores, 6), 4);
    stores[5].load = 6;
    assert_int_equal(heal_place(&config, 3, /* vacant= */ false, stores, 6), 5);
}

static void free_zone_before_a_used_one(void **state) {
    (void)state;
    stores[5].zone = S("d");
    stores[3].load = stores[4].load = 0;
    assert_int_equal(heal_place(&config, 3, /* vacant= */ false, stores, 6), 5);
    assert_true(heal_crowds(&config, 3, stores, 6, 3));
    assert_false(heal_crowds(&config, 3, stores, 6, 5));
}

static void used_zone_only_while_none_is_free(void **state) {
    (void)state;
    stores[5].state = HEAL_DOWN;
    stores[4].load = 3;
    assert_int_equal(heal_place(&config, 3, /* vacant= */ false, stores, 6), 4);
    assert_false(heal_crowds(&config, 3, stores, 6, 4));
}

static void members_and_tired_stores_are_never_chosen(void **state) {
    (void)state;
    static const enum heal_store_state bad[] = {HEAL_DOWN, HEAL_DRAINING, HEAL_FULL};
    for (int k = 0; k < 4; k++) {
        for (uint32_t i = 3; i < 6; i++) {
            stores[i].state = k < 3 ? bad[k] : HEAL_UP;
            stores[i].avoid = k == 3;
        }
        assert_int_equal(heal_place(&config, 3, /* vacant= */ false, stores, 6), HEAL_NOWHERE);
    }
}

/* The node came back with an empty disk: a new store, and as good as any other. */
static void new_store_on_the_lost_node_is_usable(void **state) {
    (void)state;
    in.store_count = 3;
    name_store(stores[2].uuid, 77);
    assert_int_equal(heal_place(&config, 3, /* vacant= */ false, stores, 3), 2);
}

/* ---- a change that goes on */

static void begin_change(uint32_t remove_rid, bool wished) {
    in.change =
        (struct heal_change){.rid = 9, .remove_rid = remove_rid, .created = true, .wished = wished};
    peers[2] = (struct heal_peer){.rid = 9, .learner = true, .match = 40};
    in.peer_count = 3;
}

static void learner_joins_when_it_holds_the_log(void **state) {
    (void)state;
    silence(3, 4);
    begin_change(3, /* wished= */ false);
    in.change.created = false;
    expect(HEAL_NOTHING, 9);
    in.change.created = true;
    expect(HEAL_NOTHING, 9);
    peers[2].match = 100;
    peers[2].below_base = true;
    expect(HEAL_NOTHING, 9);
    peers[2].below_base = false;
    expect(HEAL_JOINT, 9);
}

static void learner_is_forgotten_when_the_silent_one_answers(void **state) {
    (void)state;
    begin_change(3, /* wished= */ false);
    peers[2].match = 100;
    expect(HEAL_UNLEARN, 9);
    in.change.wished = true;
    expect(HEAL_JOINT, 9);
}

static void silent_learner_is_given_up(void **state) {
    (void)state;
    silence(3, 30);
    begin_change(3, /* wished= */ false);
    peers[2].silent_ns = 11 * SECOND_NS;
    expect(HEAL_UNLEARN, 9);
}

static void one_change_at_a_time(void **state) {
    (void)state;
    silence(2, 30);
    silence(3, 4);
    peers[0].opinion = HEAL_LOST;
    begin_change(3, /* wished= */ false);
    expect(HEAL_NOTHING, 9);
}

/* ---- in-place upgrade */

static void log_replica_gets_a_copy_and_is_promoted(void **state) {
    (void)state;
    config.sets[0].members[2].role = QUORUM_LOG;
    peers[1].has_tree = false;
    expect(HEAL_SHIP, 3);
    peers[1].copies = 2;
    expect(HEAL_NOTHING, 3);
    peers[1].copies = 1;
    peers[1].copying = true;
    expect(HEAL_NOTHING, 3);
    peers[1].has_tree = true;
    expect(HEAL_PROMOTE, 3);
    in.commit = 100 + HEAL_PROMOTE_LAG + 1;
    peers[1].copying = false;
    expect(HEAL_NOTHING, 3);
}

static void lost_place_does_not_hold_up_an_upgrade(void **state) {
    (void)state;
    config.sets[0].members[1].role = QUORUM_LOG;
    peers[0].has_tree = false;
    silence(3, 4);
    peers[1].opinion = HEAL_LOST;
    in.store_count = 3;
    expect(HEAL_SHIP, 2);
}

/* ---- configurations */

static void joint_replaces_one_member(void **state) {
    struct quorum_config next;
    struct quorum_member new = member(9, "c");
    (void)state;
    new.role = QUORUM_LOG;
    assert_int_equal(heal_joint(&config, 3, &new, &next), TC_OK);
    assert_int_equal(next.version, 5);
    assert_int_equal(next.sets[0].count, 3);
    assert_int_equal(next.sets[1].count, 3);
    assert_int_equal(next.sets[1].members[2].rid, 9);
    assert_null(quorum_find(&(struct quorum_config){.version = 1, .sets[0] = next.sets[1]}, 3));
    assert_int_equal(heal_joint(&next, 1, &new, &next), TC_EINVAL);
    assert_int_equal(heal_joint(&config, 8, &new, &next), TC_EINVAL);
    new.rid = 2;
    assert_int_equal(heal_joint(&config, 3, &new, &next), TC_EINVAL);
}

static void joint_may_add_up_to_the_limit(void **state) {
    struct quorum_config next;
    (void)state;
    for (uint32_t rid = 10; config.sets[0].count < QUORUM_MEMBERS_MAX; rid++) {
        struct quorum_member new = member(rid, "d");
        assert_int_equal(heal_joint(&config, 0, &new, &next), TC_OK);
        config = (struct quorum_config){.version = next.version, .sets[0] = next.sets[1]};
    }
    struct quorum_member new = member(90, "d");
    assert_int_equal(heal_joint(&config, 0, &new, &next), TC_ELIMIT);
}

/* The last storage replica cannot leave for a log replica: nobody could lead. */
static void somebody_must_stay_who_can_lead(void **state) {
    struct quorum_config next;
    struct quorum_member new = member(9, "c");
    (void)state;
    new.role = QUORUM_LOG;
    config.sets[0].members[1].role = config.sets[0].members[2].role = QUORUM_LOG;
    assert_int_equal(heal_joint(&config, 1, &new, &next), TC_EINVAL);
}

static void promotion_changes_one_role(void **state) {
    struct quorum_config next;
    (void)state;
    assert_int_equal(heal_promoted(&config, 3, &next), TC_EINVAL);
    config.sets[0].members[2].role = QUORUM_LOG;
    assert_int_equal(heal_promoted(&config, 3, &next), TC_OK);
    assert_int_equal(next.version, 5);
    assert_int_equal(next.sets[0].members[2].role, QUORUM_STORAGE);
    assert_int_equal(heal_promoted(&config, 9, &next), TC_EINVAL);
}

static void rids_only_rise(void **state) {
    uint32_t rid = 0;
    (void)state;
    for (uint64_t random = 0; random < 1000; random += 7) {
        assert_int_equal(heal_rid(&config, 20, random, &rid), TC_OK);
        assert_in_range(rid, 21, 20 + HEAL_RID_SPREAD);
        assert_int_equal(heal_rid(&config, 0, random, &rid), TC_OK);
        assert_in_range(rid, 4, 3 + HEAL_RID_SPREAD);
    }
    assert_int_equal(heal_rid(&config, QUORUM_RID_MAX - 1, 0, &rid), TC_ELIMIT);
}

int main(void) {
#define T(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {
        T(whole_group_needs_nothing),
        T(silent_voter_is_replaced_when_a_second_one_agrees),
        T(voter_that_was_never_made_is_made_anew_where_it_is_missing),
        T(voter_that_another_one_reaches_is_left_alone),
        T(nobody_else_to_ask_is_no_reason_to_wait),
        T(the_longest_silence_comes_first),
        T(unsettled_configuration_is_left_alone),
        T(no_usable_store_means_waiting),
        T(zone_of_the_lost_one_comes_first),
        T(least_loaded_store_of_the_zone),
        T(free_zone_before_a_used_one),
        T(used_zone_only_while_none_is_free),
        T(members_and_tired_stores_are_never_chosen),
        T(new_store_on_the_lost_node_is_usable),
        T(learner_joins_when_it_holds_the_log),
        T(learner_is_forgotten_when_the_silent_one_answers),
        T(silent_learner_is_given_up),
        T(one_change_at_a_time),
        T(log_replica_gets_a_copy_and_is_promoted),
        T(lost_place_does_not_hold_up_an_upgrade),
        T(joint_replaces_one_member),
        T(joint_may_add_up_to_the_limit),
        T(somebody_must_stay_who_can_lead),
        T(promotion_changes_one_role),
        T(rids_only_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
