/* Handing over in writing: the successor starts at once, with the resignation as the proof that
 * this ballot's lease is over for good (B8).
 *
 * The leader asks first and serves on: only a peer that answers a question sent after the begin of
 * the hand-over may succeed. Whoever was heard a moment ago may have been cut off since, or have
 * started again, and a resignation that it cannot use costs the group a lease. If the successor
 * dies with the resignation in its hands, whoever wrote it takes it back: the proof is good for
 * anybody. */
#include "core/paxos/paxos_private.h"

enum {
    ANSWER_BEATS = 2, /* so long a peer has to answer, and then to catch up */
};

static uint64_t patience_ns(const struct paxos *p) {
    return p->now_ns + ANSWER_BEATS * p->opt.beat_ns;
}

static bool may_succeed(const struct paxos *p, const struct peer *f) {
    return !f->learner && quorum_may_lead(paxos__config(p), f->rid);
}

/* Worth asking. Whoever has just started ignores a resignation: its boot quarantine forbids it to
 * campaign. */
static bool can_campaign(const struct paxos *p, const struct peer *f) {
    return may_succeed(p, f) && paxos__heard(p, f) + p->opt.suspect_ns > p->now_ns &&
           !f->quarantined;
}

/* It has answered the question, and lags by no more than what a pipeline holds. */
static bool answered(const struct paxos *p, const struct peer *f) {
    bool fresh = f->echo_ns >= p->resign_asked_ns || PAXOS_MUTANT(95);
    return can_campaign(p, f) && fresh && f->has_tree && f->mode == PEER_REPLICATE &&
           f->match + p->opt.window_count_max >= paxos__log_last(&p->log);
}

static bool is_wanted(const struct paxos *p, const struct peer *f) {
    return p->resign_target == 0 || p->resign_target == f->rid;
}

/* Send the question, a beat without entries, to everybody who may take over. */
static size_t ask(struct paxos *p) {
    size_t asked = 0;
    for (size_t i = 0; i < p->peer_count; i++) {
        struct peer *f = &p->peers[i];
        if (!is_wanted(p, f) || !can_campaign(p, f))
            continue;
        paxos__send_beat(p, f);
        asked++;
    }
    return asked;
}

/* Nobody loses anything when this leader steps down: nobody else may lead, or its quorum does not
 * hear it. */
static bool leads_alone(const struct paxos *p) {
    bool others = false;
    for (size_t i = 0; i < p->peer_count; i++)
        others = others || may_succeed(p, &p->peers[i]);
    return !others || paxos__quorum_heard(p) + p->opt.suspect_ns <= p->now_ns;
}

static void stop(struct paxos *p, uint32_t successor) {
    p->asking = false;
    p->resigning = true;
    p->resign_target = successor;
    p->resign_at_ns = patience_ns(p);
    TRACE(p, "resign " B_FMT " -> no lease, no proposals, wait for %" PRIu32, B_ARGS(p->ballot),
          successor);
}

static tc_err check_target(struct paxos *p, uint32_t target) {
    const struct peer *f = target ? paxos__peer(p, target) : NULL;
    if (target == 0)
        return TC_OK;
    if (f == NULL || !may_succeed(p, f))
        return TC_EINVAL;
    return can_campaign(p, f) ? TC_OK : TC_EBUSY;
}

tc_err paxos__resign(struct paxos *p, uint32_t target, bool leaves) {
    if (p->role != PAXOS_LEADER || p->resigning)
        return TC_ENOTLEADER;
    if (p->asking) {
        p->resign_leaves = p->resign_leaves || leaves;
        return target == 0 || target == p->resign_target ? TC_OK : TC_EBUSY;
    }
    TC_TRY(check_target(p, target));
    paxos__wake_all(p);
    p->resign_target = target;
    p->resign_asked_ns = p->now_ns;
    p->resign_at_ns = patience_ns(p);
    p->resign_leaves = leaves;
    if (ask(p) == 0) {
        if (!leaves && !leads_alone(p))
            return TC_EBUSY;
        stop(p, /* successor= */ 0);
        return TC_OK;
    }
    p->asking = true;
    TRACE(p, "asked to resign " B_FMT " -> serve until %s answers", B_ARGS(p->ballot),
          target ? "the successor" : "somebody");
    return TC_OK;
}

/* Nobody answered, or the successor does not catch up: nothing has been given away yet. */
static void give_up(struct paxos *p) {
    TC_PROBE("paxos: a hand-over was given up, nobody took it");
    TRACE(p, "nobody takes over -> lead on");
    p->asking = p->resigning = false;
}

static void await_answer(struct paxos *p) {
    const struct peer *best = NULL;
    for (size_t i = 0; i < p->peer_count; i++) {
        const struct peer *f = &p->peers[i];
        if (is_wanted(p, f) && answered(p, f) && (best == NULL || f->match > best->match))
            best = f;
    }
    if (best)
        stop(p, best->rid);
    else if (p->now_ns >= p->resign_at_ns && p->resign_leaves)
        stop(p, /* successor= */ 0);
    else if (p->now_ns >= p->resign_at_ns)
        give_up(p);
}

static void step_down(struct paxos *p, const struct peer *successor) {
    p->resigned_to = successor ? successor->rid : 0;
    if (successor) {
        struct paxos_msg m = {.type = PAXOS_RESIGN, .to = successor->rid, .ballot = p->ballot};
        paxos__send(p, &m, AFTER_NOTHING);
        p->handed_ballot = p->resign_leaves ? 0 : p->ballot;
        p->take_back_at_ns = patience_ns(p);
    }
    p->resigning = false;
    if (PAXOS_MUTANT(20))
        return;
    TC_PROBE("paxos: a leader handed over");
    paxos__follow(p, 0, "resigned");
    p->suspect_at_ns += p->opt.lease_ns; /* the successor goes first */
}

void paxos__advance_resign(struct paxos *p) {
    if (p->asking)
        await_answer(p);
    if (!p->resigning)
        return;
    const struct peer *successor = paxos__peer(p, p->resign_target);
    bool late = p->now_ns >= p->resign_at_ns;
    if (successor == NULL || successor->match == paxos__log_last(&p->log))
        step_down(p, successor);
    else if (late && p->resign_leaves)
        step_down(p, successor);
    else if (late)
        give_up(p);
}

bool paxos__take_back(struct paxos *p) {
    uint64_t ballot = p->handed_ballot;
    if (ballot == 0 || p->now_ns < p->take_back_at_ns)
        return false;
    p->handed_ballot = 0;
    if (p->promised != ballot || p->leader != 0 || !paxos__able(p) || p->log.faulty_count > 0)
        return false;
    TC_PROBE("paxos: a leader that handed over to nobody leads again");
    TRACE(p, "nobody took " B_FMT " over -> campaign, its end is in writing", B_ARGS(ballot));
    paxos__campaign(p, ballot);
    return true;
}
