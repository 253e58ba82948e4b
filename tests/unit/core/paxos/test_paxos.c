/* One replica at a time, by hand: what the simulator cannot single out. Groups run in tests/sim and
 * tests/script. */
#include "replica.h"

/* A group of one leads by itself, but only behind its own disk. */
static void test_group_of_one(void **state) {
    (void)state;
    struct replica r;
    open_new(&r, 1);
    assert_int_equal(tick(&r, 0), TC_OK);
    assert_int_equal(propose(&r, "early"), TC_ENOTLEADER);
    assert_int_equal(tick(&r, 300), TC_OK);
    assert_int_equal(paxos_status(r.p).role, PAXOS_CANDIDATE);
    assert_true(r.out.hardstate && r.out.seq > 0 && r.out.promised == paxos_ballot(1, 1));
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    assert_int_equal(paxos_status(r.p).role, PAXOS_LEADER);
    assert_int_equal(r.out.append_count, 1);
    assert_int_equal(r.out.appends[0].type, PAXOS_LEAD);
    assert_int_equal(r.out.apply_index, 0);
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    assert_int_equal(r.out.apply_index, 1);
    assert_int_equal(propose(&r, "LEAD is not applied"), TC_ENOTLEADER);
    assert_int_equal(applied(&r, 1), TC_OK);
    assert_true(paxos_status(r.p).serving && r.out.role_changed);
    assert_int_equal(propose(&r, "a"), TC_OK);
    assert_int_equal(r.out.first_index, 2);
    assert_int_equal(r.out.apply_index, 1);
    assert_int_equal(step(&r, (struct paxos_event){.type = PAXOS_EV_READ}), TC_OK);
    assert_int_equal(r.out.read_err, TC_OK);
    paxos_free(r.p);
}

static void test_promise_waits_for_the_disk(void **state) {
    (void)state;
    struct replica r;
    open_new(&r, 3);
    assert_int_equal(receive(&r, prepare_from(2, 5)), TC_OK);
    const struct paxos_send *s = sent(&r, PAXOS_PROMISE);
    assert_non_null(s);
    assert_true(r.out.hardstate && s->after_seq == r.out.seq && r.out.seq > 0);
    assert_int_equal(s->msg.flags & PAXOS_F_REFUSED, 0);
    assert_int_equal(receive(&r, prepare_from(3, 4)), TC_OK);
    s = sent(&r, PAXOS_PROMISE);
    assert_true(s->msg.flags & PAXOS_F_REFUSED);
    assert_int_equal(s->msg.seen_ballot, paxos_ballot(5, 2));
    assert_int_equal(receive(&r, prepare_from(2, 5)), TC_OK); /* again: the answer was lost */
    s = sent(&r, PAXOS_PROMISE);
    assert_true(s && !(s->msg.flags & PAXOS_F_REFUSED) && s->after_seq != 0);
    paxos_free(r.p);
}

static void test_accepted_waits_for_its_entries_only(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry e[4];
    struct paxos_mark zero = {0};
    open_new(&r, 3);
    make_entries(e, 4, zero, paxos_ballot(1, 2));
    assert_int_equal(receive(&r, accept_from(2, 1, zero, e, 2)), TC_OK);
    uint64_t first = r.out.seq;
    assert_int_equal(r.out.append_count, 2);
    assert_int_equal(sent(&r, PAXOS_ACCEPTED)->after_seq, first);
    assert_int_equal(sent(&r, PAXOS_ACCEPTED)->msg.mark.index, 2);
    assert_int_equal(sent(&r, PAXOS_ACCEPTED)->msg.echo_ns, 77);
    struct paxos_mark at2 = {.index = 2, .ballot = e[1].ballot, .chain = e[1].chain};
    struct paxos_msg more = accept_from(2, 1, at2, e + 2, 2);
    more.commit = 3;
    assert_int_equal(receive(&r, more), TC_OK);
    uint64_t second = r.out.seq;
    assert_true(second > first);
    assert_int_equal(durable(&r, first), TC_OK);
    assert_int_equal(r.out.apply_index, 2);
    assert_int_equal(receive(&r, accept_from(2, 1, zero, e, 2)), TC_OK); /* repeated */
    assert_int_equal(r.out.append_count, 0);
    assert_int_equal(sent(&r, PAXOS_ACCEPTED)->msg.mark.index, 4);
    assert_int_equal(sent(&r, PAXOS_ACCEPTED)->after_seq, second);
    assert_int_equal(durable(&r, second), TC_OK);
    assert_int_equal(r.out.apply_index, 3);
    drop_entries(e, 4);
    paxos_free(r.p);
}

/* A write of an entry that was replaced meanwhile makes nothing durable. */
static void test_cut_lowers_what_is_on_its_way(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry a[3];
    struct paxos_entry b[1];
    struct paxos_mark zero = {0};
    open_new(&r, 3);
    make_entries(a, 3, zero, paxos_ballot(1, 2));
    make_entries(b, 1, zero, paxos_ballot(2, 3));
    assert_int_equal(receive(&r, accept_from(2, 1, zero, a, 3)), TC_OK);
    uint64_t old = r.out.seq;
    assert_int_equal(receive(&r, accept_from(3, 2, zero, b, 1)), TC_OK);
    uint64_t new = r.out.seq;
    assert_int_equal(r.out.append_count, 1);
    assert_int_equal(sent(&r, PAXOS_ACCEPTED)->after_seq, new);
    assert_int_equal(durable(&r, old), TC_OK);
    assert_int_equal(paxos_status(r.p).durable, 0);
    assert_int_equal(durable(&r, new), TC_OK);
    assert_int_equal(paxos_status(r.p).durable, 1);
    assert_int_equal(receive(&r, accept_from(2, 1, zero, a, 3)), TC_OK);
    assert_true(sent(&r, PAXOS_ACCEPTED)->msg.flags & PAXOS_F_REFUSED);
    drop_entries(a, 3);
    drop_entries(b, 1);
    paxos_free(r.p);
}

static void test_corrupt_messages_change_nothing(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry e[2];
    struct paxos_mark zero = {0};
    open_new(&r, 3);
    make_entries(e, 2, zero, paxos_ballot(1, 2));
    e[1].body_crc ^= 1;
    assert_int_equal(receive(&r, accept_from(2, 1, zero, e, 2)), TC_ECORRUPT);
    e[1].body_crc ^= 1;
    e[1].ballot = paxos_ballot(9, 2);
    assert_int_equal(receive(&r, accept_from(2, 1, zero, e, 2)), TC_ECORRUPT);
    assert_int_equal(receive(&r, prepare_from(9, 1)), TC_EINVAL); /* unknown, shows nothing */
    struct paxos_msg foreign = accept_from(2, 1, zero, NULL, 0);
    foreign.ballot = paxos_ballot(1, 3);
    assert_int_equal(receive(&r, foreign), TC_EINVAL);
    assert_int_equal(receive(&r, (struct paxos_msg){.type = 99, .from = 2}), TC_EINVAL);
    assert_int_equal(receive(&r, prepare_from(2, (1ull << 40) - 1)), TC_EINVAL);
    assert_int_equal(paxos_status(r.p).promised, 0);
    assert_int_equal(paxos_status(r.p).last.index, 0);
    drop_entries(e, 2);
    paxos_free(r.p);
}

static void recover(struct replica *r, struct paxos_entry *e, size_t count, uint64_t checkpoint) {
    struct paxos_recovery rec = {.promised = paxos_ballot(1, 2),
                                 .entries = e,
                                 .entry_count = count,
                                 .checkpoint_index = checkpoint,
                                 .checkpoint_chain = checkpoint ? e[checkpoint - 1].chain : 0};
    assert_int_equal(open_replica(r, 3, &rec), TC_OK);
}

static void test_restart(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry e[5];
    make_entries(e, 5, (struct paxos_mark){0}, paxos_ballot(1, 2));
    recover(&r, e, 5, 2);
    assert_int_equal(paxos_status(r.p).commit, 2);
    assert_int_equal(paxos_status(r.p).durable, 5);
    assert_int_equal(receive(&r, prepare_from(3, 9)), TC_OK);
    assert_true(sent(&r, PAXOS_PROMISE)->msg.flags & PAXOS_F_REFUSED);
    r.now += 1001 * MS;
    assert_int_equal(receive(&r, prepare_from(3, 9)), TC_OK);
    const struct paxos_send *s = sent(&r, PAXOS_PROMISE);
    assert_false(s->msg.flags & PAXOS_F_REFUSED);
    assert_int_equal(s->msg.last.index, 5);
    assert_int_equal(s->msg.entry_count, 5);
    paxos_free(r.p);
    e[3].chain ^= 1;
    struct paxos_recovery bad = {.entries = e, .entry_count = 5};
    assert_int_equal(open_replica(&r, 3, &bad), TC_ECORRUPT);
    drop_entries(e, 5);
}

/* An unreadable entry: promised with its mark, never acknowledged past, fetched, repaired. */
static void test_faulty_entry(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry e[4];
    make_entries(e, 4, (struct paxos_mark){0}, paxos_ballot(1, 2));
    struct paxos_entry good = e[2];
    e[2].body = NULL;
    e[2].flags = PAXOS_FAULTY;
    recover(&r, e, 4, 1);
    struct paxos_mark last = paxos_status(r.p).last;
    assert_int_equal(receive(&r, accept_from(2, 1, last, NULL, 0)), TC_OK);
    assert_int_equal(sent(&r, PAXOS_ACCEPTED)->msg.mark.index, 2);
    assert_int_equal(tick(&r, 10), TC_OK);
    assert_non_null(sent(&r, PAXOS_FETCH));
    struct paxos_mark want = sent(&r, PAXOS_FETCH)->msg.mark;
    assert_int_equal(want.index, 3);
    struct paxos_msg copy = {
        .type = PAXOS_FETCHED, .from = 3, .mark = want, .entries = &good, .entry_count = 1};
    assert_int_equal(receive(&r, copy), TC_OK);
    assert_int_equal(r.out.repair_count, 1);
    assert_int_equal(r.out.append_count, 0);
    assert_int_equal(paxos_status(r.p).faulty_count, 1);
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    assert_int_equal(paxos_status(r.p).faulty_count, 0);
    assert_int_equal(receive(&r, accept_from(2, 1, last, NULL, 0)), TC_OK);
    assert_int_equal(sent(&r, PAXOS_ACCEPTED)->msg.mark.index, 4);
    e[2].body = good.body;
    drop_entries(e, 4);
    paxos_free(r.p);
}

static void test_snapshot_keeps_a_tail_that_continues(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry e[4];
    make_entries(e, 4, (struct paxos_mark){0}, paxos_ballot(1, 2));
    recover(&r, e, 4, 1);
    struct paxos_event ev = {.type = PAXOS_EV_INSTALLED};
    ev.installed.base = (struct paxos_mark){.index = 3, .ballot = e[2].ballot, .chain = e[2].chain};
    ev.installed.config = &r.config;
    ev.installed.checkpoint_index = 3;
    assert_int_equal(step(&r, ev), TC_OK);
    assert_int_equal(paxos_status(r.p).base.index, 3);
    assert_int_equal(paxos_status(r.p).last.index, 4);
    ev.installed.base = (struct paxos_mark){.index = 9, .ballot = paxos_ballot(4, 3), .chain = 5};
    ev.installed.checkpoint_index = 12; /* the B-tree may be ahead of the log's start */
    assert_int_equal(step(&r, ev), TC_OK);
    assert_int_equal(paxos_status(r.p).last.index, 9);
    assert_int_equal(paxos_status(r.p).applied, 12);
    assert_int_equal(paxos_status(r.p).commit, 9);
    ev.installed.checkpoint_index = 8;
    assert_int_equal(step(&r, ev), TC_EINVAL);
    drop_entries(e, 4);
    paxos_free(r.p);
}

static void test_conf_body(void **state) {
    (void)state;
    struct quorum_config c = group_of(3);
    struct quorum_config back = {.version = 99};
    struct tc_buf body = {0};
    struct tc_slice driver = TC_SLICE_EMPTY;
    paxos_conf_encode(&c, TC_SLICE_LIT("abc"), &body);
    assert_int_equal(paxos_conf_decode(tc_buf_slice(&body), &back, &driver), TC_OK);
    assert_memory_equal(&back, &c, sizeof c);
    assert_true(tc_slice_eq(driver, TC_SLICE_LIT("abc")));
    for (size_t len = 0; len < body.len - 3; len++)
        assert_int_equal(paxos_conf_decode(tc_slice(body.data, len), &back, NULL), TC_ECORRUPT);
    tc_buf_deinit(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conf_body),
        cmocka_unit_test(test_group_of_one),
        cmocka_unit_test(test_promise_waits_for_the_disk),
        cmocka_unit_test(test_accepted_waits_for_its_entries_only),
        cmocka_unit_test(test_cut_lowers_what_is_on_its_way),
        cmocka_unit_test(test_corrupt_messages_change_nothing),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_faulty_entry),
        cmocka_unit_test(test_snapshot_keeps_a_tail_that_continues),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + run_member_tests() + run_resign_tests() + run_restore_tests() +
           run_split_tests();
}
