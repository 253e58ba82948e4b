/* Shared by the files of admit: what requests are held to, and what is reported of them. */
#ifndef TC_ROUTER_ADMIT_PRIVATE_H
#define TC_ROUTER_ADMIT_PRIVATE_H

#include "base/map.h"
#include "core/bucket/bucket.h"
#include "daemon/worker.h"
#include "router/admit/admit.h"
#include "rpc/message.h"

#include <pthread.h>

enum {
    ADMIT_GAC_MAX = 16,
};

struct admit_meter {
    struct bucket bucket;
    uint64_t consumed_mu; /* since the last report */
    uint64_t refused_mu;
};

struct admit_table {
    uint64_t table_id;
    uint64_t version;
    uint64_t limit_mu[2]; /* read, write */
    uint32_t burst_s;
    struct admit_meter meters[2];
    uint32_t idle_rounds;
};

struct admit {
    pthread_mutex_t lock;
    struct tc_map tables;
    struct rpc_peer *gac[ADMIT_GAC_MAX];
    const char *gac_names[ADMIT_GAC_MAX];
    size_t gac_count;
    const char *router;
    struct daemon_worker *worker;
    uint64_t reported_ns;
};

/* The bucket of a table that may use so much per second. */
struct bucket_config admit__limits(uint64_t rate_mu, uint32_t burst_s);
/* daemon_worker_config.run; user: struct admit. */
uint64_t admit__report_run(void *user, void **entries, size_t count, uint64_t now_ns);

#endif
