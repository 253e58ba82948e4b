/* request: signed DynamoDB requests for the load generator, built into a buffer ready to send. */
#ifndef TC_BENCH_MACRO_REQUEST_H
#define TC_BENCH_MACRO_REQUEST_H

#include "base/buf.h"
#include "sigv4/sigv4.h"

enum request_op {
    REQUEST_GET,
    REQUEST_GET_EVENTUAL,
    REQUEST_PUT,
    REQUEST_QUERY /* the ten items of one partition key */
};

struct request_shape {
    const char *host; /* "127.0.0.1:8000" */
    const char *table;
    uint32_t item_bytes; /* payload attribute's length */
    bool ranged;         /* the table has a sort key, ten items to a partition key */
};

/* Append one whole HTTP request for the key numbered key. */
void request_append(struct tc_buf *out, struct sigv4 *signer, const struct request_shape *shape,
                    enum request_op op, uint64_t key, uint64_t now_s);

#endif
