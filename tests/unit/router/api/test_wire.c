/* What HTTP itself asks: paths, browsers, codings, media types. */
#include "fixture.h"

#include "router/http/http_gzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

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

const struct CMUnitTest api_wire_tests[API_WIRE_TESTS] = {
    FIXTURE_TEST(get_paths_and_foreign_requests),
    FIXTURE_TEST(browsers_may_call),
    FIXTURE_TEST(bodies_may_come_packed),
    FIXTURE_TEST(answers_may_leave_packed),
    FIXTURE_TEST(the_answer_has_the_type_of_the_request),
};
