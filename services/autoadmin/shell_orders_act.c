/* The actions of an order; each may be repeated, each write is conditional on what was read. */
#include "base/assert.h"
#include "catalog/order.h"
#include "env/posix/posix.h"
#include "shell_execute_private.h"
#include "shell_groups.h"
#include "shell_orders_private.h"

tc_err shell_order_write(struct shell_order *o, struct catalog *c) {
    tc_err err = shell_write_record(c, SYSTEM_KIND_RESHAPE, o->name, o->version + 1, o->version,
                                    &o->message.base);
    o->version += err == TC_OK;
    return err;
}

static tc_err enter(struct shell_order *o, struct catalog *c, const struct reshape_action *a) {
    Tercet__Pb__ReshapeOrder before = o->message;
    o->message.step = (Tercet__Pb__ReshapeStep)a->step;
    o->message.step_ms = posix_wall_ms();
    o->message.waits = (char *)(uintptr_t)a->waits;
    tc_err err = shell_order_write(o, c);
    if (err != TC_OK)
        o->message = before;
    return err;
}

/* The counter moves on before the ids are used; should we die between, they are lost. */
static tc_err reserve(struct shell_order *o, struct catalog *c, const struct shell_view *v) {
    size_t count = o->message.kind == TERCET__PB__RESHAPE_KIND__RESHAPE_SPLIT ? 2 : 1;
    uint64_t next = v->snapshot.next_id, version = 0;
    if (v->counters.count)
        version = v->counters.at[0].version;
    TC_TRY(shell_write_record(c, SYSTEM_KIND_COUNTER, TC_SLICE_LIT("id"), next + count, version,
                              NULL));
    for (size_t i = 0; i < count; i++)
        o->children[i] = next + i;
    o->message.children = o->children;
    o->message.n_children = count;
    tc_err err = shell_order_write(o, c);
    if (err != TC_OK)
        o->message.n_children = 0;
    return err;
}

static tc_err ask_split(const struct shell_order *o, struct catalog *c,
                        const struct plan_group *g) {
    Tercet__Pb__SplitRequest request = TERCET__PB__SPLIT_REQUEST__INIT;
    request.gid = g->gid;
    request.key = o->message.key;
    request.left_gid = o->children[0];
    request.right_gid = o->children[1];
    return shell_control(c, g->leader_node, "/tercet.Storage/Split", &request.base);
}

static tc_err ask_merge(const struct shell_order *o, struct catalog *c,
                        const struct plan_group *g) {
    Tercet__Pb__MergeRequest request = TERCET__PB__MERGE_REQUEST__INIT;
    request.gid = g->gid;
    request.right_gid = o->message.parents[1];
    request.merged_gid = o->children[0];
    return shell_control(c, g->leader_node, "/tercet.Storage/Merge", &request.base);
}

static tc_err ask(const struct shell_order *o, struct catalog *c, const struct shell_view *v) {
    const struct plan_group *g = shell_groups_find(v, o->message.parents[0]);
    TC_ASSERT(g != NULL && o->message.n_children > 0); /* it is led, and ids are reserved */
    return o->message.n_children == 2 ? ask_split(o, c, g) : ask_merge(o, c, g);
}

static tc_err seal(const struct shell_order *o, struct catalog *c, const struct shell_view *v) {
    const struct plan_group *g = shell_groups_find(v, o->message.parents[1]);
    TC_ASSERT(g != NULL && o->message.n_children == 1);
    Tercet__Pb__SealRequest request = TERCET__PB__SEAL_REQUEST__INIT;
    request.gid = g->gid;
    request.left_gid = o->message.parents[0];
    request.merged_gid = o->children[0];
    return shell_control(c, g->leader_node, "/tercet.Storage/Seal", &request.base);
}

/* There already: a round before wrote it, or healing has brought it up to date since. */
static tc_err record_child(const struct shell_order *o, struct catalog *c,
                           const struct shell_view *v, uint32_t index) {
    const Tercet__Pb__ReplicaInfo *leader = shell_groups_leader(v, o->children[index]);
    TC_ASSERT(leader != NULL);
    Tercet__Pb__Partition p = *leader->partition;
    char name[24];
    p.leader_rid = 0;
    p.leader_round = 0;
    catalog_order_name(p.gid, name);
    tc_err err = shell_write_record(c, SYSTEM_KIND_PARTITION, tc_slice_str(name), 1, 0, &p.base);
    return err == TC_ESTALE ? TC_OK : err;
}

static bool is_parent(const struct shell_order *o, uint64_t gid) {
    for (size_t i = 0; i < o->message.n_parents; i++)
        if (o->message.parents[i] == gid)
            return true;
    return false;
}

/* The groups with the children in the parents' place; false: there is no parent among them. */
static bool replace(const struct shell_order *o, const uint64_t *gids, size_t count,
                    uint64_t *ret_gids, size_t *ret_count) {
    bool placed = false;
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool parent = is_parent(o, gids[i]);
        for (size_t k = 0; parent && !placed && k < o->message.n_children; k++)
            ret_gids[(*ret_count)++] = o->children[k];
        placed = placed || parent;
        if (!parent)
            ret_gids[(*ret_count)++] = gids[i];
    }
    return placed;
}

/* All in one conditional write: the parents leave, the children stand in their place, be they the
 * table's or one of its indexes'. */
static tc_err record_table(const struct shell_order *o, struct catalog *c,
                           const struct shell_view *v) {
    size_t table;
    const Tercet__Pb__IndexDescriptor *index;
    struct shell_table t;
    if (!shell_view_owner(v, o->message.table_id, &table, &index))
        return TC_ESTALE;
    TC_TRY(shell_table_copy(v, table, &t));
    uint64_t **gids = &t.d.gids;
    size_t *count = &t.d.n_gids;
    for (size_t i = 0; index && i < t.d.n_indexes; i++)
        if (t.d.indexes[i]->table_id == o->message.table_id) {
            gids = &t.d.indexes[i]->gids;
            count = &t.d.indexes[i]->n_gids;
        }
    struct tc_arena arena = {0};
    uint64_t *fresh = tc_arena_calloc(&arena, *count + RESHAPE_CHILDREN_MAX, sizeof *fresh);
    TC_ASSERT(fresh != NULL);
    bool placed = replace(o, *gids, *count, fresh, count);
    *gids = fresh;
    /* Whoever orders a merge wants fewer: what the table was promised is not made again. */
    if (o->message.kind == TERCET__PB__RESHAPE_KIND__RESHAPE_MERGE && !index &&
        t.d.partitions_wanted > t.d.n_gids)
        t.d.partitions_wanted = (uint32_t)t.d.n_gids;
    /* Not placed: a table that names neither parents nor children. */
    tc_err err = placed ? shell_table_write(c, &t) : TC_EINTERNAL;
    tc_arena_deinit(&arena);
    return err;
}

static tc_err delete_copies(const struct shell_order *o, struct catalog *c,
                            const struct shell_view *v, const struct reshape_action *a) {
    Tercet__Pb__DeleteReplicaRequest request = TERCET__PB__DELETE_REPLICA_REQUEST__INIT;
    tc_err first = TC_OK;
    request.gid = o->message.parents[a->index];
    request.retired = !a->sole;
    for (uint32_t i = 0; i < v->snapshot.replica_count; i++) {
        const struct plan_replica *r = &v->snapshot.replicas[i];
        if (r->gid != request.gid)
            continue;
        tc_err err =
            shell_control(c, r->node_index, "/tercet.Storage/DeleteReplica", &request.base);
        if (first == TC_OK && err != TC_ENOTFOUND)
            first = err;
    }
    return first;
}

static tc_err forget_partition(struct catalog *c, const struct shell_view *v, uint64_t gid) {
    for (size_t i = 0; i < v->partition_records.count; i++)
        if (v->partitions[i]->gid == gid)
            return catalog_delete(c, SYSTEM_KIND_PARTITION, v->partition_records.at[i].name,
                                  v->partition_records.at[i].version);
    return TC_OK;
}

tc_err shell_order_act(struct shell_order *o, struct catalog *c, const struct shell_view *v,
                       const struct reshape_action *a) {
    switch (a->type) {
    case RESHAPE_WAIT:
        return TC_OK;
    case RESHAPE_RESERVE:
        return reserve(o, c, v);
    case RESHAPE_ENTER:
        return enter(o, c, a);
    case RESHAPE_ASK:
        return ask(o, c, v);
    case RESHAPE_SEAL:
        return seal(o, c, v);
    case RESHAPE_MOVE:
        return shell_order_move(o, c, v, a->index);
    case RESHAPE_TRANSFER:
        return shell_order_transfer(o, c, v);
    case RESHAPE_RECORD_CHILD:
        return record_child(o, c, v, a->index);
    case RESHAPE_RECORD_TABLE:
        return record_table(o, c, v);
    case RESHAPE_DELETE_COPIES:
        return delete_copies(o, c, v, a);
    case RESHAPE_FORGET_PARENT:
        return forget_partition(c, v, o->message.parents[a->index]);
    case RESHAPE_FORGET_CHILD:
        return forget_partition(c, v, o->children[a->index]);
    case RESHAPE_FORGET:
        return catalog_delete(c, SYSTEM_KIND_RESHAPE, o->name, o->version);
    }
    return TC_EINTERNAL;
}
