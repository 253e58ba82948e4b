/* The first ballot of a child, which its leader uses without asking anybody: the moment at which
 * power goes, and that no second process ever uses it (REPLICATION.md B12). */
#include "base/assert.h"
#include "base/probe.h"
#include "core/paxos/paxos.h"
#include "sim/store/world.h"

#include <stdlib.h>

enum {
    KILL_MS_MAX = 400,
};

/* The one moment that only a split has: a child has just begun, its followers are sent the first
 * entries, and its leader's disk stands still until power goes: nothing of it is durable there. */
static void lose_power(struct world *w, struct world_node *n) {
    if (!w->split_watch || w->calm || !w->swarm.faults[FAULT_POWER])
        return;
    w->split_watch = false;
    TC_PROBE("sim: a leader loses power when a child of its has just begun");
    uint64_t lives_ns = tc_prng_between(&w->split_prng, 1, KILL_MS_MAX * WORLD_MS_NS);
    n->slow_until_ns = w->now_ns + lives_ns;
    world_push(w, lives_ns, EVENT_FAULT, n->id + 1, 0, NULL);
}

/* Only the process that made the child may lead with the ballot that nobody was asked for: a later
 * start may have given its places away and forgotten it. Chain hashes save the logs even so, which
 * would hide the fault. */
static void check_owner(struct world *w, const struct world_node *n, uint64_t gid) {
    const uint64_t *known = tc_map_get(&w->first_owners, tc_map_u64_key(&gid));
    if (known == NULL) {
        uint64_t *life = malloc(sizeof *life);
        TC_ASSERT(life != NULL);
        *life = n->life;
        (void)tc_map_put(&w->first_owners, tc_map_u64_key(&gid), life);
    } else if (*known != n->life) {
        world_fail(w, "group %lu began twice, in two lives of node %u", (unsigned long)gid, n->id);
    }
}

void world_first_ballot(struct world *w, struct world_node *n, const struct store_effect *e) {
    if (w->split_count == 0 && !w->split_watch)
        return;
    Tercet__Pb__PaxosMessage *m =
        tercet__pb__paxos_message__unpack(NULL, e->payload.len, e->payload.data);
    bool begins = m && m->type == PAXOS_ACCEPT && paxos_ballot_round(m->ballot) == 1 &&
                  w->groups[world_group_of(w, m->gid)].epoch > 1;
    if (begins)
        lose_power(w, n);
    if (begins)
        check_owner(w, n, m->gid);
    if (m)
        tercet__pb__paxos_message__free_unpacked(m, NULL);
}

void world_first_ballot_deinit(struct world *w) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&w->first_owners, &at, &key, &value))
        free(value);
    tc_map_deinit(&w->first_owners);
}
