/* The last entry of a parent, and how a child begins. */
#include "replica.h"

static struct paxos_mark parent_end = {.index = 90, .ballot = 5, .chain = 77};

static tc_err open_child(struct replica *r, bool newborn, struct paxos_recovery *rec) {
    *rec = (struct paxos_recovery){.promised = paxos_ballot(1, 1),
                                   .base = paxos_child_base(&parent_end, GID),
                                   .checkpoint_index = 90,
                                   .archived = 90,
                                   .newborn = newborn};
    return open_replica(r, 3, rec);
}

static tc_err begin(struct replica *r) {
    return step(r, (struct paxos_event){.type = PAXOS_EV_BEGIN});
}

static tc_err propose_type(struct replica *r, enum paxos_entry_type type) {
    struct tc_blob *body = tc_blob_dup(TC_SLICE_LIT("body"));
    struct paxos_proposal item = {
        .type = type, .body = body, .body_crc = tc_crc32c(0, body->data, body->len)};
    tc_err err = step(r, (struct paxos_event){.type = PAXOS_EV_PROPOSE, .propose = {&item, 1}});
    tc_blob_unref(body);
    return err;
}

static void acknowledge(struct replica *r, uint64_t index) {
    const struct paxos_entry *e = paxos_entry_at(r->p, index);
    uint64_t ballot = paxos_status(r->p).ballot;
    struct paxos_msg m = {.type = PAXOS_ACCEPTED,
                          .from = 2,
                          .ballot = ballot,
                          .seen_ballot = ballot,
                          .mark = {index, e->ballot, e->chain},
                          .echo_ns = r->now};
    assert_int_equal(durable(r, r->out.seq), TC_OK);
    assert_int_equal(receive(r, m), TC_OK);
    m.from = 3;
    assert_int_equal(receive(r, m), TC_OK);
    assert_int_equal(applied(r, index), TC_OK);
}

static void bases_of_two_children_differ(void **state) {
    (void)state;
    struct paxos_mark a = paxos_child_base(&parent_end, 7), b = paxos_child_base(&parent_end, 8);
    assert_int_equal(a.index, 90);
    assert_int_equal(a.ballot, 0);
    assert_true(a.chain != b.chain && a.chain != parent_end.chain);
}

static void a_merged_log_begins_above_both(void **state) {
    (void)state;
    struct paxos_mark seal = {.index = 120, .ballot = 9, .chain = 78};
    struct paxos_mark a = paxos_merged_base(&parent_end, &seal, 7);
    struct paxos_mark b = paxos_merged_base(&seal, &parent_end, 7);
    assert_int_equal(a.index, 120);
    assert_int_equal(b.index, 120);
    assert_int_equal(a.ballot, 0);
    assert_true(a.chain != b.chain);
    assert_true(a.chain != paxos_merged_base(&parent_end, &seal, 8).chain);
}

static void a_newborn_begins_at_once_and_goes_on_from_its_parent(void **state) {
    (void)state;
    struct replica r;
    struct paxos_recovery rec;
    assert_int_equal(open_child(&r, /* newborn= */ true, &rec), TC_OK);
    assert_int_equal(begin(&r), TC_OK);
    struct paxos_status s = paxos_status(r.p);
    assert_int_equal(s.role, PAXOS_LEADER);
    assert_int_equal(s.ballot, paxos_ballot(1, 1));
    assert_int_equal(s.lead_index, 91);
    assert_false(s.serving);
    assert_non_null(sent(&r, PAXOS_ACCEPT));
    acknowledge(&r, 91);
    assert_true(paxos_status(r.p).serving);
    assert_int_equal(begin(&r), TC_EINVAL);
    paxos_free(r.p);
}

/* It may have used the ballot before it stopped, and lost what it wrote then. */
static void a_restarted_child_does_not_begin_again(void **state) {
    (void)state;
    struct replica r;
    struct paxos_recovery rec;
    assert_int_equal(open_child(&r, /* newborn= */ false, &rec), TC_OK);
    assert_int_equal(begin(&r), TC_EINVAL);
    assert_int_equal(paxos_status(r.p).role, PAXOS_FOLLOWER);
    paxos_free(r.p);
}

static void an_outbid_child_does_not_begin(void **state) {
    (void)state;
    struct replica r;
    struct paxos_recovery rec;
    assert_int_equal(open_child(&r, /* newborn= */ true, &rec), TC_OK);
    struct paxos_msg m = accept_from(2, 2, rec.base, NULL, 0);
    assert_int_equal(receive(&r, m), TC_OK);
    assert_int_equal(begin(&r), TC_EINVAL);
    paxos_free(r.p);
}

static void nothing_is_proposed_behind(enum paxos_entry_type type) {
    struct replica r;
    struct paxos_recovery rec;
    assert_int_equal(open_child(&r, /* newborn= */ true, &rec), TC_OK);
    assert_int_equal(begin(&r), TC_OK);
    acknowledge(&r, 91);
    assert_int_equal(paxos_status(r.p).seal_index, 0);
    assert_int_equal(propose_type(&r, type), TC_OK);
    assert_int_equal(paxos_status(r.p).seal_index, 92);
    assert_int_equal(propose_type(&r, PAXOS_WRITE), TC_EMOVED);
    assert_int_equal(propose_type(&r, type), TC_EMOVED);
    assert_int_equal(
        step(&r, (struct paxos_event){.type = PAXOS_EV_CONFIGURE, .configure.config = &r.config}),
        TC_EMOVED);
    acknowledge(&r, 92);
    assert_int_equal(step(&r, (struct paxos_event){.type = PAXOS_EV_ARCHIVED, .index = 92}), TC_OK);
    assert_int_equal(step(&r, (struct paxos_event){.type = PAXOS_EV_CHECKPOINT, .index = 92}),
                     TC_OK);
    assert_int_equal(paxos_trim_max(r.p), 91); /* every start must meet it */
    paxos_free(r.p);
}

static void nothing_is_proposed_behind_an_entry_that_seals(void **state) {
    (void)state;
    nothing_is_proposed_behind(PAXOS_SPLIT);
    nothing_is_proposed_behind(PAXOS_SEAL);
    nothing_is_proposed_behind(PAXOS_MERGE);
}

/* A split that was never chosen is cut like anything else, and the group goes on whole. */
static void a_split_that_is_cut_seals_nothing(void **state) {
    (void)state;
    struct replica r;
    struct paxos_recovery rec;
    struct paxos_entry e[1];
    assert_int_equal(open_child(&r, /* newborn= */ true, &rec), TC_OK);
    assert_int_equal(begin(&r), TC_OK);
    acknowledge(&r, 91);
    const struct paxos_entry *lead = paxos_entry_at(r.p, 91);
    struct paxos_mark at = {91, lead->ballot, lead->chain};
    assert_int_equal(propose_type(&r, PAXOS_SPLIT), TC_OK);
    make_entries(e, 1, at, paxos_ballot(2, 3));
    struct paxos_msg m = accept_from(3, 2, at, e, 1);
    assert_int_equal(receive(&r, m), TC_OK);
    assert_int_equal(paxos_status(r.p).seal_index, 0);
    drop_entries(e, 1);
    paxos_free(r.p);
}

int run_split_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bases_of_two_children_differ),
        cmocka_unit_test(a_merged_log_begins_above_both),
        cmocka_unit_test(a_newborn_begins_at_once_and_goes_on_from_its_parent),
        cmocka_unit_test(a_restarted_child_does_not_begin_again),
        cmocka_unit_test(an_outbid_child_does_not_begin),
        cmocka_unit_test(nothing_is_proposed_behind_an_entry_that_seals),
        cmocka_unit_test(a_split_that_is_cut_seals_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
