#include "request.h"

#include "base/assert.h"

enum {
    RANGED_ITEMS = 10, /* to a partition key */
};

static void append_key(struct tc_buf *body, const struct request_shape *shape, uint64_t key) {
    unsigned long long hash = shape->ranged ? key / RANGED_ITEMS : key;
    tc_buf_printf(body, "\"pk\":{\"S\":\"user%012llu\"}", hash);
    if (shape->ranged)
        tc_buf_printf(body, ",\"sk\":{\"N\":\"%u\"}", (unsigned)(key % RANGED_ITEMS));
}

static void append_put(struct tc_buf *body, const struct request_shape *shape, uint64_t key) {
    tc_buf_printf(body, "{\"TableName\":\"%s\",\"Item\":{", shape->table);
    append_key(body, shape, key);
    tc_buf_append_str(body, ",\"field\":{\"S\":\"");
    uint8_t *at = tc_buf_extend(body, shape->item_bytes);
    for (uint32_t i = 0; i < shape->item_bytes; i++)
        at[i] = (uint8_t)('a' + (key * 31 + i * 7) % 26);
    tc_buf_append_str(body, "\"}}}");
}

static void append_get(struct tc_buf *body, const struct request_shape *shape, uint64_t key,
                       bool consistent) {
    tc_buf_printf(body, "{\"TableName\":\"%s\",\"Key\":{", shape->table);
    append_key(body, shape, key);
    tc_buf_printf(body, "},\"ConsistentRead\":%s}", consistent ? "true" : "false");
}

static void append_query(struct tc_buf *body, const struct request_shape *shape, uint64_t key) {
    tc_buf_printf(body,
                  "{\"TableName\":\"%s\",\"KeyConditionExpression\":\"pk = :p\","
                  "\"ExpressionAttributeValues\":{\":p\":{\"S\":\"user%012llu\"}}}",
                  shape->table, (unsigned long long)(key / RANGED_ITEMS));
}

static void append_body(struct tc_buf *body, const struct request_shape *shape, enum request_op op,
                        uint64_t key) {
    if (op == REQUEST_PUT)
        append_put(body, shape, key);
    else if (op == REQUEST_QUERY)
        append_query(body, shape, key);
    else
        append_get(body, shape, key, op == REQUEST_GET);
}

static const char *target_of(enum request_op op) {
    return op == REQUEST_PUT     ? "DynamoDB_20120810.PutItem"
           : op == REQUEST_QUERY ? "DynamoDB_20120810.Query"
                                 : "DynamoDB_20120810.GetItem";
}

void request_append(struct tc_buf *out, struct sigv4 *signer, const struct request_shape *shape,
                    enum request_op op, uint64_t key, uint64_t now_s) {
    struct tc_buf body = {0};
    append_body(&body, shape, op, key);
    const char *target = target_of(op);
    struct sigv4_header headers[] = {
        {TC_SLICE_LIT("host"), tc_slice_str(shape->host)},
        {TC_SLICE_LIT("x-amz-target"), tc_slice_str(target)},
        {TC_SLICE_LIT("content-type"), TC_SLICE_LIT("application/x-amz-json-1.0")},
    };
    struct sigv4_request r = {.method = TC_SLICE_LIT("POST"),
                              .path = TC_SLICE_LIT("/"),
                              .headers = headers,
                              .header_count = 3,
                              .body = tc_buf_slice(&body)};
    struct sigv4_sign_params params = {
        .request = &r,
        .credentials = {TC_SLICE_LIT("tercet"), TC_SLICE_LIT("tercet-local-secret")},
        .region = TC_SLICE_LIT("us-east-1"),
        .service = TC_SLICE_LIT("dynamodb"),
        .now_s = now_s};
    struct sigv4_signature signature;
    tc_err err = sigv4_sign(signer, &params, &signature);
    TC_ASSERT(err == TC_OK);
    tc_buf_printf(out,
                  "POST / HTTP/1.1\r\nHost: %s\r\nX-Amz-Target: %s\r\n"
                  "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: %s\r\n"
                  "Authorization: %s\r\nContent-Length: %zu\r\n\r\n",
                  shape->host, target, signature.amz_date, signature.authorization, body.len);
    tc_buf_append_slice(out, tc_buf_slice(&body));
    tc_buf_deinit(&body);
}
