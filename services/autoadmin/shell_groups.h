/* shell_groups: the groups of a snapshot, each as the newest leader that answers reports it. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_GROUPS_H
#define TC_SERVICES_AUTOADMIN_SHELL_GROUPS_H

#include "shell_observe.h"

/* Fills v->snapshot.groups from v->reports; nodes must be there. */
void shell_groups_fill(struct shell_view *v, const struct catalog *c);
/* The entry of a group; NULL: it has no leader. */
const struct plan_group *shell_groups_find(const struct shell_view *v, uint64_t gid);
/* The report that a group's entry was made of; NULL: it has no leader. */
const Tercet__Pb__ReplicaInfo *shell_groups_leader(const struct shell_view *v, uint64_t gid);

#endif
