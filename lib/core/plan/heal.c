#include "core/plan/heal.h"

#include "base/assert.h"
#include "core/plan/heal_private.h"
#include "core/plan/index.h"
#include "core/plan/plan_private.h"

/* What a group wants, most urgent first. */
enum need_type {
    NEED_REPLACE,
    NEED_TREE,
    NEED_ORDER,
    NEED_LEAVE,
    NEED_PART,
    NEED_NOTHING,
};

struct need {
    enum need_type type;
    const struct plan_member *member; /* that goes, or (TREE) that is healed */
    uint32_t to;                      /* ORDER: where */
};

void plan__block(const struct plan_round *h, const struct plan_group *g, const char *why) {
    if (h->out->blocked)
        return;
    h->out->blocked = why;
    h->out->blocked_gid = g->gid;
}

/* ---- what a group needs */

static bool on_draining(const struct plan_snapshot *s, const struct plan_member *m) {
    return m->node_index != PLAN_NODE_NONE && s->nodes[m->node_index].draining;
}

static bool majority_answers(const struct plan_group *g) {
    uint32_t answering = 0;
    for (uint32_t i = 0; i < g->member_count; i++)
        answering += plan__answers(&g->members[i]);
    return answering * 2 > g->member_count;
}

static bool complete(const struct plan_group *g) {
    uint32_t trees = 0;
    for (uint32_t i = 0; i < g->member_count; i++)
        trees += plan__answers(&g->members[i]) && !g->members[i].log;
    return trees >= PLAN_REPLICAS_PER_GROUP;
}

/* The one that is dead or without its disk; *ret_silent: somebody does not answer, dead or not. */
static const struct plan_member *find_dead(const struct plan_group *g, bool *ret_silent) {
    const struct plan_member *dead = NULL;
    *ret_silent = false;
    for (uint32_t i = 0; i < g->member_count; i++) {
        const struct plan_member *m = &g->members[i];
        *ret_silent |= !plan__answers(m);
        if (dead == NULL && (m->lost || m->silent_ms >= PLAN_DEAD_MS))
            dead = m;
    }
    return dead;
}

static const struct plan_member *find_log(const struct plan_group *g) {
    for (uint32_t i = 0; i < g->member_count; i++)
        if (g->members[i].log)
            return &g->members[i];
    return NULL;
}

static const struct plan_member *find_leaving(const struct plan_snapshot *s,
                                              const struct plan_group *g) {
    for (uint32_t i = 0; i < g->member_count; i++)
        if (on_draining(s, &g->members[i]))
            return &g->members[i];
    return NULL;
}

/* The later one of two in a zone, if a node of an unused zone could take it. */
static const struct plan_member *find_crowded(const struct plan_round *h,
                                              const struct plan_group *g) {
    for (uint32_t i = 1; i < g->member_count; i++)
        for (uint32_t k = 0; k < i; k++) {
            uint32_t node;
            if (tc_slice_eq(g->members[i].zone, g->members[k].zone) &&
                plan__living_zones(h->s) >= PLAN_REPLICAS_PER_GROUP &&
                plan__pick_node(h, g, &g->members[i], /* paced= */ false, &node))
                return &g->members[i];
        }
    return NULL;
}

static struct need need_of(const struct plan_round *h, const struct plan_group *g) {
    bool silent;
    struct need need = {.type = NEED_NOTHING};
    need.member = find_dead(g, &silent);
    if (need.member) {
        need.type = NEED_REPLACE;
        return need;
    }
    if (silent) /* back soon or dead soon; until then the group stays as it is */
        return need;
    need.member = find_log(g);
    if (need.member && !on_draining(h->s, need.member)) {
        need.type = NEED_TREE;
        return need;
    }
    need.member = plan__ordered(h, g, &need.to);
    if (need.member) {
        need.type = NEED_ORDER;
        return need;
    }
    need.member = find_leaving(h->s, g);
    if (need.member) {
        need.type = NEED_LEAVE;
        return need;
    }
    need.member = find_crowded(h, g);
    need.type = need.member ? NEED_PART : NEED_NOTHING;
    return need;
}

/* ---- what is done about it */

/* A leader hands over before it leaves, to a member that stays if there is one. */
static bool hand_over(struct plan_round *h, const struct plan_group *g) {
    const struct plan_member *best = NULL;
    for (uint32_t i = 0; i < g->member_count; i++) {
        const struct plan_member *m = &g->members[i];
        if (m->rid == g->leader_rid || m->log || !plan__answers(m))
            continue;
        if (best == NULL || on_draining(h->s, best))
            best = m;
    }
    if (best == NULL) {
        plan__block(h, g, "its leader is to leave, and no other storage replica answers");
        return false;
    }
    struct plan_action *a = plan__add(h->out, PLAN_TRANSFER);
    if (a == NULL)
        return false;
    a->gid = g->gid;
    a->rid = best->rid;
    a->leader_node = g->leader_node;
    return true;
}

static bool choose_node(struct plan_round *h, const struct plan_group *g, const struct need *need,
                        uint32_t *ret_node) {
    if (need->type == NEED_ORDER) {
        *ret_node = need->to;
        return h->incoming[need->to] < h->s->pace.changes_per_node_max;
    }
    if (plan__pick_node(h, g, need->member, /* paced= */ true, ret_node))
        return true;
    if (!plan__pick_node(h, g, need->member, /* paced= */ false, ret_node))
        plan__block(h, g,
                    "no node can take a replica and keep the zones apart: add one in that zone");
    return false;
}

static void change(struct plan_round *h, const struct plan_group *g, const struct need *need) {
    uint32_t node = 0;
    bool fits = h->changes < h->s->pace.changes_max && choose_node(h, g, need, &node);
    if (fits && need->member->rid == g->leader_rid) {
        h->out->waiting_count += !hand_over(h, g);
        return;
    }
    struct plan_action *a = fits ? plan__add(h->out, PLAN_CHANGE_REPLICA) : NULL;
    if (a == NULL) {
        h->out->waiting_count++;
        return;
    }
    a->gid = g->gid;
    a->rid = need->member->rid;
    a->node_index = node;
    a->leader_node = g->leader_node;
    h->changes++;
    h->incoming[node]++;
    h->replicas[node]++;
}

static void grow_tree(struct plan_round *h, const struct plan_group *g, const struct need *need) {
    uint32_t node = need->member->node_index;
    bool fits = node != PLAN_NODE_NONE && h->changes < h->s->pace.changes_max &&
                h->incoming[node] < h->s->pace.changes_per_node_max;
    struct plan_action *a = fits ? plan__add(h->out, PLAN_HEAL_REPLICA) : NULL;
    if (a == NULL) {
        h->out->waiting_count++;
        return;
    }
    a->gid = g->gid;
    a->rid = need->member->rid;
    a->leader_node = g->leader_node;
    h->changes++;
    h->incoming[node]++;
}

/* ---- the round */

/* Tables are looked through only when one of them is not at rest. */
static bool is_left_alone(const struct plan_round *h, const struct plan_group *g) {
    return g->retired || (h->unsettled && plan_is_unsettled(h->s, g->table_id));
}

static void plan_need(struct plan_round *h, const struct plan_group *g, enum need_type type) {
    if (g->changing || is_left_alone(h, g))
        return;
    if (!majority_answers(g)) {
        plan__block(h, g, "fewer than a majority of its replicas answer: start their nodes");
        return;
    }
    struct need need = need_of(h, g);
    if (need.type != type || type == NEED_NOTHING)
        return;
    h->needs++;
    if (type == NEED_TREE)
        grow_tree(h, g, &need);
    else
        change(h, g, &need);
}

static bool nodes_alike(const struct plan_node *a, const struct plan_node *b) {
    return a->alive && b->alive &&
           (tc_slice_eq(a->name, b->name) || (a->store.len && tc_slice_eq(a->store, b->store)));
}

/* Why the picture as a whole is not to be trusted; NULL: it is. */
static const char *check_nodes(const struct plan_snapshot *s) {
    uint32_t silent = 0;
    for (uint32_t i = 0; i < s->node_count; i++) {
        silent += !s->nodes[i].alive;
        for (uint32_t k = 0; k < i; k++)
            if (nodes_alike(&s->nodes[i], &s->nodes[k]))
                return "two storage nodes answer with one name or one disk: stop one of them";
    }
    if (silent * 2 >= s->node_count)
        return "half of the storage nodes or more are silent: start them, or look at the network";
    return NULL;
}

static void count_changes(struct plan_round *h) {
    for (uint32_t i = 0; i < h->s->node_count; i++)
        h->replicas[i] = h->s->nodes[i].replica_count;
    for (uint32_t i = 0; i < h->s->group_count; i++) {
        const struct plan_group *g = &h->s->groups[i];
        h->out->unhealthy_count += !g->retired && !complete(g);
        h->changes += g->changing;
        if (g->changing && g->change_node != PLAN_NODE_NONE)
            h->incoming[g->change_node]++;
    }
    h->out->changing_count = h->changes;
}

/* Three members, none of them on its way, and news for the record. */
static void plan_record(struct plan_round *h, const struct plan_group *g) {
    const struct plan_partition *p = g->changing ? NULL : plan__record(h->s, g->gid);
    if (p == NULL || g->epoch <= p->epoch || g->member_count != PLAN_REPLICAS_PER_GROUP)
        return;
    struct plan_action *a = plan__add(h->out, PLAN_RECORD_MEMBERS);
    if (a == NULL)
        return;
    a->gid = g->gid;
    a->leader_node = g->leader_node;
}

void plan_heal(const struct plan_snapshot *s, struct plan_out *out) {
    struct plan_round h = {.s = s, .out = out};
    TC_ASSERT(s->node_count <= PLAN_NODES_MAX);
    for (uint32_t i = 0; i < s->table_count; i++)
        h.unsettled |= plan_has_unsettled(&s->tables[i]);
    count_changes(&h);
    for (uint32_t i = 0; i < s->group_count; i++)
        plan_record(&h, &s->groups[i]);
    out->heal_halted = check_nodes(s);
    if (out->heal_halted)
        return;
    plan__orders_over(&h);
    for (int type = NEED_REPLACE; type < NEED_NOTHING; type++)
        for (uint32_t i = 0; i < s->group_count; i++)
            plan_need(&h, &s->groups[i], (enum need_type)type);
    plan__rebalance(&h);
}
