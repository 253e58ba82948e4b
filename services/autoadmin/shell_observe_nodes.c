/* Nodes as they report themselves, and group 1 as they report it. */
#include "shell_observe_private.h"

#include <stdlib.h>

static bool marked_draining(const struct shell_view *v, const char *node) {
    for (size_t i = 0; i < v->mark_records.count; i++) {
        const struct system_record *r = &v->mark_records.at[i];
        if (!tc_slice_eq(r->name, tc_slice_str(node)))
            continue;
        Tercet__Pb__NodeMark *mark = tercet__pb__node_mark__unpack(NULL, r->data.len, r->data.data);
        bool draining = mark && mark->draining;
        if (mark)
            tercet__pb__node_mark__free_unpacked(mark, NULL);
        return draining;
    }
    return false;
}

/* A silent node is who the directory's record says stood at its address. */
static void name_silent(const struct shell_view *v, const char *addr, struct plan_node *n) {
    for (size_t i = 0; v->directory && i < v->directory->n_nodes; i++) {
        const Tercet__Pb__DirectoryNode *d = v->directory->nodes[i];
        if (strcmp(d->addr, addr) != 0)
            continue;
        n->name = tc_slice_str(d->node);
        n->zone = tc_slice_str(d->zone);
        n->store = tc_slice(d->store_uuid.data, d->store_uuid.len);
        n->replica_count = d->replicas;
        n->draining = marked_draining(v, d->node);
        return;
    }
}

static struct plan_node node_of(const struct shell_view *v, const Tercet__Pb__NodeInfoReply *r,
                                const struct shell_limits *limits) {
    return (struct plan_node){.name = tc_slice_str(r->node),
                              .zone = tc_slice_str(r->zone),
                              .store = tc_slice(r->store_uuid.data, r->store_uuid.len),
                              .alive = true,
                              .draining = marked_draining(v, r->node) || r->disk_drain[0],
                              .full = r->disk_free_bytes < limits->full_bytes || r->disk_fill > 0 ||
                                      r->disk_slow,
                              .leads_not = r->disk_fill > 1 || r->disk_slow,
                              .replica_count = (uint32_t)r->n_replicas,
                              .uptime_ms = r->uptime_ms};
}

static int by_gid(const void *a, const void *b) {
    const struct plan_replica *x = a, *y = b;
    return (x->gid > y->gid) - (x->gid < y->gid);
}

static struct plan_replica held_by(size_t node, const Tercet__Pb__ReplicaInfo *r) {
    const Tercet__Pb__Partition *p = r->partition;
    return (struct plan_replica){.node_index = (uint32_t)node,
                                 .gid = p ? p->gid : 0,
                                 .table_id = p ? p->table_id : 0,
                                 .epoch = p ? p->epoch : 0,
                                 .leader = r->role == 2};
}

static void add_replicas(struct shell_view *v, size_t nodes) {
    size_t count = 0;
    for (size_t i = 0; i < nodes; i++)
        count += v->reports[i] ? v->reports[i]->n_replicas : 0;
    struct plan_replica *held = shell_view_alloc(v, count, sizeof *held);
    for (size_t i = 0; i < nodes; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++)
            held[v->snapshot.replica_count++] = held_by(i, v->reports[i]->replicas[k]);
    if (count)
        qsort(held, count, sizeof *held, by_gid);
    v->snapshot.replicas = held;
}

void shell_view_add_nodes(struct shell_view *v, const struct catalog *system,
                          const struct shell_limits *limits) {
    size_t count = system->addr_count;
    struct plan_node *nodes = shell_view_alloc(v, count, sizeof *nodes);
    for (size_t i = 0; i < count; i++)
        if (v->reports[i])
            nodes[i] = node_of(v, v->reports[i], limits);
        else
            name_silent(v, system->addrs[i], &nodes[i]);
    v->snapshot.nodes = nodes;
    v->snapshot.node_count = (uint32_t)count;
    v->snapshot.pace = limits->pace;
    add_replicas(v, count);
}

static bool same_store(const struct shell_view *v, const struct catalog *system,
                       const Tercet__Pb__Member *m) {
    for (size_t i = 0; i < system->addr_count; i++) {
        const Tercet__Pb__NodeInfoReply *r = v->reports[i];
        if (r && strcmp(r->node, m->node) == 0)
            return tc_slice_eq(tc_slice(r->store_uuid.data, r->store_uuid.len),
                               tc_slice(m->store_uuid.data, m->store_uuid.len));
    }
    return false;
}

/* Group 1 as the newest report of it has it; members whose store was replaced lose their name. */
void shell_view_add_system(struct shell_view *v, const struct catalog *system) {
    for (size_t i = 0; i < system->addr_count; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++) {
            const Tercet__Pb__Partition *p = v->reports[i]->replicas[k]->partition;
            if (p == NULL || p->gid != SYSTEM_GID)
                continue;
            struct plan_partition *g = &v->snapshot.system;
            if (g->gid != 0 && p->epoch <= g->epoch)
                continue;
            *g = (struct plan_partition){.gid = p->gid, .table_id = p->table_id, .epoch = p->epoch};
            for (size_t m = 0; m < p->n_members && m < PLAN_REPLICAS_PER_GROUP; m++) {
                g->nodes[m] =
                    tc_slice_str(same_store(v, system, p->members[m]) ? p->members[m]->node : "");
                g->rids[m] = p->members[m]->rid;
            }
        }
}
