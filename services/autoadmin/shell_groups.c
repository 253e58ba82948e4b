#include "shell_groups.h"

#include <stdlib.h>

/* One reported replica, and the node that reports it. */
struct reported {
    const Tercet__Pb__ReplicaInfo *info;
    uint32_t node;
};

struct reports {
    struct reported *at;
    size_t count;
};

static int by_gid_rid(const void *a, const void *b) {
    const struct reported *x = a, *y = b;
    uint64_t gx = x->info->partition->gid, gy = y->info->partition->gid;
    if (gx != gy)
        return gx < gy ? -1 : 1;
    return (x->info->rid > y->info->rid) - (x->info->rid < y->info->rid);
}

static struct reports gather(struct shell_view *v, const struct catalog *c) {
    struct reports all = {0};
    size_t count = 0;
    for (size_t i = 0; i < c->addr_count; i++)
        count += v->reports[i] ? v->reports[i]->n_replicas : 0;
    all.at = shell_view_alloc(v, count, sizeof *all.at);
    for (size_t i = 0; i < c->addr_count; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++)
            if (v->reports[i]->replicas[k]->partition)
                all.at[all.count++] = (struct reported){v->reports[i]->replicas[k], (uint32_t)i};
    if (all.count)
        qsort(all.at, all.count, sizeof *all.at, by_gid_rid);
    return all;
}

/* A node of an older version says nothing about its peers: then nobody is held to be silent. */
static uint64_t silence_of(const Tercet__Pb__ReplicaInfo *leader, uint32_t rid) {
    if (rid == leader->rid || leader->n_peers == 0)
        return 0;
    for (size_t i = 0; i < leader->n_peers; i++)
        if (leader->peers[i]->rid == rid)
            return leader->peers[i]->silent_ms;
    return PLAN_SILENT_NEVER;
}

static void fill_member(const struct shell_view *v, const Tercet__Pb__ReplicaInfo *leader,
                        const Tercet__Pb__Member *m, struct plan_member *out) {
    uint32_t node = shell_view_node(v, m->node);
    *out = (struct plan_member){.rid = m->rid,
                                .node = tc_slice_str(m->node),
                                .node_index = node,
                                .zone = tc_slice_str(m->zone),
                                .log = m->role == 1,
                                .silent_ms = silence_of(leader, m->rid)};
    /* Known only while the node answers: a silent node's disk may be what it was. */
    if (node != PLAN_NODE_NONE && v->snapshot.nodes[node].alive)
        out->lost = !tc_slice_eq(v->snapshot.nodes[node].store,
                                 tc_slice(m->store_uuid.data, m->store_uuid.len));
}

/* The node whose replica of the group has the rid that the change is about. */
static uint32_t changing_node(const struct reports *all, size_t first, size_t end, uint32_t rid) {
    for (size_t i = first; i < end; i++)
        if (all->at[i].info->rid == rid)
            return all->at[i].node;
    return PLAN_NODE_NONE;
}

static bool goes_on(const Tercet__Pb__ChangeReplicaReply *change) {
    return change && change->state != TERCET__PB__CHANGE_STATE__CHANGE_NONE &&
           change->state != TERCET__PB__CHANGE_STATE__CHANGE_LOG &&
           change->state != TERCET__PB__CHANGE_STATE__CHANGE_DONE;
}

static bool is_retired(const Tercet__Pb__ReplicaInfo *r) {
    return (r->split && r->split->state >= TERCET__PB__SPLIT_STATE__SPLIT_MADE) ||
           (r->seal && r->seal->state == TERCET__PB__SEAL_STATE__SEAL_DONE) ||
           (r->merge && r->merge->state >= TERCET__PB__MERGE_STATE__MERGE_MADE);
}

/* Of several that say they lead, the one with the newest ballot does. */
static const struct reported *find_leader(const struct reports *all, size_t first, size_t end) {
    const struct reported *best = NULL;
    for (size_t i = first; i < end; i++)
        if (all->at[i].info->role == 2 &&
            (best == NULL ||
             all->at[i].info->partition->leader_round > best->info->partition->leader_round))
            best = &all->at[i];
    return best;
}

/* What the leader says of its group's schema, and of what was carried over under it. */
static void add_schema(struct shell_view *v, const Tercet__Pb__ReplicaInfo *leader,
                       struct plan_group *g) {
    const ProtobufCBinaryData *schema = &leader->partition->schema;
    g->schema = tc_slice(schema->data, schema->len);
    g->schema_version = leader->schema_version;
    if (leader->n_backfills == 0)
        return;
    uint32_t *done = shell_view_alloc(v, leader->n_backfills, sizeof *done);
    for (size_t i = 0; i < leader->n_backfills; i++)
        if (leader->backfills[i]->done)
            done[g->backfilled_count++] = leader->backfills[i]->id;
    g->backfilled = done;
}

static void add_group(struct shell_view *v, const struct reports *all, size_t first, size_t end,
                      struct plan_group *groups) {
    const struct reported *leader = find_leader(all, first, end);
    if (leader == NULL)
        return;
    const Tercet__Pb__ReplicaInfo *r = leader->info;
    uint32_t i = v->snapshot.group_count++;
    struct plan_group *g = &groups[i];
    v->leaders[i] = r;
    *g = (struct plan_group){.gid = r->partition->gid,
                             .table_id = r->partition->table_id,
                             .epoch = r->partition->epoch,
                             .leader_rid = r->rid,
                             .leader_node = leader->node,
                             .retired = is_retired(r),
                             .changing = goes_on(r->change),
                             .change_node = PLAN_NODE_NONE};
    add_schema(v, r, g);
    if (g->changing)
        g->change_node = changing_node(all, first, end, r->change->rid);
    for (size_t m = 0; m < r->partition->n_members && m < PLAN_MEMBERS_MAX; m++)
        fill_member(v, r, r->partition->members[m], &g->members[g->member_count++]);
}

void shell_groups_fill(struct shell_view *v, const struct catalog *c) {
    struct reports all = gather(v, c);
    struct plan_group *groups = shell_view_alloc(v, all.count, sizeof *groups);
    v->leaders = shell_view_alloc(v, all.count, sizeof *v->leaders);
    v->snapshot.groups = groups;
    for (size_t first = 0, end = 0; first < all.count; first = end) {
        uint64_t gid = all.at[first].info->partition->gid;
        while (end < all.count && all.at[end].info->partition->gid == gid)
            end++;
        add_group(v, &all, first, end, groups);
    }
}

const struct plan_group *shell_groups_find(const struct shell_view *v, uint64_t gid) {
    for (uint32_t i = 0; i < v->snapshot.group_count; i++)
        if (v->snapshot.groups[i].gid == gid)
            return &v->snapshot.groups[i];
    return NULL;
}

const Tercet__Pb__ReplicaInfo *shell_groups_leader(const struct shell_view *v, uint64_t gid) {
    for (uint32_t i = 0; i < v->snapshot.group_count; i++)
        if (v->snapshot.groups[i].gid == gid)
            return v->leaders[i];
    return NULL;
}
