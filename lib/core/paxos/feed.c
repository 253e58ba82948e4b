/* What a leader sends each follower, and what it learns from the answers (B5).
 *
 * A follower is probed until the place where the logs agree is known, then fed within a window;
 * what it lacks below the base a snapshot brings. Nothing here decides what is committed: that is
 * leader.c, which reads match and echo times alone. */
#include "core/paxos/paxos_private.h"

static void send_accept(struct paxos *p, const struct peer *f, uint64_t prev, size_t count) {
    struct paxos_msg m = {.type = PAXOS_ACCEPT,
                          .to = f->rid,
                          .ballot = p->ballot,
                          .mark = paxos__log_mark(&p->log, prev),
                          .last.index = p->quiet_number,
                          .commit = p->commit,
                          .archived = p->archived,
                          .echo_ns = p->now_ns,
                          .entries = paxos__copy_entries(p, prev + 1, count),
                          .entry_count = count};
    paxos__send(p, &m, AFTER_NOTHING);
}

static size_t batch_from(const struct paxos *p, uint64_t index) {
    return paxos__fit(p, index, p->opt.batch_count_max, p->opt.batch_bytes_max);
}

void paxos__need_snapshot(struct paxos *p, struct peer *f) {
    TC_PROBE("paxos: a follower is below the base");
    if (f->mode == PEER_SNAPSHOT && p->now_ns < f->snapshot_ns + p->opt.lease_ns)
        return;
    f->mode = PEER_SNAPSHOT;
    f->snapshot_ns = p->now_ns;
    TRACE(p, "follower %" PRIu32 " is below the base %" PRIu64 " -> snapshot", f->rid,
          p->log.base.index);
    paxos__ask_snapshot(p, f->rid);
}

/* Send what the mode and the window allow. Returns how many messages went out. */
static size_t pump(struct paxos *p, struct peer *f) {
    size_t sent = 0;
    f->pump = false;
    if (f->mode != PEER_SNAPSHOT && f->next - 1 < p->log.base.index)
        paxos__need_snapshot(p, f);
    if (f->mode == PEER_SNAPSHOT)
        return 0;
    if (f->mode == PEER_PROBE) {
        send_accept(p, f, f->next - 1, batch_from(p, f->next));
        return 1;
    }
    while (f->next <= paxos__log_last(&p->log) &&
           f->next - 1 - f->match < p->opt.window_count_max) {
        size_t count = batch_from(p, f->next);
        send_accept(p, f, f->next - 1, count);
        f->next += count;
        sent++;
    }
    return sent;
}

void paxos__send_beat(struct paxos *p, const struct peer *f) {
    uint64_t prev = f->mode == PEER_REPLICATE ? f->match : p->log.base.index;
    send_accept(p, f, prev < p->log.base.index ? p->log.base.index : prev, 0);
}

/* A beat renews the lease and tells the commit index; without progress since the last one, what was
 * in flight counts as lost and goes again. */
static void beat(struct paxos *p, struct peer *f) {
    if (f->mode == PEER_REPLICATE && f->next > f->match + 1 && f->beat_match == f->match) {
        TC_PROBE("paxos: in-flight entries were sent again");
        f->next = f->match + 1;
    }
    f->beat_match = f->match;
    if (f->mode == PEER_SNAPSHOT)
        paxos__need_snapshot(p, f);
    if (pump(p, f) > 0)
        return;
    paxos__send_beat(p, f);
}

/* Move the sending position down to where the hint says that the logs may still agree. Stale and
 * repeated hints must not do so: each would start another round of sending (rule 7). */
static void rewind_to(struct paxos *p, struct peer *f, const struct paxos_msg *m) {
    uint64_t rejected = m->last.index;
    uint64_t at = m->mark.index;
    if (f->mode == PEER_SNAPSHOT && at < p->log.base.index)
        return;
    if (m->echo_ns < f->rewound_ns)
        return; /* of what was sent before the last rewind: that was answered by it */
    if (f->mode == PEER_PROBE && rejected != f->next - 1)
        return;
    if (rejected <= f->match && m->echo_ns > f->matched_ns && at < f->match) {
        /* It acknowledged that place before this was sent: its disk lost what it vouched for. */
        TC_PROBE("paxos: a follower lost what it had acknowledged");
        f->match = at;
    }
    if (rejected <= f->match || rejected >= f->next || at >= rejected)
        return;
    while (at > p->log.base.index && at <= paxos__log_last(&p->log) &&
           paxos__log_mark(&p->log, at).ballot > m->mark.ballot)
        at--;
    f->rewound_ns = p->now_ns;
    f->next = (at > f->match ? at : f->match) + 1;
    f->mode = PEER_PROBE;
    f->pump = true;
    TRACE(p, "recv mismatch after %" PRIu64 " from %" PRIu32 " -> try after %" PRIu64, rejected,
          m->from, f->next - 1);
}

/* The follower's log is not this one's prefix. Either it is committed there, by a snapshot or the
 * archive, so that a later leader must have been: then this one has had its time. Or somebody is
 * wrong. */
static tc_err contradicted(struct paxos *p, const struct paxos_msg *m) {
    if (PAXOS_MUTANT(5))
        return TC_OK;
    if (m->commit < m->mark.index)
        return TC_ECORRUPT;
    TC_PROBE("paxos: a leader met a follower that knows of a later one's log");
    paxos__follow(p, 0, "a follower holds a later log");
    return TC_OK;
}

static tc_err matched(struct paxos *p, struct peer *f, const struct paxos_msg *m) {
    uint64_t match = m->mark.index;
    bool beside = match >= p->log.base.index && !paxos__log_holds(&p->log, &m->mark);
    if (match > paxos__log_last(&p->log) || (beside && !PAXOS_MUTANT(5)))
        return contradicted(p, m);
    if (f->mode == PEER_SNAPSHOT && match < p->log.base.index)
        return TC_OK;
    bool progress = match > f->match || f->mode != PEER_REPLICATE;
    if (match > f->match) {
        f->match = match;
        f->matched_ns = p->now_ns;
    }
    if (f->next <= f->match)
        f->next = f->match + 1;
    if (progress) {
        f->mode = PEER_REPLICATE;
        f->pump = true;
    }
    return TC_OK;
}

tc_err paxos__recv_accepted(struct paxos *p, const struct paxos_msg *m) {
    struct peer *f = paxos__peer(p, m->from);
    paxos__see_round(p, m->seen_ballot);
    if (f == NULL || p->role != PAXOS_LEADER || (m->ballot != p->ballot && !PAXOS_MUTANT(5)))
        return TC_OK;
    if (m->flags & PAXOS_F_REFUSED) {
        if (m->seen_ballot <= p->ballot)
            return TC_OK;
        TC_PROBE("paxos: a leader was told of a higher promise");
        TRACE(p, "recv refusal of " B_FMT " from %" PRIu32 ", promised " B_FMT " -> step down",
              B_ARGS(m->ballot), m->from, B_ARGS(m->seen_ballot));
        paxos__follow(p, 0, "outbid");
        return TC_OK;
    }
    f->heard_ns = p->now_ns;
    if (m->echo_ns >= f->echo_ns) { /* a late answer tells how it was, and none may follow */
        f->has_tree = (m->flags & PAXOS_F_BTREE) != 0;
        f->quarantined = (m->flags & PAXOS_F_QUARANTINE) != 0;
    }
    uint64_t echo = PAXOS_MUTANT(7) ? p->now_ns : m->echo_ns;
    if (echo <= p->now_ns && echo >= p->echo_floor_ns && echo > f->echo_ns)
        f->echo_ns = echo;
    if (m->flags & PAXOS_F_MISMATCH) {
        rewind_to(p, f, m);
        return TC_OK;
    }
    tc_err err = matched(p, f, m);
    if (err == TC_OK && p->role == PAXOS_LEADER)
        paxos__recv_quiet(p, f, m);
    return err;
}

void paxos__pump_pipelines(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++)
        p->peers[i].pump = p->peers[i].pump || p->peers[i].mode == PEER_REPLICATE;
}

void paxos__feed(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].pump)
            (void)pump(p, &p->peers[i]);
}

void paxos__beat(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++)
        if (!paxos__beat_quiet(p, &p->peers[i]))
            beat(p, &p->peers[i]);
}
