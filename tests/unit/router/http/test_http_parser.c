/* What the parser accepts and refuses, and the chunk decoder against cuts at every place. */
#include "test_http.h"

#include "router/http/http_parser.h"

struct head_case {
    const char *text;
    unsigned status;
};

#define OK   "POST / HTTP/1.1\r\nHost: a\r\n"
#define DONE "\r\n"

static const struct head_case head_cases[] = {
    {OK DONE, 0},
    {OK "Content-Length: 12\r\n" DONE, 0},
    {OK "Transfer-Encoding: Chunked\r\n" DONE, 0},
    {OK "X-Empty:\r\n" DONE, 0},
    {"GET /livez?x=y HTTP/1.0\r\n" DONE, 0},
    {"POST / HTTP/1.1\r\n" DONE, 400}, /* no Host */
    {OK "Host: b\r\n" DONE, 400},      /* two */
    {OK "Content-Length: 5\r\nContent-Length: 5\r\n" DONE, 400},
    {OK "Content-Length: 5\r\nContent-Length: 6\r\n" DONE, 400},
    {OK "Content-Length: 5, 5\r\n" DONE, 400},
    {OK "Content-Length: +5\r\n" DONE, 400},
    {OK "Content-Length: -1\r\n" DONE, 400},
    {OK "Content-Length: 0x5\r\n" DONE, 400},
    {OK "Content-Length:\r\n" DONE, 400},
    {OK "Content-Length: 18446744073709551617\r\n" DONE, 400},
    {OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" DONE, 400},
    {OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" DONE, 400},
    {OK "Transfer-Encoding: gzip, chunked\r\n" DONE, 501},
    {OK "Transfer-Encoding: xchunked\r\n" DONE, 501},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" DONE, 400},
    {OK "Content-Length : 5\r\n" DONE, 400},
    {OK " folded: 5\r\n" DONE, 400},
    {OK "X: a\r\n b\r\n" DONE, 400},
    {OK "X: a\nY: b\r\n" DONE, 400},
    {OK "X: a\rb\r\n" DONE, 400},
    {OK ": v\r\n" DONE, 400},
    {OK "novalue\r\n" DONE, 400},
    {OK "X: \x01\r\n" DONE, 400},
    {OK "Expect: 100-continue\r\n" DONE, 0},
    {OK "Expect: 200-ok\r\n" DONE, 417},
    {"POST / HTTP/2.0\r\nHost: a\r\n" DONE, 505},
    {"POST / http/1.1\r\nHost: a\r\n" DONE, 400},
    {"POST / HTTP/1.1 \r\nHost: a\r\n" DONE, 505},
    {"POST  / HTTP/1.1\r\nHost: a\r\n" DONE, 400},
    {"POST a HTTP/1.1\r\nHost: a\r\n" DONE, 400},
    {"PO ST / HTTP/1.1\r\nHost: a\r\n" DONE, 400},
    {"POST\r\nHost: a\r\n" DONE, 400},
    {" POST / HTTP/1.1\r\nHost: a\r\n" DONE, 400},
    {"\r\n" OK DONE, 400},
};

static void heads_are_accepted_or_refused(void **state) {
    (void)state;
    struct http_head head;
    for (size_t i = 0; i < sizeof head_cases / sizeof head_cases[0]; i++) {
        unsigned status = http_head_parse(tc_slice_str(head_cases[i].text), &head);
        if (status != head_cases[i].status)
            fail_msg("%u: %s", status, head_cases[i].text);
    }
}

static void head_fields_are_views(void **state) {
    (void)state;
    struct http_head head;
    struct tc_slice value;
    struct tc_slice text = TC_SLICE_LIT("POST /a?b=c HTTP/1.1\r\nhost: h\r\nConnection: Close\r\n"
                                        "X-Amz-Target: \t T.x  \r\nContent-Length: 007\r\n\r\n");
    assert_int_equal(http_head_parse(text, &head), 0);
    assert_true(tc_slice_eq(head.method, TC_SLICE_LIT("POST")));
    assert_true(tc_slice_eq(head.path, TC_SLICE_LIT("/a")));
    assert_true(tc_slice_eq(head.query, TC_SLICE_LIT("b=c")));
    assert_true(http_head_get(&head, TC_SLICE_LIT("x-amz-target"), &value));
    assert_true(tc_slice_eq(value, TC_SLICE_LIT("T.x")));
    assert_int_equal(head.content_length_bytes, 7);
    assert_false(head.keep_alive);
}

static void head_end_is_found_from_anywhere(void **state) {
    (void)state;
    struct tc_slice text = TC_SLICE_LIT("a\r\r\n\r\nrest\r\n\r\n");
    for (size_t len = 0; len <= text.len; len++)
        for (size_t from = 0; from <= len && from < 6; from++)
            assert_int_equal(http_head_end(tc_slice(text.data, len), from), len >= 6 ? 6 : 0);
}

static unsigned decode_cut(struct tc_slice text, size_t cut, struct tc_buf *out) {
    struct http_chunked c = {0};
    size_t used = 0;
    tc_buf_clear(out);
    unsigned status = http_chunked_feed(&c, tc_slice(text.data, cut), 40, out, &used);
    if (status == 0 && c.state != HTTP_CHUNK_DONE)
        status = http_chunked_feed(&c, tc_slice_from(text, cut), 40, out, &used);
    if (status == 0 && c.state != HTTP_CHUNK_DONE)
        return 1;
    return status;
}

static const struct head_case chunk_cases[] = {
    {"5\r\nhello\r\n0\r\n\r\n", 0},
    {"0\r\n\r\n", 0},
    {"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", 0},
    {"28\r\n0123456789012345678901234567890123456789\r\n0\r\n\r\n", 0},
    {"29\r\n", 413},
    {"fffffff\r\n", 413},
    {"00000001\r\na", 413},
    {"\r\n", 400},
    {"5;x=y\r\nhello\r\n", 400},
    {"5\nhello", 400},
    {"5\r\nhelloX", 400},
    {"0\r\nTrailer: x\r\n\r\n", 400},
    {"-1\r\n", 400},
    {"0x1\r\na\r\n", 400},
    {" 1\r\na\r\n", 400},
    {"5\r\nhel", 1},
};

static void chunks_decode_alike_for_every_cut(void **state) {
    (void)state;
    struct tc_buf out = {0};
    for (size_t i = 0; i < sizeof chunk_cases / sizeof chunk_cases[0]; i++) {
        struct tc_slice text = tc_slice_str(chunk_cases[i].text);
        for (size_t cut = 0; cut <= text.len; cut++)
            if (decode_cut(text, cut, &out) != chunk_cases[i].status)
                fail_msg("cut %zu of %s", cut, chunk_cases[i].text);
    }
    assert_int_equal(decode_cut(TC_SLICE_LIT("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), 4, &out),
                     0);
    assert_true(tc_slice_eq(tc_buf_slice(&out), TC_SLICE_LIT("abc0123456789")));
    tc_buf_deinit(&out);
}

const struct CMUnitTest http_parser_tests[HTTP_PARSER_TESTS] = {
    cmocka_unit_test(heads_are_accepted_or_refused),
    cmocka_unit_test(head_fields_are_views),
    cmocka_unit_test(head_end_is_found_from_anywhere),
    cmocka_unit_test(chunks_decode_alike_for_every_cut),
};
