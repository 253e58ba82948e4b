/* Parts of shell_view_init: each fills its part of the snapshot from what was heard and read. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_OBSERVE_PRIVATE_H
#define TC_SERVICES_AUTOADMIN_SHELL_OBSERVE_PRIVATE_H

#include "shell_observe.h"

/* ---- shell_observe_nodes.c */
/* Every configured node, silent ones under the name that the directory has for them, and what they
 * hold. */
void shell_view_add_nodes(struct shell_view *v, const struct catalog *system,
                          const struct shell_limits *limits);
void shell_view_add_system(struct shell_view *v, const struct catalog *system);

/* ---- shell_observe_records.c */
/* false: a record cannot be read, and nothing may be planned. */
bool shell_view_unpack_tables(struct shell_view *v);
bool shell_view_unpack_partitions(struct shell_view *v);
/* Orders name nodes, so these must have been added. */
void shell_view_add_orders(struct shell_view *v);
void shell_view_add_dropped(struct shell_view *v);

#endif
