/* Phase 1 at the candidate: the campaign, promises, victory (B7.2 to B7.5). */
#include "core/paxos/paxos_private.h"

void paxos__send_prepare(struct paxos *p, const struct peer *to, struct paxos_mark after) {
    struct paxos_msg m = {.type = PAXOS_PREPARE,
                          .to = to->rid,
                          .flags = p->resigned_ballot ? PAXOS_F_RESIGNED : 0,
                          .ballot = p->ballot,
                          .seen_ballot = p->resigned_ballot,
                          .mark = after,
                          .commit = p->commit,
                          .config = paxos__config(p)};
    paxos__send(p, &m, AFTER_ALL);
}

void paxos__campaign(struct paxos *p, uint64_t resigned_ballot) {
    uint64_t ballot = paxos_ballot(PAXOS_MUTANT(30) ? 1 : p->round_seen + 1, p->rid);
    TC_ASSERT(p->round_seen < (1ull << PAXOS_ROUND_BITS) - 1 && ballot > p->promised);
    if (resigned_ballot == 0) {
        TC_PROBE("paxos: a campaign because no leader was heard");
        paxos__renounce(p);
    } else {
        TC_PROBE("paxos: a campaign on a resignation");
    }
    paxos__unfortify(p);
    p->seen_number = 0;
    p->role = PAXOS_CANDIDATE;
    p->phase = PHASE_PREPARE;
    p->ballot = ballot;
    p->leader = 0;
    p->grant_until_ns = 0;
    p->resigned_ballot = resigned_ballot;
    p->want = (struct paxos_mark){0};
    p->pulled_last = 0;
    p->retry_at_ns = p->now_ns + p->opt.beat_ns;
    p->give_up_at_ns = p->now_ns + p->opt.lease_ns + paxos__jitter(p, p->opt.beat_ns);
    p->out->role_changed = true;
    paxos__promise(p, ballot);
    TRACE(p, "campaign " B_FMT ", own log ends at " AT_FMT, B_ARGS(ballot),
          AT_ARGS(paxos__last(p)));
    for (size_t i = 0; i < p->peer_count; i++) {
        p->peers[i].promised = p->peers[i].absent = p->peers[i].pump = false;
        paxos__send_prepare(p, &p->peers[i], paxos__last(p));
    }
}

/* An adopted configuration names voters that were not known: prepare them too. */
static void prepare_new_voters(struct paxos *p) {
    for (size_t i = 0; i < p->peer_count; i++) {
        if (!p->peers[i].pump)
            continue;
        TC_PROBE("paxos: a candidate prepared voters of an adopted configuration");
        p->peers[i].pump = false;
        paxos__send_prepare(p, &p->peers[i], paxos__last(p));
    }
}

/* Promises of a quorum, the own one counted only once it is durable. */
static bool promised_is_quorum(const struct paxos *p) {
    uint32_t rids[PAXOS_PEERS_MAX + 1];
    size_t count = 0;
    if (p->hard_seq <= p->durable_seq)
        rids[count++] = p->rid;
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].promised)
            rids[count++] = p->peers[i].rid;
    return paxos__has(p, rids, count);
}

void paxos__stand_back(struct paxos *p, const char *why) {
    paxos__follow(p, 0, why);
    p->suspect_at_ns = p->now_ns + p->opt.lease_ns + paxos__jitter(p, p->opt.suspect_ns);
}

void paxos__candidate_advance(struct paxos *p) {
    if (p->phase != PHASE_PREPARE)
        return;
    prepare_new_voters(p);
    if (!promised_is_quorum(p)) {
        struct peer *ahead = paxos__best_promiser(p);
        if (ahead && paxos__knows_newer_config(p, ahead) && p->want.index == 0)
            paxos__pull(p, ahead);
        return;
    }
    if (paxos__want_blocks(p)) {
        p->out->stuck = true;
        return;
    }
    struct peer *best = paxos__best_promiser(p);
    if (best && !PAXOS_MUTANT(11)) {
        paxos__pull(p, best);
        return;
    }
    if (p->log.faulty_count > 0) {
        paxos__look_for_own(p);
        return;
    }
    if (!promised_is_quorum(p))
        return; /* what was dropped was a configuration */
    if (!paxos__able(p)) {
        TC_PROBE("paxos: a candidate adopted a configuration that excludes it or its B-tree");
        paxos__stand_back(p, "adopted configuration gives it no B-tree");
        return;
    }
    paxos__lead(p);
}

void paxos__tick_candidate(struct paxos *p) {
    if (p->now_ns >= p->give_up_at_ns) {
        TC_PROBE("paxos: a campaign ran out of time");
        paxos__follow(p, 0, "campaign took too long");
        p->suspect_at_ns = p->now_ns + paxos__jitter(p, p->opt.beat_ns);
        return;
    }
    if (p->now_ns < p->retry_at_ns)
        return;
    p->retry_at_ns = p->now_ns + p->opt.beat_ns;
    p->pulled_last = 0;
    if (p->joined_doubt)
        p->joined_rid = 0;
    for (size_t i = 0; i < p->peer_count; i++)
        if (!p->peers[i].promised)
            paxos__send_prepare(p, &p->peers[i], paxos__last(p));
    if (p->want.index != 0)
        paxos__send_fetch(p, &p->want);
}

static tc_err refused(struct paxos *p, const struct paxos_msg *m) {
    paxos__see_round(p, m->seen_ballot);
    TRACE(p, "recv refusal of " B_FMT " from %" PRIu32 ", promised " B_FMT " -> %s",
          B_ARGS(m->ballot), m->from, B_ARGS(m->seen_ballot),
          m->seen_ballot > p->ballot ? "stand back" : "keep asking");
    if (m->seen_ballot > p->ballot) {
        paxos__follow(p, 0, "outbid");
        p->suspect_at_ns = p->now_ns + p->opt.beat_ns + paxos__jitter(p, p->opt.beat_ns);
    }
    return TC_OK;
}

tc_err paxos__recv_promise(struct paxos *p, const struct paxos_msg *m) {
    struct peer *from = paxos__peer(p, m->from);
    if (from == NULL || p->role != PAXOS_CANDIDATE || m->ballot != p->ballot) {
        paxos__see_round(p, m->seen_ballot);
        return TC_OK;
    }
    if (m->flags & PAXOS_F_REFUSED)
        return refused(p, m);
    if (!paxos__entries_valid(p, m, p->ballot - 1))
        return TC_ECORRUPT;
    if (!from->promised) { /* said once: dropping an entry shortens what counts of its log */
        TRACE(p, "recv promise " B_FMT " from %" PRIu32 ", its log ends at " AT_FMT,
              B_ARGS(m->ballot), m->from, AT_ARGS(m->last));
        from->promised = true;
        from->last = m->last;
        from->config_version = m->config ? m->config->version : 0;
    }
    struct paxos_mark own = paxos__last(p);
    bool joins = paxos__log_holds(&p->log, &m->mark);
    bool counts = promised_is_quorum(p) || paxos__knows_newer_config(p, from);
    if ((m->entry_count > 0 || !joins) && counts && paxos__log_better(&from->last, &own) &&
        p->want.index == 0)
        return paxos__adopt(p, m);
    return TC_OK;
}
