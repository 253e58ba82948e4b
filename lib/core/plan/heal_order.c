/* Moves that somebody asked for: which are over, and which one a group has before it. */
#include "core/plan/heal_private.h"
#include "core/plan/plan_private.h"

static const struct plan_member *member_on(const struct plan_group *g, uint32_t node) {
    for (uint32_t i = 0; node != PLAN_NODE_NONE && i < g->member_count; i++)
        if (g->members[i].node_index == node)
            return &g->members[i];
    return NULL;
}

static const struct plan_group *find_group(const struct plan_snapshot *s, uint64_t gid) {
    for (uint32_t i = 0; i < s->group_count; i++)
        if (s->groups[i].gid == gid)
            return &s->groups[i];
    return NULL;
}

const struct plan_partition *plan__record(const struct plan_snapshot *s, uint64_t gid) {
    uint32_t low = 0, high = s->partition_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->partitions[middle].gid < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->partition_count && s->partitions[low].gid == gid ? &s->partitions[low] : NULL;
}

/* Nothing is left to do for it, or nothing ever will be: the group is gone, or its members are such
 * that the order makes no sense (any more). */
static bool order_is_over(const struct plan_snapshot *s, const struct plan_order *o) {
    const struct plan_group *g = find_group(s, o->gid);
    if (o->from == PLAN_NODE_NONE || o->to == PLAN_NODE_NONE)
        return true;
    if (g == NULL)
        return o->gid != PLAN_SYSTEM_GID && plan__record(s, o->gid) == NULL;
    const struct plan_member *from = member_on(g, o->from), *to = member_on(g, o->to);
    if (from == NULL)
        return to == NULL || !to->log;
    return to != NULL || plan__crowds(s, g, from, o->to);
}

void plan__orders_over(struct plan_round *h) {
    for (uint32_t i = 0; i < h->s->order_count; i++) {
        struct plan_action *a =
            order_is_over(h->s, &h->s->orders[i]) ? plan__add(h->out, PLAN_DROP_ORDER) : NULL;
        if (a == NULL)
            continue;
        a->order_index = i;
        a->gid = h->s->orders[i].gid;
    }
}

const struct plan_member *plan__ordered(const struct plan_round *h, const struct plan_group *g,
                                        uint32_t *ret_to) {
    for (uint32_t i = 0; i < h->s->order_count; i++) {
        const struct plan_order *o = &h->s->orders[i];
        const struct plan_member *from = o->gid == g->gid ? member_on(g, o->from) : NULL;
        if (from == NULL || o->to == PLAN_NODE_NONE || member_on(g, o->to))
            continue;
        if (!plan__fits(h->s, g, from, o->to)) {
            plan__block(
                h, g, "the move that was asked for waits: its target is silent, draining or full");
            continue;
        }
        *ret_to = o->to;
        return from;
    }
    return NULL;
}
