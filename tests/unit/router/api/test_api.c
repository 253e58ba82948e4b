/* Signed HTTP bytes in, answers out, against an executor that keeps items in memory. */
#include "test_api.h"

#include "base/assert.h"
#include "base/map.h"
#include "router/api/api.h"
#include "router/api/api_unbuilt.h"
#include "router/http/http_gzip.h"
#include "sigv4/sigv4.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define NOW_S 1700000000u

/* One table, keyed by attribute k; answers PutItem on a thread of its own to exercise hand-over. */
struct fake {
    struct tc_map items; /* encoded key value -> struct tc_buf with the item */
    pthread_mutex_t lock;
    bool ready;
};

struct fixture {
    struct fake fake;
    struct api *api;
    struct http_server *server;
    struct sigv4 *signer;
    struct tc_buf in;
    int status;
    const char *body;
};

static struct tc_slice key_of(struct tc_slice item) {
    struct item_value v;
    return item_get(item, TC_SLICE_LIT("k"), &v) ? v.encoded : TC_SLICE_EMPTY;
}

static void *put_item(void *arg) {
    struct api_request *req = arg;
    struct fake *fake = req->exec;
    const struct api_write_item *in = req->input;
    pthread_mutex_lock(&fake->lock);
    struct tc_buf *item = calloc(1, sizeof *item);
    TC_ASSERT(item != NULL);
    tc_buf_append_slice(item, in->item);
    struct tc_buf *old = tc_map_put(&fake->items, key_of(in->item), item);
    struct api_consumed consumed = {in->return_capacity, in->table_name, 1000};
    api_write_write_item(req->out, TC_SLICE_EMPTY, consumed);
    pthread_mutex_unlock(&fake->lock);
    if (old != NULL)
        tc_buf_deinit(old);
    free(old);
    api_complete(req);
    return NULL;
}

static void get_item(struct fake *fake, struct api_request *req) {
    const struct api_get_item *in = req->input;
    pthread_mutex_lock(&fake->lock);
    struct tc_buf *item = tc_map_get(&fake->items, key_of(in->key));
    api_write_get_item(req->out, item != NULL ? tc_buf_slice(item) : TC_SLICE_EMPTY,
                       (struct api_consumed){0});
    pthread_mutex_unlock(&fake->lock);
    api_complete(req);
}

static void execute(void *user, struct api_request *req) {
    pthread_t thread;
    req->exec = user;
    switch ((int)req->op->op) {
    case API_OP_PUT_ITEM:
        TC_ASSERT(pthread_create(&thread, NULL, put_item, req) == 0);
        pthread_detach(thread);
        return;
    case API_OP_GET_ITEM:
        get_item(user, req);
        return;
    case API_OP_DESCRIBE_ENDPOINTS:
        api_write_endpoints(req->out, req->host, 1440);
        api_complete(req);
        return;
    case API_OP_UNBUILT:
        api_unbuilt_answer(req, /* table_exists= */ true);
        return;
    default:
        api_fail(req, API_RESOURCE_NOT_FOUND, "Requested resource not found");
    }
}

static bool ready(void *user, struct tc_buf *ret_why) {
    struct fake *fake = user;
    if (!fake->ready)
        tc_buf_append_str(ret_why, "no storage");
    return fake->ready;
}

static uint64_t now_s(void *user) {
    (void)user;
    return NOW_S;
}

static int setup_with(void **state, bool accept_unknown_keys) {
    static struct api_credential credential;
    struct fixture *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    credential = (struct api_credential){TC_SLICE_LIT("tercet"), TC_SLICE_LIT("tercet-secret")};
    pthread_mutex_init(&f->fake.lock, NULL);
    f->fake.ready = true;
    struct api_config c = {
        .credentials = &credential,
        .credential_count = 1,
        .accept_unknown_keys = accept_unknown_keys,
        .region = "us-east-1",
        .loop_count = 1,
        .executor = {execute, ready, &f->fake},
        .now_s = now_s,
    };
    f->api = api_new(&c);
    f->signer = sigv4_new();
    struct http_options o = http_options_default();
    o.handler = api_handle;
    o.user = f->api;
    assert_int_equal(http_server_start(&o, &f->server), TC_OK);
    *state = f;
    return 0;
}

static int setup(void **state) {
    return setup_with(state, /* accept_unknown_keys= */ false);
}

static int setup_local(void **state) {
    return setup_with(state, /* accept_unknown_keys= */ true);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    size_t at = 0;
    void *value;
    struct tc_slice key;
    http_server_free(f->server);
    api_free(f->api);
    sigv4_free(f->signer);
    while (tc_map_next(&f->fake.items, &at, &key, &value)) {
        tc_buf_deinit(value);
        free(value);
    }
    tc_map_deinit(&f->fake.items);
    tc_buf_deinit(&f->in);
    pthread_mutex_destroy(&f->fake.lock);
    free(f);
    return 0;
}

/* Send bytes, read to the end, split off status and body. */
static void exchange(struct fixture *f, struct tc_slice bytes) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(http_server_port(f->server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(send(fd, bytes.data, bytes.len, MSG_NOSIGNAL), (ssize_t)bytes.len);
    tc_buf_clear(&f->in);
    for (;;) {
        ssize_t got = recv(fd, tc_buf_reserve(&f->in, 65536), 65536, 0);
        assert_true(got >= 0);
        if (got == 0)
            break;
        f->in.len += (size_t)got;
    }
    close(fd);
    tc_buf_append_u8(&f->in, 0);
    assert_true(f->in.len > 12);
    f->status = (int)strtol((char *)f->in.data + 9, NULL, 10);
    f->body = strstr((char *)f->in.data, "\r\n\r\n");
    assert_non_null(f->body);
    f->body += 4;
}

struct call {
    const char *target, *body, *key_id, *secret;
    int64_t skew_s;
    struct tc_slice packed;   /* sent instead of body */
    const char *more_headers; /* not signed */
    const char *type;
};

static void call(struct fixture *f, struct call c) {
    const char *type = c.type ? c.type : "application/x-amz-json-1.0";
    struct tc_slice body = c.packed.len ? c.packed : tc_slice_str(c.body);
    struct sigv4_header headers[] = {
        {TC_SLICE_LIT("Host"), TC_SLICE_LIT("localhost:8000")},
        {TC_SLICE_LIT("X-Amz-Target"), tc_slice_str(c.target)},
        {TC_SLICE_LIT("Content-Type"), tc_slice_str(type)},
    };
    struct sigv4_request r = {.method = TC_SLICE_LIT("POST"),
                              .path = TC_SLICE_LIT("/"),
                              .headers = headers,
                              .header_count = 3,
                              .body = body};
    struct sigv4_sign_params p = {
        .request = &r,
        .credentials = {tc_slice_str(c.key_id ? c.key_id : "tercet"),
                        tc_slice_str(c.secret ? c.secret : "tercet-secret")},
        .region = TC_SLICE_LIT("mars-north-1"),
        .service = TC_SLICE_LIT("dynamodb"),
        .now_s = (uint64_t)((int64_t)NOW_S + c.skew_s),
    };
    struct sigv4_signature sig;
    struct tc_buf out = {0};
    assert_int_equal(sigv4_sign(f->signer, &p, &sig), TC_OK);
    tc_buf_printf(&out,
                  "POST / HTTP/1.1\r\nHost: localhost:8000\r\nX-Amz-Target: %s\r\n"
                  "Content-Type: %s\r\nX-Amz-Date: %s\r\n%s"
                  "Authorization: %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                  c.target, type, sig.amz_date, c.more_headers ? c.more_headers : "",
                  sig.authorization, body.len);
    tc_buf_append_slice(&out, body);
    exchange(f, tc_buf_slice(&out));
    tc_buf_deinit(&out);
}

static void expect(struct fixture *f, int status, const char *part) {
    if (f->status != status || strstr(f->body, part) == NULL)
        fail_msg("%d %s\nwanted %d %s", f->status, f->body, status, part);
}

#define T "DynamoDB_20120810."

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
        if (ops[i].op != API_OP_UNBUILT)
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
    expect(f, 400, "InvalidSignatureException");
    call(f, (struct call){T "DescribeTable", body, .secret = "tercet"});
    expect(f, 400, "InvalidSignatureException");
}

static void get_paths_and_foreign_requests(void **state) {
    struct fixture *f = *state;
    exchange(f, TC_SLICE_LIT("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(f, 200, "healthy: dynamodb.us-east-1.amazonaws.com ");
    exchange(f, TC_SLICE_LIT("GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(f, 200, "ok\n");
    exchange(f, TC_SLICE_LIT("GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(f, 200, "ready\n");
    f->fake.ready = false;
    exchange(f, TC_SLICE_LIT("GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(f, 503, "no storage\n");
    exchange(f, TC_SLICE_LIT("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(f, 404, "<UnknownOperationException/>");
    exchange(f, TC_SLICE_LIT("PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(f, 404, "<UnknownOperationException/>");
    exchange(f, TC_SLICE_LIT("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    expect(f, 404, "<UnknownOperationException/>");
    exchange(f, TC_SLICE_LIT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 17825793\r\n\r\n"));
    expect(f, 413, "RequestEntityTooLargeException");
    exchange(f, TC_SLICE_LIT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                             "Content-Length: 1\r\n\r\n"));
    expect(f, 400, "SerializationException");
}

static void browsers_may_call(void **state) {
    struct fixture *f = *state;
    exchange(f, TC_SLICE_LIT("OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n"
                             "Connection: close\r\n\r\n"));
    expect(f, 200, "");
    assert_non_null(strstr((char *)f->in.data, "Access-Control-Allow-Origin: *\r\n"));
    assert_non_null(strstr((char *)f->in.data, "Access-Control-Allow-Headers: authorization, "));
    exchange(f, TC_SLICE_LIT("OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n"
                             "Access-Control-Request-Headers: x-new\r\n"
                             "Access-Control-Request-Method: POST\r\n"
                             "Connection: close\r\n\r\n"));
    assert_non_null(strstr((char *)f->in.data, "Access-Control-Allow-Headers: x-new\r\n"));
    assert_non_null(strstr((char *)f->in.data, "Access-Control-Allow-Methods: POST\r\n"));
    assert_non_null(strstr((char *)f->in.data, "Access-Control-Max-Age: 172800\r\n"));
    exchange(f, TC_SLICE_LIT("GET / HTTP/1.1\r\nHost: a\r\nOrigin: null\r\n"
                             "Connection: close\r\n\r\n"));
    assert_non_null(strstr((char *)f->in.data, "Access-Control-Allow-Origin: *\r\n"));
    assert_null(strstr((char *)f->in.data, "Access-Control-Allow-Headers"));
}

static void bodies_may_come_packed(void **state) {
    struct fixture *f = *state;
    struct tc_buf packed = {0}, bomb = {0};
    static const char body[] =
        "{\"TableName\":\"tab\",\"Key\":{\"k\":{\"S\":\"xxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}}";
    assert_true(http_gzip_pack(tc_slice_str(body), &packed));
    call(f, (struct call){T "GetItem", .packed = tc_buf_slice(&packed),
                          .more_headers = "Content-Encoding: gzip\r\n"});
    expect(f, 200, "{}");
    call(f, (struct call){T "GetItem", body, .more_headers = "Content-Encoding: gzip\r\n"});
    expect(f, 400, "SerializationException\",\"Message\":\"The request body is not valid gzip");
    call(f, (struct call){T "GetItem", body, .more_headers = "Content-Encoding: br\r\n"});
    expect(f, 400, "SerializationException");
    call(f, (struct call){T "GetItem", body, .more_headers = "Content-Encoding: identity\r\n"});
    expect(f, 200, "{}");
    memset(tc_buf_extend(&bomb, HTTP_BODY_BYTES_MAX + 1), ' ', HTTP_BODY_BYTES_MAX + 1);
    tc_buf_clear(&packed);
    assert_true(http_gzip_pack(tc_buf_slice(&bomb), &packed));
    call(f, (struct call){T "GetItem", .packed = tc_buf_slice(&packed),
                          .more_headers = "Content-Encoding: gzip\r\n"});
    expect(f, 413, "RequestEntityTooLargeException");
    tc_buf_deinit(&packed);
    tc_buf_deinit(&bomb);
}

/* Large answers are packed for who asks; the checksum is that of the bytes on the wire. */
static void answers_may_leave_packed(void **state) {
    struct fixture *f = *state;
    struct tc_buf body = {0}, plain = {0};
    tc_buf_append_str(&body,
                      "{\"TableName\":\"tab\",\"Item\":{\"k\":{\"S\":\"big\"},\"v\":{\"S\":\"");
    memset(tc_buf_extend(&body, 8000), 'y', 8000);
    tc_buf_append_str(&body, "\"}}}");
    tc_buf_append_u8(&body, 0);
    call(f, (struct call){T "PutItem", (const char *)body.data, .key_id = NULL});
    expect(f, 200, "{}");
    static const char get[] = "{\"TableName\":\"tab\",\"Key\":{\"k\":{\"S\":\"big\"}}}";
    call(f, (struct call){T "GetItem", get, .key_id = NULL});
    expect(f, 200, "yyyyyyyy");
    assert_null(strstr((char *)f->in.data, "Content-Encoding"));
    call(f, (struct call){T "GetItem", get, .more_headers = "Accept-Encoding: gzip\r\n"});
    assert_non_null(strstr((char *)f->in.data, "Content-Encoding: gzip\r\n"));
    const char *crc = strstr((char *)f->in.data, "x-amz-crc32: ");
    assert_non_null(crc);
    struct tc_slice wire =
        tc_slice(f->body, f->in.len - 1 - (size_t)(f->body - (char *)f->in.data));
    assert_int_equal(strtoul(crc + 13, NULL, 10), crc32_z(0, wire.data, wire.len));
    assert_int_equal(http_gzip_unpack(wire, 100000, &plain), TC_OK);
    assert_true(tc_slice_has_prefix(tc_buf_slice(&plain), TC_SLICE_LIT("{\"Item\":{\"k\":")));
    tc_buf_deinit(&body);
    tc_buf_deinit(&plain);
}

static void the_answer_has_the_type_of_the_request(void **state) {
    struct fixture *f = *state;
    static const char *const types[] = {"application/x-amz-json-1.0", "application/x-amz-json-1.1",
                                        "application/json"};
    for (size_t i = 0; i < 3; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "Content-Type: %s\r\n", types[i]);
        call(f, (struct call){T "ListBackups", "{}", .type = types[i]});
        expect(f, 200, "{\"BackupSummaries\":[]}");
        assert_non_null(strstr((char *)f->in.data, line));
    }
    call(f, (struct call){T "ListBackups", "{}", .type = "application/json; charset=utf-8"});
    expect(f, 200, "{");
    call(f, (struct call){T "ListBackups", "{}", .type = "text/plain"});
    expect(f, 404, "<UnknownOperationException/>");
}

static void bad_bodies_get_their_exception(void **state) {
    struct fixture *f = *state;
    call(f, (struct call){T "GetItem", "{", .key_id = NULL});
    expect(f, 400, "com.amazon.coral.service#SerializationException");
    call(f, (struct call){T "GetItem", "{}", .key_id = NULL});
    expect(f, 400, "com.amazon.coral.validate#ValidationException\",\"message\":\"2 validation");
}

#define TEST(f, s) cmocka_unit_test_setup_teardown(f, s, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(items_go_in_and_out, setup),
        TEST(answers_carry_id_and_checksum, setup),
        TEST(no_operation_answers_a_server_error, setup),
        TEST(operations_are_known_unbuilt_or_unknown, setup),
        TEST(signatures_are_checked, setup),
        TEST(local_mode_takes_strangers_that_sign_well, setup_local),
        TEST(get_paths_and_foreign_requests, setup),
        TEST(bad_bodies_get_their_exception, setup),
        TEST(browsers_may_call, setup),
        TEST(bodies_may_come_packed, setup),
        TEST(answers_may_leave_packed, setup),
        TEST(the_answer_has_the_type_of_the_request, setup),
    };
    int failed = cmocka_run_group_tests(api_decode_tests, NULL, NULL);
    failed += cmocka_run_group_tests(api_write_tests, NULL, NULL);
    failed += cmocka_run_group_tests(api_legacy_tests, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
