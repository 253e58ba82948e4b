/* The node under several groups: one support machine, one clock, one process (REPLICATION.md B9).
 */
#include "base/assert.h"
#include "sim/core/cluster.h"

#include <stdlib.h>

/* A beat on its way, with what the sender had committed where it led when it sent it. */
struct beat {
    struct support_beat beat;
    uint64_t ballot[SIM_SIBLINGS_MAX + 1]; /* 0: it did not lead */
    uint64_t commit[SIM_SIBLINGS_MAX + 1];
    struct support_wake wakes[];
};

static uint64_t local_now(const struct sim_cluster *c, uint32_t node) {
    return sim_clock_local(&c->nodes[node].clock, c->now_ns);
}

static struct sim_cluster *group(struct sim_cluster *c, uint32_t i) {
    return i == 0 ? c : c->siblings[i - 1];
}

/* ---- siblings */

void sim_siblings_init(struct sim_cluster *c) {
    struct sim_swarm swarm = c->swarm;
    swarm.fault_every_ns = 0;
    swarm.kills_new_leaders = swarm.rot = swarm.long_deaths = swarm.gray_links = false;
    TC_ASSERT(c->swarm.siblings == 0 ||
              !swarm.replaces); /* a store that is lost would be lost to every group */
    swarm.clients = 2;
    swarm.think_max_ns = 4 * swarm.paxos.lease_ns;
    for (uint32_t i = 0; i < c->swarm.siblings; i++) {
        struct sim_cluster *s = calloc(1, sizeof *s);
        TC_ASSERT(s != NULL);
        sim_cluster_init(s, c->seed ^ (0x5349424cull + i), &swarm);
        s->group = i + 1;
        s->main = c;
        s->trace = c->trace;
        s->trace_user = c->trace_user;
        for (uint32_t n = 0; n < swarm.nodes; n++)
            s->nodes[n].clock = c->nodes[n].clock;
        c->siblings[c->sibling_count++] = s;
    }
}

void sim_siblings_deinit(struct sim_cluster *c) {
    for (uint32_t i = 0; i < c->sibling_count; i++) {
        sim_cluster_deinit(c->siblings[i]);
        free(c->siblings[i]);
    }
    c->sibling_count = 0;
}

/* Links, stops and the calm are of the nodes. */
static void mirror(struct sim_cluster *s) {
    const struct sim_cluster *c = s->main;
    memcpy(s->net.cut, c->net.cut, sizeof s->net.cut);
    s->net.opt = c->net.opt;
    s->calm = c->calm;
    for (uint32_t n = 0; n < c->swarm.nodes; n++)
        s->nodes[n].paused_until_ns = c->nodes[n].paused_until_ns;
}

void sim_siblings_run(struct sim_cluster *c, uint64_t until_ns) {
    for (uint32_t i = 0; i < c->sibling_count; i++) {
        struct sim_cluster *s = c->siblings[i];
        mirror(s);
        while (sim_cluster_next(s, until_ns)) {
        }
        if (s->failed)
            sim_fail(c, "group %u: %s", i + 1, s->failure);
        c->hash = (c->hash ^ s->hash) * 0x9e3779b97f4a7c15u;
    }
}

/* ---- the node's life */

static void schedule(struct sim_cluster *c, uint32_t node, uint64_t at_local_ns) {
    struct sim_node *n = &c->nodes[node];
    if (at_local_ns == UINT64_MAX)
        return;
    uint64_t at = sim_clock_global(&n->clock, at_local_ns);
    if (at <= c->now_ns)
        at = c->now_ns + 1;
    if (n->beats_at_ns > c->now_ns && n->beats_at_ns <= at)
        return;
    n->beats_at_ns = at;
    sim_schedule(c, SIM_EV_BEATS, node, at - c->now_ns, n->boot, NULL);
}

/* As the administrator names a new replica's store. */
static uint8_t newcomer(const struct sim_cluster *c, uint32_t rid) {
    return rid > c->swarm.members ? (uint8_t)rid : 0;
}

void sim_beats_start(struct sim_cluster *c, uint32_t node) {
    if (c->main != c || !c->swarm.beats)
        return;
    const struct paxos_options *o = &c->swarm.paxos;
    uint32_t rid = c->nodes[node].rid;
    struct support_params params = {.store = {(uint8_t)(node + 1), newcomer(c, rid)},
                                    .boot = c->nodes[node].boot + 1,
                                    .lease_ns = o->lease_ns,
                                    .beat_ns = o->beat_ns,
                                    .suspect_ns = o->suspect_ns,
                                    .trace = &c->nodes[node].trace};
    TC_ASSERT(c->nodes[node].support == NULL);
    if (support_new(&params, &c->nodes[node].support) != TC_OK)
        sim_fail(c, "the support machine of %u does not start", node + 1);
}

void sim_beats_started(struct sim_cluster *c, uint32_t node) {
    if (c->main != c || !c->swarm.beats)
        return;
    for (uint32_t i = 0; i < c->sibling_count; i++) {
        c->siblings[i]->now_ns = c->now_ns;
        c->siblings[i]->nodes[node].trace.line = c->nodes[node].trace.line;
        sim_node_start(c->siblings[i], node);
    }
    c->nodes[node].beats_at_ns = 0;
    schedule(c, node, support_deadline_ns(c->nodes[node].support));
}

void sim_beats_crash(struct sim_cluster *c, uint32_t node) {
    for (uint32_t i = 0; i < c->sibling_count; i++) {
        c->siblings[i]->now_ns = c->now_ns;
        sim_node_crash(c->siblings[i], node);
    }
}

void sim_beats_crashed(struct sim_cluster *c, uint32_t node) {
    support_free(c->nodes[node].support);
    c->nodes[node].support = NULL;
}

/* ---- beats */

static void look_again(struct sim_cluster *c, uint32_t node) {
    if (!support_take_changed(c->nodes[node].support))
        return;
    for (uint32_t i = 0; i <= c->sibling_count && !c->failed; i++) {
        struct sim_cluster *g = group(c, i);
        struct paxos_out out;
        struct paxos_event tick = {.type = PAXOS_EV_TICK};
        g->now_ns = c->now_ns;
        bool waits = g->nodes[node].patient && sim_node_status(g, node).role == PAXOS_FOLLOWER;
        if (g->nodes[node].up && !waits)
            (void)sim_node_step(g, node, &tick, &out);
        if (g->failed)
            sim_fail(c, "group %u: %s", i, g->failure);
    }
}

static void launch(struct sim_cluster *c, uint32_t from, uint32_t to, enum sim_kind kind,
                   const void *data, size_t len) {
    uint64_t delays[SIM_NET_COPIES_MAX];
    struct sim_net net = c->net;
    net.prng = &c->beat_prng;
    uint32_t copies = sim_net_route(&net, from, to, delays);
    for (uint32_t i = 0; i < copies; i++) {
        void *copy = malloc(len);
        TC_ASSERT(copy != NULL);
        memcpy(copy, data, len);
        sim_schedule(c, kind, to, delays[i], from, copy);
    }
}

static void send_beat(struct sim_cluster *c, uint32_t node, const struct support_beat *b) {
    size_t len = sizeof(struct beat) + b->wake_count * sizeof b->wakes[0];
    struct beat *m = calloc(1, len);
    TC_ASSERT(m != NULL);
    m->beat = *b;
    if (b->wake_count > 0)
        memcpy(m->wakes, b->wakes, b->wake_count * sizeof b->wakes[0]);
    for (uint32_t i = 0; i <= c->sibling_count; i++) {
        const struct sim_cluster *g = group(c, i);
        struct paxos_status s =
            g->nodes[node].up ? sim_node_status(g, node) : (struct paxos_status){0};
        if (s.role != PAXOS_LEADER)
            continue;
        m->ballot[i] = s.ballot;
        m->commit[i] = s.commit;
    }
    launch(c, node, b->to[0] - 1u, SIM_EV_BEAT, m, len);
    free(m);
}

/* A sync of this store has hung for longer than a leader may wait (gray disk). */
static bool stalled(struct sim_cluster *c, uint32_t node) {
    for (uint32_t i = 0; i <= c->sibling_count; i++) {
        const struct sim_node *n = &group(c, i)->nodes[node];
        if (n->disk.syncing_seq != 0 && n->sync_since_ns + c->swarm.paxos.stall_ns < c->now_ns)
            return true;
    }
    return false;
}

void sim_beats_due(struct sim_cluster *c, uint32_t node, uint64_t boot) {
    struct sim_node *n = &c->nodes[node];
    struct support_beat b;
    if (!n->up || n->boot != boot)
        return;
    n->beats_at_ns = 0;
    support_tick(n->support, local_now(c, node));
    bool sick = stalled(c, node);
    while (!sick && support_next_beat(n->support, local_now(c, node), &b))
        send_beat(c, node, &b);
    look_again(c, node);
    schedule(c, node,
             sick ? local_now(c, node) + c->swarm.paxos.beat_ns : support_deadline_ns(n->support));
}

/* ---- what arrives */

static void wake(struct sim_cluster *c, uint32_t node, uint32_t slot,
                 const struct support_wake *w) {
    uint32_t i = (uint32_t)(w->gid - 7);
    TC_ASSERT(i <= c->sibling_count);
    struct sim_cluster *g = group(c, i);
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_WOKEN, .woken = {.slot = slot, .number = w->number}};
    g->now_ns = c->now_ns;
    if (g->nodes[node].up)
        (void)sim_node_step(g, node, &ev, &out);
}

/* A quiet follower takes the beat for its leader's word that nothing was committed beyond. */
static void check_fresh(struct sim_cluster *c, uint32_t node, const struct beat *m) {
    for (uint32_t i = 0; i <= c->sibling_count; i++) {
        const struct sim_cluster *g = group(c, i);
        if (!g->nodes[node].up || m->ballot[i] == 0)
            continue;
        struct paxos_status s = sim_node_status(g, node);
        bool fresh = paxos_fresh_ns(g->nodes[node].paxos) == local_now(c, node);
        if (fresh && s.ballot == m->ballot[i] && s.commit < m->commit[i])
            sim_fail(c, "freshness: quiet %u is at %lu in group %u, its leader's node beat at %lu",
                     node + 1, (unsigned long)s.commit, i, (unsigned long)m->commit[i]);
    }
}

static void recv_beat(struct sim_cluster *c, uint32_t node, uint32_t from, const struct beat *m) {
    struct sim_node *n = &c->nodes[node];
    struct support_ack ack;
    struct support_beat b = m->beat;
    b.wakes = m->wakes;
    if (support_recv_beat(n->support, local_now(c, node), &b, &ack) != TC_OK)
        return;
    uint32_t slot = support_find(n->support, b.from);
    for (size_t i = 0; i < b.wake_count && !c->failed; i++)
        wake(c, node, slot, &b.wakes[i]);
    look_again(c, node);
    if (!c->failed)
        check_fresh(c, node, m);
    launch(c, node, from, SIM_EV_ACK, &ack, sizeof ack);
}

void sim_beats_recv(struct sim_cluster *c, struct sim_event *ev) {
    struct sim_node *n = &c->nodes[ev->node];
    if (c->hold[ev->arg][ev->node]) {
        tc_buf_append(&c->parked, ev, sizeof *ev);
        return;
    }
    if (n->up && sim_net_open(&c->net, (uint32_t)ev->arg, ev->node)) {
        if (ev->kind == SIM_EV_BEAT)
            recv_beat(c, ev->node, (uint32_t)ev->arg, ev->data);
        else
            support_recv_ack(n->support, local_now(c, ev->node), ev->data);
        look_again(c, ev->node);
        schedule(c, ev->node, support_deadline_ns(n->support));
    }
    free(ev->data);
}

/* ---- the end */

static bool group_is_quiet(const struct sim_cluster *g) {
    const struct quorum_set *members = &g->chosen_config.sets[0];
    for (uint32_t i = 0; i < members->count; i++) {
        int node = sim_store_of(g, members->members[i].rid);
        if (node < 0 || !g->nodes[node].up || !sim_node_status(g, (uint32_t)node).quiet)
            return false;
    }
    return true;
}

static bool all_quiet(struct sim_cluster *c) {
    for (uint32_t i = 0; i <= c->sibling_count; i++)
        if (!group_is_quiet(group(c, i)))
            return false;
    return true;
}

static uint64_t sent_by_groups(struct sim_cluster *c) {
    uint64_t count = 0;
    for (uint32_t i = 0; i <= c->sibling_count; i++)
        count += group(c, i)->sent_count;
    return count;
}

static void run_for(struct sim_cluster *c, uint64_t ns) {
    uint64_t until_ns = c->now_ns + ns;
    while (sim_cluster_next(c, until_ns)) {
    }
}

/* The archive's end still rises for a while, and its followers are told. */
void sim_check_quiet(struct sim_cluster *c) {
    uint64_t lease = c->swarm.paxos.lease_ns;
    bool quiet = !c->swarm.beats;
    for (int i = 0; i < 100 && !c->failed && !quiet; i++) {
        uint64_t before = sent_by_groups(c);
        run_for(c, 3 * lease);
        quiet = before == sent_by_groups(c) && all_quiet(c);
    }
    if (!quiet)
        sim_fail(c, "liveness: an idle group does not fall quiet");
}
