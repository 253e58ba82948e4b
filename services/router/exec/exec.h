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

struct exec {
    struct route *route;
    struct admit *admit;
    const char *endpoint; /* DescribeEndpoints, when the request names no host */
};

/* api_executor.execute; user is the struct exec. */
void exec_execute(void *user, struct api_request *req);

#endif
