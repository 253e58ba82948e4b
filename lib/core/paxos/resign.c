/* Handing over in writing: the successor starts at once, with the resignation as the proof that
 * this ballot's lease is over for good (B8). */
#include "core/paxos/paxos_private.h"

/* Whoever has just started ignores a resignation: its boot quarantine forbids it to campaign. */
static bool can_campaign(const struct paxos *p, const struct peer *f) {
    return paxos__heard(p, f) + p->opt.suspect_ns > p->now_ns && !f->quarantined;
}

static uint32_t best_target(const struct paxos *p) {
    uint32_t best = 0;
    uint64_t match = 0;
    for (size_t i = 0; i < p->peer_count; i++) {
        const struct peer *f = &p->peers[i];
        if (can_campaign(p, f) && f->mode == PEER_REPLICATE && f->match >= match && f->has_tree &&
            quorum_may_lead(paxos__config(p), f->rid)) {
            best = f->rid;
            match = f->match;
        }
    }
    return best;
}

tc_err paxos__resign(struct paxos *p, uint32_t target) {
    if (p->role != PAXOS_LEADER || p->resigning)
        return TC_ENOTLEADER;
    if (target != 0 &&
        (paxos__peer(p, target) == NULL || !quorum_may_lead(paxos__config(p), target)))
        return TC_EINVAL;
    if (target != 0 && !can_campaign(p, paxos__peer(p, target)))
        return TC_EBUSY;
    p->resign_target = target ? target : best_target(p);
    p->resigning = true;
    p->resign_at_ns = p->now_ns + p->opt.suspect_ns;
    TRACE(p, "resign " B_FMT " -> no lease, no proposals, wait for %" PRIu32, B_ARGS(p->ballot),
          p->resign_target);
    return TC_OK;
}

void paxos__leader_finish_resign(struct paxos *p) {
    const struct peer *target = paxos__peer(p, p->resign_target);
    bool ready = target == NULL || target->match == paxos__log_last(&p->log);
    if (!ready && p->now_ns < p->resign_at_ns)
        return;
    if (target) {
        struct paxos_msg m = {.type = PAXOS_RESIGN, .to = target->rid, .ballot = p->ballot};
        paxos__send(p, &m, AFTER_NOTHING);
    }
    p->resigning = false;
    if (PAXOS_MUTANT(20))
        return;
    TC_PROBE("paxos: a leader handed over");
    paxos__follow(p, 0, "resigned");
    p->suspect_at_ns += p->opt.lease_ns; /* the successor goes first */
}
