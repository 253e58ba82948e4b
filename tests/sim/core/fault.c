/* Faults by swarm: every seed switches a random third of them off, so that runs differ in kind. */
#include "base/assert.h"
#include "sim/core/cluster.h"

enum fault {
    FAULT_CRASH,
    FAULT_PAUSE,
    FAULT_PARTITION,
    FAULT_RESIGN,
    FAULT_GRUDGE,
    FAULT_LOST_DISK,
    FAULT_LONG_DEATH,
    FAULT_GRAY_LINK,
    FAULT_COUNT,
};

static bool on(struct tc_prng *p) {
    return tc_prng_chance(p, 2, 3);
}

static void draw_net(struct tc_prng *p, struct sim_net_options *net, uint64_t lease_ns) {
    net->delay_min_ns = tc_prng_between(p, SIM_MS / 10, SIM_MS);
    net->delay_max_ns = net->delay_min_ns + (on(p) ? lease_ns / 20 : SIM_MS / 2);
    net->drop_ppm = on(p) ? (uint32_t)tc_prng_below(p, 150000) : 0;
    net->duplicate_ppm = on(p) ? (uint32_t)tc_prng_below(p, 150000) : 0;
    net->late_ppm = on(p) ? (uint32_t)tc_prng_below(p, 20000) : 0;
    net->late_min_ns = lease_ns / 4;
    net->late_max_ns = lease_ns * 4;
}

static void draw_paxos(struct tc_prng *p, struct paxos_options *o) {
    static const uint64_t scale_percent[] = {100, 30, 12};
    uint64_t scale = scale_percent[tc_prng_below(p, 3)];
    o->lease_ns = 1000 * SIM_MS / 100 * scale;
    o->suspect_ns = o->lease_ns / 2;
    o->beat_ns = o->lease_ns * 15 / 100;
    o->stall_ns = o->lease_ns;
    o->drift_ppm = 10000;
    o->batch_count_max = (uint32_t)(1u << tc_prng_below(p, 7));
    o->window_count_max = o->batch_count_max * (uint32_t)tc_prng_between(p, 1, 4);
    o->batch_bytes_max = on(p) ? 1 << 20 : 100;
    o->tail_bytes_max = on(p) ? 1 << 20 : 200;
}

struct sim_swarm sim_swarm_draw(uint64_t seed) {
    struct tc_prng p = tc_prng(seed ^ 0x7377616d);
    struct sim_swarm s = {.members = tc_prng_chance(&p, 1, 8) ? 5 : 3};
    draw_paxos(&p, &s.paxos);
    draw_net(&p, &s.net, s.paxos.lease_ns);
    s.clients = (uint32_t)tc_prng_between(&p, 2, SIM_CLIENTS_MAX);
    s.safety_ns = 40 * s.paxos.lease_ns;
    s.think_max_ns = s.paxos.lease_ns / (on(&p) ? 20 : 200);
    s.sync_min_ns = SIM_MS / 10;
    s.sync_max_ns = s.sync_min_ns + (on(&p) ? s.paxos.lease_ns / 30 : SIM_MS / 5);
    s.fault_every_ns = s.paxos.lease_ns * tc_prng_between(&p, 1, 4) / 2;
    s.crashes = on(&p);
    s.pauses = on(&p);
    s.partitions = on(&p);
    s.leader_targeted = on(&p);
    s.resigns = on(&p);
    s.grudges = on(&p);
    s.kills_new_leaders = on(&p);
    s.trims = on(&p);
    s.rot = on(&p);
    s.slow_disk = on(&p);
    s.drift_ppm = on(&p) ? 9900 : 0;
    s.replaces = on(&p);
    s.nodes = s.members + (s.replaces ? (uint32_t)tc_prng_between(&p, 1, 4) : 0);
    s.moves = s.replaces && on(&p);
    s.lost_disks = s.replaces && on(&p);
    s.long_deaths = on(&p);
    s.gray_links = on(&p);
    s.tree_max_ns = on(&p) ? 50 * SIM_MS : 2 * s.paxos.lease_ns;
    s.beats = on(&p);
    s.siblings = s.beats && !s.replaces ? (uint32_t)tc_prng_below(&p, SIM_SIBLINGS_MAX + 1) : 0;
    if (s.beats && tc_prng_chance(&p, 1, 3))
        s.think_max_ns = 4 * s.paxos.lease_ns; /* long enough between two writes to fall quiet */
    return s;
}

static uint32_t victim(struct sim_cluster *c) {
    int leader = sim_leader(c);
    if (leader >= 0 && c->swarm.leader_targeted && tc_prng_chance(&c->prng, 2, 3))
        return (uint32_t)leader;
    return (uint32_t)tc_prng_below(&c->prng, c->swarm.nodes);
}

static uint64_t some_leases(struct sim_cluster *c, uint64_t max_percent) {
    return c->swarm.paxos.lease_ns / 100 * tc_prng_between(&c->prng, 5, max_percent);
}

static void crash(struct sim_cluster *c) {
    uint32_t node = victim(c);
    sim_node_crash(c, node);
    sim_schedule(c, SIM_EV_START, node, some_leases(c, 250), 0, NULL);
}

static void stop(struct sim_cluster *c) {
    uint32_t node = victim(c);
    sim_node_pause(c, node, some_leases(c, 300));
}

static void partition(struct sim_cluster *c) {
    uint32_t node = victim(c);
    uint64_t kind = tc_prng_below(&c->prng, 4);
    if (kind == 3) {
        uint32_t other = (uint32_t)tc_prng_below(&c->prng, c->swarm.nodes);
        sim_note(c, "    link %u to %u is cut", node + 1, other + 1);
        if (node != other)
            sim_net_cut(&c->net, node, other);
    } else {
        sim_note(c, "    %u is cut off%s", node + 1,
                 kind == 0   ? ""
                 : kind == 1 ? ", inward"
                             : ", outward");
        sim_net_isolate(&c->net, node, c->swarm.nodes, kind != 2, kind != 1);
    }
    sim_schedule(c, SIM_EV_HEAL, 0, some_leases(c, 400), 0, NULL);
}

static void resign(struct sim_cluster *c) {
    int leader = sim_leader(c);
    struct paxos_out out;
    if (leader < 0 || c->nodes[leader].paused_until_ns > c->now_ns)
        return;
    uint32_t target = (uint32_t)tc_prng_below(&c->prng, c->swarm.nodes + 1);
    bool any = target == (uint32_t)leader + 1;
    struct paxos_event ev = {.type = PAXOS_EV_RESIGN,
                             .resign = {.target = any ? 0 : target, .leaves = any}};
    (void)sim_node_step(c, (uint32_t)leader, &ev, &out);
}

/* The leader loses one follower; when that one's grant has run out, the leader is cut off from
 * everybody and the follower that still grants it a lease crashes and comes back at once. */
static void grudge(struct sim_cluster *c, uint64_t stage) {
    int leader = sim_leader(c);
    if (leader < 0)
        return;
    uint32_t first = ((uint32_t)leader + 1) % c->swarm.members;
    if (stage == 0) {
        sim_note(c, "    %d and %u are cut off from each other", leader + 1, first + 1);
        sim_net_cut(&c->net, (uint32_t)leader, first);
        sim_net_cut(&c->net, first, (uint32_t)leader);
        sim_schedule(c, SIM_EV_FAULT, 0, some_leases(c, 200), 1, NULL);
        return;
    }
    sim_note(c, "    %d is cut off, the others forget", leader + 1);
    sim_net_isolate(&c->net, (uint32_t)leader, c->swarm.nodes, true, true);
    for (uint32_t n = 0; n < c->swarm.nodes; n++)
        if (n != first && n != (uint32_t)leader) {
            sim_node_crash(c, n);
            sim_schedule(c, SIM_EV_START, n, some_leases(c, 10), 0, NULL);
        }
    sim_schedule(c, SIM_EV_HEAL, 0, some_leases(c, 300), 0, NULL);
}

/* With a new, empty disk under it the store is free for another replica. */
static void lose_disk(struct sim_cluster *c) {
    uint32_t node = victim(c);
    if (!sim_store_may_lose(c, node))
        return;
    sim_store_lose(c, node);
    sim_schedule(c, SIM_EV_START, node, some_leases(c, 100), 0, NULL);
}

/* Long enough to be replaced; then it comes back and finds itself removed, or not. */
static void die_long(struct sim_cluster *c) {
    uint32_t node = victim(c);
    sim_node_crash(c, node);
    sim_schedule(c, SIM_EV_START, node, some_leases(c, 1200), 0, NULL);
}

/* A follower does not hear the leader, who hears it: nobody may be elected for that. */
static void gray_link(struct sim_cluster *c) {
    int leader = sim_leader(c);
    uint32_t other = (uint32_t)tc_prng_below(&c->prng, c->swarm.nodes);
    bool inward = tc_prng_chance(&c->prng, 1, 2);
    if (leader < 0 || other == (uint32_t)leader)
        return;
    sim_note(c, "    store %u %s %d", other + 1, inward ? "is not heard by" : "does not hear",
             leader + 1);
    sim_net_cut(&c->net, inward ? other : (uint32_t)leader, inward ? (uint32_t)leader : other);
    sim_schedule(c, SIM_EV_HEAL, 0, some_leases(c, 1000), 0, NULL);
}

void sim_new_leader(struct sim_cluster *c, uint32_t node) {
    if (c->calm || !c->swarm.kills_new_leaders || tc_prng_chance(&c->prng, 3, 4))
        return;
    sim_schedule(c, SIM_EV_CRASH, node, tc_prng_below(&c->prng, c->swarm.net.delay_max_ns * 4), 0,
                 NULL);
    sim_schedule(c, SIM_EV_START, node, some_leases(c, 250), 0, NULL);
}

void sim_fault(struct sim_cluster *c, uint64_t stage) {
    if (c->calm)
        return;
    if (stage == 1) {
        grudge(c, 1);
        return;
    }
    enum fault f = (enum fault)tc_prng_below(&c->prng, FAULT_COUNT);
    if (f == FAULT_CRASH && c->swarm.crashes)
        crash(c);
    if (f == FAULT_PAUSE && c->swarm.pauses)
        stop(c);
    if (f == FAULT_PARTITION && c->swarm.partitions)
        partition(c);
    if (f == FAULT_RESIGN && c->swarm.resigns)
        resign(c);
    if (f == FAULT_GRUDGE && c->swarm.grudges)
        grudge(c, 0);
    if (f == FAULT_LOST_DISK && c->swarm.lost_disks)
        lose_disk(c);
    if (f == FAULT_LONG_DEATH && c->swarm.long_deaths)
        die_long(c);
    if (f == FAULT_GRAY_LINK && c->swarm.gray_links)
        gray_link(c);
    sim_schedule(c, SIM_EV_FAULT, 0, tc_prng_below(&c->prng, 2 * c->swarm.fault_every_ns) + 1, 0,
                 NULL);
}

void sim_calm(struct sim_cluster *c) {
    c->calm = true;
    sim_note(c, "    calm: everything heals");
    sim_net_heal(&c->net);
    c->net.opt.drop_ppm = c->net.opt.duplicate_ppm = c->net.opt.late_ppm = 0;
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        c->nodes[n].paused_until_ns = 0;
        if (!c->nodes[n].up)
            sim_schedule(c, SIM_EV_START, n, 0, 0, NULL);
    }
}
