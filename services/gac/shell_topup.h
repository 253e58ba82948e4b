/* shell_topup: decodes routers' reports, steps core/quota for each table, answers with shares.
 *
 * Threads: runs on rpc threads under one lock; a report costs microseconds and nothing blocks.
 * Memory: one quota_table per table seen in the last TOPUP_FORGET_NS, bounded by tables_max.
 */
#ifndef TC_SERVICES_GAC_SHELL_TOPUP_H
#define TC_SERVICES_GAC_SHELL_TOPUP_H

#include "base/map.h"
#include "core/quota/quota.h"
#include "metrics.h"
#include "rpc/server.h"

#include <pthread.h>

#define TOPUP_FORGET_NS UINT64_C(60000000000)

struct topup {
    pthread_mutex_t lock;
    struct tc_map tables; /* table id -> struct topup_table */
    size_t tables_max;
    uint64_t swept_ns;
    struct gac_metrics *metrics;
};

void topup_init(struct topup *t, size_t tables_max, struct gac_metrics *metrics);
void topup_deinit(struct topup *t);
/* rpc_server_config.on_frames; user is the struct topup. */
void topup_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames);
/* JSON for /status: every table with its limit and routers. */
void topup_status(struct topup *t, struct tc_buf *ret_json);

#endif
