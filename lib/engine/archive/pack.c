#include "engine/archive/pack.h"

#include "base/crc32c.h"
#include "base/reader.h"

#include <zstd.h>

enum {
    LEVEL = 3,
};

uint32_t archive__pack(struct tc_slice plain, struct tc_buf *out) {
    size_t room = ZSTD_compressBound(plain.len);
    tc_buf_clear(out);
    size_t n = ZSTD_compress(tc_buf_reserve(out, room), room, plain.data, plain.len, LEVEL);
    if (ZSTD_isError(n) || n >= plain.len)
        return ARCHIVE__PLAIN;
    out->len = n;
    return ARCHIVE__ZSTD;
}

tc_err archive__unpack(uint32_t codec, struct tc_slice stored, uint64_t plain_bytes,
                       struct tc_buf *scratch, struct tc_slice *ret_plain) {
    tc_buf_clear(scratch);
    if (codec == ARCHIVE__PLAIN && stored.len == plain_bytes) {
        *ret_plain = stored;
        return TC_OK;
    }
    if (codec != ARCHIVE__ZSTD)
        return TC_ECORRUPT;
    /* The frame's own claim first: a header that lies about it must not cost memory. */
    if (ZSTD_getFrameContentSize(stored.data, stored.len) != plain_bytes || plain_bytes == 0)
        return TC_ECORRUPT;
    uint8_t *to = tc_buf_reserve(scratch, (size_t)plain_bytes);
    size_t n = ZSTD_decompress(to, (size_t)plain_bytes, stored.data, stored.len);
    if (ZSTD_isError(n) || n != plain_bytes)
        return TC_ECORRUPT;
    scratch->len = n;
    *ret_plain = tc_buf_slice(scratch);
    return TC_OK;
}

void archive__append_lenbytes(struct tc_buf *out, struct tc_slice s) {
    tc_buf_append_varint(out, s.len);
    tc_buf_append_slice(out, s);
}

void archive__set_u32(struct tc_buf *out, size_t at, uint32_t v) {
    for (size_t i = 0; i < 4; i++)
        out->data[at + i] = (uint8_t)(v >> (8 * i));
}

void archive__append_footer(struct tc_buf *out, size_t from, uint32_t magic) {
    struct tc_slice content = tc_slice_from(tc_buf_slice(out), from);
    uint64_t len = content.len;
    tc_buf_append_u32(out, tc_crc32c(0, content.data, content.len));
    tc_buf_append_u32(out, magic);
    tc_buf_append_u64(out, len);
}

tc_err archive__check_footer(struct tc_slice object, uint32_t magic, struct tc_slice *ret_content) {
    if (object.len < ARCHIVE__FOOTER_BYTES)
        return TC_ECORRUPT;
    struct tc_slice content = tc_slice(object.data, object.len - ARCHIVE__FOOTER_BYTES);
    struct tc_reader r = tc_reader(tc_slice_from(object, content.len));
    uint32_t crc = tc_reader_u32(&r);
    if (tc_reader_u32(&r) != magic || tc_reader_u64(&r) != content.len)
        return TC_ECORRUPT;
    if (crc != tc_crc32c(0, content.data, content.len))
        return TC_ECORRUPT;
    *ret_content = content;
    return TC_OK;
}
