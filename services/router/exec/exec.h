/* exec: carries out decoded API requests: finds the table, builds the storage key, compiles the
 * expressions, admits, sends to storage, charges, writes the answer.
 *
 * Threads: exec_execute is called on HTTP loop threads; a request goes on wherever its next answer
 * arrives (rpc or retry threads). A request belongs to one thread at a time, but for the parts of a
 * batch, which count down atomically. Nothing blocks.
 * Memory: per-request state lives in the request's arena; what grows is freed at its completion.
 */
#ifndef TC_ROUTER_EXEC_H
#define TC_ROUTER_EXEC_H

#include "route/route.h"
#include "router/admit/admit.h"
#include "router/api/api.h"

enum {
    EXEC_DEADLINE_MS = 8000, /* below the 10 s for which storage recognises a repeated request */
};

/* Quotas, as the service has them by default. */
struct exec_limits {
    uint64_t table_units_max;   /* of reads and of writes, each */
    uint64_t account_units_max; /* over all provisioned tables and their indexes */
    uint64_t tables_max;
};

struct exec {
    struct route *route;
    struct admit *admit;
    const char *endpoint; /* DescribeEndpoints, when the request names no host */
    struct exec_limits limits;
};

/* api_executor.execute; user is the struct exec. */
void exec_execute(void *user, struct api_request *req);

#endif
