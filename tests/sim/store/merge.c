/* Merges under load: somebody asks for the seal of the right one, then for the merge, of any node
 * and again and again, while nodes fail between the two. */
#include "sim/store/world.h"

#include "base/probe.h"

enum {
    SYSTEM_GID = 1, /* is never merged */
    AGAIN_MS = 30,
    KILL_MS_MAX = 300,
    HOLD_MS_MAX = 30000,
    ALIGN_EVERY = 8, /* so many times asked */
};

struct merge_states {
    Tercet__Pb__SealState seal;
    Tercet__Pb__MergeState merge;
};

static struct merge_states states_at(struct world_node *n, uint64_t gid) {
    Tercet__Pb__NodeInfoReply *info = world_node_info(n);
    struct merge_states s = {0};
    for (size_t i = 0; info && i < info->n_replicas; i++) {
        const Tercet__Pb__ReplicaInfo *r = info->replicas[i];
        if (r->partition->gid != gid)
            continue;
        s.seal = r->seal ? r->seal->state : s.seal;
        s.merge = r->merge ? r->merge->state : s.merge;
    }
    if (info)
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return s;
}

bool world_merge_settled(struct world *w, uint32_t group) {
    const struct world_group *g = &w->groups[group];
    bool right = w->groups[g->merged].right == group;
    if (w->swarm.reshape) /* as in a split */
        return g->made;
    for (uint32_t i = 0; i < g->count; i++) {
        struct world_node *n = &w->nodes[g->nodes[i]];
        struct merge_states s = states_at(n, g->gid);
        bool done = right ? s.seal == TERCET__PB__SEAL_STATE__SEAL_DONE
                          : s.merge == TERCET__PB__MERGE_STATE__MERGE_DONE;
        if (!done && !world_excused(n, g->gid))
            return false;
    }
    return true;
}

/* ---- drawing */

static uint32_t right_neighbour(const struct world *w, uint32_t left) {
    const struct world_group *l = &w->groups[left];
    for (uint32_t i = 0; i < w->group_count; i++)
        if (w->groups[i].root == l->root && w->groups[i].from == l->to && i != left &&
            world_group_is_leaf(w, i))
            return i;
    return WORLD_GROUPS_MAX;
}

/* The first pair from some group on; false: there is none. */
static bool draw_pair(struct world *w, uint32_t *ret_left, uint32_t *ret_right) {
    uint32_t first = (uint32_t)tc_prng_below(&w->split_prng, w->group_count);
    for (uint32_t i = 0; i < w->group_count; i++) {
        uint32_t left = (first + i) % w->group_count;
        uint32_t right = world_group_is_leaf(w, left) && w->groups[left].gid != SYSTEM_GID
                             ? right_neighbour(w, left)
                             : WORLD_GROUPS_MAX;
        *ret_left = left;
        *ret_right = right;
        if (right < WORLD_GROUPS_MAX)
            return true;
    }
    return false;
}

void world_merge_draw(struct world *w) {
    uint32_t left = 0, right = 0;
    uint32_t merged = draw_pair(w, &left, &right) ? world_groups_reserve_merged(w, left, right) : 0;
    if (merged == 0)
        return;
    w->swarm.merges--;
    world_trace(w, "merge of groups %lu and %lu into %lu is wanted",
                (unsigned long)w->groups[left].gid, (unsigned long)w->groups[right].gid,
                (unsigned long)w->groups[merged].gid);
    world_push(w, 1, EVENT_MERGE, merged, 0, NULL);
    world_push(w, 2000 * (uint64_t)WORLD_MS_NS, EVENT_SCRUB, merged, 0, NULL);
}

/* ---- asking */

static void check_answer(struct world *w, const char *what, tc_err err) {
    bool not_here = err == TC_ENOTFOUND; /* this node has not made the neighbour yet */
    bool possible = err == TC_OK || not_here || tc_err_class(err) == TC_CLASS_RETRY;
    if (!possible)
        world_fail(w, "%s is refused: %s", what, tc_err_name(err));
}

static void ask_seal(struct world *w, struct world_node *n, const struct world_group *m) {
    Tercet__Pb__SealRequest req = TERCET__PB__SEAL_REQUEST__INIT;
    struct tc_buf out = {0};
    req.gid = w->groups[m->right].gid;
    req.left_gid = w->groups[m->parent].gid;
    req.merged_gid = m->gid;
    tc_err err = store_seal(n->store, &req, &out);
    check_answer(w, "a seal", err);
    tc_buf_deinit(&out);
}

static void ask_merge(struct world *w, struct world_node *n, const struct world_group *m) {
    Tercet__Pb__MergeRequest req = TERCET__PB__MERGE_REQUEST__INIT;
    struct tc_buf out = {0};
    req.gid = w->groups[m->parent].gid;
    req.right_gid = w->groups[m->right].gid;
    req.merged_gid = m->gid;
    tc_err err = store_merge(n->store, &req, &out);
    check_answer(w, "a merge", err);
    tc_buf_deinit(&out);
}

/* The moments that only a merge has: the right one is sealed and nothing is decided, or the merge
 * is in the log and made nowhere. */
static void lose_power_between(struct world *w, struct world_node *n) {
    if (w->calm || !w->swarm.faults[FAULT_POWER] || !tc_prng_chance(&w->split_prng, 1, 3))
        return;
    TC_PROBE("sim: a node loses power between a seal and its merge");
    world_push(w, tc_prng_between(&w->split_prng, 1, KILL_MS_MAX * WORLD_MS_NS), EVENT_FAULT,
               n->id + 1, 0, NULL);
}

/* Where members change: a disk that has both halves is lost right after the seal, and nobody asks
 * for the merge before the left one has had time to put somebody else in its place. */
static void lose_disk_between(struct world *w, struct world_group *m) {
    if (w->calm || !w->swarm.reshape || m->hold_ns || !tc_prng_chance(&w->split_prng, 1, 2))
        return;
    m->hold_ns = w->now_ns;
    const struct world_group *right = &w->groups[m->right];
    uint32_t node = right->nodes[tc_prng_below(&w->split_prng, right->count)];
    if (!world_lose_disk(w, &w->nodes[node]))
        return;
    TC_PROBE("sim: a disk is lost between a seal and its merge");
    m->hold_ns = w->now_ns + tc_prng_between(&w->split_prng, 2000, HOLD_MS_MAX) * WORLD_MS_NS;
}

static void ask(struct world *w, struct world_node *n, struct world_group *m) {
    struct merge_states right = states_at(n, w->groups[m->right].gid);
    struct merge_states left = states_at(n, w->groups[m->parent].gid);
    if (right.seal == TERCET__PB__SEAL_STATE__SEAL_DONE)
        lose_disk_between(w, m);
    if (n->store == NULL) /* it was the one */
        return;
    world_node_set_clock(n);
    if (right.seal != TERCET__PB__SEAL_STATE__SEAL_DONE)
        ask_seal(w, n, m);
    else if (w->calm || w->now_ns >= m->hold_ns)
        ask_merge(w, n, m);
    world_node_pump(n);
    struct merge_states right_now = states_at(n, w->groups[m->right].gid);
    struct merge_states left_now = states_at(n, w->groups[m->parent].gid);
    if (right.seal != right_now.seal || left.merge != left_now.merge)
        lose_power_between(w, n);
    if (left_now.merge >= TERCET__PB__MERGE_STATE__MERGE_MADE && !w->groups[m->parent].made) {
        w->groups[m->parent].made = w->groups[m->right].made = true;
        w->merge_count++;
    }
}

void world_merge_next(struct world *w, uint32_t merged) {
    struct world_group *m = &w->groups[merged];
    const struct world_group *where = w->swarm.reshape ? &w->groups[m->parent] : m;
    struct world_node *n = &w->nodes[where->nodes[tc_prng_below(&w->split_prng, where->count)]];
    if (n->store && n->paused_until_ns <= w->now_ns)
        ask(w, n, m);
    if (w->swarm.reshape && tc_prng_chance(&w->split_prng, 1, ALIGN_EVERY))
        world_align(w, m);
    if (!world_merge_settled(w, m->parent) || !world_merge_settled(w, m->right))
        world_push(w, AGAIN_MS * (uint64_t)WORLD_MS_NS, EVENT_MERGE, merged, 0, NULL);
}
