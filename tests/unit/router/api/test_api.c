/* Calls: operations, signatures, bodies. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static void items_go_in_and_out(void **state) {
    struct fixture *f = *state;
    call(f, (struct call){T "PutItem",
                          "{\"TableName\":\"tab\",\"Item\":{\"v\":{\"L\":[{\"NULL\":"
                          "true}]},\"k\":{\"S\":\"x\"}},"
                          "\"ReturnConsumedCapacity\":\"TOTAL\"}",
                          .key_id = NULL});
    expect(f, 200, "{\"ConsumedCapacity\":{\"TableName\":\"tab\",\"CapacityUnits\":1}}");
    call(f, (struct call){T "GetItem", "{\"TableName\":\"tab\",\"Key\":{\"k\":{\"S\":\"x\"}}}",
                          .key_id = NULL});
    expect(f, 200, "{\"Item\":{\"k\":{\"S\":\"x\"},\"v\":{\"L\":[{\"NULL\":true}]}}}");
    call(f, (struct call){T "GetItem", "{\"TableName\":\"tab\",\"Key\":{\"k\":{\"S\":\"y\"}}}",
                          .key_id = NULL});
    expect(f, 200, "{}");
    call(f, (struct call){T "DescribeEndpoints", "{}", .key_id = NULL});
    expect(f, 200, "\"Address\":\"localhost:8000\"");
}

/* SDKs read these headers: the request id, and the CRC of the body. */
static void answers_carry_id_and_checksum(void **state) {
    struct fixture *f = *state;
    call(f, (struct call){T "DescribeTable", "{\"TableName\":\"tab\"}", .key_id = NULL});
    expect(f, 400, "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException");
    const char *id = strstr((char *)f->in.data, "x-amzn-RequestId: ");
    const char *crc = strstr((char *)f->in.data, "x-amz-crc32: ");
    assert_non_null(id);
    assert_non_null(crc);
    assert_int_equal(strcspn(id + 18, "\r"), API_REQUEST_ID_CHARS);
    assert_int_equal(strspn(id + 18, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), API_REQUEST_ID_CHARS);
    assert_int_equal(strtoul(crc + 13, NULL, 10),
                     crc32(0, (const Bytef *)f->body, (uInt)strlen(f->body)));
    assert_non_null(strstr((char *)f->in.data, "Content-Type: application/x-amz-json-1.0\r\n"));
}

/* What is not built checks its parameters all the same, and then tells what is true. */
static void operations_are_known_unbuilt_or_unknown(void **state) {
    struct fixture *f = *state;
    call(f, (struct call){T "TransactGetItems",
                          "{\"TransactItems\":[{\"Get\":{\"TableName\":\"tab\",\"Key\":{"
                          "\"k\":{\"S\":\"x\"}}}}]}",
                          .key_id = NULL});
    expect(f, 400,
           "com.amazon.coral.service#UnknownOperationException\",\"message\":\"The "
           "operation TransactGetItems is not supported by this version of Tercet.\"");
    call(f, (struct call){T "TransactGetItems", "{\"TransactItems\":[{}]}", .key_id = NULL});
    expect(f, 400,
           "Value null at 'transactItems.1.member.get' failed to satisfy constraint: Member must "
           "not be null");
    call(f, (struct call){T "ListBackups", "{\"Limit\":0,\"BackupType\":\"X\"}", .key_id = NULL});
    expect(f, 400, "2 validation errors detected: Value '0' at 'limit' failed");
    call(f, (struct call){T "ListBackups", "{}", .key_id = NULL});
    expect(f, 200, "{\"BackupSummaries\":[]}");
    call(f, (struct call){T "ListBackups", "{\"TimeRangeLowerBound\":\"x\"}", .key_id = NULL});
    expect(f, 400, "SerializationException");
    call(f,
         (struct call){T "DescribeGlobalTable", "{\"GlobalTableName\":\"tab\"}", .key_id = NULL});
    expect(f, 400,
           "com.amazonaws.dynamodb.v20120810#GlobalTableNotFoundException\",\"message\":\"Global "
           "table not found: Global table with name: 'tab' does not exist.\"");
    call(f, (struct call){"DynamoDBStreams_20120810.ListStreams", "{}", .key_id = NULL});
    expect(f, 200, "{\"Streams\":[]}");
    call(f, (struct call){T "MakeCoffee", "{}", .key_id = NULL});
    expect(f, 400, "com.amazon.coral.service#UnknownOperationException");
}

/* Every operation without parameters at all: never a crash, never a server's fault. */
static void no_operation_answers_a_server_error(void **state) {
    struct fixture *f = *state;
    size_t count;
    const struct api_op_info *ops = api_op_all(&count);
    for (size_t i = 0; i < count; i++) {
        char target[128];
        if (ops[i].op != API_OP_UNBUILT && ops[i].op != API_OP_TRANSACT)
            continue;
        (void)snprintf(target, sizeof target, "DynamoDB%s_20120810.%s",
                       ops[i].streams ? "Streams" : "", ops[i].name);
        call(f, (struct call){target, "{}", .key_id = NULL});
        if (f->status != 200)
            expect(f, 400, "Exception");
        call(f, (struct call){target, "[]", .key_id = NULL});
        expect(f, 400, "com.amazon.coral.service#SerializationException");
    }
}

static void signatures_are_checked(void **state) {
    struct fixture *f = *state;
    static const char body[] = "{\"TableName\":\"tab\"}";
    call(f, (struct call){T "DescribeTable", body, .secret = "wrong"});
    expect(f, 400, "com.amazon.coral.service#InvalidSignatureException");
    call(f, (struct call){T "DescribeTable", body, .key_id = "stranger"});
    expect(f, 400, "com.amazon.coral.service#UnrecognizedClientException");
    call(f, (struct call){T "DescribeTable", body, .key_id = "stranger", .secret = "stranger"});
    expect(f, 400, "com.amazon.coral.service#UnrecognizedClientException");
    call(f, (struct call){T "DescribeTable", body, .skew_s = -301});
    expect(f, 400, "InvalidSignatureException\",\"message\":\"Signature expired");
    call(f, (struct call){T "DescribeTable", body, .skew_s = 301});
    expect(f, 400, "Signature not yet current");
    exchange(f, TC_SLICE_LIT("POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: " T "ListTables\r\n"
                             "Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n"
                             "Connection: close\r\n\r\n{}"));
    expect(f, 400, "com.amazon.coral.service#MissingAuthenticationTokenException");
    exchange(f, TC_SLICE_LIT("POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: " T "ListTables\r\n"
                             "Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n"
                             "Authorization: AWS4-HMAC-SHA256 nonsense\r\n"
                             "Connection: close\r\n\r\n{}"));
    expect(f, 400, "com.amazon.coral.service#IncompleteSignatureException");
}

static void local_mode_takes_strangers_that_sign_well(void **state) {
    struct fixture *f = *state;
    static const char body[] = "{\"TableName\":\"tab\"}";
    call(f, (struct call){T "DescribeTable", body, .key_id = "stranger", .secret = "stranger"});
    expect(f, 400, "ResourceNotFoundException");
    call(f, (struct call){T "DescribeTable", body, .key_id = "stranger"});
    expect(f, 400, "ResourceNotFoundException");
    call(f, (struct call){T "DescribeTable", body, .key_id = "stranger", .secret = "wrong"});
    expect(f, 400, "UnrecognizedClientException");
    call(f, (struct call){T "DescribeTable", body, .secret = "tercet"});
    expect(f, 400, "InvalidSignatureException");
}

static void bad_bodies_get_their_exception(void **state) {
    struct fixture *f = *state;
    call(f, (struct call){T "GetItem", "{", .key_id = NULL});
    expect(f, 400, "com.amazon.coral.service#SerializationException");
    call(f, (struct call){T "GetItem", "{}", .key_id = NULL});
    expect(f, 400, "com.amazon.coral.validate#ValidationException\",\"message\":\"2 validation");
    /* Told before the operation and the signature are looked at. */
    call(f, (struct call){T "MakeCoffee", "{", .key_id = NULL});
    expect(f, 400, "com.amazon.coral.service#SerializationException\"}");
    call(f, (struct call){T "GetItem", "{", .secret = "wrong"});
    expect(f, 400, "com.amazon.coral.service#SerializationException\"}");
    call(f, (struct call){T "GetItem", "[7]", .secret = "wrong"});
    expect(f, 400, "com.amazon.coral.service#InvalidSignatureException");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(items_go_in_and_out),
        FIXTURE_TEST(answers_carry_id_and_checksum),
        FIXTURE_TEST(no_operation_answers_a_server_error),
        FIXTURE_TEST(operations_are_known_unbuilt_or_unknown),
        FIXTURE_TEST(signatures_are_checked),
        FIXTURE_TEST_LOCAL(local_mode_takes_strangers_that_sign_well),
        FIXTURE_TEST(bad_bodies_get_their_exception),
    };
    int failed = cmocka_run_group_tests(api_decode_tests, NULL, NULL);
    failed += cmocka_run_group_tests(api_write_tests, NULL, NULL);
    failed += cmocka_run_group_tests(api_legacy_tests, NULL, NULL);
    failed += cmocka_run_group_tests(api_order_tests, NULL, NULL);
    failed += cmocka_run_group_tests(api_wire_tests, NULL, NULL);
    failed += cmocka_run_group_tests(api_table_tests, NULL, NULL);
    failed += cmocka_run_group_tests(api_index_tests, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
