/* Tables and indexes on their way out. */
#include "core/plan/plan_private.h"

/* A node that may still hold the group, by the record, but does not say so now: silent, or one
 * whose name is not known because it has not been heard since the cluster was founded. */
static bool may_hide(const struct plan_snapshot *s, struct tc_slice name) {
    uint32_t node;
    if (name.len == 0)
        return false;
    if (plan__find_node(s, name, &node))
        return !s->nodes[node].alive;
    for (uint32_t i = 0; i < s->node_count; i++)
        if (!s->nodes[i].alive && s->nodes[i].name.len == 0)
            return true;
    return false;
}

bool plan__hidden_replicas(const struct plan_snapshot *s, uint64_t table_id) {
    for (uint32_t i = 0; i < s->partition_count; i++)
        for (uint32_t k = 0; k < PLAN_REPLICAS_PER_GROUP; k++)
            if (s->partitions[i].table_id == table_id && may_hide(s, s->partitions[i].nodes[k]))
                return true;
    return false;
}

bool plan__nobody_holds(const struct plan_snapshot *s, uint64_t table_id, struct plan_out *out) {
    bool nobody = true;
    for (uint32_t i = 0; i < s->replica_count; i++) {
        if (s->replicas[i].table_id != table_id)
            continue;
        nobody = false;
        struct plan_action *a = plan__add(out, PLAN_DELETE_REPLICA);
        if (a == NULL)
            return false;
        a->gid = s->replicas[i].gid;
        a->node_index = s->replicas[i].node_index;
    }
    return nobody;
}

bool plan__gone(const struct plan_snapshot *s, uint64_t table_id, struct plan_out *out) {
    return table_id == 0 ||
           (plan__nobody_holds(s, table_id, out) && !plan__hidden_replicas(s, table_id));
}

/* Whatever a node holds of the table or of one of its indexes goes, recorded or not: a replica may
 * have moved since the record was written. Replicas on recorded nodes that do not answer now are
 * deleted when they come back: the table's records go only after every recorded node has confirmed.
 * A node that was replaced while it was dead is not waited for; the ids are kept until it has come
 * back. */
void plan__deleting(const struct plan_snapshot *s, uint32_t table, struct plan_out *out) {
    const struct plan_table *t = &s->tables[table];
    bool gone = plan__gone(s, t->table_id, out);
    for (uint32_t i = 0; i < t->index_count; i++)
        gone = plan__gone(s, t->indexes[i].table_id, out) && gone;
    struct plan_action *a = gone ? plan__add(out, PLAN_DROP_TABLE) : NULL;
    if (a == NULL)
        return;
    a->table_index = table;
    a->node_silent = t->table_id != 0 && !plan__all_answer(s);
}

void plan__dropped(const struct plan_snapshot *s, struct plan_out *out) {
    for (uint32_t i = 0; i < s->dropped_count; i++) {
        /* An id that no table can have is a record that nobody wrote: it names no replica. */
        if (s->dropped_ids[i] >= PLAN_FIRST_ID &&
            (!plan__nobody_holds(s, s->dropped_ids[i], out) || !plan__all_answer(s)))
            continue;
        struct plan_action *a = plan__add(out, PLAN_FORGET_DROPPED);
        if (a)
            a->dropped_index = i;
    }
}
