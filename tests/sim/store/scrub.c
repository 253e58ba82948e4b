/* The scrub under load: while clients write and faults come, replicas are asked for their content
 * vectors at one marked index, each whenever it gets there, and the vectors must be equal. */
#include "sim/store/world.h"

#include "base/probe.h"

enum {
    STEP_MS = 40,
    PATIENCE_MS = 4000, /* then the next mark is asked for */
    PAUSE_MS = 300,
};

void world_scrub_deinit(struct world_scrub *s) {
    tc_buf_deinit(&s->vector);
}

static void ask(struct world *w, uint32_t group, struct world_scrub *s) {
    const struct world_group *g = &w->groups[group];
    struct world_node *n = &w->nodes[g->nodes[world_below(w, g->count)]];
    if (n->store == NULL || n->paused_until_ns > w->now_ns)
        return;
    s->token = (uint64_t)1 << 63 | w->now_ns << 5 | group;
    s->asked_ns = w->now_ns;
    tc_buf_clear(&s->vector);
    world_node_set_clock(n);
    store_scrub_mark(n->store, s->token, g->gid);
    world_node_pump(n);
}

static void compare(struct world *w, uint32_t group, struct world_scrub *s, uint64_t index,
                    uint32_t node) {
    struct tc_buf v = {0};
    uint64_t gid = w->groups[group].gid;
    if (w->nodes[node].store && store_scrub_vector(w->nodes[node].store, gid, index, &v) == TC_OK) {
        if (s->vector.len == 0) {
            tc_buf_append_slice(&s->vector, tc_buf_slice(&v));
            s->from = node;
        } else if (!tc_slice_eq(tc_buf_slice(&v), tc_buf_slice(&s->vector))) {
            world_fail(w, "I8: nodes %u and %u have different content of group %lu at index %lu",
                       s->from, node, (unsigned long)gid, (unsigned long)index);
        } else if (s->from != node) {
            TC_PROBE("sim: a scrub under load compared two replicas");
            w->scrub_count++;
        }
    }
    tc_buf_deinit(&v);
}

void world_scrub_next(struct world *w, uint32_t group) {
    struct world_scrub *s = &w->scrubs[group];
    const struct world_group *g = &w->groups[group];
    const uint64_t *index = tc_map_get(&w->marks, tc_map_u64_key(&s->token));
    bool refused = index && *index == 0;
    uint64_t pause_ms = STEP_MS;
    if (w->calm)
        return; /* world_converge goes on */
    if (s->token == 0) {
        ask(w, group, s);
    } else if (refused || w->now_ns > s->asked_ns + PATIENCE_MS * (uint64_t)WORLD_MS_NS) {
        s->token = 0;
        pause_ms = refused ? STEP_MS : PAUSE_MS;
    } else if (index) {
        for (uint32_t i = 0; i < g->count && !w->failed; i++)
            compare(w, group, s, *index, g->nodes[i]);
    }
    world_push(w, pause_ms * WORLD_MS_NS, EVENT_SCRUB, group, 0, NULL);
}
