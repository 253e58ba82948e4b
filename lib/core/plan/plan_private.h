/* plan, private: what its files share. */
#ifndef TC_CORE_PLAN_PRIVATE_H
#define TC_CORE_PLAN_PRIVATE_H

#include "core/plan/plan.h"

/* NULL: the list is full; the rest follows in the next round. */
struct plan_action *plan__add(struct plan_out *out, enum plan_action_type type);

/* A living node with room in each of three zones. False: there are no three. */
bool plan__pick_nodes(const struct plan_snapshot *s, uint32_t *ret_nodes);
bool plan__find_node(const struct plan_snapshot *s, struct tc_slice name, uint32_t *ret_node);
bool plan__all_answer(const struct plan_snapshot *s);
bool plan__has_leader(const struct plan_snapshot *s, uint64_t gid);
/* An action that places partitions on nodes; NULL: no room for it in this round. */
struct plan_action *plan__place(const struct plan_snapshot *s, struct plan_out *out,
                                enum plan_action_type type);
/* Create what a placement record names and its node lacks. */
void plan__replicas(const struct plan_snapshot *s, const struct plan_partition *p,
                    struct plan_out *out);
/* Its replicas are made where they are missing. True: every group of the index has a leader. */
bool plan__index_made(const struct plan_snapshot *s, const struct plan_index *index,
                      struct plan_out *out);

/* grow.c */
/* A table's groups or those of one of its global indexes, and how many there are to be. */
struct plan_growth {
    uint32_t table_index;
    uint64_t table_id;
    const uint64_t *gids;
    uint32_t gid_count;
    uint32_t wanted;
};
void plan__grow(const struct plan_snapshot *s, const struct plan_growth *g, struct plan_out *out);

/* plan_drop.c */
/* False: some node holds a replica of the table, and is asked to delete it. */
bool plan__nobody_holds(const struct plan_snapshot *s, uint64_t table_id, struct plan_out *out);
/* A node that does not answer now may hold one, by the records. */
bool plan__hidden_replicas(const struct plan_snapshot *s, uint64_t table_id);
/* Nobody holds any, shown or hidden; id 0 has none. Else whoever shows one is asked to delete it.
 */
bool plan__gone(const struct plan_snapshot *s, uint64_t table_id, struct plan_out *out);
void plan__deleting(const struct plan_snapshot *s, uint32_t table, struct plan_out *out);
void plan__dropped(const struct plan_snapshot *s, struct plan_out *out);

#endif
