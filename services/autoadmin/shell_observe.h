/* shell_observe: takes the snapshot that plan_step reads: what the nodes hold, what is on record.
 */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_OBSERVE_H
#define TC_SERVICES_AUTOADMIN_SHELL_OBSERVE_H

#include "core/plan/plan.h"
#include "proto/common.pb-c.h"
#include "proto/storage.pb-c.h"
#include "proto/table.pb-c.h"
#include "shell_system.h"

enum {
    SHELL_REPORT_DEADLINE_MS = 800,
    SHELL_ARENA_BYTES_MAX = 256 * 1024 * 1024,
};

/* Everything of one round; freed together. Parallel arrays: descriptors[i] is tables[i]. */
struct shell_view {
    struct tc_arena arena;
    struct plan_snapshot snapshot;
    Tercet__Pb__NodeInfoReply *reports[DAEMON_ADDRS_MAX]; /* NULL: silent */
    struct shell_records table_records;
    struct shell_records partition_records;
    struct shell_records counters;
    Tercet__Pb__TableDescriptor **descriptors;
    Tercet__Pb__Partition **partitions;
};

/* Ask the system tables, and every node too if `ask_nodes`. Never fails: what does not answer is
 * missing from the snapshot, and plan_step knows what that means. */
void shell_view_init(struct shell_view *v, struct shell_system *system, bool ask_nodes);
void shell_view_deinit(struct shell_view *v);

#endif
