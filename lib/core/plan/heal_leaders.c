/* Leaders spread over the nodes: after a restart a node leads nothing, and its peers lead too much.
 */
#include "core/plan/heal_private.h"
#include "core/plan/plan_private.h"

static bool all_well(const struct plan_round *h) {
    for (uint32_t i = 0; i < h->s->node_count; i++)
        if (!h->s->nodes[i].alive)
            return false;
    return h->needs == 0 && h->changes == 0;
}

static bool may_lead(const struct plan_snapshot *s, const struct plan_member *m) {
    return !m->log && plan__answers(m) && m->node_index != PLAN_NODE_NONE &&
           !s->nodes[m->node_index].draining && !s->nodes[m->node_index].leads_not;
}

/* The member of g whose node leads least, and at least two fewer than the leader's: one transfer
 * then makes it evener, and none is ever undone by the next. */
static const struct plan_member *better_leader(const struct plan_snapshot *s,
                                               const struct plan_group *g, const uint32_t *leads) {
    const struct plan_member *best = NULL;
    for (uint32_t i = 0; i < g->member_count; i++) {
        const struct plan_member *m = &g->members[i];
        if (m->rid == g->leader_rid || !may_lead(s, m) ||
            leads[m->node_index] + 2 > leads[g->leader_node])
            continue;
        if (best == NULL || leads[m->node_index] < leads[best->node_index])
            best = m;
    }
    return best;
}

void plan__rebalance(struct plan_round *h) {
    uint32_t leads[PLAN_NODES_MAX] = {0};
    if (!all_well(h))
        return;
    for (uint32_t i = 0; i < h->s->group_count; i++)
        leads[h->s->groups[i].leader_node]++;
    uint32_t moved = 0;
    for (uint32_t i = 0; i < h->s->group_count && moved < PLAN_TRANSFERS_MAX; i++) {
        const struct plan_group *g = &h->s->groups[i];
        const struct plan_member *m = better_leader(h->s, g, leads);
        struct plan_action *a = m ? plan__add(h->out, PLAN_TRANSFER) : NULL;
        if (a == NULL)
            continue;
        a->gid = g->gid;
        a->rid = m->rid;
        a->leader_node = g->leader_node;
        leads[g->leader_node]--;
        leads[m->node_index]++;
        moved++;
    }
}
