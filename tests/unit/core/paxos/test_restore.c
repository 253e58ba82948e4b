/* Entries that come from the archive, one replica by hand. */
#include "replica.h"

/* A candidate meets a better log that begins at mark, above its own end. */
static void meet_log_that_begins_at(struct replica *r, const struct paxos_entry *at) {
    struct paxos_mark mark = {.index = at->index, .ballot = at->ballot, .chain = at->chain};
    assert_int_equal(tick(r, 3000), TC_OK);
    struct paxos_msg silent = {.type = PAXOS_ASK_REPLY,
                               .from = 2,
                               .echo_ns = sent(r, PAXOS_ASK)->msg.echo_ns,
                               .config = &r->config};
    assert_int_equal(receive(r, silent), TC_OK);
    uint64_t ballot = paxos_status(r->p).ballot;
    assert_int_equal(durable(r, r->out.seq), TC_OK);
    struct paxos_msg promise = {.type = PAXOS_PROMISE,
                                .from = 2,
                                .ballot = ballot,
                                .seen_ballot = ballot,
                                .mark = mark,
                                .last = mark};
    assert_int_equal(receive(r, promise), TC_OK);
    assert_int_equal(r->out.restore_index, at->index);
    assert_int_equal(paxos_status(r->p).role, PAXOS_FOLLOWER);
}

/* What the archive gives, page by page, is committed once it ends where the other log begins, and
 * cuts what was never chosen. */
static void test_restored_from_the_archive(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry own[2];
    struct paxos_entry chosen[4];
    struct paxos_mark zero = {0};
    open_new(&r, 3);
    make_entries(own, 2, zero, paxos_ballot(1, 2));
    make_entries(chosen, 4, zero, paxos_ballot(2, 3));
    assert_int_equal(receive(&r, accept_from(2, 1, zero, own, 2)), TC_OK);
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    struct paxos_event ev = {.type = PAXOS_EV_RESTORED, .restored = {chosen, 4}};
    assert_int_equal(step(&r, ev), TC_OK); /* nobody asked */
    assert_int_equal(paxos_status(r.p).last.chain, own[1].chain);
    meet_log_that_begins_at(&r, &chosen[3]);
    ev.restored.entries = chosen + 1;
    ev.restored.count = 3;
    assert_int_equal(step(&r, ev), TC_ECORRUPT); /* does not continue this log */
    ev.restored.entries = chosen;
    ev.restored.count = 2;
    assert_int_equal(step(&r, ev), TC_OK);
    assert_true(paxos_status(r.p).commit == 0 && paxos_status(r.p).last.index == 2);
    ev.restored.entries = chosen + 2;
    assert_int_equal(step(&r, ev), TC_OK);
    assert_int_equal(paxos_status(r.p).commit, 4);
    assert_int_equal(paxos_status(r.p).last.chain, chosen[3].chain);
    drop_entries(own, 2);
    drop_entries(chosen, 4);
    paxos_free(r.p);
}

/* An archive of another history: what it gives ends beside the log that was met. */
static void test_another_archive_commits_nothing(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry chosen[4];
    struct paxos_entry other[5];
    struct paxos_mark zero = {0};
    open_new(&r, 3);
    make_entries(chosen, 4, zero, paxos_ballot(2, 3));
    make_entries(other, 5, zero, paxos_ballot(1, 2));
    meet_log_that_begins_at(&r, &chosen[3]);
    struct paxos_event ev = {.type = PAXOS_EV_RESTORED, .restored = {other, 4}};
    assert_int_equal(step(&r, ev), TC_ECORRUPT);
    ev.restored.count = 5; /* beyond what was asked for */
    assert_int_equal(step(&r, ev), TC_ECORRUPT);
    assert_true(paxos_status(r.p).commit == 0 && paxos_status(r.p).last.index == 0);
    drop_entries(chosen, 4);
    drop_entries(other, 5);
    paxos_free(r.p);
}

int run_restore_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restored_from_the_archive),
        cmocka_unit_test(test_another_archive_commits_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
