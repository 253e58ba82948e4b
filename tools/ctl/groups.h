/* groups: what the nodes' reports say about each group: who leads, which members answer, what goes
 * on. Borrows from cluster.reports; plain functions. */
#ifndef TC_TOOLS_CTL_GROUPS_H
#define TC_TOOLS_CTL_GROUPS_H

#include "cluster.h"

enum {
    GROUPS_SILENT_MS = 1000, /* a member not heard for longer does not count */
    GROUPS_REPLICAS = 3,
};

struct group {
    uint64_t gid;
    uint64_t table_id;
    const Tercet__Pb__ReplicaInfo *leader; /* NULL: none answers */
    size_t leader_node;                    /* index of the cluster's storage list */
    const Tercet__Pb__Partition *members;  /* the newest membership reported */
    unsigned storage_count;                /* storage replicas that answer their leader */
};

struct groups {
    struct group *at; /* ascending by gid */
    size_t count;
};

enum group_kind {
    GROUP_STORAGE,
    GROUP_LOG,
    GROUP_LEARNER,
};

/* ret_groups is to be freed with groups_free. */
void groups_of(const struct cluster *c, struct groups *ret_groups);
void groups_free(struct groups *g);
const struct group *groups_find(const struct groups *g, uint64_t gid);

/* What a reported replica is in its group. */
enum group_kind group_kind_of(const Tercet__Pb__ReplicaInfo *r);
const char *group_kind_name(enum group_kind kind);
/* The leader's silence of a member in ms, 0 for itself; UINT64_MAX: never heard. */
uint64_t group_silent_ms(const struct group *g, uint32_t rid);
/* The member on that node, NULL: none. */
const Tercet__Pb__Member *group_member_on(const struct group *g, const char *node);
const Tercet__Pb__Member *group_member(const struct group *g, uint32_t rid);
/* The state that `tercet nodes` shows. report: NULL: it is silent; marked: by `tercet drain`; full:
 * the directory says so. Its disk may have it drained without a mark. */
const char *group_node_state(const Tercet__Pb__NodeInfoReply *report, bool marked, bool full);
/* The storage list's index of the node with that name; SIZE_MAX: none answers to it. */
size_t groups_node(const struct cluster *c, const char *node);

#endif
