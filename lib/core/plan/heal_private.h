/* plan_heal, private: what one round knows while it goes through the groups. */
#ifndef TC_CORE_PLAN_HEAL_PRIVATE_H
#define TC_CORE_PLAN_HEAL_PRIVATE_H

#include "core/plan/heal.h"

struct plan_round {
    const struct plan_snapshot *s;
    struct plan_out *out;
    uint32_t changes;                  /* under way or planned in this round */
    uint32_t incoming[PLAN_NODES_MAX]; /* of these, by the node that takes them in */
    uint32_t replicas[PLAN_NODES_MAX]; /* with what is planned */
    uint32_t needs;                    /* groups that wanted anything */
    bool unsettled;                    /* a table is being created or deleted */
};

static inline bool plan__answers(const struct plan_member *m) {
    return m->silent_ms < PLAN_SUSPECT_MS && !m->lost;
}

/* The best node for a replica of g in the place of `leaving`. paced: only one that may take in
 * another now. */
bool plan__pick_node(const struct plan_round *h, const struct plan_group *g,
                     const struct plan_member *leaving, bool paced, uint32_t *ret_node);
/* A replica of g may stand on the node once `leaving` is gone. */
bool plan__fits(const struct plan_snapshot *s, const struct plan_group *g,
                const struct plan_member *leaving, uint32_t node);
/* It would share a zone with another member although it need not. */
bool plan__crowds(const struct plan_snapshot *s, const struct plan_group *g,
                  const struct plan_member *leaving, uint32_t node);
/* Zones with a node that answers and stays. */
uint32_t plan__living_zones(const struct plan_snapshot *s);
/* The placement record of a group; NULL: it has none. */
const struct plan_partition *plan__record(const struct plan_snapshot *s, uint64_t gid);
/* Drop orders that are carried out, or can never be. */
void plan__orders_over(struct plan_round *h);
/* The member of g that an order wants elsewhere, and where; NULL: none, or its target does not take
 * it now, which is told as what blocks the group. */
const struct plan_member *plan__ordered(const struct plan_round *h, const struct plan_group *g,
                                        uint32_t *ret_to);
/* Say why a group stays as it is, unless another one has been named in this round. */
void plan__block(const struct plan_round *h, const struct plan_group *g, const char *why);
/* Spread leaders. */
void plan__rebalance(struct plan_round *h);

#endif
