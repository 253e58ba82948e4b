/* One step: an event goes to the part of the machine that it concerns, then what follows from it
 * is done for the role that the replica has now. */
#include "core/paxos/paxos_private.h"

#ifdef PAXOS_MUTANTS
unsigned paxos_mutant;
#endif

const struct quorum_config *paxos__config(const struct paxos *p) {
    return paxos__log_config(&p->log, UINT64_MAX);
}

struct paxos_mark paxos__last(const struct paxos *p) {
    return paxos__log_mark(&p->log, paxos__log_last(&p->log));
}

uint64_t paxos__jitter(struct paxos *p, uint64_t max_ns) {
    return tc_prng_below(&p->prng, max_ns + 1);
}

uint64_t paxos__sound(const struct paxos *p, uint64_t index) {
    uint64_t faulty = p->log.faulty_first;
    return faulty != 0 && index >= faulty ? faulty - 1 : index;
}

void paxos__see_round(struct paxos *p, uint64_t ballot) {
    if (paxos_ballot_round(ballot) > p->round_seen)
        p->round_seen = paxos_ballot_round(ballot);
}

void paxos__durable(struct paxos *p, uint64_t seq) {
    TC_ASSERT(seq <= p->seq);
    while (p->pending_count > 0 && paxos__pending(p, 0)->seq <= seq) {
        const struct pending *w = paxos__pending(p, 0);
        if (w->last > p->durable)
            p->durable = w->last;
        if (w->repair != 0)
            paxos__log_clear_faulty(&p->log, w->repair);
        p->pending_head = (p->pending_head + 1) % paxos__pending_cap(p);
        p->pending_count--;
        p->pending_since_ns = p->now_ns;
    }
    if (seq > p->durable_seq)
        p->durable_seq = seq;
}

static tc_err dispatch(struct paxos *p, const struct paxos_msg *m) {
    switch (m->type) {
    case PAXOS_ASK:
        return paxos__recv_ask(p, m);
    case PAXOS_ASK_REPLY:
        return paxos__recv_ask_reply(p, m);
    case PAXOS_PREPARE:
        return paxos__recv_prepare(p, m);
    case PAXOS_PROMISE:
        return paxos__recv_promise(p, m);
    case PAXOS_ACCEPT:
        return paxos__recv_accept(p, m);
    case PAXOS_ACCEPTED:
        return paxos__recv_accepted(p, m);
    case PAXOS_FETCH:
        return paxos__recv_fetch(p, m);
    case PAXOS_FETCHED:
        return paxos__recv_fetched(p, m);
    case PAXOS_RESIGN:
        return paxos__recv_resign(p, m);
    case PAXOS_REMOVED:
        return paxos__recv_removed(p, m);
    case PAXOS_NUDGE:
        return paxos__recv_nudge(p, m);
    default:
        return TC_EINVAL;
    }
}

/* Rounds rise by one per campaign. A leap is not an election but damage, and to follow it would use
 * up the rounds of this group for ever. */
static bool round_leaps(const struct paxos *p, uint64_t ballot) {
    return paxos_ballot_round(ballot) > p->round_seen + PAXOS_ROUND_LEAP_MAX;
}

static tc_err receive(struct paxos *p, const struct paxos_msg *m) {
    if (m->to != p->rid || m->from == p->rid || p->role == PAXOS_OUTCAST)
        return TC_EINVAL;
    if (round_leaps(p, m->ballot) || round_leaps(p, m->seen_ballot))
        return TC_EINVAL;
    if (m->entry_count > PAXOS_MSG_ENTRIES_MAX)
        return TC_ECORRUPT;
    if (paxos__tell_removed(p, m))
        return TC_OK;
    return dispatch(p, m);
}

/* A log replica has nothing to apply: what is committed and durable is all it owes. */
static void apply_nothing(struct paxos *p, uint64_t index) {
    if (p->log_only && index > p->applied)
        p->applied = index;
}

static void clock_jump(struct paxos *p) {
    TRACE(p, "clock jumped -> leases and grants of before are void");
    p->echo_floor_ns = p->now_ns;
    for (size_t i = 0; i < p->peer_count; i++)
        p->peers[i].echo_ns = 0;
    p->quarantine_until_ns = p->now_ns + p->opt.lease_ns;
}

static void tick(struct paxos *p) {
    if (p->log.faulty_count > 0 && p->now_ns >= p->fetch_at_ns)
        paxos__send_fetches(p);
    if (p->role == PAXOS_FOLLOWER)
        paxos__tick_follower(p);
    else if (p->role == PAXOS_CANDIDATE)
        paxos__tick_candidate(p);
    else if (p->role == PAXOS_LEADER)
        paxos__tick_leader(p);
}

/* Rot that a running replica met. Its body is not in memory, else nobody would have read it. */
static void faulty(struct paxos *p, uint64_t index) {
    if (index > p->durable || !paxos__log_spoil(&p->log, index))
        return;
    TC_PROBE("paxos: an entry became unreadable while running");
    TRACE(p, "entry %" PRIu64 " became unreadable -> fetch", index);
    p->fetch_at_ns = p->now_ns;
}

static tc_err read_err(const struct paxos *p) {
    if (PAXOS_MUTANT(24))
        return TC_OK;
    if (!paxos__serving(p))
        return TC_ENOTLEADER;
    return paxos__lease_valid(p) || PAXOS_MUTANT(6) ? TC_OK : TC_EUNAVAILABLE;
}

static tc_err handle(struct paxos *p, const struct paxos_event *ev) {
    switch (ev->type) {
    case PAXOS_EV_TICK:
        tick(p);
        return TC_OK;
    case PAXOS_EV_RECEIVE:
        return receive(p, ev->msg);
    case PAXOS_EV_PROPOSE:
        return paxos__propose(p, ev);
    case PAXOS_EV_DURABLE:
        paxos__durable(p, ev->seq);
        return TC_OK;
    case PAXOS_EV_APPLIED:
        if (ev->index > p->applied)
            p->applied = ev->index;
        return TC_OK;
    case PAXOS_EV_READ:
        p->out->read_err = read_err(p);
        return TC_OK;
    case PAXOS_EV_RESIGN:
        return paxos__resign(p, ev->resign.target, ev->resign.leaves);
    case PAXOS_EV_INSTALLED:
        return paxos__installed(p, ev);
    case PAXOS_EV_REPAIRED:
        paxos__log_clear_faulty(&p->log, ev->index);
        return TC_OK;
    case PAXOS_EV_FAULTY:
        faulty(p, ev->index);
        return TC_OK;
    case PAXOS_EV_ARCHIVED:
        if (ev->index > p->archived)
            p->archived = ev->index;
        return TC_OK;
    case PAXOS_EV_CHECKPOINT:
        if (ev->index > p->checkpoint)
            p->checkpoint = ev->index;
        return TC_OK;
    case PAXOS_EV_TRIM:
        return paxos__trim(p, ev->index);
    case PAXOS_EV_CLOCK_JUMP:
        clock_jump(p);
        return TC_OK;
    case PAXOS_EV_LEARN:
        return paxos__learn(p, ev->target);
    case PAXOS_EV_UNLEARN:
        return paxos__unlearn(p, ev->target);
    case PAXOS_EV_CONFIGURE:
        return paxos__configure(p, ev);
    case PAXOS_EV_RESTORED:
        return paxos__restored(p, ev);
    case PAXOS_EV_WOKEN:
        paxos__woken(p, ev->woken.slot, ev->woken.number);
        return TC_OK;
    case PAXOS_EV_BEGIN:
        return paxos__begin(p);
    default:
        return TC_EINVAL;
    }
}

tc_err paxos_step(struct paxos *p, const struct paxos_event *ev, struct paxos_out *out) {
    p->before_ns = p->now_ns;
    if (ev->now_ns > p->now_ns)
        p->now_ns = ev->now_ns;
    paxos__out_begin(p, out);
    tc_err err = handle(p, ev);
    if (p->role == PAXOS_CANDIDATE)
        paxos__candidate_advance(p);
    if (p->role == PAXOS_LEADER)
        paxos__leader_advance(p);
    if (p->role == PAXOS_LEADER)
        paxos__advance_quiet(p);
    if (p->role == PAXOS_FOLLOWER && paxos__excluded(p) && !PAXOS_MUTANT(36))
        paxos__become_outcast(p);
    paxos__out_end(p);
    apply_nothing(p, out->apply_index);
    TC_DASSERT(paxos_check(p));
    return err;
}
