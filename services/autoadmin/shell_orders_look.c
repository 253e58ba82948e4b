/* What an order's groups, table and nodes are like, by the round's reports and records. */
#include "env/posix/posix.h"
#include "shell_groups.h"
#include "shell_orders_private.h"

static const Tercet__Pb__ReplicaInfo *replica_on(const struct shell_view *v, uint32_t node,
                                                 uint64_t gid, uint32_t rid) {
    const Tercet__Pb__NodeInfoReply *r = node == PLAN_NODE_NONE ? NULL : v->reports[node];
    for (size_t i = 0; r && i < r->n_replicas; i++) {
        const Tercet__Pb__ReplicaInfo *info = r->replicas[i];
        if (info->partition && info->partition->gid == gid && info->rid == rid)
            return info;
    }
    return NULL;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static void count_members(const struct shell_view *v, const Tercet__Pb__ReplicaInfo *leader,
                          struct reshape_group *g) {
    const Tercet__Pb__Partition *p = leader->partition;
    g->led = true;
    g->members = (uint32_t)p->n_members;
    for (size_t i = 0; i < p->n_members; i++) {
        const Tercet__Pb__Member *m = p->members[i];
        const Tercet__Pb__ReplicaInfo *r =
            replica_on(v, shell_view_node(v, m->node), p->gid, m->rid);
        g->present += r && !begins(r->state, "building");
        g->durable += r && (begins(r->state, "ok") || begins(r->state, "stalled"));
    }
}

/* Applied somewhere: so it was chosen. */
static bool is_sealed(const struct shell_view *v, uint64_t gid) {
    bool sealed = false;
    for (size_t i = 0; i < CATALOG_ADDRS_MAX; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++) {
            const Tercet__Pb__ReplicaInfo *r = v->reports[i]->replicas[k];
            if (r->partition == NULL || r->partition->gid != gid)
                continue;
            sealed |= r->split && r->split->state >= TERCET__PB__SPLIT_STATE__SPLIT_MADE;
            sealed |= r->seal && r->seal->state == TERCET__PB__SEAL_STATE__SEAL_DONE;
            sealed |= r->merge && r->merge->state >= TERCET__PB__MERGE_STATE__MERGE_MADE;
        }
    return sealed;
}

/* The table that the groups are of, or the table and its index. */
struct owner {
    const Tercet__Pb__TableDescriptor *table; /* NULL: gone */
    const Tercet__Pb__IndexDescriptor *index;
};

static struct owner find_owner(const struct shell_view *v, uint64_t table_id) {
    struct owner owner = {0};
    size_t table;
    if (shell_view_owner(v, table_id, &table, &owner.index))
        owner.table = v->descriptors[table];
    return owner;
}

static bool owner_has(const struct owner *owner, Tercet__Pb__TableStatus status) {
    return owner->table &&
           (owner->table->status == status || (owner->index && owner->index->status == status));
}

static bool is_listed(const struct owner *owner, uint64_t gid) {
    if (owner->table == NULL)
        return false;
    const uint64_t *gids = owner->index ? owner->index->gids : owner->table->gids;
    size_t count = owner->index ? owner->index->n_gids : owner->table->n_gids;
    for (size_t i = 0; i < count; i++)
        if (gids[i] == gid)
            return true;
    return false;
}

static struct reshape_group look_at(const struct shell_view *v, uint64_t gid,
                                    const struct owner *owner) {
    struct reshape_group g = {0};
    const Tercet__Pb__ReplicaInfo *leader = shell_groups_leader(v, gid);
    if (leader)
        count_members(v, leader, &g);
    for (uint32_t i = 0; i < v->snapshot.replica_count; i++)
        g.holders += v->snapshot.replicas[i].gid == gid;
    g.sealed = is_sealed(v, gid);
    for (size_t i = 0; i < v->partition_records.count; i++)
        g.recorded = g.recorded || v->partitions[i]->gid == gid;
    g.listed = is_listed(owner, gid);
    return g;
}

struct reshape_view shell_order_look(const struct shell_order *o, const struct shell_view *v) {
    const Tercet__Pb__ReshapeOrder *m = &o->message;
    const struct owner owner = find_owner(v, m->table_id);
    bool goes = owner_has(&owner, TERCET__PB__TABLE_STATUS__TABLE_DELETING);
    struct reshape_view seen = {
        .kind = (enum reshape_kind)m->kind,
        .step = (enum reshape_step)m->step,
        .step_age_ms = reshape_age_ms(m->step_ms, posix_wall_ms()),
        .reserved = m->n_children > 0,
        .table_goes = owner.table == NULL || goes,
        .table_serves =
            owner.table && !goes && !owner_has(&owner, TERCET__PB__TABLE_STATUS__TABLE_CREATING),
        .nodes_answer = true,
        .parent_count = (uint32_t)m->n_parents,
        .child_count = m->kind == TERCET__PB__RESHAPE_KIND__RESHAPE_SPLIT ? 2 : 1,
    };
    for (uint32_t i = 0; i < v->snapshot.node_count; i++)
        seen.nodes_answer = seen.nodes_answer && v->snapshot.nodes[i].alive;
    for (size_t i = 0; i < m->n_parents; i++)
        seen.parents[i] = look_at(v, m->parents[i], &owner);
    for (uint32_t i = 0; i < m->n_children; i++)
        seen.children[i] = look_at(v, o->children[i], &owner);
    if (seen.kind == RESHAPE_MERGE)
        shell_order_look_aligned(o, v, &seen);
    return seen;
}
