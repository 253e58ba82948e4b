#include "core/plan/heal_private.h"

/* A node that may be given replicas. */
static bool takes(const struct plan_node *n) {
    return n->alive && !n->draining && !n->full;
}

uint32_t plan__living_zones(const struct plan_snapshot *s) {
    uint32_t zones = 0;
    for (uint32_t i = 0; i < s->node_count; i++) {
        const struct plan_node *n = &s->nodes[i];
        bool fresh = n->alive && !n->draining;
        for (uint32_t k = 0; fresh && k < i; k++)
            fresh = !(s->nodes[k].alive && !s->nodes[k].draining &&
                      tc_slice_eq(s->nodes[k].zone, n->zone));
        zones += fresh;
    }
    return zones;
}

/* Some other member stands on the node already. */
static bool occupied(const struct plan_group *g, const struct plan_member *leaving, uint32_t node) {
    for (uint32_t i = 0; i < g->member_count; i++)
        if (&g->members[i] != leaving && g->members[i].node_index == node)
            return true;
    /* Back on the very node it leaves only if that node has a new disk. */
    return leaving->node_index == node && !leaving->lost;
}

static bool shares_zone(const struct plan_snapshot *s, const struct plan_group *g,
                        const struct plan_member *leaving, uint32_t node) {
    for (uint32_t i = 0; i < g->member_count; i++)
        if (&g->members[i] != leaving && tc_slice_eq(g->members[i].zone, s->nodes[node].zone))
            return true;
    return false;
}

bool plan__crowds(const struct plan_snapshot *s, const struct plan_group *g,
                  const struct plan_member *leaving, uint32_t node) {
    return shares_zone(s, g, leaving, node) && plan__living_zones(s) >= PLAN_REPLICAS_PER_GROUP;
}

bool plan__fits(const struct plan_snapshot *s, const struct plan_group *g,
                const struct plan_member *leaving, uint32_t node) {
    return takes(&s->nodes[node]) && !occupied(g, leaving, node) &&
           !plan__crowds(s, g, leaving, node);
}

/* Lower is better: zones apart, then the zone that is left, then the emptier node. */
static uint64_t score(const struct plan_round *h, const struct plan_group *g,
                      const struct plan_member *leaving, uint32_t node) {
    uint64_t apart = shares_zone(h->s, g, leaving, node);
    uint64_t away = !tc_slice_eq(leaving->zone, h->s->nodes[node].zone);
    return apart << 40 | away << 39 | (uint64_t)(h->replicas[node] & 0x7fffffff);
}

bool plan__pick_node(const struct plan_round *h, const struct plan_group *g,
                     const struct plan_member *leaving, bool paced, uint32_t *ret_node) {
    uint64_t best = UINT64_MAX;
    for (uint32_t i = 0; i < h->s->node_count; i++) {
        if (paced && h->incoming[i] >= h->s->pace.changes_per_node_max)
            continue;
        if (!plan__fits(h->s, g, leaving, i) || score(h, g, leaving, i) >= best)
            continue;
        best = score(h, g, leaving, i);
        *ret_node = i;
    }
    return best != UINT64_MAX;
}
