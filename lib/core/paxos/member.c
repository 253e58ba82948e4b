/* Whom a replica feeds, asks and counts (B7.3, B10): the voters of the configuration in force, and
 * beside them learners or voters that a peer showed. How it changes is configure.c's. */
#include "core/paxos/paxos_private.h"

struct peer *paxos__peer(struct paxos *p, uint32_t rid) {
    for (size_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].rid == rid)
            return &p->peers[i];
    return NULL;
}

uint64_t paxos__config_index(const struct paxos *p) {
    return paxos__log_config_index(&p->log, UINT64_MAX);
}

uint64_t paxos__reached(const struct paxos *p, const struct quorum_value *values, size_t count) {
    const struct quorum_config *c =
        PAXOS_MUTANT(29) ? paxos__log_config(&p->log, p->commit) : paxos__config(p);
    if (PAXOS_MUTANT(35)) {
        struct quorum_config half = *c;
        half.sets[1].count = 0;
        return quorum_reached(&half, values, count);
    }
    return quorum_reached(c, values, count);
}

bool paxos__has(const struct paxos *p, const uint32_t *rids, size_t count) {
    if (PAXOS_MUTANT(35)) {
        struct quorum_config half = *paxos__config(p);
        half.sets[1].count = 0;
        return quorum_has(&half, rids, count);
    }
    return quorum_has(paxos__config(p), rids, count);
}

bool paxos__able(const struct paxos *p) {
    return !p->log_only && quorum_may_lead(paxos__config(p), p->rid);
}

struct roll {
    struct peer peers[PAXOS_PEERS_MAX];
    size_t count;
};

static void enroll(struct paxos *p, struct roll *r, uint32_t rid, bool learner) {
    if (rid == p->rid || r->count == PAXOS_PEERS_MAX)
        return;
    for (size_t i = 0; i < r->count; i++)
        if (r->peers[i].rid == rid)
            return;
    const struct peer *old = paxos__peer(p, rid);
    struct peer *f = &r->peers[r->count++];
    *f = old ? *old : (struct peer){.rid = rid, .heard_ns = p->now_ns, .pump = true};
    f->learner = learner;
    if (f->next == 0)
        f->next = paxos__log_last(&p->log) + 1;
}

static void enroll_voters(struct paxos *p, struct roll *r, const struct quorum_config *c) {
    struct quorum_rids rids = quorum_voters(c);
    for (uint32_t i = 0; i < rids.count; i++)
        enroll(p, r, rids.rids[i], /* learner= */ false);
}

/* A step may hold a pointer to a peer while a configuration is appended or cut, so what was
 * outgrown lives until the next one. */
static void reserve_peers(struct paxos *p, size_t count) {
    TC_ASSERT(count <= PAXOS_PEERS_MAX);
    if (count * sizeof *p->peers <= p->peer_mem.len)
        return;
    size_t cap = count <= PAXOS_PEERS_FEW ? PAXOS_PEERS_FEW : PAXOS_PEERS_MAX;
    struct tc_buf mem = {0};
    struct peer *peers = (void *)tc_buf_extend(&mem, cap * sizeof *peers);
    if (p->peer_count > 0)
        memcpy(peers, p->peers, p->peer_count * sizeof *peers);
    p->peer_mem_before = p->peer_mem;
    p->peer_mem = mem;
    p->peers = peers;
}

void paxos__sync_peers(struct paxos *p) {
    struct roll r = {.count = 0};
    enroll_voters(p, &r, paxos__config(p));
    const struct quorum_config *shown = paxos__shown(p);
    if (p->role != PAXOS_LEADER && shown && shown->version > paxos__config(p)->version)
        enroll_voters(p, &r, shown);
    for (size_t i = 0; i < p->peer_count && p->role == PAXOS_LEADER; i++)
        if (p->peers[i].learner)
            enroll(p, &r, p->peers[i].rid, /* learner= */ true);
    paxos__sync_slots(p, r.peers, r.count);
    reserve_peers(p, r.count);
    if (r.count > 0)
        memcpy(p->peers, r.peers, r.count * sizeof r.peers[0]);
    p->peer_count = r.count;
}

tc_err paxos__learn(struct paxos *p, uint32_t rid) {
    size_t learners = 0;
    if (p->role != PAXOS_LEADER || p->resigning)
        return TC_ENOTLEADER;
    if (rid == 0 || rid == p->rid || rid >= 1u << PAXOS_RID_BITS)
        return TC_EINVAL;
    const struct peer *known = paxos__peer(p, rid);
    if (known)
        return known->learner ? TC_OK : TC_EINVAL;
    for (size_t i = 0; i < p->peer_count; i++)
        learners += p->peers[i].learner;
    if (learners == PAXOS_LEARNERS_MAX)
        return TC_EBUSY;
    TC_ASSERT(p->peer_count < PAXOS_PEERS_MAX);
    reserve_peers(p, p->peer_count + 1);
    TRACE(p, "learn %" PRIu32 " -> feed it, count it nowhere", rid);
    p->peers[p->peer_count++] = (struct peer){.rid = rid,
                                              .learner = true,
                                              .mode = PEER_PROBE,
                                              .next = paxos__log_last(&p->log) + 1,
                                              .heard_ns = p->now_ns,
                                              .pump = true};
    return TC_OK;
}

tc_err paxos__unlearn(struct paxos *p, uint32_t rid) {
    struct peer *f = paxos__peer(p, rid);
    if (p->role != PAXOS_LEADER)
        return TC_ENOTLEADER;
    if (f == NULL || !f->learner)
        return TC_OK;
    TRACE(p, "unlearn %" PRIu32, rid);
    *f = p->peers[--p->peer_count];
    return TC_OK;
}
