/* Who knew what, and when: the bound that every strong read must meet.
 *
 * An index counts as known when the answer that tells it leaves its node, for it might arrive at
 * once. Besides the clients, the oracle itself asks some node for a strong read every few
 * milliseconds, without any network between: a node that serves beside a newer leader is seen. */
#include "sim/store/world.h"

#include "base/assert.h"

#define ORACLE_TOKEN ((uint64_t)1 << 62)

void world_oracle_answer(struct world *w, uint32_t group, enum world_kind kind, tc_err err,
                         uint64_t index) {
    struct world_group *g = &w->groups[group];
    bool strong = kind != OP_GET_EVENTUAL && kind != OP_RANGE_EVENTUAL;
    if (err != TC_OK || !strong || index <= g->told)
        return;
    g->told = index;
    struct world_told t = {.at_ns = w->now_ns, .index = index};
    tc_buf_append(&g->history, &t, sizeof t);
}

uint64_t world_oracle_told(const struct world_group *g, uint64_t at_ns) {
    const struct world_told *t = (const struct world_told *)(const void *)g->history.data;
    size_t lo = 0, hi = g->history.len / sizeof *t;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t[mid].at_ns <= at_ns)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 ? t[lo - 1].index : 0;
}

bool world_oracle_owns(uint64_t token) {
    return (token & ORACLE_TOKEN) != 0;
}

void world_oracle_reply(struct world *w, const struct store_effect *e) {
    uint32_t group = (uint32_t)(e->token % WORLD_GROUPS_MAX);
    uint32_t key = (uint32_t)(e->token / WORLD_GROUPS_MAX % WORLD_GROUPS_MAX);
    if (e->err != TC_OK)
        return;
    uint64_t told = world_split_told(w, w->groups[group].root, key);
    Tercet__Pb__ItemReply *m =
        tercet__pb__item_reply__unpack(NULL, e->payload.len, e->payload.data);
    TC_ASSERT(m != NULL);
    if (m->index < told)
        world_fail(w,
                   "lease oracle: a strong read of group %u is served at index %lu, %lu was "
                   "known before",
                   group, (unsigned long)m->index, (unsigned long)told);
    world_oracle_answer(w, group, OP_GET, TC_OK, m->index);
    tercet__pb__item_reply__free_unpacked(m, NULL);
}

void world_oracle_next(struct world *w) {
    uint32_t group = (uint32_t)world_below(w, w->group_count);
    struct world_group *g = &w->groups[group];
    struct world_node *n = &w->nodes[g->nodes[world_below(w, g->count)]];
    world_push(w, tc_prng_between(&w->prng, 1, 10) * WORLD_MS_NS, EVENT_ORACLE, 0, 0, NULL);
    if (n->store == NULL || n->paused_until_ns > w->now_ns)
        return;
    uint32_t k = g->from + (uint32_t)world_below(w, g->to - g->from);
    struct tc_buf *key = &g->keys[k];
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    req.gid = g->gid;
    req.epoch = w->swarm.reshape || w->swarm.follows ? 0 : g->epoch;
    req.op = TERCET__PB__ITEM_OP__ITEM_GET;
    req.consistent = true;
    req.key = (ProtobufCBinaryData){.len = key->len, .data = key->data};
    world_node_set_clock(n);
    store_item_request(n->store, ORACLE_TOKEN | k * WORLD_GROUPS_MAX | group, &req);
    world_node_pump(n);
}
