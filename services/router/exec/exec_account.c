/* What belongs to no table: limits and endpoints. */
#include "exec_private.h"

enum {
    ENDPOINT_CACHE_MINUTES = 1440,
};

void exec__describe_limits(struct exec_op *op) {
    const struct exec_limits *l = &op->exec->limits;
    struct api_limits limits = {l->account_units_max, l->account_units_max, l->table_units_max,
                                l->table_units_max};
    api_write_limits(op->req->out, &limits);
    exec__complete(op);
}

void exec__describe_endpoints(struct exec_op *op) {
    struct tc_slice host = op->req->host.len ? op->req->host : tc_slice_str(op->exec->endpoint);
    api_write_endpoints(op->req->out, host, ENDPOINT_CACHE_MINUTES);
    exec__complete(op);
}
