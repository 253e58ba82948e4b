/* One seed: a phase with faults in which nothing wrong may happen, then a calm one in which
 * something right must. */
#include "base/assert.h"
#include "sim/core/cluster.h"

#include <stdio.h>
#include <stdlib.h>

static void run_until(struct sim_cluster *c, uint64_t until_ns) {
    while (sim_cluster_next(c, until_ns)) {
    }
}

/* The first client that got nothing done; -1: all did something. */
static int idle_client(const struct sim_cluster *c, const uint64_t *done_before) {
    for (uint32_t i = 0; i < c->swarm.clients; i++)
        if (c->clients[i].done_count == done_before[i])
            return (int)i;
    return -1;
}

/* The store of the i-th member of the last configuration; -1: it is gone. */
static int member_store(const struct sim_cluster *c, uint32_t i) {
    return sim_store_of(c, c->chosen_config.sets[0].members[i].rid);
}

static uint64_t applied_at(const struct sim_cluster *c, uint32_t node) {
    return c->nodes[node].up ? sim_node_status(c, node).applied : 0;
}

/* Every member holds everything, and (if anybody heals) a B-tree. */
static bool group_converged(const struct sim_cluster *c) {
    uint64_t chosen = c->chosen.len / sizeof(struct sim_chosen);
    for (uint32_t i = 0; i < c->chosen_config.sets[0].count; i++) {
        int node = member_store(c, i);
        if (node < 0 || applied_at(c, (uint32_t)node) != chosen || c->nodes[node].disk.log_only)
            return false;
    }
    return !quorum_is_joint(&c->chosen_config) && c->change.victim == 0;
}

static bool converged(const struct sim_cluster *c) {
    for (uint32_t i = 0; i < c->sibling_count; i++)
        if (!group_converged(c->siblings[i]))
            return false;
    return group_converged(c);
}

static void check_convergence(struct sim_cluster *c) {
    uint64_t chosen = c->chosen.len / sizeof(struct sim_chosen);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->chosen_config.sets[0].count && !c->failed; i++) {
        int node = member_store(c, i);
        if (node < 0) {
            sim_fail(c, "liveness: member %u is lost and not replaced",
                     c->chosen_config.sets[0].members[i].rid);
            return;
        }
        const struct sim_state *s = &c->nodes[node].state;
        if (c->nodes[node].disk.log_only)
            sim_fail(c, "liveness: %u has no B-tree at the end", c->nodes[node].rid);
        else if (s->applied != chosen)
            sim_fail(c, "liveness: %lu are chosen and %lu applied at %u", (unsigned long)chosen,
                     (unsigned long)s->applied, c->nodes[node].rid);
        else if (sum != 0 && s->sum != sum)
            sim_fail(c, "I8: the state of %u differs at the end", c->nodes[node].rid);
        sum = s->sum;
    }
    sim_check_silenced(c);
}

static void calm_phase(struct sim_cluster *c) {
    uint64_t done[SIM_CLIENTS_MAX] = {0};
    uint64_t lease = c->swarm.paxos.lease_ns;
    for (uint32_t i = 0; i < c->swarm.clients; i++)
        done[i] = c->clients[i].done_count;
    sim_calm(c);
    run_until(c, c->now_ns + 14 * lease);
    for (int i = 0; i < 30 && !c->failed && idle_client(c, done) >= 0; i++)
        run_until(c, c->now_ns + lease); /* some clients ask empty stores, and wait */
    if (idle_client(c, done) >= 0)
        sim_fail(c, "liveness: client %d got nothing done in the calm phase", idle_client(c, done));
    for (uint32_t i = 0; i < c->swarm.clients; i++)
        c->clients[i].active = false;
    for (uint32_t i = 0; i < c->sibling_count; i++)
        for (uint32_t k = 0; k < c->siblings[i]->swarm.clients; k++)
            c->siblings[i]->clients[k].active = false;
    for (int i = 0; i < 100 && !c->failed && !converged(c); i++)
        run_until(c, c->now_ns + lease);
    if (!c->failed)
        check_convergence(c);
    for (uint32_t i = 0; i < c->sibling_count && !c->failed; i++)
        check_convergence(c->siblings[i]);
    if (!c->failed)
        sim_check_quiet(c);
}

struct sim_result sim_run_swarm(uint64_t seed, const struct sim_swarm *swarm,
                                const struct sim_observer *observer,
                                void (*trace)(void *user, const char *line), void *user) {
    struct sim_cluster *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    sim_cluster_init(c, seed, swarm);
    c->observer = observer;
    c->trace = trace;
    c->trace_user = user;
    sim_siblings_init(c);
    run_until(c, swarm->safety_ns);
    if (!c->failed)
        calm_phase(c);
    struct sim_result r = {.ok = !c->failed,
                           .hash = c->hash,
                           .event_count = c->event_count,
                           .acked_count = c->acked_count,
                           .election_count = c->election_count,
                           .simulated_ns = c->now_ns};
    snprintf(r.failure, sizeof r.failure, "%s", c->failure);
    sim_cluster_deinit(c);
    free(c);
    return r;
}

struct sim_result sim_run(uint64_t seed, void (*trace)(void *user, const char *line), void *user) {
    struct sim_swarm swarm = sim_swarm_draw(seed);
    return sim_run_swarm(seed, &swarm, NULL, trace, user);
}
