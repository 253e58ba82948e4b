#include "base/assert.h"
#include "router/http/http_parser.h"

enum {
    /* Sizes of up to 28 bits; the body limit is far below. */
    DIGIT_COUNT_MAX = 7,
};

static unsigned take_size(struct http_chunked *c, uint8_t byte) {
    if (byte == '\r' && c->digit_count > 0) {
        c->state = HTTP_CHUNK_SIZE_LF;
        return 0;
    }
    int digit = tc_hex_digit(byte);
    if (digit < 0)
        return 400;
    if (c->digit_count == DIGIT_COUNT_MAX)
        return 413;
    c->digit_count++;
    c->left_bytes = c->left_bytes * 16 + (uint64_t)digit;
    return 0;
}

/* One framing byte that must be exactly wanted. */
static unsigned expect(struct http_chunked *c, uint8_t byte, uint8_t wanted,
                       enum http_chunk_state next) {
    c->state = next;
    return byte == wanted ? 0 : 400;
}

static unsigned take_framing(struct http_chunked *c, uint8_t byte) {
    switch (c->state) {
    case HTTP_CHUNK_SIZE:
        return take_size(c, byte);
    case HTTP_CHUNK_SIZE_LF:
        return expect(c, byte, '\n', c->left_bytes ? HTTP_CHUNK_DATA : HTTP_CHUNK_LAST_CR);
    case HTTP_CHUNK_DATA_CR:
        return expect(c, byte, '\r', HTTP_CHUNK_DATA_LF);
    case HTTP_CHUNK_DATA_LF:
        c->digit_count = 0;
        return expect(c, byte, '\n', HTTP_CHUNK_SIZE);
    case HTTP_CHUNK_LAST_CR:
        return expect(c, byte, '\r', HTTP_CHUNK_LAST_LF);
    case HTTP_CHUNK_LAST_LF:
        return expect(c, byte, '\n', HTTP_CHUNK_DONE);
    case HTTP_CHUNK_DATA:
    case HTTP_CHUNK_DONE:
        break;
    }
    TC_ASSERT(!"data and done are not framing");
    return 400;
}

unsigned http_chunked_feed(struct http_chunked *c, struct tc_slice bytes, size_t body_bytes_max,
                           struct tc_buf *out, size_t *ret_used) {
    size_t at = 0;
    while (at < bytes.len && c->state != HTTP_CHUNK_DONE) {
        if (c->state != HTTP_CHUNK_DATA) {
            unsigned status = take_framing(c, bytes.data[at++]);
            if (status != 0)
                return status;
            if (c->state == HTTP_CHUNK_DATA && c->left_bytes > body_bytes_max - out->len)
                return 413;
            continue;
        }
        size_t take = bytes.len - at;
        if (take > c->left_bytes)
            take = (size_t)c->left_bytes;
        TC_ASSERT(out->len + take <= body_bytes_max);
        tc_buf_append(out, bytes.data + at, take);
        at += take;
        c->left_bytes -= take;
        if (c->left_bytes == 0)
            c->state = HTTP_CHUNK_DATA_CR;
    }
    *ret_used = at;
    return 0;
}
