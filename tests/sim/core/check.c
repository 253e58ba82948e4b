/* Invariants I1 to I9 (REPLICATION.md B2), looked at from outside after every step. */
#include "base/assert.h"
#include "sim/core/cluster.h"

static struct sim_chosen *chosen(const struct sim_cluster *c) {
    return (struct sim_chosen *)(void *)c->chosen.data;
}

static uint64_t chosen_count(const struct sim_cluster *c) {
    return c->chosen.len / sizeof(struct sim_chosen);
}

const struct sim_chosen *sim_chosen_at(const struct sim_cluster *c, uint64_t index) {
    return index >= 1 && index <= chosen_count(c) ? &chosen(c)[index - 1] : NULL;
}

/* The entry is durable at a quorum of the configuration that node goes by. */
static bool is_durable(const struct sim_cluster *c, uint32_t node, uint64_t index, uint64_t chain) {
    const struct quorum_config *now = paxos_config(c->nodes[node].paxos);
    uint32_t holders[QUORUM_VOTERS_MAX];
    size_t count = 0;
    struct quorum_rids voters = quorum_voters(now);
    for (uint32_t i = 0; i < voters.count; i++) {
        int at = sim_store_of(c, voters.rids[i]);
        const struct sim_disk *disk = at >= 0                         ? &c->nodes[at].disk
                                      : voters.rids[i] == c->lost_rid ? &c->lost
                                                                      : NULL;
        if (disk && sim_disk_holds(disk, index, chain))
            holders[count++] = voters.rids[i];
    }
    return quorum_has(now, holders, count);
}

/* The first commit of an index anywhere: from now on it is chosen. */
static void choose(struct sim_cluster *c, uint32_t node, const struct paxos_entry *e) {
    struct sim_chosen now = {.chain = e->chain, .ballot = e->ballot, .key = UINT32_MAX};
    if (!is_durable(c, node, e->index, e->chain))
        sim_fail(c, "I3: %u committed %lu without a durable quorum", node + 1,
                 (unsigned long)e->index);
    if (e->type == PAXOS_LEAD && e->ballot > c->chosen_lead_ballot)
        c->chosen_lead_ballot = e->ballot;
    if (e->type == PAXOS_CONF)
        c->chosen_config = *paxos_config_at(c->nodes[node].paxos, e->index);
    tc_buf_append(&c->chosen, &now, sizeof now);
}

static void check_commit(struct sim_cluster *c, uint32_t node, const struct paxos_status *s) {
    struct sim_node *n = &c->nodes[node];
    if (n->checked_commit < s->base.index)
        n->checked_commit = s->base.index;
    for (uint64_t i = n->checked_commit + 1; i <= s->commit && !c->failed; i++) {
        const struct paxos_entry *e = paxos_entry_at(n->paxos, i);
        TC_ASSERT(e != NULL);
        if (i == chosen_count(c) + 1)
            choose(c, node, e);
        const struct sim_chosen *known = sim_chosen_at(c, i);
        if (known == NULL)
            sim_fail(c, "I1: %u committed %lu above a gap", node + 1, (unsigned long)i);
        else if (known->chain != e->chain)
            sim_fail(c, "I1: %u committed another entry at %lu", node + 1, (unsigned long)i);
        n->checked_commit = i;
    }
}

void sim_check_step(struct sim_cluster *c, uint32_t node, const struct paxos_out *out) {
    struct sim_node *n = &c->nodes[node];
    struct paxos_status s = paxos_status(n->paxos);
    if (!paxos_check(n->paxos))
        sim_fail(c, "paxos_check of %u", node + 1);
    for (size_t i = 0; i < out->append_count; i++) {
        const struct sim_chosen *known = sim_chosen_at(c, out->appends[i].index);
        if (out->appends[i].index <= n->checked_commit && known &&
            known->chain != out->appends[i].chain)
            sim_fail(c, "I5: %u overwrites committed %lu", node + 1,
                     (unsigned long)out->appends[i].index);
    }
    if (s.promised < n->said_promise)
        sim_fail(c, "I4: the promise of %u fell", node + 1);
    if (out->apply_index > sim_disk_last(&n->disk) && out->apply_index > n->state.applied)
        sim_fail(c, "I7: %u may apply %lu, not durable here", node + 1,
                 (unsigned long)out->apply_index);
    if (s.base.index > s.archived || (!s.log_only && s.base.index > s.checkpoint))
        sim_fail(c, "I2: the base of %u is above its archive or checkpoint", node + 1);
    check_commit(c, node, &s);
}

void sim_check_applied(struct sim_cluster *c, uint32_t node, const struct paxos_entry *e,
                       uint32_t key, uint64_t before) {
    const struct sim_node *n = &c->nodes[node];
    const struct paxos_entry *own = sim_disk_entry(&n->disk, e->index);
    if (e->index == 0 || e->index > chosen_count(c)) {
        sim_fail(c, "I7: %u applied %lu, not chosen", node + 1, (unsigned long)e->index);
        return;
    }
    struct sim_chosen *known = &chosen(c)[e->index - 1];
    if (own == NULL || own->chain != e->chain)
        sim_fail(c, "I7: %u applied %lu, not durable here", node + 1, (unsigned long)e->index);
    if (known->sum == 0) {
        known->key = key;
        known->before = before;
        known->sum = n->state.sum;
    } else if (known->sum != n->state.sum) {
        sim_fail(c, "I8: the state of %u differs at %lu", node + 1, (unsigned long)e->index);
    }
}

void sim_check_read(struct sim_cluster *c, uint32_t node, uint64_t ballot) {
    if (c->chosen_lead_ballot > ballot)
        sim_fail(c, "I6: %u serves a read, a later leader exists", node + 1);
}

void sim_check_acked(struct sim_cluster *c, uint32_t node, uint64_t index) {
    const struct sim_chosen *known = sim_chosen_at(c, index);
    if (known == NULL)
        sim_fail(c, "I3: acknowledged %lu is not chosen", (unsigned long)index);
    else if (!is_durable(c, node, index, known->chain))
        sim_fail(c, "I3: acknowledged %lu is not durable on a quorum", (unsigned long)index);
}

void sim_check_archived(struct sim_cluster *c, const struct paxos_entry *e) {
    const struct sim_chosen *known = sim_chosen_at(c, e->index);
    if (e->index != sim_archived(c) + 1)
        sim_fail(c, "I9: archive hole, after %lu comes %lu", (unsigned long)sim_archived(c),
                 (unsigned long)e->index);
    else if (known == NULL || known->chain != e->chain)
        sim_fail(c, "I9: the archive takes %lu, which was not chosen", (unsigned long)e->index);
    else if ((e->flags & PAXOS_FAULTY) || (e->body == NULL && e->body_len > 0))
        sim_fail(c, "I9: the archive takes %lu without its body", (unsigned long)e->index);
}

void sim_check_start(struct sim_cluster *c, uint32_t node) {
    const struct sim_node *n = &c->nodes[node];
    if (n->disk.promised < n->said_promise)
        sim_fail(c, "I4: the promise of %u did not survive its restart", n->rid);
    if (sim_disk_last(&n->disk) < n->owned &&
        (n->disk.log_only || n->disk.checkpoint.applied < n->owned))
        sim_fail(c, "I3: %u starts with a log that ends below committed %lu", n->rid,
                 (unsigned long)n->owned);
}

/* Some member knows more than a replica that was removed, and the replica asks it. */
static bool can_be_told(const struct sim_cluster *c, const struct paxos *removed) {
    struct quorum_rids known = quorum_voters(paxos_config(removed));
    for (uint32_t i = 0; i < known.count; i++)
        if (quorum_may_vote(&c->chosen_config, known.rids[i]))
            return true;
    return false;
}

void sim_check_silenced(struct sim_cluster *c) {
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        const struct sim_node *node = &c->nodes[n];
        if (!node->up || quorum_may_vote(&c->chosen_config, node->rid) ||
            !quorum_may_vote(paxos_config(node->paxos), node->rid))
            continue;
        if (paxos_status(node->paxos).role != PAXOS_OUTCAST && can_be_told(c, node->paxos))
            sim_fail(c, "liveness: %u was removed and does not know it", node->rid);
    }
}
