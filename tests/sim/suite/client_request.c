/* What clients ask for: one operation drawn, and its request in JSON. */
#include "sim/suite/index.h"

#include <stdarg.h>
#include <stdio.h>

void suite_client_json(struct tc_buf *b, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    tc_buf_append_str(b, text);
}

#define KEY_FMT "\"pk\":{\"S\":\"p%u\"},\"sk\":{\"S\":\"k%u\"}"

static const char *build_read(struct suite_op *op, struct tc_buf *b) {
    op->lin.kind = LIN_READ;
    suite_client_json(b, "{" SUITE_TABLE ",\"ConsistentRead\":true,\"Key\":{" KEY_FMT "}}",
                      op->partition, op->key);
    return "GetItem";
}

static const char *build_query(struct suite_op *op, struct tc_buf *b) {
    op->lin.kind = LIN_READ;
    op->what = OP_QUERY;
    suite_client_json(b,
                      "{" SUITE_TABLE
                      ",\"ConsistentRead\":true,\"KeyConditionExpression\":\"pk = :p\","
                      "\"ExpressionAttributeValues\":{\":p\":{\"S\":\"p%u\"}}}",
                      op->partition);
    return "Query";
}

static const char *build_put(struct suite_op *op, struct tc_buf *b, bool cas) {
    uint64_t old = op->suite->clients->last_seen[op->key];
    op->lin.kind = cas ? LIN_CAS : LIN_WRITE;
    op->lin.expected = old;
    op->lin.value = suite_stamp_new(op->suite);
    suite_client_json(b, "{" SUITE_TABLE ",\"Item\":{" KEY_FMT ",\"stamp\":{\"N\":\"%lu\"}",
                      op->partition, op->key, (unsigned long)op->lin.value);
    suite_index_put_attributes(op->suite, b, op->lin.value);
    suite_client_json(b, "}");
    if (cas && old == 0)
        suite_client_json(b, ",\"ConditionExpression\":\"attribute_not_exists(pk)\"");
    else if (cas)
        suite_client_json(
            b,
            ",\"ConditionExpression\":\"stamp = :o\",\"ExpressionAttributeValues\":{\":o\":{\"N\":"
            "\"%lu\"}}",
            (unsigned long)old);
    suite_client_json(b, "}");
    return "PutItem";
}

static const char *build_delete(struct suite_op *op, struct tc_buf *b) {
    op->lin.kind = LIN_WRITE;
    suite_client_json(b, "{" SUITE_TABLE ",\"Key\":{" KEY_FMT "}}", op->partition, op->key);
    return "DeleteItem";
}

static const char *build_exchange(struct suite_op *op, struct tc_buf *b) {
    op->lin.kind = LIN_EXCHANGE;
    op->lin.value = suite_stamp_new(op->suite);
    suite_client_json(
        b, "{" SUITE_TABLE ",\"Key\":{" KEY_FMT "},\"UpdateExpression\":\"SET stamp = :n",
        op->partition, op->key);
    suite_index_put_update(op->suite, b, op->lin.value);
    suite_client_json(
        b, "\",\"ReturnValues\":\"ALL_OLD\",\"ExpressionAttributeValues\":{\":n\":{\"N\":\"%lu\"}",
        (unsigned long)op->lin.value);
    suite_index_put_values(op->suite, b, op->lin.value);
    suite_client_json(b, "}}");
    return "UpdateItem";
}

static const char *build_increment(struct suite_op *op, struct tc_buf *b) {
    op->lin.kind = LIN_INCREMENT;
    suite_client_json(
        b,
        "{" SUITE_TABLE ",\"Key\":{" KEY_FMT "},\"UpdateExpression\":\"ADD #c :one%s\","
        "\"ExpressionAttributeNames\":{\"#c\":\"count\"},\"ReturnValues\":\"UPDATED_NEW\","
        "\"ExpressionAttributeValues\":{\":one\":{\"N\":\"1\"}",
        op->partition, op->key, op->suite->swarm.indexed ? " SET l = :l, g = :g" : "");
    suite_index_put_letters(op->suite, b);
    suite_client_json(b, "}}");
    return "UpdateItem";
}

const char *suite_client_build(struct suite_op *op, struct tc_buf *b) {
    uint64_t roll = suite_below(op->suite, 10);
    if (roll == 0)
        return build_query(op, b);
    if (roll < 4)
        return build_read(op, b);
    if (op->key < SUITE_COUNTERS)
        return build_increment(op, b);
    if (roll == 4)
        return build_delete(op, b);
    if (roll == 5)
        return build_exchange(op, b);
    return build_put(op, b, /* cas= */ roll > 7);
}
