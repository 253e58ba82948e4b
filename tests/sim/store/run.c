/* One seed: a phase with faults in which nothing wrong may happen, then a calm one in which
 * something right must. */
#include "sim/store/world.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CALM_MS_MAX = 60000,
    CALM_STEP_MS = 500,
    CALM_OPS_MIN = 5, /* that every client must get answered */
};

static void demand_progress(struct world *w) {
    uint64_t wanted[WORLD_CLIENTS_MAX];
    uint32_t behind = 0;
    for (uint32_t i = 0; i < w->swarm.clients; i++)
        wanted[i] = w->clients[i].done_count + CALM_OPS_MIN;
    for (uint64_t ms = 0; ms < CALM_MS_MAX && !w->failed; ms += CALM_STEP_MS) {
        world_run_ms(w, CALM_STEP_MS);
        behind = 0;
        for (uint32_t i = 0; i < w->swarm.clients; i++)
            behind += w->clients[i].done_count < wanted[i];
        if (behind == 0)
            return;
    }
    world_fail(w, "liveness: %u clients got too little done in a calm minute", behind);
}

static void let_clients_end(struct world *w) {
    for (uint32_t i = 0; i < w->swarm.clients; i++)
        w->clients[i].idle = true;
    world_run_ms(w, WORLD_GIVE_UP_NS / WORLD_MS_NS / 4);
}

static void count_trimmed(struct world *w) {
    for (uint32_t i = 0; i < w->swarm.nodes; i++) {
        Tercet__Pb__NodeInfoReply *info = world_node_info(&w->nodes[i]);
        for (size_t r = 0; info && r < info->n_replicas; r++)
            w->trimmed_count += info->replicas[r]->base_index;
        if (info)
            tercet__pb__node_info_reply__free_unpacked(info, NULL);
        const struct store_counters *c = info ? store_counters(w->nodes[i].store) : NULL;
        w->snapshot_count += c ? c->snapshots_installed : 0;
        w->damage_count += c ? c->damage_found : 0;
        w->join_count += c ? c->log_replicas_added : 0;
        w->heal_count += c ? c->heals_done : 0;
        w->restored_count += c ? c->restored : 0;
    }
}

static struct world_result result_of(const struct world *w) {
    struct world_result r = {.ok = !w->failed,
                             .hash = w->hash,
                             .simulated_ns = w->now_ns,
                             .event_count = w->event_count,
                             .op_count = w->op_count,
                             .acked_count = w->acked_count,
                             .unknown_count = w->unknown_count,
                             .refused_count = w->refused_count,
                             .fault_count = w->fault_count,
                             .restart_count = w->restart_count,
                             .snapshot_count = w->snapshot_count,
                             .damage_count = w->damage_count,
                             .trimmed_count = w->trimmed_count,
                             .lost_count = w->lost_count,
                             .scrub_count = w->scrub_count,
                             .wiped_count = w->wiped_count,
                             .move_count = w->move_count,
                             .join_count = w->join_count,
                             .heal_count = w->heal_count,
                             .restored_count = w->restored_count,
                             .split_count = w->split_count,
                             .merge_count = w->merge_count,
                             .indexed = w->swarm.indexed,
                             .row_count = w->index.row_count};
    snprintf(r.failure, sizeof r.failure, "%s", w->failure);
    return r;
}

struct world_result world_run(uint64_t seed, void (*trace)(void *user, const char *line),
                              void *user) {
    struct world_swarm swarm = world_swarm_draw(seed);
    struct world *w = calloc(1, sizeof *w);
    TC_ASSERT(w != NULL);
    w->trace = trace;
    w->trace_user = user;
    world_init(w, seed, &swarm);
    while (world_next(w, swarm.safety_ns)) {
    }
    if (!w->failed)
        world_calm(w);
    if (!w->failed)
        demand_progress(w);
    if (!w->failed)
        let_clients_end(w);
    if (!w->failed && (swarm.fills || swarm.drags))
        world_disk_settle(w);
    if (!w->failed && (swarm.indexed || swarm.follows))
        world_ends_settle(w);
    if (!w->failed && w->swarm.indexed)
        world_index_settle(w);
    if (!w->failed && swarm.follows)
        world_follow_settle(w);
    if (!w->failed)
        world_converge(w);
    if (!w->failed && swarm.follows)
        world_follow_check(w);
    if (!w->failed)
        world_judge(w);
    if (!w->failed && w->swarm.indexed)
        world_index_judge(w);
    count_trimmed(w);
    struct world_result r = result_of(w);
    w->calm = true;
    world_deinit(w);
    free(w);
    return r;
}
