/* Replicas come to stores and go: creation, removal, lost disks. */
#include "base/assert.h"
#include "sim/core/cluster.h"

int sim_store_of(const struct sim_cluster *c, uint32_t rid) {
    for (uint32_t n = 0; n < c->swarm.nodes; n++)
        if (c->nodes[n].rid == rid)
            return (int)n;
    return -1;
}

static void forget(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    TC_ASSERT(!n->up);
    sim_disk_deinit(&n->disk);
    n->disk = (struct sim_disk){.log_only = true, .config = c->config};
    n->state = (struct sim_state){0};
    n->waiting_count = 0;
    n->said_promise = n->owned = n->checked_commit = 0;
    n->snapshot_on_way = n->wants_tree = false;
}

uint32_t sim_store_create(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    TC_ASSERT(n->rid == 0 && c->next_rid < SIM_RIDS_MAX);
    forget(c, node);
    n->rid = c->next_rid++;
    sim_note(c, "    store %u is given replica %u", node + 1, n->rid);
    sim_schedule(c, SIM_EV_START, node, 0, 0, NULL);
    return n->rid;
}

void sim_store_wipe(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    if (n->rid == 0)
        return;
    sim_node_crash(c, node);
    sim_note(c, "    replica %u is deleted", n->rid);
    forget(c, node);
    n->rid = 0;
}

void sim_store_lose(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    sim_note(c, "    the disk of %u is lost", n->rid);
    sim_node_crash(c, node);
    sim_disk_deinit(&c->lost);
    c->lost = n->disk;
    c->lost_rid = n->rid;
    n->disk = (struct sim_disk){.log_only = true};
    forget(c, node);
    if (paxos_mutant == 15)
        n->disk.log_only = false;
    else
        n->rid = 0;
}

/* Up, and everything that was committed anywhere is durable and readable here. */
static bool intact(const struct sim_cluster *c, uint32_t node) {
    const struct sim_node *n = &c->nodes[node];
    uint64_t chosen = c->chosen.len / sizeof(struct sim_chosen);
    if (!n->up || sim_disk_last(&n->disk) < chosen)
        return false;
    for (uint64_t i = n->disk.base.index + 1; i <= sim_disk_last(&n->disk); i++) {
        const struct paxos_entry *e = sim_disk_entry(&n->disk, i);
        const struct sim_chosen *known = sim_chosen_at(c, i);
        if ((e->flags & PAXOS_FAULTY) || (known && known->chain != e->chain))
            return false;
    }
    return true;
}

/* Some other store has a readable copy of e. */
static bool read_elsewhere(const struct sim_cluster *c, uint32_t node,
                           const struct paxos_entry *e) {
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        const struct paxos_entry *copy = sim_disk_entry(&c->nodes[n].disk, e->index);
        if (n != node && copy && copy->chain == e->chain && !(copy->flags & PAXOS_FAULTY))
            return true;
    }
    return false;
}

/* What rotted elsewhere can be read here alone. Chosen or not: nobody but this store can tell. */
static bool holds_last_copy(const struct sim_cluster *c, uint32_t node) {
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        const struct sim_disk *d = &c->nodes[n].disk;
        for (uint64_t i = d->base.index + 1; n != node && i <= sim_disk_last(d); i++) {
            const struct paxos_entry *e = sim_disk_entry(d, i);
            if ((e->flags & PAXOS_FAULTY) && !read_elsewhere(c, node, e))
                return true;
        }
    }
    return false;
}

bool sim_store_may_lose(const struct sim_cluster *c, uint32_t node) {
    const struct quorum_config *now = &c->chosen_config;
    uint32_t left[QUORUM_VOTERS_MAX];
    size_t count = 0;
    bool tree = false;
    struct quorum_rids voters = quorum_voters(now);
    if (quorum_is_joint(now) || !quorum_may_vote(now, c->nodes[node].rid) ||
        holds_last_copy(c, node))
        return false;
    for (uint32_t i = 0; i < voters.count; i++) {
        int at = sim_store_of(c, voters.rids[i]);
        if (at == (int)node)
            continue;
        if (at < 0 || !intact(c, (uint32_t)at) ||
            !quorum_may_vote(paxos_config(c->nodes[at].paxos), voters.rids[i]))
            return false; /* one at a time */
        left[count++] = voters.rids[i];
        tree = tree || (quorum_may_lead(now, voters.rids[i]) && !c->nodes[at].disk.log_only);
    }
    return tree && quorum_has(now, left, count);
}
