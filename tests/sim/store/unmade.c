#include "sim/store/unmade.h"

#include "base/probe.h"
#include "proto/bytes.h"
#include "sim/store/world.h"

enum {
    LATE_MS_MAX = 20000,
};

static uint64_t below(struct world *w, uint64_t bound) {
    return tc_prng_below(&w->reshape_prng, bound);
}

void world_unmade_draw(struct world *w) {
    if (!w->swarm.unmade)
        return;
    w->unmade.group = (uint32_t)below(w, w->root_count);
    w->unmade.member = (uint32_t)below(w, 3);
    if (below(w, 2))
        world_push(w, below(w, LATE_MS_MAX) * WORLD_MS_NS, EVENT_UNMADE, 0, 0, NULL);
}

bool world_unmade_is(const struct world *w, uint32_t group, uint32_t member) {
    return w->swarm.unmade && group == w->unmade.group && member == w->unmade.member;
}

void world_unmade_late(struct world *w) {
    const struct world_group *g = &w->groups[w->unmade.group];
    Tercet__Pb__CreateReplicaRequest *req = tercet__pb__create_replica_request__unpack(
        NULL, w->unmade.request.len, w->unmade.request.data);
    struct world_node *n = NULL;
    for (uint32_t i = 0; req && i < w->swarm.nodes; i++)
        if (memcmp(w->nodes[i].uuid, req->partition->members[w->unmade.member]->store_uuid.data,
                   STORE_UUID_BYTES) == 0)
            n = &w->nodes[i];
    if (n && n->store && n->paused_until_ns <= w->now_ns) {
        world_node_set_clock(n);
        tc_err err = store_create_replica(n->store, req);
        TC_PROBE("sim: a replica is asked for long after its group was made");
        world_trace(w, "%u  replica %u of group %lu, late: %s", n->id, req->rid,
                    (unsigned long)g->gid, tc_err_name(err));
        world_node_pump(n);
    }
    if (req)
        tercet__pb__create_replica_request__free_unpacked(req, NULL);
}
