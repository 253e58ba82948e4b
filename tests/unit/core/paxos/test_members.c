/* Learners, the change of members and log replicas, one replica by hand. */
#include "replica.h"

enum {
    SEED_OF_STORES = 40,
};

static struct quorum_member member(uint32_t rid, enum quorum_role role) {
    return (struct quorum_member){
        .rid = rid, .role = role, .store = {(uint8_t)(SEED_OF_STORES + rid)}};
}

static tc_err learn(struct replica *r, uint32_t rid) {
    return step(r, (struct paxos_event){.type = PAXOS_EV_LEARN, .target = rid});
}

static tc_err configure(struct replica *r, const struct quorum_config *next) {
    return step(r, (struct paxos_event){
                       .type = PAXOS_EV_CONFIGURE,
                       .configure = {.config = next, .driver = TC_SLICE_LIT("driver's own")}});
}

static struct quorum_config in_force(const struct replica *r) {
    return *paxos_config(r->p);
}

/* 3 is replaced by 4. */
static struct quorum_config replacement(const struct replica *r, enum quorum_role role) {
    struct quorum_config next = in_force(r);
    next.version++;
    next.sets[1] = next.sets[0];
    next.sets[1].members[2] = member(4, role);
    return next;
}

/* A learner is fed and counts nowhere: neither its log nor its voice commits anything. */
static void test_learner_is_not_counted(void **state) {
    (void)state;
    struct replica r;
    open_leader(&r);
    assert_int_equal(learn(&r, 9), TC_OK);
    assert_non_null(sent(&r, PAXOS_ACCEPT));
    assert_int_equal(sent(&r, PAXOS_ACCEPT)->msg.to, 9);
    assert_int_equal(ack(&r, 9, 1, 0), TC_OK);
    assert_int_equal(paxos_status(r.p).commit, 0);
    assert_int_equal(ack(&r, 2, 1, PAXOS_F_BTREE), TC_OK);
    assert_int_equal(paxos_status(r.p).commit, 1);
    struct paxos_peer_status peers[4];
    assert_int_equal(paxos_peers(r.p, peers, 4), 3);
    assert_true(peers[0].rid == 2 && peers[0].has_tree && !peers[0].learner);
    assert_true(peers[2].rid == 9 && peers[2].learner && !peers[2].has_tree && peers[2].match == 1);
    assert_int_equal(learn(&r, 9), TC_OK); /* known: nothing to do */
    assert_int_equal(learn(&r, 10), TC_OK);
    assert_int_equal(learn(&r, 11), TC_EBUSY);
    assert_int_equal(learn(&r, 2), TC_EINVAL);
    assert_int_equal(step(&r, (struct paxos_event){.type = PAXOS_EV_UNLEARN, .target = 9}), TC_OK);
    assert_int_equal(paxos_peers(r.p, peers, 4), 3);
    paxos_free(r.p);
}

/* 3 is silent for good, 2 says that it holds no B-tree: 1 may not leave. */
static void test_the_last_that_can_lead_stays(void **state) {
    (void)state;
    struct replica r;
    open_leader(&r);
    commit_all(&r);
    uint64_t last = paxos_status(r.p).last.index;
    assert_int_equal(learn(&r, 4), TC_OK);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(tick(&r, 500), TC_OK);
        assert_int_equal(ack(&r, 2, last, /* flags= */ 0), TC_OK);
        assert_int_equal(ack(&r, 4, last, /* flags= */ 0), TC_OK);
    }
    struct quorum_config next = in_force(&r);
    next.version++;
    next.sets[1] = next.sets[0];
    next.sets[1].members[0] = member(4, QUORUM_LOG);
    assert_int_equal(configure(&r, &next), TC_EBUSY);
    assert_int_equal(ack(&r, 2, last, PAXOS_F_BTREE), TC_OK);
    assert_int_equal(configure(&r, &next), TC_OK);
    paxos_free(r.p);
}

/* 2 leads now, as it says after the own log's end, and hands over at once. */
static void lead_after(struct replica *r, uint64_t ballot) {
    struct paxos_mark last = paxos_status(r->p).last;
    struct paxos_msg beat = {.type = PAXOS_ACCEPT, .from = 2, .ballot = ballot, .mark = last};
    struct paxos_msg resign = {.type = PAXOS_RESIGN, .from = 2, .ballot = ballot};
    assert_int_equal(receive(r, beat), TC_OK);
    assert_int_equal(durable(r, r->out.seq), TC_OK);
    assert_int_equal(receive(r, resign), TC_OK);
    assert_int_equal(durable(r, r->out.seq), TC_OK);
    uint64_t own = paxos_status(r->p).ballot;
    struct paxos_msg promise = {
        .type = PAXOS_PROMISE, .from = 2, .ballot = own, .seen_ballot = own, .last = last};
    assert_int_equal(receive(r, promise), TC_OK);
    assert_int_equal(paxos_status(r->p).role, PAXOS_LEADER);
}

/* Who leads again feeds no learner of the term before (the store simulator, seed 3927: it was fed
 * for ever, as a member that no configuration names). */
static void test_learner_is_forgotten_with_the_term(void **state) {
    (void)state;
    struct replica r;
    struct paxos_peer_status peers[4];
    open_leader(&r);
    commit_all(&r);
    assert_int_equal(learn(&r, 9), TC_OK);
    lead_after(&r, paxos_ballot(paxos_ballot_round(paxos_status(r.p).ballot) + 1, 2));
    assert_int_equal(paxos_peers(r.p, peers, 4), 2);
    assert_int_equal(learn(&r, 9), TC_OK);
    assert_int_equal(paxos_peers(r.p, peers, 4), 3);
    assert_true(peers[2].rid == 9 && peers[2].learner);
    paxos_free(r.p);
}

/* A late answer does not take back what a newer one said (the store simulator, seed 1098: the group
 * was quiet by then, and nothing more came to put it right). */
static void test_a_late_answer_changes_nothing(void **state) {
    (void)state;
    struct replica r;
    struct paxos_peer_status peers[2];
    open_leader(&r);
    commit_all(&r);
    uint64_t last = paxos_status(r.p).last.index, early = r.now;
    assert_int_equal(tick(&r, 500), TC_OK);
    assert_int_equal(ack(&r, 2, last, PAXOS_F_BTREE), TC_OK);
    struct paxos_msg late = {.type = PAXOS_ACCEPTED,
                             .from = 2,
                             .ballot = paxos_status(r.p).ballot,
                             .seen_ballot = paxos_status(r.p).ballot,
                             .echo_ns = early};
    late.mark = paxos_status(r.p).base;
    assert_int_equal(receive(&r, late), TC_OK);
    assert_int_equal(paxos_peers(r.p, peers, 2), 2);
    assert_true(peers[0].rid == 2 && peers[0].has_tree);
    paxos_free(r.p);
}

static void test_the_same_members_may_be_stated_again(void **state) {
    (void)state;
    struct replica r;
    open_leader(&r);
    struct quorum_config next = *paxos_config(r.p);
    assert_int_equal(configure(&r, &next), TC_EBUSY); /* LEAD is not committed */
    commit_all(&r);
    assert_int_equal(configure(&r, &next), TC_EINVAL); /* the same version */
    next.version++;
    assert_int_equal(configure(&r, &next), TC_OK);
    assert_int_equal(r.out.first_index, 2);
    assert_int_equal(paxos_config(r.p)->version, next.version);
    next.version++;
    assert_int_equal(configure(&r, &next), TC_EBUSY); /* one at a time */
    commit_all(&r);
    assert_int_equal(configure(&r, &next), TC_OK);
    assert_false(quorum_is_joint(paxos_config(r.p)));
    paxos_free(r.p);
}

static void test_configure_is_refused(void **state) {
    (void)state;
    struct replica r;
    open_leader(&r);
    struct quorum_config next = replacement(&r, QUORUM_LOG);
    assert_int_equal(configure(&r, &next), TC_EBUSY); /* LEAD is not committed */
    commit_all(&r);
    assert_int_equal(configure(&r, &next), TC_EBUSY); /* nobody feeds 4 */
    assert_int_equal(learn(&r, 4), TC_OK);
    assert_int_equal(configure(&r, &next), TC_EBUSY); /* 4 has not caught up */
    assert_int_equal(ack(&r, 4, 1, 0), TC_OK);
    struct quorum_config tree = replacement(&r, QUORUM_STORAGE);
    assert_int_equal(configure(&r, &tree), TC_EBUSY); /* 4 has no B-tree */
    struct quorum_config bad = next;
    bad.version++;
    assert_int_equal(configure(&r, &bad), TC_EINVAL);
    bad = next;
    bad.sets[0] = next.sets[1];
    assert_int_equal(configure(&r, &bad), TC_EINVAL); /* the old set is another one */
    bad = next;
    bad.sets[1].members[0].store[0] ^= 1;
    assert_int_equal(configure(&r, &bad), TC_EINVAL); /* a rid is bound to its store */
    bad = next;
    bad.sets[0] = next.sets[1];
    bad.sets[1].count = 0;
    assert_int_equal(configure(&r, &bad), TC_EINVAL); /* not joint */
    bad = next;
    bad.sets[1] = bad.sets[0];
    assert_int_equal(configure(&r, &bad), TC_EINVAL); /* no change */
    assert_int_equal(paxos_status(r.p).last.index, 1);
    assert_int_equal(configure(&r, &next), TC_OK);
    assert_int_equal(r.out.first_index, 2);
    assert_int_equal(configure(&r, &next), TC_EBUSY); /* one at a time */
    paxos_free(r.p);
}

/* Joint needs both majorities; then the final one follows by itself, with the same bytes. */
static void test_replacement(void **state) {
    (void)state;
    struct replica r;
    struct quorum_config joint;
    open_leader(&r);
    commit_all(&r);
    assert_int_equal(learn(&r, 4), TC_OK);
    assert_int_equal(ack(&r, 4, 1, 0), TC_OK);
    joint = replacement(&r, QUORUM_LOG);
    joint.sets[1].members[1] = member(5, QUORUM_LOG);
    assert_int_equal(learn(&r, 5), TC_OK);
    assert_int_equal(ack(&r, 5, 1, 0), TC_OK);
    assert_int_equal(configure(&r, &joint), TC_OK);
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    assert_int_equal(ack(&r, 2, 2, PAXOS_F_BTREE), TC_OK);
    assert_int_equal(ack(&r, 3, 2, PAXOS_F_BTREE), TC_OK);
    assert_int_equal(paxos_status(r.p).commit, 1); /* all of the old, one of the new */
    assert_false(paxos_status(r.p).config_settled);
    assert_int_equal(ack(&r, 4, 2, 0), TC_OK);
    assert_int_equal(paxos_status(r.p).commit, 2);
    assert_int_equal(r.out.append_count, 1);
    assert_int_equal(r.out.appends[0].type, PAXOS_CONF);
    struct quorum_config final;
    struct tc_slice driver;
    assert_int_equal(paxos_conf_decode(tc_blob_slice(r.out.appends[0].body), &final, &driver),
                     TC_OK);
    assert_true(tc_slice_eq(driver, TC_SLICE_LIT("driver's own")));
    assert_true(final.version == 3 && final.sets[0].count == 3 && final.sets[1].count == 0);
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    assert_int_equal(ack(&r, 4, 3, 0), TC_OK);
    assert_int_equal(paxos_status(r.p).commit, 3); /* of 1, 5 and 4 */
    assert_true(paxos_status(r.p).config_settled);
    assert_non_null(sent(&r, PAXOS_REMOVED));
    paxos_free(r.p);
}

/* A log replica in the group becomes STORAGE once it said that it holds a B-tree. */
static void test_upgrade_in_place(void **state) {
    (void)state;
    struct replica r;
    open_leader(&r);
    commit_all(&r);
    assert_int_equal(learn(&r, 4), TC_OK);
    assert_int_equal(ack(&r, 4, 1, 0), TC_OK);
    struct quorum_config next = replacement(&r, QUORUM_LOG);
    assert_int_equal(configure(&r, &next), TC_OK);
    commit_all(&r);
    commit_all(&r);
    assert_int_equal(ack(&r, 4, 3, 0), TC_OK);
    next = in_force(&r);
    assert_true(next.version == 3 && paxos_status(r.p).config_settled);
    next.version++;
    next.sets[0].members[2].role = QUORUM_STORAGE;
    assert_int_equal(configure(&r, &next), TC_EBUSY);
    assert_int_equal(ack(&r, 4, 3, PAXOS_F_BTREE), TC_OK);
    assert_int_equal(configure(&r, &next), TC_OK);
    assert_true(quorum_may_lead(paxos_config(r.p), 4));
    paxos_free(r.p);
}

static void open_log_replica(struct replica *r, uint32_t count) {
    struct paxos_recovery rec = {.log_only = true};
    assert_int_equal(open_replica(r, count, &rec), TC_OK);
}

/* It accepts and acknowledges like anybody, says that it holds no tree, and applies by itself. */
static void test_log_replica_accepts(void **state) {
    (void)state;
    struct replica r;
    struct paxos_entry e[2];
    struct paxos_mark zero = {0};
    open_log_replica(&r, 3);
    make_entries(e, 2, zero, paxos_ballot(1, 2));
    struct paxos_msg m = accept_from(2, 1, zero, e, 2);
    m.commit = 2;
    assert_int_equal(receive(&r, m), TC_OK);
    assert_false(sent(&r, PAXOS_ACCEPTED)->msg.flags & PAXOS_F_BTREE);
    assert_int_equal(paxos_status(r.p).applied, 0);
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    assert_int_equal(paxos_status(r.p).applied, 2);
    assert_true(paxos_status(r.p).log_only);
    assert_int_equal(paxos_trim_max(r.p), 0);
    assert_int_equal(step(&r, (struct paxos_event){.type = PAXOS_EV_ARCHIVED, .index = 1}), TC_OK);
    assert_int_equal(paxos_trim_max(r.p), 1);
    drop_entries(e, 2);
    paxos_free(r.p);
}

/* A quorum hears nobody: a log replica wakes the others and never campaigns. */
static void test_log_replica_nudges(void **state) {
    (void)state;
    struct replica r;
    open_log_replica(&r, 3);
    assert_int_equal(tick(&r, 1000), TC_OK);
    const struct paxos_send *ask = sent(&r, PAXOS_ASK);
    assert_non_null(ask);
    struct paxos_msg silent = {
        .type = PAXOS_ASK_REPLY, .from = 2, .echo_ns = ask->msg.echo_ns, .config = &r.config};
    assert_int_equal(receive(&r, silent), TC_OK);
    assert_non_null(sent(&r, PAXOS_NUDGE));
    assert_int_equal(paxos_status(r.p).role, PAXOS_FOLLOWER);
    assert_int_equal(paxos_status(r.p).promised, 0);
    paxos_free(r.p);
}

static void test_nudged_replica_asks_at_once(void **state) {
    (void)state;
    struct replica r;
    open_new(&r, 3);
    struct paxos_msg nudge = {.type = PAXOS_NUDGE, .from = 3, .config = &r.config};
    assert_int_equal(receive(&r, nudge), TC_OK);
    assert_non_null(sent(&r, PAXOS_ASK));
    assert_int_equal(receive(&r, accept_from(2, 1, (struct paxos_mark){0}, NULL, 0)), TC_OK);
    assert_int_equal(receive(&r, nudge), TC_OK); /* it hears a leader itself */
    assert_null(sent(&r, PAXOS_ASK));
    paxos_free(r.p);
}

/* Installing a tree makes a holder of a log replica; a log begin alone is for those without. */
static void test_log_replica_gets_its_tree(void **state) {
    (void)state;
    struct replica r;
    open_log_replica(&r, 3);
    struct paxos_event ev = {.type = PAXOS_EV_INSTALLED};
    ev.installed.base = (struct paxos_mark){.index = 5, .ballot = paxos_ballot(1, 2), .chain = 9};
    ev.installed.config = &r.config;
    ev.installed.checkpoint_index = 5;
    ev.installed.archived = 5;
    ev.installed.log_only = true;
    assert_int_equal(step(&r, ev), TC_OK);
    assert_true(paxos_status(r.p).log_only && paxos_status(r.p).base.index == 5);
    ev.installed.log_only = false;
    ev.installed.checkpoint_index = 7;
    assert_int_equal(step(&r, ev), TC_OK);
    assert_false(paxos_status(r.p).log_only);
    assert_int_equal(paxos_status(r.p).applied, 7);
    ev.installed.log_only = true;
    ev.installed.base.index = ev.installed.checkpoint_index = 9;
    assert_int_equal(step(&r, ev), TC_EINVAL);
    paxos_free(r.p);
}

/* Who lags behind replacements follows a leader that it does not know yet, and promises to a
 * candidate that shows a newer configuration; who was removed is told. */
static void test_senders_unknown_here(void **state) {
    (void)state;
    struct replica r;
    open_new(&r, 3);
    assert_int_equal(receive(&r, accept_from(9, 2, (struct paxos_mark){0}, NULL, 0)), TC_OK);
    assert_non_null(sent(&r, PAXOS_ACCEPTED));
    assert_int_equal(paxos_status(r.p).leader, 9);
    struct quorum_config newer = r.config;
    newer.version = 5;
    newer.sets[0].members[2].rid = 8;
    r.now += 2000 * MS;
    struct paxos_msg prepare = prepare_from(8, 9);
    assert_int_equal(receive(&r, prepare), TC_EINVAL);
    prepare.config = &newer;
    assert_int_equal(receive(&r, prepare), TC_OK);
    assert_int_equal(paxos_status(r.p).promised, paxos_ballot(9, 8));
    struct quorum_config old = newer;
    old.version = 1;
    prepare = prepare_from(8, 12);
    prepare.config = &old;
    assert_int_equal(receive(&r, prepare), TC_OK);
    assert_non_null(sent(&r, PAXOS_REMOVED));
    assert_int_equal(paxos_status(r.p).promised, paxos_ballot(9, 8));
    struct paxos_msg removed = {.type = PAXOS_REMOVED, .from = 2, .config = &newer};
    newer.sets[0].members[0].rid = 7;
    assert_int_equal(receive(&r, removed), TC_OK);
    assert_int_equal(paxos_status(r.p).role, PAXOS_OUTCAST);
    paxos_free(r.p);
}

/* The joint entry is behind the log's begin: its driver's bytes are gone, the change is finished.
 */
static void test_final_without_the_joint_entry(void **state) {
    (void)state;
    struct replica r = {.now = ORIGIN};
    struct quorum_config joint = group_of(1);
    struct quorum_config final;
    struct tc_slice driver;
    joint.version = 4;
    joint.sets[1] = joint.sets[0];
    struct paxos_recovery rec = {.config = &joint};
    struct paxos_params params = {
        .gid = GID, .rid = 1, .seed = 1, .now_ns = ORIGIN, .recovery = &rec};
    assert_int_equal(paxos_new(&params, &r.p), TC_OK);
    assert_int_equal(tick(&r, 300), TC_OK);
    assert_int_equal(durable(&r, r.out.seq), TC_OK);
    assert_int_equal(paxos_status(r.p).role, PAXOS_LEADER);
    assert_int_equal(durable(&r, r.out.seq), TC_OK); /* LEAD */
    assert_int_equal(r.out.append_count, 1);
    assert_int_equal(paxos_conf_decode(tc_blob_slice(r.out.appends[0].body), &final, &driver),
                     TC_OK);
    assert_true(final.version == 5 && driver.len == 0 && !quorum_is_joint(&final));
    paxos_free(r.p);
}

/* A follower that holds what a later leader committed ends this leader's term; one that only claims
 * another log is wrong. */
static void test_follower_knows_of_a_later_leader(void **state) {
    (void)state;
    struct replica r;
    open_leader(&r);
    uint64_t ballot = paxos_status(r.p).ballot;
    struct paxos_msg m = {.type = PAXOS_ACCEPTED,
                          .from = 3,
                          .ballot = ballot,
                          .seen_ballot = ballot,
                          .mark = {.index = 9, .ballot = paxos_ballot(7, 2), .chain = 77}};
    assert_int_equal(receive(&r, m), TC_ECORRUPT);
    assert_int_equal(paxos_status(r.p).role, PAXOS_LEADER);
    m.commit = 9;
    assert_int_equal(receive(&r, m), TC_OK);
    assert_int_equal(paxos_status(r.p).role, PAXOS_FOLLOWER);
    paxos_free(r.p);
}

/* Of many answers to what was sent before, one moves the sending position, or each would start
 * another round of sending. (Seed 222: four million messages.) */
static void test_one_rewind_answers_all_that_was_sent_before(void **state) {
    (void)state;
    struct replica r;
    open_leader(&r);
    commit_all(&r);
    uint64_t ballot = paxos_status(r.p).ballot;
    for (int i = 0; i < 8; i++)
        assert_int_equal(propose(&r, "x"), TC_OK);
    struct paxos_msg m = {.type = PAXOS_ACCEPTED,
                          .from = 2,
                          .flags = PAXOS_F_MISMATCH,
                          .ballot = ballot,
                          .seen_ballot = ballot,
                          .echo_ns = r.now,
                          .last = {.index = 5}};
    const struct paxos_entry *e = paxos_entry_at(r.p, 1);
    m.mark = (struct paxos_mark){.index = 1, .ballot = e->ballot, .chain = e->chain};
    r.now += MS;
    assert_int_equal(receive(&r, m), TC_OK);
    assert_non_null(sent(&r, PAXOS_ACCEPT));
    assert_int_equal(ack(&r, 2, 2, PAXOS_F_BTREE), TC_OK); /* the pipeline opens again */
    assert_non_null(sent(&r, PAXOS_ACCEPT));
    e = paxos_entry_at(r.p, 2);
    m.mark = (struct paxos_mark){.index = 2, .ballot = e->ballot, .chain = e->chain};
    m.last.index = 7;
    r.now += MS;
    assert_int_equal(receive(&r, m), TC_OK);
    assert_null(sent(&r, PAXOS_ACCEPT)); /* sent before the rewind */
    m.echo_ns = r.now;
    assert_int_equal(receive(&r, m), TC_OK);
    assert_non_null(sent(&r, PAXOS_ACCEPT));
    paxos_free(r.p);
}

int run_member_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learner_is_not_counted),
        cmocka_unit_test(test_the_last_that_can_lead_stays),
        cmocka_unit_test(test_learner_is_forgotten_with_the_term),
        cmocka_unit_test(test_a_late_answer_changes_nothing),
        cmocka_unit_test(test_configure_is_refused),
        cmocka_unit_test(test_the_same_members_may_be_stated_again),
        cmocka_unit_test(test_replacement),
        cmocka_unit_test(test_upgrade_in_place),
        cmocka_unit_test(test_log_replica_accepts),
        cmocka_unit_test(test_log_replica_nudges),
        cmocka_unit_test(test_nudged_replica_asks_at_once),
        cmocka_unit_test(test_log_replica_gets_its_tree),
        cmocka_unit_test(test_senders_unknown_here),
        cmocka_unit_test(test_final_without_the_joint_entry),
        cmocka_unit_test(test_follower_knows_of_a_later_leader),
        cmocka_unit_test(test_one_rewind_answers_all_that_was_sent_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
