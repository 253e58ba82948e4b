/* shell_observe: takes the snapshot that plan_step reads: what the nodes hold, what is on record.
 */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_OBSERVE_H
#define TC_SERVICES_AUTOADMIN_SHELL_OBSERVE_H

#include "catalog/catalog.h"
#include "core/plan/plan.h"
#include "proto/common.pb-c.h"
#include "proto/storage.pb-c.h"
#include "proto/system.pb-c.h"
#include "proto/table.pb-c.h"

enum {
    SHELL_REPORT_DEADLINE_MS = 800,
    SHELL_ARENA_BYTES_MAX = 256 * 1024 * 1024,
};

struct shell_limits {
    struct plan_pace pace;
    uint64_t full_bytes; /* a node with less free space takes no replica */
};

/* Everything of one round; freed together. Parallel arrays: descriptors[i] is tables[i], leaders[i]
 * reported groups[i], order_records.at[i] is orders[i], dropped_records.at[i] is
 * dropped_ids[i]. */
struct shell_view {
    struct tc_arena arena;
    struct plan_snapshot snapshot;
    Tercet__Pb__NodeInfoReply *reports[CATALOG_ADDRS_MAX]; /* NULL: silent */
    struct catalog_records table_records;
    struct catalog_records partition_records;
    struct catalog_records counters;
    struct catalog_records mark_records;
    struct catalog_records order_records;
    struct catalog_records dropped_records;
    struct catalog_records directory_records;
    Tercet__Pb__TableDescriptor **descriptors;
    Tercet__Pb__Partition **partitions;
    const Tercet__Pb__ReplicaInfo **leaders;
    Tercet__Pb__Directory *directory; /* as last recorded; NULL: none yet */
    uint64_t directory_version;       /* of its record; 0: none */
};

/* Ask the tables' records, and with `whole` every node and every record too: only a whole view may
 * be planned over. Never fails: what does not answer is missing from the snapshot, and plan_step
 * knows what that means. */
void shell_view_init(struct shell_view *v, struct catalog *system,
                     const struct shell_limits *limits, bool whole);
void shell_view_deinit(struct shell_view *v);
/* Whose groups have this table id: the table at ret_table (of descriptors), and its index, or NULL.
 * false: nobody on record. */
bool shell_view_owner(const struct shell_view *v, uint64_t table_id, size_t *ret_table,
                      const Tercet__Pb__IndexDescriptor **ret_index);
/* The configured node of that name; PLAN_NODE_NONE: there is none, or it was never heard. */
uint32_t shell_view_node(const struct shell_view *v, const char *name);
/* Zeroed memory that lives as long as the view. */
void *shell_view_alloc(struct shell_view *v, size_t count, size_t size);

#endif
