/* A head, then a chunked body, cut in two at a place the input itself chooses: the halves must
 * decode to what the whole decodes to. The decoded body is unpacked as gzip, and packed and
 * unpacked again it must be the same. */
#include "base/assert.h"
#include "router/http/http_gzip.h"
#include "router/http/http_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
    BODY_BYTES_MAX = 4096,
};

static unsigned decode(struct tc_slice a, struct tc_slice b, struct tc_buf *out,
                       struct http_chunked *c) {
    size_t used = 0;
    unsigned status = http_chunked_feed(c, a, BODY_BYTES_MAX, out, &used);
    if (status != 0 || c->state == HTTP_CHUNK_DONE)
        return status;
    TC_ASSERT(used == a.len);
    return http_chunked_feed(c, b, BODY_BYTES_MAX, out, &used);
}

static void unpack(struct tc_slice body) {
    struct tc_buf plain = {0}, packed = {0}, again = {0};
    tc_err err = http_gzip_unpack(body, BODY_BYTES_MAX, &plain);
    TC_ASSERT(plain.len <= BODY_BYTES_MAX);
    if (err == TC_OK && http_gzip_pack(tc_buf_slice(&plain), &packed)) {
        TC_ASSERT(packed.len < plain.len);
        err = http_gzip_unpack(tc_buf_slice(&packed), BODY_BYTES_MAX, &again);
        TC_ASSERT(err == TC_OK && tc_slice_eq(tc_buf_slice(&plain), tc_buf_slice(&again)));
    }
    tc_buf_deinit(&plain);
    tc_buf_deinit(&packed);
    tc_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct tc_slice bytes = tc_slice(data, len);
    struct http_head head;
    size_t end = http_head_end(bytes, 0);
    if (end > 0) {
        unsigned status = http_head_parse(tc_slice(data, end), &head);
        TC_ASSERT(status == 0 || (status >= 400 && status <= 505));
        TC_ASSERT(status != 0 || !(head.chunked && head.has_content_length));
        TC_ASSERT(http_head_end(tc_slice(data, end - 1), 0) == 0);
        if (status == 0)
            (void)http_gzip_wanted(&head);
        bytes = tc_slice_from(bytes, end);
    }
    size_t cut = bytes.len ? bytes.data[bytes.len / 2] % (bytes.len + 1) : 0;
    struct tc_buf whole = {0}, halves = {0};
    struct http_chunked one = {0}, two = {0};
    unsigned a = decode(bytes, TC_SLICE_EMPTY, &whole, &one);
    unsigned b = decode(tc_slice(bytes.data, cut), tc_slice_from(bytes, cut), &halves, &two);
    TC_ASSERT(a == b && whole.len <= BODY_BYTES_MAX);
    TC_ASSERT(tc_slice_eq(tc_buf_slice(&whole), tc_buf_slice(&halves)));
    unpack(tc_buf_slice(&whole));
    unpack(bytes);
    tc_buf_deinit(&whole);
    tc_buf_deinit(&halves);
    return 0;
}
