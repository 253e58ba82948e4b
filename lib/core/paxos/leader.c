/* Phase 2 at the leader: proposals, sending, commit (B5). */
#include "core/paxos/paxos_private.h"

static uint64_t last_index(const struct paxos *p) {
    return paxos__log_last(&p->log);
}

bool paxos__serving(const struct paxos *p) {
    return p->role == PAXOS_LEADER && p->commit >= p->lead_index && p->applied >= p->lead_index &&
           !p->resigning;
}

tc_err paxos__append_own(struct paxos *p, const struct paxos_proposal *item) {
    paxos__wake_all(p);
    struct paxos_mark last = paxos__last(p);
    struct paxos_entry e = {.index = last.index + 1,
                            .ballot = p->ballot,
                            .body_crc = item->body_crc,
                            .body_len = item->body ? item->body->len : 0,
                            .type = (uint16_t)item->type,
                            .body = item->body};
    e.chain = paxos_chain(p->gid, last.chain, &e);
    return paxos__write(p, &e);
}

static void pump_all(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++)
        p->peers[i].pump = true;
}

/* All are news to a new leader, but one that was missed has been silent for a while. */
static uint64_t heard_before(const struct paxos *p, uint32_t rid) {
    return p->missed_ns != 0 && rid == p->missed ? p->missed_ns : p->now_ns;
}

void paxos__lead(struct paxos *p) {
    TC_ASSERT(p->role == PAXOS_CANDIDATE && p->ballot == p->promised);
    paxos__forget_shown(p);
    p->restore = (struct paxos_mark){0};
    paxos__sync_peers(p); /* before it leads: learners of an earlier term are forgotten */
    p->role = PAXOS_LEADER;
    p->phase = PHASE_IDLE;
    p->leader = p->rid;
    p->lead_index = last_index(p) + 1;
    p->beat_at_ns = p->now_ns + p->opt.beat_ns;
    p->asking = p->resigning = false;
    p->resigned_to = 0;
    p->out->role_changed = true;
    TRACE(p, "quorum of promises -> lead " B_FMT " from %" PRIu64, B_ARGS(p->ballot),
          p->lead_index);
    for (size_t i = 0; i < p->peer_count; i++)
        p->peers[i] = (struct peer){.rid = p->peers[i].rid,
                                    .slot = p->peers[i].slot,
                                    .mode = PEER_PROBE,
                                    .next = p->lead_index,
                                    .heard_ns = heard_before(p, p->peers[i].rid)};
    p->missed_ns = 0;
    struct paxos_proposal lead = {.type = PAXOS_LEAD};
    tc_err err = paxos__append_own(p, &lead);
    TC_ASSERT(err == TC_OK);
    pump_all(p);
}

void paxos__pump_pipelines(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++)
        p->peers[i].pump = p->peers[i].pump || p->peers[i].mode == PEER_REPLICATE;
}

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
    while (f->next <= last_index(p) && f->next - 1 - f->match < p->opt.window_count_max) {
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

static size_t collect(const struct paxos *p, struct quorum_value *values, uint64_t own,
                      uint64_t (*of)(const struct paxos *p, const struct peer *f)) {
    values[0] = (struct quorum_value){.rid = p->rid, .value = own};
    for (size_t i = 0; i < p->peer_count; i++)
        values[i + 1] = (struct quorum_value){.rid = p->peers[i].rid, .value = of(p, &p->peers[i])};
    return p->peer_count + 1;
}

static uint64_t peer_match(const struct paxos *p, const struct peer *f) {
    (void)p;
    return f->match;
}

bool paxos__lease_valid(const struct paxos *p) {
    struct quorum_value values[PAXOS_PEERS_MAX + 1];
    uint64_t now = PAXOS_MUTANT(22) ? p->before_ns : p->now_ns;
    uint64_t rho = p->opt.drift_ppm;
    uint64_t length = p->opt.lease_ns / (1000000 + rho) * (1000000 - rho);
    if (p->role != PAXOS_LEADER || p->resigning)
        return false;
    size_t count = collect(p, values, now, paxos__echo);
    uint64_t granted = paxos__reached(p, values, count);
    return granted > 0 && granted + length > now;
}

static void advance_commit(struct paxos *p) {
    struct quorum_value values[PAXOS_PEERS_MAX + 1];
    uint64_t own = PAXOS_MUTANT(2) ? last_index(p) : paxos__sound(p, p->durable);
    size_t count = collect(p, values, own, peer_match);
    uint64_t reached = paxos__reached(p, values, count);
    uint64_t before = p->commit;
    if (reached <= before)
        return;
    /* An entry of an older ballot may be overwritten even when a quorum holds it; it is committed
     * by the first own entry above it. */
    if (reached < p->lead_index && !PAXOS_MUTANT(10)) {
        TC_PROBE("paxos: older-ballot entries on a quorum waited for an own entry");
        return;
    }
    if (p->commit < p->lead_index)
        TRACE(p, "quorum holds %" PRIu64 " -> commit, LEAD included", reached);
    p->commit = reached;
    paxos__committed(p, before);
}

void paxos__leader_advance(struct paxos *p) {
    advance_commit(p);
    paxos__advance_config(p);
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].pump)
            (void)pump(p, &p->peers[i]);
    paxos__advance_resign(p);
}

uint64_t paxos__quorum_heard(const struct paxos *p) {
    struct quorum_value values[PAXOS_PEERS_MAX + 1];
    size_t count = collect(p, values, p->now_ns, paxos__heard);
    return paxos__reached(p, values, count);
}

void paxos__tick_leader(struct paxos *p) {
    if (paxos__quorum_heard(p) + p->opt.lease_ns + p->opt.lease_ns / 2 < p->now_ns) {
        TC_PROBE("paxos: a leader gave up, its quorum was silent");
        paxos__follow(p, 0, "quorum silent");
        return;
    }
    if (p->pending_count > 0 && p->pending_since_ns + p->opt.stall_ns < p->now_ns) {
        TC_PROBE("paxos: a leader gave up, its own sync hung");
        paxos__follow(p, 0, "own sync hangs");
        p->suspect_at_ns += 2 * p->opt.lease_ns;
        return;
    }
    paxos__check_peers_support(p);
    if (p->now_ns < p->beat_at_ns)
        return;
    p->beat_at_ns = p->now_ns + p->opt.beat_ns;
    for (size_t i = 0; i < p->peer_count; i++)
        if (!paxos__beat_quiet(p, &p->peers[i]))
            beat(p, &p->peers[i]);
}

static tc_err admit(const struct paxos *p, const struct paxos_proposal *items, size_t count) {
    if (!paxos__serving(p))
        return TC_ENOTLEADER;
    if (p->log.seal_index)
        return TC_EMOVED;
    if (count == 0 || count > PAXOS_PROPOSALS_MAX)
        return TC_ELIMIT;
    if (last_index(p) - p->commit + count > PAXOS_UNCOMMITTED_COUNT_MAX ||
        p->log.count + count > PAXOS_LOG_COUNT_MAX)
        return TC_EBUSY;
    for (size_t i = 0; i < count; i++) {
        if (items[i].body && items[i].body->len > PAXOS_BODY_BYTES_MAX)
            return TC_ELIMIT;
        if (items[i].type == PAXOS_CONF)
            return TC_EUNSUPPORTED;
        if (paxos_entry_seals((uint16_t)items[i].type))
            TC_TRY(paxos__may_seal(p, count));
        if (items[i].type == PAXOS_LEAD || items[i].type > PAXOS_ENTRY_TYPE_MAX)
            return TC_ELIMIT;
    }
    return TC_OK;
}

tc_err paxos__propose(struct paxos *p, const struct paxos_event *ev) {
    TC_TRY(admit(p, ev->propose.items, ev->propose.count));
    p->out->first_index = last_index(p) + 1;
    p->active_ns = p->now_ns;
    for (size_t i = 0; i < ev->propose.count; i++) {
        tc_err err = paxos__append_own(p, &ev->propose.items[i]);
        TC_ASSERT(err == TC_OK);
    }
    paxos__pump_pipelines(p);
    return TC_OK;
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
    while (at > p->log.base.index && at <= last_index(p) &&
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
    if (match > last_index(p) || (beside && !PAXOS_MUTANT(5)))
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
