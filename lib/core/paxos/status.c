#include "core/paxos/paxos_private.h"

struct paxos_status paxos_status(const struct paxos *p) {
    return (struct paxos_status){
        .role = p->role,
        .serving = paxos__serving(p),
        .leader = p->leader,
        .ballot = p->ballot,
        .promised = p->promised,
        .base = p->log.base,
        .last = paxos__last(p),
        .commit = p->commit,
        .applied = p->applied,
        .durable = p->durable,
        .checkpoint = p->checkpoint,
        .archived = p->archived,
        .lead_index = p->role == PAXOS_LEADER ? p->lead_index : 0,
        .successor = p->role == PAXOS_FOLLOWER && p->leader == 0 ? p->resigned_to : 0,
        .by_choice = p->role != PAXOS_FOLLOWER && p->resigned_ballot != 0,
        .faulty_count = p->log.faulty_count,
        .log_only = p->log_only,
        .quiet = p->role == PAXOS_LEADER ? paxos__leader_rests(p) : paxos__follower_rests(p),
        .seal_index = p->log.seal_index,
        .config_settled = paxos__config_index(p) <= p->commit && !quorum_is_joint(paxos__config(p)),
    };
}

size_t paxos_peers(const struct paxos *p, struct paxos_peer_status *ret, size_t cap) {
    size_t count = 0;
    for (; p->role == PAXOS_LEADER && count < p->peer_count && count < cap; count++) {
        const struct peer *f = &p->peers[count];
        ret[count] = (struct paxos_peer_status){.rid = f->rid,
                                                .learner = f->learner,
                                                .has_tree = f->has_tree,
                                                .match = f->match,
                                                .heard_ns = paxos__heard(p, f),
                                                .below_base = f->mode == PEER_SNAPSHOT};
    }
    return count;
}

const struct paxos_entry *paxos_entry_at(const struct paxos *p, uint64_t index) {
    return paxos__log_at(&p->log, index);
}

const struct quorum_config *paxos_config(const struct paxos *p) {
    return paxos__config(p);
}

const struct quorum_config *paxos_config_at(const struct paxos *p, uint64_t index) {
    return paxos__log_config(&p->log, index);
}

static bool check_leader(const struct paxos *p) {
    struct paxos_entry *lead = paxos__log_at(&p->log, p->lead_index);
    if (p->leader != p->rid || paxos_ballot_rid(p->ballot) != p->rid)
        return false;
    if (p->promised != p->ballot && !PAXOS_MUTANT(4))
        return false;
    if (lead && (lead->type != PAXOS_LEAD || lead->ballot != p->ballot))
        return false;
    for (size_t i = 0; i < p->peer_count; i++) {
        const struct peer *f = &p->peers[i];
        if (f->match >= f->next || f->next > paxos__log_last(&p->log) + 1)
            return false;
    }
    /* It leads its own removal until that is committed. */
    bool leaves = !quorum_may_vote(paxos__config(p), p->rid) &&
                  (paxos__config_index(p) > p->commit || p->asking || p->resigning);
    return !p->log_only && (leaves || quorum_may_lead(paxos__config(p), p->rid));
}

static bool check_pending(const struct paxos *p) {
    uint64_t seq = p->durable_seq;
    for (size_t i = 0; i < p->pending_count; i++) {
        const struct pending *w = paxos__pending(p, i);
        if (w->seq < seq || w->seq > p->seq || w->last > paxos__log_last(&p->log))
            return false;
        seq = w->seq;
    }
    return p->hard_seq <= p->seq;
}

/* Long logs are verified at their end only: every entry was verified when it was appended. */
static bool check_log(const struct paxos *p) {
    if (p->log.count <= 24)
        return paxos__log_check(&p->log);
    uint64_t last = paxos__log_last(&p->log);
    struct paxos_mark before = paxos__log_mark(&p->log, last - 1);
    const struct paxos_entry *e = paxos__log_at(&p->log, last);
    return e->index == last && e->chain == paxos_chain(p->gid, before.chain, e);
}

bool paxos_check(const struct paxos *p) {
    uint64_t last = paxos__log_last(&p->log);
    if (p->log.base.index > p->commit || p->commit > last || p->durable > last)
        return false;
    if (p->log_only && p->role == PAXOS_CANDIDATE)
        return false;
    if (p->verified > last || p->ballot > p->promised)
        return PAXOS_MUTANT(4);
    if (p->role == PAXOS_CANDIDATE && p->ballot != p->promised)
        return false;
    if (p->role == PAXOS_LEADER && !check_leader(p))
        return false;
    return check_pending(p) && check_log(p);
}

const char *paxos_msg_name(enum paxos_msg_type type) {
    static const char *const names[PAXOS_MSG_TYPE_MAX + 1] = {
        "?",        "ask",   "ask reply", "prepare", "promise", "accept",
        "accepted", "fetch", "fetched",   "resign",  "removed", "nudge"};
    return type <= PAXOS_MSG_TYPE_MAX ? names[type] : "?";
}

const char *paxos_role_name(enum paxos_role role) {
    static const char *const names[] = {"follower", "candidate", "leader", "outcast"};
    return role <= PAXOS_OUTCAST ? names[role] : "?";
}
