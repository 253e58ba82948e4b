/* The administrator: replaces dead members by log replicas, heals these, and moves members. It
 * knows the leader's word (paxos_peers) and which stores are free, as the daemons' one does. */
#include "base/assert.h"
#include "sim/core/cluster.h"

enum {
    PEERS_MAX = QUORUM_VOTERS_MAX + PAXOS_LEARNERS_MAX,
    RESTATING_SEEDS = 8, /* one of so many */
    RESTATE_EVERY = 3,   /* looks of the administrator */
};

struct view {
    uint32_t leader; /* node */
    struct paxos_status status;
    struct quorum_config config;
    struct paxos_peer_status peers[PEERS_MAX];
    size_t count;
};

static tc_err propose(struct sim_cluster *c, uint32_t node, const struct quorum_config *next) {
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_CONFIGURE,
                             .configure = {.config = next, .driver = TC_SLICE_LIT("sim")}};
    return sim_node_step(c, node, &ev, &out);
}

static struct quorum_member new_member(const struct sim_cluster *c, uint32_t rid,
                                       enum quorum_role role) {
    struct quorum_member m = {.rid = rid, .role = role};
    m.store[0] = (uint8_t)(sim_store_of(c, rid) + 1);
    m.store[1] = (uint8_t)rid;
    return m;
}

tc_err sim_admin_replace(struct sim_cluster *c, uint32_t node, uint32_t victim, uint32_t newcomer,
                         enum quorum_role role) {
    struct quorum_config next = *paxos_config(c->nodes[node].paxos);
    next.version++;
    next.sets[1] = next.sets[0];
    for (uint32_t i = 0; i < next.sets[1].count; i++)
        if (next.sets[1].members[i].rid == victim)
            next.sets[1].members[i] = new_member(c, newcomer, role);
    return propose(c, node, &next);
}

tc_err sim_admin_upgrade(struct sim_cluster *c, uint32_t node, uint32_t rid) {
    struct quorum_config next = *paxos_config(c->nodes[node].paxos);
    next.version++;
    for (uint32_t i = 0; i < next.sets[0].count; i++)
        if (next.sets[0].members[i].rid == rid)
            next.sets[0].members[i].role = QUORUM_STORAGE;
    return propose(c, node, &next);
}

tc_err sim_admin_learn(struct sim_cluster *c, uint32_t node, uint32_t rid) {
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_LEARN, .target = rid};
    return sim_node_step(c, node, &ev, &out);
}

static void unlearn(struct sim_cluster *c, uint32_t node, uint32_t rid) {
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_UNLEARN, .target = rid};
    (void)sim_node_step(c, node, &ev, &out);
}

static bool look(const struct sim_cluster *c, struct view *v) {
    int leader = sim_leader(c);
    if (leader < 0 || c->nodes[leader].paused_until_ns > c->now_ns)
        return false;
    const struct paxos *p = c->nodes[leader].paxos;
    v->leader = (uint32_t)leader;
    v->status = paxos_status(p);
    v->config = *paxos_config(p);
    v->count = paxos_peers(p, v->peers, PEERS_MAX);
    return v->status.serving && v->status.config_settled;
}

static const struct paxos_peer_status *find_peer(const struct view *v, uint32_t rid) {
    for (size_t i = 0; i < v->count; i++)
        if (v->peers[i].rid == rid)
            return &v->peers[i];
    return NULL;
}

static bool is_dead(const struct sim_cluster *c, const struct view *v,
                    const struct paxos_peer_status *peer) {
    uint64_t patience = c->swarm.paxos.lease_ns * 5 / 2;
    return peer->heard_ns + patience < sim_node_now(c, v->leader);
}

static int free_store(struct sim_cluster *c) {
    uint32_t first = (uint32_t)tc_prng_below(&c->prng, c->swarm.nodes);
    for (uint32_t i = 0; i < c->swarm.nodes; i++)
        if (c->nodes[(first + i) % c->swarm.nodes].rid == 0)
            return (int)((first + i) % c->swarm.nodes);
    return -1;
}

/* Stores of replicas that are no members: those that were told are deleted, learners that nobody
 * needs at once; who has not been told lives on until it is, or until its store is wanted. */
static void clean_up(struct sim_cluster *c, const struct view *v) {
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        struct sim_node *node = &c->nodes[n];
        if (node->rid == 0 || node->rid == c->change.newcomer ||
            quorum_may_vote(&v->config, node->rid))
            continue;
        bool told = node->up && paxos_status(node->paxos).role == PAXOS_OUTCAST;
        bool learner = !node->up || !quorum_may_vote(paxos_config(node->paxos), node->rid);
        if (told || (learner && tc_prng_chance(&c->prng, 1, 16)))
            sim_store_wipe(c, n);
    }
}

static void begin(struct sim_cluster *c, const struct view *v, uint32_t victim, bool move) {
    int store = free_store(c);
    if (store < 0 || c->next_rid == SIM_RIDS_MAX)
        return;
    uint32_t rid = sim_store_create(c, (uint32_t)store);
    c->nodes[store].wants_tree = move;
    c->change =
        (struct sim_change){.victim = victim, .newcomer = rid, .move = move, .since_ns = c->now_ns};
    sim_note(c, "    the administrator puts %u in the place of %u", rid, victim);
    (void)sim_admin_learn(c, v->leader, rid);
}

static bool choose_victim(struct sim_cluster *c, const struct view *v) {
    for (size_t i = 0; i < v->count; i++)
        if (!v->peers[i].learner && is_dead(c, v, &v->peers[i])) {
            begin(c, v, v->peers[i].rid, /* move= */ false);
            return true;
        }
    if (!c->swarm.moves || c->calm || tc_prng_chance(&c->prng, 7, 8))
        return false;
    uint64_t pick = tc_prng_below(&c->prng, v->config.sets[0].count);
    const struct quorum_member *m = &v->config.sets[0].members[pick];
    if (m->role == QUORUM_STORAGE)
        begin(c, v, m->rid, /* move= */ true);
    return m->role == QUORUM_STORAGE;
}

/* The B-tree goes to a newcomer that needs one, now and then again until it is there. */
static void push_tree(struct sim_cluster *c, const struct view *v, uint32_t rid) {
    int store = sim_store_of(c, rid);
    if (store < 0 || c->nodes[store].snapshot_on_way || !c->nodes[store].up ||
        !sim_net_open(&c->net, v->leader, (uint32_t)store))
        return;
    c->nodes[store].wants_tree = true;
    sim_ship_snapshot(c, v->leader, (uint32_t)store, /* tree= */ true);
}

/* A log replica among the members: it gets the B-tree, and with it the role. */
static void heal(struct sim_cluster *c, const struct view *v) {
    for (uint32_t i = 0; i < v->config.sets[0].count; i++) {
        const struct quorum_member *m = &v->config.sets[0].members[i];
        const struct paxos_peer_status *peer = find_peer(v, m->rid);
        if (m->role != QUORUM_LOG || peer == NULL)
            continue;
        if (peer->has_tree)
            (void)sim_admin_upgrade(c, v->leader, m->rid);
        else if (c->calm || tc_prng_chance(&c->prng, 1, 4))
            push_tree(c, v, m->rid);
        return;
    }
}

static void abandon(struct sim_cluster *c, const struct view *v) {
    int store = sim_store_of(c, c->change.newcomer);
    sim_note(c, "    the administrator gives %u up", c->change.newcomer);
    unlearn(c, v->leader, c->change.newcomer);
    if (store >= 0)
        sim_store_wipe(c, (uint32_t)store);
    c->change = (struct sim_change){0};
}

static void go_on(struct sim_cluster *c, const struct view *v) {
    struct sim_change *ch = &c->change;
    bool too_long = ch->since_ns + 20 * c->swarm.paxos.lease_ns < c->now_ns;
    const struct paxos_peer_status *old = find_peer(v, ch->victim);
    const struct paxos_peer_status *new = find_peer(v, ch->newcomer);
    if (quorum_may_vote(&v->config, ch->newcomer)) {
        c->change = (struct sim_change){0};
        return;
    }
    bool well = ch->victim == c->nodes[v->leader].rid || (old && !is_dead(c, v, old));
    if (!quorum_may_vote(&v->config, ch->victim) || sim_store_of(c, ch->newcomer) < 0 || too_long ||
        (!ch->move && well)) {
        abandon(c, v);
        return;
    }
    if (new &&new->match > ch->match) {
        ch->match = new->match;
        ch->since_ns = c->now_ns;
    }
    if (new == NULL) { /* another leader: it does not feed the newcomer yet */
        (void)sim_admin_learn(c, v->leader, ch->newcomer);
        return;
    }
    if (ch->move && !new->has_tree)
        push_tree(c, v, ch->newcomer);
    else if (new->match >= v->status.commit)
        (void)sim_admin_replace(c, v->leader, ch->victim, ch->newcomer,
                                new->has_tree ? QUORUM_STORAGE : QUORUM_LOG);
}

/* The same members once more, for the driver's bytes: between all other steps, in seeds of its own.
 */
static bool restate(struct sim_cluster *c, const struct view *v) {
    bool restates = !c->calm && c->seed % RESTATING_SEEDS == RESTATING_SEEDS - 1;
    if (!restates || ++c->restate_count % RESTATE_EVERY != 0)
        return false;
    struct quorum_config next = v->config;
    next.version++;
    sim_note(c, "    the administrator states the members again");
    (void)propose(c, v->leader, &next);
    return true;
}

void sim_admin(struct sim_cluster *c) {
    struct view v;
    if (!look(c, &v))
        return;
    clean_up(c, &v);
    if (!c->nodes[v.leader].up || restate(c, &v)) /* it may have been cleaned up itself */
        return;
    if (c->change.victim != 0)
        go_on(c, &v);
    else if (!choose_victim(c, &v))
        heal(c, &v);
}
