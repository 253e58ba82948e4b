/* Phase 2 at the leader: proposals, commit, lease (B5). */
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
                                    .heard_ns = heard_before(p, p->peers[i].rid),
                                    .pump = true};
    p->missed_ns = 0;
    struct paxos_proposal lead = {.type = PAXOS_LEAD};
    tc_err err = paxos__append_own(p, &lead);
    TC_ASSERT(err == TC_OK);
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
    paxos__feed(p);
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
    paxos__beat(p);
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
