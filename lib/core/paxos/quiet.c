/* Quiet groups: nothing is in flight, everybody knows so, and the nodes' support for each other
 * (core/support) stands in for this group's own beats (B9, docs/protocols/beats.md). */
#include "core/paxos/paxos_private.h"

#include "core/support/support.h"

static uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* ---- slots ----------------------------------------------------------------------------------- */

static uint32_t hold_slot(struct paxos *p, uint32_t rid) {
    const struct quorum_member *m = quorum_find(paxos__config(p), rid);
    return m ? support_hold(p->support, m->store) : 0;
}

void paxos__sync_slots(struct paxos *p, struct peer *peers, size_t count) {
    if (p->support == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        peers[i].slot = hold_slot(p, peers[i].rid);
    paxos__drop_slots(p);
    for (size_t i = 0; i < count; i++)
        p->held_slots[i] = peers[i].slot;
    p->held_count = count;
}

void paxos__drop_slots(struct paxos *p) {
    for (size_t i = 0; i < p->held_count; i++)
        if (p->held_slots[i] != 0)
            support_drop(p->support, p->held_slots[i]);
    p->held_count = 0;
}

/* ---- leader ---------------------------------------------------------------------------------- */

/* The peer's node is the one that confirmed, and has let nobody else have what it promised. */
static bool confirmed(const struct paxos *p, const struct peer *f) {
    bool boot = support_acker_boot(p->support, f->slot) == f->fort_boot || PAXOS_MUTANT(54);
    bool epoch = support_acker_epoch(p->support, f->slot) == f->fort_epoch || PAXOS_MUTANT(94);
    return boot && epoch;
}

uint64_t paxos__echo(const struct paxos *p, const struct peer *f) {
    if (!f->quiet || !confirmed(p, f))
        return f->echo_ns;
    return max_u64(f->echo_ns, support_echo_ns(p->support, f->slot));
}

uint64_t paxos__heard(const struct paxos *p, const struct peer *f) {
    if (!f->quiet || !confirmed(p, f))
        return f->heard_ns;
    return max_u64(f->heard_ns, support_acked_ns(p->support, f->slot));
}

/* From here on only this group's own answers count, which are told by the next message or beat. */
void paxos__wake_peer(struct paxos *p, struct peer *f) {
    if (!f->asked_quiet)
        return;
    f->echo_ns = paxos__echo(p, f);
    f->heard_ns = paxos__heard(p, f);
    f->asked_quiet = f->quiet = false;
    p->quiet_number++;
    if (PAXOS_MUTANT(91))
        return;
    struct support_wake wake = {.gid = p->gid, .number = p->quiet_number};
    support_wake(p->support, f->slot, wake);
}

void paxos__wake_all(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++) {
        if (p->peers[i].asked_quiet)
            p->beat_at_ns = p->now_ns + p->opt.beat_ns;
        paxos__wake_peer(p, &p->peers[i]);
    }
}

/* Nothing is on its way, and nothing has to be said. */
static bool idle(const struct paxos *p) {
    uint64_t last = paxos__log_last(&p->log);
    if (!paxos__serving(p) || p->asking || p->commit != last || p->durable != last ||
        p->pending_count > 0 || p->log.faulty_count > 0 || p->archived != p->told_archived)
        return false;
    if (quorum_is_joint(paxos__config(p)) || !quorum_may_lead(paxos__config(p), p->rid))
        return false;
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].learner || p->peers[i].mode == PEER_SNAPSHOT)
            return false;
    return true;
}

static bool calm(const struct paxos *p) {
    return p->support != NULL && idle(p) && p->active_ns + p->opt.lease_ns <= p->now_ns;
}

static bool quorum_is_quiet(const struct paxos *p) {
    uint32_t rids[PAXOS_PEERS_MAX + 1] = {p->rid};
    size_t count = 1;
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].quiet)
            rids[count++] = p->peers[i].rid;
    return paxos__has(p, rids, count);
}

/* Neither its node nor this replica has answered for long: the node speaks first. */
static bool gone(const struct paxos *p, const struct peer *f) {
    return f->slot != 0 && !support_acks(p->support, f->slot, p->now_ns) &&
           f->heard_ns + 2 * p->opt.lease_ns < p->now_ns;
}

bool paxos__leader_rests(const struct paxos *p) {
    if (!calm(p) || !quorum_is_quiet(p))
        return false;
    for (size_t i = 0; i < p->peer_count; i++)
        if (!p->peers[i].quiet && !gone(p, &p->peers[i]))
            return false;
    return true;
}

static void ask_quiet(struct paxos *p, struct peer *f) {
    struct paxos_msg m = {.type = PAXOS_ACCEPT,
                          .to = f->rid,
                          .flags = PAXOS_F_QUIET,
                          .ballot = p->ballot,
                          .mark = paxos__last(p),
                          .last = {.index = p->quiet_number,
                                   .ballot = support_own_boot(p->support),
                                   .chain = support_acker_boot(p->support, f->slot)},
                          .commit = p->commit,
                          .archived = p->archived,
                          .echo_ns = p->now_ns};
    f->asked_quiet = true;
    paxos__send(p, &m, AFTER_NOTHING);
}

bool paxos__beat_quiet(struct paxos *p, struct peer *f) {
    if (f->quiet)
        return true;
    if (!calm(p))
        return false;
    if (gone(p, f) && quorum_is_quiet(p)) {
        TC_PROBE("paxos: a quiet leader waits for a peer's node");
        return true;
    }
    if (f->slot == 0 || f->mode != PEER_REPLICATE || f->match != paxos__log_last(&p->log) ||
        f->next != f->match + 1 || !support_acks(p->support, f->slot, p->now_ns))
        return false;
    ask_quiet(p, f);
    return true;
}

void paxos__recv_quiet(struct paxos *p, struct peer *f, const struct paxos_msg *m) {
    if (!(m->flags & PAXOS_F_QUIET) || !f->asked_quiet || f->quiet ||
        m->last.index != p->quiet_number)
        return;
    f->fort_boot = m->last.ballot;
    f->fort_epoch = m->last.chain;
    f->quiet = confirmed(p, f);
    if (f->quiet)
        TRACE(p, "follower %" PRIu32 " is quiet -> its node's word counts", f->rid);
}

void paxos__advance_quiet(struct paxos *p) {
    if (p->support == NULL || idle(p))
        return;
    paxos__wake_all(p);
    p->told_archived = p->archived;
}

void paxos__check_peers_support(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++) {
        struct peer *f = &p->peers[i];
        if (!f->asked_quiet ||
            (support_acks(p->support, f->slot, p->now_ns) && (!f->quiet || confirmed(p, f))))
            continue;
        TC_PROBE("paxos: a quiet peer's node fell silent or forgot");
        if (f->quiet)
            TRACE(p, "node of %" PRIu32 " is silent or new -> beats of its own", f->rid);
        paxos__wake_peer(p, f);
        p->beat_at_ns = p->now_ns;
    }
}

/* ---- follower -------------------------------------------------------------------------------- */

uint64_t paxos__granted_until(const struct paxos *p) {
    if (!p->fortified || PAXOS_MUTANT(92))
        return p->grant_until_ns;
    return max_u64(p->grant_until_ns, support_until_ns(p->support, p->fort_slot, p->fort_boot));
}

bool paxos__supported(const struct paxos *p) {
    return p->fortified && support_hears(p->support, p->fort_slot, p->fort_boot, p->now_ns);
}

bool paxos__follower_rests(const struct paxos *p) {
    return paxos__supported(p) && !p->restless;
}

void paxos__unfortify(struct paxos *p) {
    if (!p->fortified)
        return;
    p->grant_until_ns = paxos__granted_until(p);
    p->fortified = p->restless = false;
}

/* About to promise to somebody else although the leader has not said that its lease is over: its
 * node must never again count what this one acknowledged (M53). */
void paxos__renounce(struct paxos *p) {
    if (p->fortified && !PAXOS_MUTANT(53))
        support_raise(p->support, p->fort_slot, p->fort_epoch);
}

static bool may_fortify(const struct paxos *p, const struct paxos_msg *m, uint32_t slot) {
    uint64_t last = paxos__log_last(&p->log);
    if (m->mark.index != last || m->commit != last || p->commit != last ||
        p->log.faulty_count > 0 || m->entry_count > 0 || slot == 0 || paxos__quarantined(p))
        return false;
    if (m->last.chain != support_own_boot(p->support) ||
        m->last.ballot != support_boot(p->support, slot))
        return false;
    /* A beat that was sent later has come already: had the group woken in between, it said so. */
    return m->echo_ns > support_beat_ns(p->support, slot);
}

static void fortify(struct paxos *p, const struct paxos_msg *m, uint32_t slot) {
    TC_PROBE("paxos: a follower became quiet");
    TRACE(p, "recv accept " B_FMT ", quiet, from %" PRIu32 " -> quiet while its node beats",
          B_ARGS(m->ballot), m->from);
    p->fortified = true;
    p->restless = false;
    p->fort_slot = slot;
    p->fort_boot = m->last.ballot;
    p->fort_epoch = support_epoch(p->support, slot);
}

bool paxos__follow_quiet(struct paxos *p, const struct paxos_msg *m, bool matched) {
    if (p->support == NULL || m->last.index < p->seen_number)
        return false;
    if (m->last.index > p->seen_number)
        paxos__unfortify(p);
    p->seen_number = m->last.index;
    if (!(m->flags & PAXOS_F_QUIET) || !matched)
        return false;
    if (p->fortified && !p->restless)
        return true;
    const struct peer *leader = paxos__peer(p, m->from);
    uint32_t slot = leader ? leader->slot : 0;
    if (!may_fortify(p, m, slot))
        return false;
    fortify(p, m, slot);
    return true;
}

void paxos__woken(struct paxos *p, uint32_t slot, uint64_t number) {
    if (p->role != PAXOS_FOLLOWER || !p->fortified || p->fort_slot != slot ||
        number <= p->seen_number)
        return;
    TC_PROBE("paxos: a beat told of a group that woke");
    TRACE(p, "leader's node says awake -> expect beats of its own");
    paxos__unfortify(p);
    p->seen_number = number;
    p->suspect_at_ns = p->now_ns + p->opt.suspect_ns + paxos__jitter(p, p->opt.beat_ns);
}

uint64_t paxos_fresh_ns(const struct paxos *p) {
    if (p->role != PAXOS_FOLLOWER || !p->fortified || p->restless)
        return 0;
    return support_fresh_ns(p->support, p->fort_slot, p->fort_boot);
}
