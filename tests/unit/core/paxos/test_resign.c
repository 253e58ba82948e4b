/* Handing over: the leader asks before it stops, and stops only for somebody who answers. */
#include "replica.h"

enum {
    BEAT_MS = 150,
};

/* rid 1 leads, everything is committed, and rids 2 and 3 have answered just now. */
static void open_heard_leader(struct replica *r) {
    open_leader(r);
    commit_all(r);
    assert_true(paxos_status(r->p).serving);
}

static tc_err resign(struct replica *r, uint32_t target, bool leaves) {
    r->now += MS; /* what was answered before is older than the question */
    return step(r, (struct paxos_event){.type = PAXOS_EV_RESIGN, .resign = {target, leaves}});
}

static void answer(struct replica *r, uint32_t from, uint32_t flags) {
    assert_int_equal(ack(r, from, paxos_status(r->p).last.index, PAXOS_F_BTREE | flags), TC_OK);
}

static void a_leader_serves_until_somebody_answers(void **state) {
    (void)state;
    struct replica r;
    open_heard_leader(&r);
    assert_int_equal(resign(&r, 0, false), TC_OK);
    assert_non_null(sent(&r, PAXOS_ACCEPT)); /* the question */
    assert_null(sent(&r, PAXOS_RESIGN));
    assert_true(paxos_status(r.p).serving);
    answer(&r, 3, 0);
    assert_non_null(sent(&r, PAXOS_RESIGN));
    assert_int_equal(sent(&r, PAXOS_RESIGN)->msg.to, 3);
    assert_int_equal(paxos_status(r.p).role, PAXOS_FOLLOWER);
    assert_int_equal(paxos_status(r.p).successor, 3);
    paxos_free(r.p);
}

/* An answer that was on its way when the question left proves nothing. */
static void an_older_answer_does_not_count(void **state) {
    (void)state;
    struct replica r;
    open_heard_leader(&r);
    assert_int_equal(resign(&r, 2, false), TC_OK);
    r.now -= MS; /* ack echoes the clock: as if sent before */
    answer(&r, 2, 0);
    assert_true(paxos_status(r.p).serving);
    r.now += MS;
    answer(&r, 3, 0); /* not the one that was wanted */
    answer(&r, 2, PAXOS_F_QUARANTINE);
    assert_true(paxos_status(r.p).serving);
    answer(&r, 2, 0);
    assert_int_equal(paxos_status(r.p).successor, 2);
    paxos_free(r.p);
}

static void without_an_answer_it_leads_on(void **state) {
    (void)state;
    struct replica r;
    open_heard_leader(&r);
    assert_int_equal(resign(&r, 2, false), TC_OK);
    assert_int_equal(resign(&r, 2, false), TC_OK);
    assert_int_equal(resign(&r, 3, false), TC_EBUSY);
    assert_int_equal(tick(&r, 2 * BEAT_MS), TC_OK);
    assert_true(paxos_status(r.p).serving);
    assert_int_equal(resign(&r, 3, false), TC_OK); /* the first one is over */
    paxos_free(r.p);
}

static void one_that_leaves_steps_down_all_the_same(void **state) {
    (void)state;
    struct replica r;
    open_heard_leader(&r);
    assert_int_equal(resign(&r, 0, false), TC_OK);
    assert_int_equal(resign(&r, 0, true), TC_OK);
    assert_int_equal(tick(&r, 2 * BEAT_MS), TC_OK);
    assert_int_equal(paxos_status(r.p).role, PAXOS_FOLLOWER);
    assert_int_equal(paxos_status(r.p).successor, 0);
    paxos_free(r.p);
}

/* Nobody can be asked: a leader by choice stays, unless its quorum does not hear it either. */
static void nobody_to_ask(void **state) {
    (void)state;
    struct replica r;
    open_heard_leader(&r);
    answer(&r, 2, PAXOS_F_QUARANTINE);
    answer(&r, 3, PAXOS_F_QUARANTINE);
    assert_int_equal(resign(&r, 2, false), TC_EBUSY);
    assert_int_equal(resign(&r, 0, false), TC_EBUSY);
    assert_true(paxos_status(r.p).serving);
    assert_int_equal(tick(&r, 600), TC_OK);
    assert_int_equal(resign(&r, 0, false), TC_OK);
    assert_int_equal(paxos_status(r.p).role, PAXOS_FOLLOWER);
    assert_int_equal(resign(&r, 0, false), TC_ENOTLEADER);
    paxos_free(r.p);
}

/* It answered, and then does not take the newest entry: the leader serves again. */
static void a_successor_that_does_not_catch_up(void **state) {
    (void)state;
    struct replica r;
    open_heard_leader(&r);
    uint64_t before = paxos_status(r.p).last.index;
    assert_int_equal(propose(&r, "a"), TC_OK);
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    assert_int_equal(resign(&r, 2, false), TC_OK);
    assert_int_equal(ack(&r, 2, before, PAXOS_F_BTREE), TC_OK);
    assert_false(paxos_status(r.p).serving);
    assert_int_equal(paxos_status(r.p).role, PAXOS_LEADER);
    assert_int_equal(propose(&r, "b"), TC_ENOTLEADER);
    assert_int_equal(tick(&r, 2 * BEAT_MS), TC_OK);
    assert_true(paxos_status(r.p).serving);
    assert_int_equal(propose(&r, "b"), TC_OK);
    paxos_free(r.p);
}

int run_resign_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_serves_until_somebody_answers),
        cmocka_unit_test(an_older_answer_does_not_count),
        cmocka_unit_test(without_an_answer_it_leads_on),
        cmocka_unit_test(one_that_leaves_steps_down_all_the_same),
        cmocka_unit_test(nobody_to_ask),
        cmocka_unit_test(a_successor_that_does_not_catch_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
