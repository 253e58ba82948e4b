/* Splits under load: somebody asks for one, asks again until it is finished, and clients find their
 * way by what they are told. */
#include "sim/store/world.h"

#include "core/paxos/paxos.h"

enum {
    SYSTEM_GID = 1, /* is never split */
    AGAIN_MS = 30,
};

static bool holds(const struct world *w, uint32_t group, uint32_t root, uint32_t key) {
    const struct world_group *g = &w->groups[group];
    return g->root == root && key >= g->from && key < g->to;
}

uint32_t world_split_leaf(const struct world *w, uint32_t root, uint32_t key) {
    uint32_t at = root;
    while (w->groups[at].made) {
        const struct world_group *g = &w->groups[at];
        at = g->merged ? g->merged : g->children[key < g->split_key ? 0 : 1];
    }
    return at;
}

uint64_t world_split_told(const struct world *w, uint32_t root, uint32_t key) {
    uint64_t told = 0;
    for (uint32_t i = 0; i < w->group_count; i++)
        if (holds(w, i, root, key) && w->groups[i].told > told)
            told = w->groups[i].told;
    return told;
}

uint64_t world_split_told_at(const struct world *w, uint32_t root, uint32_t key, uint64_t at_ns) {
    uint64_t told = 0;
    for (uint32_t i = 0; i < w->group_count; i++) {
        uint64_t here = holds(w, i, root, key) ? world_oracle_told(&w->groups[i], at_ns) : 0;
        told = here > told ? here : told;
    }
    return told;
}

uint32_t world_split_seen(struct world *w, uint32_t root, uint64_t gid) {
    for (uint32_t i = 0; i < w->group_count; i++) {
        if (w->groups[i].gid != gid || w->groups[i].root != root)
            continue;
        if (w->groups[i].parent != i)
            w->groups[w->groups[i].parent].made = true;
        if (w->groups[i].right)
            w->groups[w->groups[i].right].made = true;
        return i;
    }
    return WORLD_GROUPS_MAX;
}

static Tercet__Pb__SplitState state_at(struct world_node *n, uint64_t gid) {
    Tercet__Pb__NodeInfoReply *info = world_node_info(n);
    Tercet__Pb__SplitState state = TERCET__PB__SPLIT_STATE__SPLIT_NONE;
    for (size_t i = 0; info && i < info->n_replicas; i++)
        if (info->replicas[i]->partition->gid == gid && info->replicas[i]->split)
            state = info->replicas[i]->split->state;
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return state;
}

bool world_split_settled(struct world *w, uint32_t group) {
    const struct world_group *g = &w->groups[group];
    if (w->swarm.reshape) /* its disks may be lost; whole children are demanded by themselves */
        return g->made;
    for (uint32_t i = 0; i < g->count; i++) {
        struct world_node *n = &w->nodes[g->nodes[i]];
        if (!world_excused(n, g->gid) && state_at(n, g->gid) != TERCET__PB__SPLIT_STATE__SPLIT_DONE)
            return false;
    }
    return true;
}

/* ---- asking */

static bool can_split(const struct world *w, uint32_t group) {
    const struct world_group *g = &w->groups[group];
    return world_group_is_leaf(w, group) && g->to - g->from >= 2 && g->gid != SYSTEM_GID;
}

/* Any group; where groups merge too, the first one from there on that can be split. */
static uint32_t draw_parent(struct world *w) {
    uint32_t first = (uint32_t)tc_prng_below(&w->split_prng, w->group_count);
    for (uint32_t i = 0; w->swarm.merging && i < w->group_count; i++)
        if (can_split(w, (first + i) % w->group_count))
            return (first + i) % w->group_count;
    return first;
}

static void draw(struct world *w) {
    uint32_t parent = draw_parent(w);
    struct world_group *g = &w->groups[parent];
    uint64_t pause_ns = 1 + tc_prng_below(&w->split_prng, 2 * w->swarm.split_every_ns);
    if (w->calm || w->swarm.splits + w->swarm.merges == 0)
        return;
    world_push(w, pause_ns, EVENT_SPLIT, UINT32_MAX, 0, NULL);
    if (w->swarm.merges && tc_prng_chance(&w->split_prng, 1, 2)) {
        world_merge_draw(w);
        return;
    }
    if (w->swarm.splits == 0 || !can_split(w, parent))
        return;
    uint32_t key = (uint32_t)tc_prng_between(&w->split_prng, g->from + 1, g->to - 1);
    if (!world_groups_reserve(w, parent, key))
        return;
    w->swarm.splits--;
    world_trace(w, "split of group %lu before k%u is wanted", (unsigned long)g->gid, key);
    world_push(w, 1, EVENT_SPLIT, parent, 0, NULL);
    for (int side = 0; side < 2; side++)
        world_push(w, 2000 * (uint64_t)WORLD_MS_NS, EVENT_SCRUB, g->children[side], 0, NULL);
}

static tc_err ask(struct world *w, struct world_node *n, const struct world_group *g) {
    Tercet__Pb__SplitRequest req = TERCET__PB__SPLIT_REQUEST__INIT;
    const struct tc_buf *key = &g->keys[g->split_key];
    struct tc_buf out = {0};
    req.gid = g->gid;
    req.key = (ProtobufCBinaryData){.len = key->len, .data = key->data};
    req.left_gid = w->groups[g->children[0]].gid;
    req.right_gid = w->groups[g->children[1]].gid;
    world_node_set_clock(n);
    tc_err err = store_split(n->store, &req, &out);
    world_node_pump(n);
    tc_buf_deinit(&out);
    return err;
}

void world_split_next(struct world *w, uint32_t parent) {
    if (parent == UINT32_MAX) {
        draw(w);
        return;
    }
    struct world_group *g = &w->groups[parent];
    struct world_node *n = &w->nodes[g->nodes[tc_prng_below(&w->split_prng, g->count)]];
    Tercet__Pb__SplitState before = state_at(n, g->gid);
    if (before == TERCET__PB__SPLIT_STATE__SPLIT_NONE)
        w->split_watch = tc_prng_chance(&w->split_prng, 1, 2);
    if (n->store && n->paused_until_ns <= w->now_ns)
        TC_IGNORE(ask(w, n, g));
    if (!g->made && state_at(n, g->gid) >= TERCET__PB__SPLIT_STATE__SPLIT_MADE) {
        g->made = true;
        w->split_count++;
    }
    if (!world_split_settled(w, parent))
        world_push(w, AGAIN_MS * (uint64_t)WORLD_MS_NS, EVENT_SPLIT, parent, 0, NULL);
}
