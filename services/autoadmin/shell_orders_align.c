/* A merge needs the replicas of both groups on the same nodes: what differs, and what brings them
 * together, one replica at a time, by the orders to move that healing carries out. */
#include "base/assert.h"
#include "catalog/order.h"
#include "env/posix/posix.h"
#include "shell_execute_private.h"
#include "shell_groups.h"
#include "shell_orders_private.h"

static bool stands_on(const struct plan_group *g, uint32_t node) {
    for (uint32_t i = 0; i < g->member_count; i++)
        if (g->members[i].node_index == node)
            return true;
    return false;
}

static bool holds(const struct shell_view *v, uint32_t node, uint64_t gid) {
    for (uint32_t i = 0; i < v->snapshot.replica_count; i++)
        if (v->snapshot.replicas[i].node_index == node && v->snapshot.replicas[i].gid == gid)
            return true;
    return false;
}

static bool is_moving(const struct shell_view *v, uint64_t gid) {
    for (uint32_t i = 0; i < v->snapshot.order_count; i++)
        if (v->snapshot.orders[i].gid == gid)
            return true;
    const struct plan_group *g = shell_groups_find(v, gid);
    return g && g->changing;
}

void shell_order_look_aligned(const struct shell_order *o, const struct shell_view *v,
                              struct reshape_view *seen) {
    const uint64_t *gids = o->message.parents;
    const struct plan_group *left = shell_groups_find(v, gids[0]),
                            *right = shell_groups_find(v, gids[1]);
    uint32_t shared = 0, covered = 0;
    seen->moving = is_moving(v, gids[0]) || is_moving(v, gids[1]);
    for (uint32_t i = 0; left && i < left->member_count; i++) {
        uint32_t node = left->members[i].node_index;
        shared += right && node != PLAN_NODE_NONE && stands_on(right, node);
        covered += node != PLAN_NODE_NONE && holds(v, node, gids[1]);
    }
    seen->aligned = left && right && !seen->moving && left->member_count == right->member_count &&
                    shared == left->member_count;
    seen->leader_covered = left && holds(v, left->leader_node, gids[1]);
    seen->quorum_covered = left && 2 * covered > left->member_count;
}

/* The member of g that may go for one on `to`: no other of g shares that node's zone. */
static const struct plan_member *pick_member(const struct shell_view *v, const struct plan_group *g,
                                             uint64_t other_gid, uint32_t to) {
    struct tc_slice zone = v->snapshot.nodes[to].zone;
    for (uint32_t i = 0; i < g->member_count; i++) {
        const struct plan_member *m = &g->members[i];
        bool apart = m->node_index != PLAN_NODE_NONE && !holds(v, m->node_index, other_gid);
        for (uint32_t k = 0; k < g->member_count; k++)
            apart = apart && (k == i || !tc_slice_eq(g->members[k].zone, zone));
        if (apart)
            return m;
    }
    return NULL;
}

static tc_err order_move(struct catalog *c, const struct shell_view *v, uint64_t gid,
                         const struct plan_member *m, uint32_t to) {
    Tercet__Pb__MoveOrder order = TERCET__PB__MOVE_ORDER__INIT;
    char name[24];
    order.gid = gid;
    order.from = (char *)(uintptr_t)v->reports[m->node_index]->node;
    order.to = (char *)(uintptr_t)v->reports[to]->node;
    order.asked_ms = posix_wall_ms();
    catalog_order_name(gid, name);
    return shell_write_record(c, SYSTEM_KIND_MOVE, tc_slice_str(name), 1, 0, &order.base);
}

tc_err shell_order_move(const struct shell_order *o, struct catalog *c, const struct shell_view *v,
                        uint32_t index) {
    uint64_t gid = o->message.parents[index], other_gid = o->message.parents[1 - index];
    const struct plan_group *g = shell_groups_find(v, gid);
    if (g == NULL)
        return TC_EUNAVAILABLE;
    for (uint32_t to = 0; to < v->snapshot.node_count; to++) {
        if (!v->snapshot.nodes[to].alive || !holds(v, to, other_gid) || holds(v, to, gid))
            continue;
        const struct plan_member *m = pick_member(v, g, other_gid, to);
        if (m && v->reports[m->node_index])
            return order_move(c, v, gid, m, to);
    }
    return TC_ELIMIT;
}

tc_err shell_order_transfer(const struct shell_order *o, struct catalog *c,
                            const struct shell_view *v) {
    const struct plan_group *g = shell_groups_find(v, o->message.parents[0]);
    for (uint32_t i = 0; g && i < g->member_count; i++) {
        const struct plan_member *m = &g->members[i];
        if (m->log || m->node_index == PLAN_NODE_NONE ||
            !holds(v, m->node_index, o->message.parents[1]))
            continue;
        Tercet__Pb__TransferRequest request = TERCET__PB__TRANSFER_REQUEST__INIT;
        request.gid = g->gid;
        request.rid = m->rid;
        return shell_control(c, g->leader_node, "/tercet.Storage/Transfer", &request.base);
    }
    return TC_EUNAVAILABLE;
}
