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

/* What is counted and known of the nodes. */
struct spread {
    uint32_t leads[PLAN_NODES_MAX];
    bool apart[PLAN_NODES_MAX]; /* a leader on it does not hear a member, or is not heard as one */
};

static bool is_young(const struct plan_node *n) {
    return n->uptime_ms != 0 && n->uptime_ms < PLAN_YOUNG_MS;
}

static bool may_lead(const struct plan_snapshot *s, const struct spread *d,
                     const struct plan_member *m) {
    if (m->log || !plan__answers(m) || m->node_index == PLAN_NODE_NONE || d->apart[m->node_index])
        return false;
    const struct plan_node *n = &s->nodes[m->node_index];
    return !n->draining && !n->leads_not && !is_young(n);
}

/* A retired group's replicas go one after the other, and its leader does nothing. */
static void look_at_group(const struct plan_group *g, struct spread *d) {
    if (g->retired)
        return;
    d->leads[g->leader_node]++;
    for (uint32_t i = 0; i < g->member_count; i++) {
        const struct plan_member *m = &g->members[i];
        if (m->silent_ms < PLAN_APART_MS)
            continue;
        d->apart[g->leader_node] = true;
        if (m->node_index != PLAN_NODE_NONE)
            d->apart[m->node_index] = true;
    }
}

/* The member of g whose node leads least, and at least two fewer than the leader's: one transfer
 * then makes it evener, and none is ever undone by the next. */
static const struct plan_member *better_leader(const struct plan_snapshot *s,
                                               const struct plan_group *g, const struct spread *d) {
    const struct plan_member *best = NULL;
    const uint32_t *leads = d->leads;
    if (g->retired || d->apart[g->leader_node])
        return NULL;
    for (uint32_t i = 0; i < g->member_count; i++) {
        const struct plan_member *m = &g->members[i];
        if (m->rid == g->leader_rid || !may_lead(s, d, m) ||
            leads[m->node_index] + 2 > leads[g->leader_node])
            continue;
        if (best == NULL || leads[m->node_index] < leads[best->node_index])
            best = m;
    }
    return best;
}

void plan__rebalance(struct plan_round *h) {
    struct spread d = {0};
    if (!all_well(h))
        return;
    for (uint32_t i = 0; i < h->s->group_count; i++)
        look_at_group(&h->s->groups[i], &d);
    uint32_t moved = 0, limit = PLAN_TRANSFERS_MAX + h->s->group_count / PLAN_TRANSFERS_SHARE;
    for (uint32_t i = 0; i < h->s->group_count && moved < limit; i++) {
        const struct plan_group *g = &h->s->groups[i];
        const struct plan_member *m = better_leader(h->s, g, &d);
        struct plan_action *a = m ? plan__add(h->out, PLAN_TRANSFER) : NULL;
        if (a == NULL)
            continue;
        a->gid = g->gid;
        a->rid = m->rid;
        a->leader_node = g->leader_node;
        d.leads[g->leader_node]--;
        d.leads[m->node_index]++;
        moved++;
    }
}
