/* shell_create: replicas of recorded groups, many at a time: a table of many partitions waits for
 * as many files on each of three disks, and the nodes can make them side by side. Blocks; one
 * thread. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_CREATE_H
#define TC_SERVICES_AUTOADMIN_SHELL_CREATE_H

#include "shell_observe.h"

enum {
    SHELL_CREATES_MAX = 9, /* without an answer at once */
};

/* Carries out actions[0..count), all of them PLAN_CREATE_REPLICA; ret_errs[i] belongs to
 * actions[i]. TC_ESTALE: the record is gone, plan again. */
void shell_create_replicas(struct catalog *system, const struct shell_view *v,
                           const struct plan_action *actions, size_t count, tc_err *ret_errs);
/* The one request for all of them. */
void shell_create_pack(const Tercet__Pb__Partition *p, uint32_t rid, const char *table,
                       struct tc_buf *out);

#endif
