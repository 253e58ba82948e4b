/* An unreadable entry above everything known as committed, met by a candidate (B7.4).
 *
 * It may have been chosen or not. The candidate asks everybody for an intact copy, and drops it
 * once those that provably never had it block every quorum: then it was never chosen. */
#include "core/paxos/paxos_private.h"

/* The wanted entry stands in the own log, unreadable, and not at a promiser. */
static bool wants_own(const struct paxos *p) {
    return p->want.index != 0 && paxos__log_holds(&p->log, &p->want);
}

/* Without the voters that provably never had the wanted entry, this configuration has no quorum. In
 * a joint one the new members alone may have chosen it, by the final one above it. */
static bool absent_block(struct paxos *p, const struct quorum_config *c) {
    struct quorum_config decisive = {.version = c->version,
                                     .sets[0] = c->sets[quorum_is_joint(c) ? 1 : 0]};
    struct quorum_rids voters = quorum_voters(c);
    uint32_t rids[QUORUM_VOTERS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < voters.count; i++) {
        const struct peer *f = paxos__peer(p, voters.rids[i]);
        bool absent = voters.rids[i] == p->rid ? !wants_own(p) : f && f->absent;
        if (!absent)
            rids[count++] = voters.rids[i];
    }
    return !quorum_has(&decisive, rids, count);
}

/* The replicas that provably never had the wanted entry block every quorum, under the configuration
 * in force there and the one in force here: it was never chosen, and what its promiser, or this
 * log, holds from there on is void. (An unreadable CONF is judged by the one before it: a joint one
 * needs those members too, and a final one is judged by its joint one's new members.) */
static bool drop_wanted(struct paxos *p) {
    const struct quorum_config *there = paxos__log_config(&p->log, p->want.index - 1);
    bool blocked = absent_block(p, there) && absent_block(p, paxos__config(p));
    if (!blocked && !PAXOS_MUTANT(34))
        return false;
    TC_PROBE("paxos: an unreadable entry was dropped, a blocking set never had it");
    TRACE(p, "a blocking set never had " AT_FMT " -> drop it", AT_ARGS(p->want));
    if (wants_own(p)) {
        TC_ASSERT(p->want.index > p->commit);
        TC_PROBE("paxos: a candidate dropped an unreadable entry of its own");
        paxos__cut(p, p->want.index);
    }
    for (size_t i = 0; i < p->peer_count; i++) /* one that never had it has another log */
        if (p->peers[i].promised && !p->peers[i].absent &&
            !paxos__log_better(&p->want, &p->peers[i].last))
            p->peers[i].last = paxos__last(p);
    p->want = (struct paxos_mark){0};
    return true;
}

bool paxos__want_blocks(struct paxos *p) {
    const struct peer *best = paxos__best_promiser(p);
    if (wants_own(p) && (best || p->want.index <= p->commit))
        p->want = (struct paxos_mark){0}; /* that log decides, or the archive has, what it is */
    if (p->want.index != 0 && best && p->want_rid != p->rid && p->want_rid != best->rid) {
        TC_PROBE("paxos: a better log than the one with the unreadable entry was promised");
        p->want = (struct paxos_mark){0};
    }
    return p->want.index != 0 && !drop_wanted(p);
}

void paxos__look_for(struct paxos *p, struct paxos_mark want, uint32_t rid) {
    p->want = want;
    p->want_rid = rid;
    for (size_t i = 0; i < p->peer_count; i++)
        p->peers[i].absent = false;
    paxos__send_fetch(p, &p->want);
}

/* The own log is the best and has an unreadable entry. One that is committed is repaired, sooner or
 * later; one above may have been chosen or not, and it may be that nobody else is able to find out.
 */
void paxos__look_for_own(struct paxos *p) {
    const struct paxos_entry *e = paxos__log_at(&p->log, p->log.faulty_first);
    TC_ASSERT(e != NULL);
    if (e->body != NULL || e->index <= p->commit)
        return; /* its repair is on the way to the disk, or it is asked for like any follower's */
    struct paxos_mark want = paxos__log_mark(&p->log, e->index);
    TRACE(p, "own entry " AT_FMT " is unreadable -> look for an intact copy", AT_ARGS(want));
    paxos__look_for(p, want, p->rid);
}
