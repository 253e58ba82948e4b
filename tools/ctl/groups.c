#include "groups.h"

#include <stdlib.h>

struct reported {
    const Tercet__Pb__ReplicaInfo *info;
    size_t node;
};

static int by_gid(const void *a, const void *b) {
    const struct reported *x = a, *y = b;
    uint64_t gx = x->info->partition->gid, gy = y->info->partition->gid;
    return (gx > gy) - (gx < gy);
}

uint64_t group_silent_ms(const struct group *g, uint32_t rid) {
    if (g->leader == NULL)
        return UINT64_MAX;
    if (g->leader->rid == rid || g->leader->n_peers == 0)
        return 0;
    for (size_t i = 0; i < g->leader->n_peers; i++)
        if (g->leader->peers[i]->rid == rid)
            return g->leader->peers[i]->silent_ms;
    return UINT64_MAX;
}

const Tercet__Pb__Member *group_member(const struct group *g, uint32_t rid) {
    for (size_t i = 0; i < g->members->n_members; i++)
        if (g->members->members[i]->rid == rid)
            return g->members->members[i];
    return NULL;
}

const Tercet__Pb__Member *group_member_on(const struct group *g, const char *node) {
    for (size_t i = 0; i < g->members->n_members; i++)
        if (strcmp(g->members->members[i]->node, node) == 0)
            return g->members->members[i];
    return NULL;
}

enum group_kind group_kind_of(const Tercet__Pb__ReplicaInfo *r) {
    for (size_t i = 0; i < r->partition->n_members; i++)
        if (r->partition->members[i]->rid == r->rid)
            return r->partition->members[i]->role == 1 ? GROUP_LOG : GROUP_STORAGE;
    return GROUP_LEARNER;
}

const char *group_kind_name(enum group_kind kind) {
    return kind == GROUP_LOG ? "log" : kind == GROUP_LEARNER ? "learner" : "storage";
}

static void take(struct group *g, const struct reported *r) {
    const Tercet__Pb__Partition *p = r->info->partition;
    if (g->members == NULL || p->epoch > g->members->epoch)
        g->members = p;
    if (r->info->role != 2 || (g->leader && g->leader->partition->leader_round >= p->leader_round))
        return;
    g->leader = r->info;
    g->leader_node = r->node;
}

static void count_storage(struct group *g) {
    if (g->leader)
        g->members = g->leader->partition; /* it knows, and it is the one that acts */
    for (size_t i = 0; i < g->members->n_members; i++) {
        const Tercet__Pb__Member *m = g->members->members[i];
        g->storage_count += m->role == 0 && group_silent_ms(g, m->rid) < GROUPS_SILENT_MS;
    }
}

static void fold(const struct reported *all, size_t count, struct groups *g) {
    for (size_t i = 0; i < count; i++) {
        const Tercet__Pb__Partition *p = all[i].info->partition;
        if (g->count == 0 || g->at[g->count - 1].gid != p->gid)
            g->at[g->count++] = (struct group){.gid = p->gid, .table_id = p->table_id};
        take(&g->at[g->count - 1], &all[i]);
    }
    for (size_t i = 0; i < g->count; i++)
        count_storage(&g->at[i]);
}

void groups_of(const struct cluster *c, struct groups *ret_groups) {
    *ret_groups = (struct groups){0};
    size_t count = 0, at = 0;
    for (size_t i = 0; i < c->storage_count; i++)
        count += c->reports[i] ? c->reports[i]->n_replicas : 0;
    struct reported *all = calloc(count + 1, sizeof *all);
    ret_groups->at = calloc(count + 1, sizeof *ret_groups->at);
    for (size_t i = 0; all && ret_groups->at && i < c->storage_count; i++)
        for (size_t k = 0; c->reports[i] && k < c->reports[i]->n_replicas; k++)
            if (c->reports[i]->replicas[k]->partition)
                all[at++] = (struct reported){c->reports[i]->replicas[k], i};
    if (at) {
        qsort(all, at, sizeof *all, by_gid);
        fold(all, at, ret_groups);
    }
    free(all);
}

void groups_free(struct groups *g) {
    free(g->at);
    *g = (struct groups){0};
}

const struct group *groups_find(const struct groups *g, uint64_t gid) {
    for (size_t i = 0; i < g->count; i++)
        if (g->at[i].gid == gid)
            return &g->at[i];
    return NULL;
}

size_t groups_node(const struct cluster *c, const char *node) {
    for (size_t i = 0; i < c->storage_count; i++)
        if (c->reports[i] && strcmp(c->reports[i]->node, node) == 0)
            return i;
    return SIZE_MAX;
}

const char *group_node_state(const Tercet__Pb__NodeInfoReply *report, bool marked, bool full) {
    if (report == NULL)
        return "silent";
    if (marked || report->disk_drain[0])
        return "draining";
    if (report->disk_slow)
        return "slow";
    return full || report->disk_fill > 0 ? "full" : "up";
}
