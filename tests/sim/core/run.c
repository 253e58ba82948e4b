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

static void check_progress(struct sim_cluster *c, const uint64_t *done_before) {
    for (uint32_t i = 0; i < c->swarm.clients; i++)
        if (c->clients[i].done_count == done_before[i])
            sim_fail(c, "liveness: client %u got nothing done in the calm phase", i);
}

static bool converged(const struct sim_cluster *c) {
    for (uint32_t n = 0; n < c->swarm.nodes; n++)
        if (!c->nodes[n].up || c->nodes[n].state.applied != c->nodes[0].state.applied)
            return false;
    return c->chosen.len / sizeof(struct sim_chosen) == c->nodes[0].state.applied;
}

static void check_convergence(struct sim_cluster *c) {
    const struct sim_state *first = &c->nodes[0].state;
    for (uint32_t n = 1; n < c->swarm.nodes; n++) {
        const struct sim_state *s = &c->nodes[n].state;
        if (s->applied != first->applied)
            sim_fail(c, "liveness: applied %lu at 1 and %lu at %u", (unsigned long)first->applied,
                     (unsigned long)s->applied, n + 1);
        else if (s->sum != first->sum)
            sim_fail(c, "I8: the states of 1 and %u differ at the end", n + 1);
    }
}

static void calm_phase(struct sim_cluster *c) {
    uint64_t done[SIM_CLIENTS_MAX] = {0};
    uint64_t lease = c->swarm.paxos.lease_ns;
    for (uint32_t i = 0; i < c->swarm.clients; i++)
        done[i] = c->clients[i].done_count;
    sim_calm(c);
    run_until(c, c->now_ns + 14 * lease);
    if (!c->failed)
        check_progress(c, done);
    for (uint32_t i = 0; i < c->swarm.clients; i++)
        c->clients[i].active = false;
    for (int i = 0; i < 100 && !c->failed && !converged(c); i++)
        run_until(c, c->now_ns + lease);
    if (!c->failed)
        check_convergence(c);
}

struct sim_result sim_run(uint64_t seed, void (*trace)(void *user, const char *line), void *user) {
    struct sim_swarm swarm = sim_swarm_draw(seed);
    struct sim_cluster *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    sim_cluster_init(c, seed, &swarm);
    c->trace = trace;
    c->trace_user = user;
    run_until(c, swarm.safety_ns);
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
