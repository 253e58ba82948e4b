/* What belongs to no table: limits and endpoints. */
#include "exec_private.h"

/* Service quotas of the API's documentation, which SDK tools read. */
enum {
    ACCOUNT_UNITS_MAX = 80000,
    TABLE_UNITS_MAX = 40000,
    ENDPOINT_CACHE_MINUTES = 1440,
};

void exec__describe_limits(struct exec_op *op) {
    struct api_limits limits = {ACCOUNT_UNITS_MAX, ACCOUNT_UNITS_MAX, TABLE_UNITS_MAX,
                                TABLE_UNITS_MAX};
    api_write_limits(op->req->out, &limits);
    exec__complete(op);
}

void exec__describe_endpoints(struct exec_op *op) {
    struct tc_slice host = op->req->host.len ? op->req->host : tc_slice_str(op->exec->endpoint);
    api_write_endpoints(op->req->out, host, ENDPOINT_CACHE_MINUTES);
    exec__complete(op);
}
