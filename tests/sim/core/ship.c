/* What crosses from store to store beside messages: snapshots, and the archive of committed
 * entries. */
#include "base/assert.h"
#include "sim/core/cluster.h"

#include <stdlib.h>

enum {
    RESTORE_MAX = 64, /* entries of one answer of the archive */
};

struct snapshot {
    uint32_t rid; /* for whom */
    bool tree;
    struct sim_state state;
    struct paxos_mark base;
    struct quorum_config config;
    uint64_t archived;
};

struct wanted {
    uint64_t boot;
    uint64_t from; /* 0: from the replica's commit on */
    uint64_t index;
};

static struct paxos_entry *archive(const struct sim_cluster *c) {
    return (struct paxos_entry *)(void *)c->archive.data;
}

uint64_t sim_archived(const struct sim_cluster *c) {
    return c->archive.len / sizeof(struct paxos_entry);
}

static struct paxos_mark mark_at(const struct sim_node *n, uint64_t index) {
    const struct paxos_entry *e = paxos_entry_at(n->paxos, index);
    if (e == NULL)
        return paxos_status(n->paxos).base;
    return (struct paxos_mark){.index = index, .ballot = e->ballot, .chain = e->chain};
}

void sim_ship_snapshot(struct sim_cluster *c, uint32_t node, uint32_t to, bool tree) {
    const struct sim_node *n = &c->nodes[node];
    struct paxos_status s = sim_node_status(c, node);
    struct snapshot *snap = calloc(1, sizeof *snap);
    TC_ASSERT(snap != NULL);
    uint64_t index = s.archived < n->state.applied ? s.archived : n->state.applied;
    if (paxos_mutant == 18 && !tree)
        index = n->state.applied;
    if (index < s.base.index)
        index = s.base.index;
    *snap = (struct snapshot){.rid = c->nodes[to].rid,
                              .tree = tree,
                              .state = n->state,
                              .base = mark_at(n, index),
                              .archived = s.archived};
    snap->config = *paxos_config_at(n->paxos, snap->base.index);
    c->nodes[to].snapshot_on_way = true;
    uint64_t most = tree ? c->swarm.tree_max_ns : 50 * SIM_MS;
    sim_schedule(c, SIM_EV_SNAPSHOT, to, tc_prng_between(&c->prng, SIM_MS, most), node, snap);
}

static void want_restore(struct sim_cluster *c, uint32_t node, uint64_t from, uint64_t index) {
    struct wanted *w = malloc(sizeof *w);
    TC_ASSERT(w != NULL);
    *w = (struct wanted){.boot = c->nodes[node].boot, .from = from, .index = index};
    sim_schedule(c, SIM_EV_RESTORE, node, tc_prng_between(&c->prng, SIM_MS, 50 * SIM_MS), 0, w);
}

/* A STORAGE member has one even if it has not answered this leader yet. */
static bool holds_tree(const struct sim_cluster *c, uint32_t leader, uint32_t rid) {
    if (quorum_may_lead(paxos_config(c->nodes[leader].paxos), rid))
        return true;
    struct paxos_peer_status peers[QUORUM_VOTERS_MAX + PAXOS_LEARNERS_MAX];
    size_t count = paxos_peers(c->nodes[leader].paxos, peers, sizeof peers / sizeof peers[0]);
    for (size_t i = 0; i < count; i++)
        if (peers[i].rid == rid)
            return peers[i].has_tree;
    return false;
}

void sim_ship(struct sim_cluster *c, uint32_t node, const struct paxos_out *out) {
    if (out->restore_index != 0)
        want_restore(c, node, /* from= */ 0, out->restore_index);
    for (size_t i = 0; i < out->snapshot_count; i++) {
        int to = sim_store_of(c, out->snapshots[i]);
        if (to < 0 || c->nodes[to].snapshot_on_way || !sim_net_open(&c->net, node, (uint32_t)to))
            continue;
        bool tree = holds_tree(c, node, out->snapshots[i]) || c->nodes[to].wants_tree;
        sim_ship_snapshot(c, node, (uint32_t)to, tree);
    }
}

/* Everything that was copied is here already, but the log ends below, or is unreadable where, the
 * sender has trimmed its own. */
static bool lacks_log(const struct sim_node *n, const struct snapshot *snap) {
    struct paxos_status s = paxos_status(n->paxos);
    return snap->tree && !n->disk.log_only && snap->state.applied <= n->state.applied &&
           snap->base.index <= n->state.applied &&
           (snap->base.index > s.last.index ||
            (s.faulty_count > 0 && snap->base.index > s.base.index));
}

/* It brings something, and the log it finds fits to it. */
static bool useful(const struct sim_node *n, const struct snapshot *snap) {
    struct paxos_status s = paxos_status(n->paxos);
    const struct paxos_entry *e = paxos_entry_at(n->paxos, snap->base.index);
    bool held = e && e->chain == snap->base.chain;
    if (snap->tree && n->disk.log_only)
        return snap->state.applied >= s.base.index;
    if (snap->tree)
        return snap->state.applied > n->state.applied || lacks_log(n, snap);
    return n->disk.log_only && snap->base.index > s.base.index &&
           (held || snap->base.index > s.commit);
}

static void install(struct sim_cluster *c, uint32_t node, struct snapshot *snap) {
    struct sim_node *n = &c->nodes[node];
    struct paxos_out out;
    if (lacks_log(n, snap))
        snap->state = n->state;
    sim_disk_install(&n->disk, snap->base, &snap->config, snap->tree ? &snap->state : NULL);
    if (snap->tree)
        n->state = snap->state;
    n->waiting_count = 0;
    struct paxos_event ev = {
        .type = PAXOS_EV_INSTALLED,
        .installed = {.base = snap->base,
                      .config = &snap->config,
                      .checkpoint_index = snap->tree ? snap->state.applied : snap->base.index,
                      .archived = snap->archived,
                      .log_only = !snap->tree}};
    if (sim_node_step(c, node, &ev, &out) != TC_OK)
        sim_fail(c, "%u refused a snapshot", n->rid);
}

void sim_ship_arrives(struct sim_cluster *c, uint32_t node, void *data) {
    struct sim_node *n = &c->nodes[node];
    struct snapshot *snap = data;
    if (n->rid != snap->rid) {
        free(snap);
        return;
    }
    if (n->up && n->disk.unit_count > 0) {
        sim_schedule(c, SIM_EV_SNAPSHOT, node, SIM_MS / 4, 0, data);
        return;
    }
    n->snapshot_on_way = false;
    if (n->up && useful(n, snap))
        install(c, node, snap);
    free(snap);
}

void sim_ship_restore(struct sim_cluster *c, uint32_t node, void *data) {
    struct sim_node *n = &c->nodes[node];
    struct wanted w = *(struct wanted *)data;
    free(data);
    if (!n->up || n->boot != w.boot)
        return;
    uint64_t from = w.from ? w.from : sim_node_status(c, node).commit + 1;
    if (w.index > sim_archived(c)) {
        sim_fail(c, "%u wants %lu from the archive, which ends at %lu", n->rid,
                 (unsigned long)w.index, (unsigned long)sim_archived(c));
        return;
    }
    if (w.index < from)
        return;
    uint64_t count = w.index - from + 1 < RESTORE_MAX ? w.index - from + 1 : RESTORE_MAX;
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_RESTORED,
                             .restored = {&archive(c)[from - 1], (size_t)count}};
    tc_err err = sim_node_step(c, node, &ev, &out);
    if (err != TC_OK && w.from == 0)
        sim_fail(c, "%u refused entries of the archive", n->rid);
    if (err == TC_OK && !c->failed && from + count <= w.index)
        want_restore(c, node, from + count, w.index);
}

/* The leader's log goes to the archive, entry by entry. */
static void archive_to(struct sim_cluster *c, uint32_t node, uint64_t index) {
    const struct sim_node *n = &c->nodes[node];
    for (uint64_t i = sim_archived(c) + 1; i <= index && !c->failed; i++) {
        uint64_t at = paxos_mutant == 32 && i % 16 == 0 ? i + 1 : i;
        const struct paxos_entry *e = paxos_entry_at(n->paxos, at);
        if (e == NULL) {
            sim_fail(c, "I9: archive hole, entry %lu is gone at %u", (unsigned long)i, n->rid);
            return;
        }
        struct paxos_entry full = *e;
        const struct paxos_entry *own = sim_disk_entry(&n->disk, at);
        if (full.body == NULL && own)
            full.body = own->body;
        sim_check_archived(c, &full);
        if (full.body)
            tc_blob_ref(full.body);
        tc_buf_append(&c->archive, &full, sizeof full);
    }
}

static void checkpoint(struct sim_cluster *c, uint32_t node) {
    struct sim_node *n = &c->nodes[node];
    struct paxos_out out;
    if (n->disk.log_only)
        return;
    n->disk.checkpoint = n->state;
    struct paxos_event ev = {.type = PAXOS_EV_CHECKPOINT, .index = n->state.applied};
    (void)sim_node_step(c, node, &ev, &out);
}

void sim_node_upkeep(struct sim_cluster *c, uint32_t node, uint64_t lag, uint64_t keep) {
    struct sim_node *n = &c->nodes[node];
    struct paxos_out out;
    if (!n->up)
        return;
    checkpoint(c, node);
    if (!c->failed && sim_node_status(c, node).serving) {
        archive_to(c, node, n->state.applied > lag ? n->state.applied - lag : 0);
        uint64_t done = sim_archived(c);
        uint64_t commit = sim_node_status(c, node).commit;
        struct paxos_event ev = {.type = PAXOS_EV_ARCHIVED, .index = done < commit ? done : commit};
        (void)sim_node_step(c, node, &ev, &out);
    }
    if (c->failed)
        return;
    uint64_t max = paxos_trim_max(n->paxos);
    struct paxos_event ev = {.type = PAXOS_EV_TRIM, .index = max > keep ? max - keep : 0};
    if (sim_node_step(c, node, &ev, &out) != TC_OK)
        sim_fail(c, "%u refused a trim", n->rid);
}
