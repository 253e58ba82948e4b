#include "router/http/http_gzip.h"

#include "base/assert.h"

#include <zlib.h>

enum {
    GZIP_WRAPPER = 16, /* added to the window's bits: gzip rather than zlib */
    /* Small answers: 8 KiB of window, so that the state comes from the heap. Its 256 KiB at zlib's
     * own sizes come from mmap, which costs 50 us more and pays from LARGE_BYTES_MIN on. */
    SMALL_WINDOW_BITS = 13,
    SMALL_MEMORY_LEVEL = 6,
    LARGE_MEMORY_LEVEL = 8,
    LARGE_BYTES_MIN = 64 * 1024,
    PACK_LEVEL = 1,
    UNPACK_STEP_BYTES = 64 * 1024,
};

static struct tc_slice trimmed(struct tc_slice s) {
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = tc_slice_from(s, 1);
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* "q=0", "q=0.0" and so on. */
static bool is_zero_weight(struct tc_slice parameter) {
    if (parameter.len < 3 || (parameter.data[0] | 0x20) != 'q' || parameter.data[1] != '=')
        return false;
    for (size_t i = 2; i < parameter.len; i++)
        if (parameter.data[i] != '0' && parameter.data[i] != '.')
            return false;
    return true;
}

bool http_gzip_wanted(const struct http_head *head) {
    struct tc_slice list;
    if (!http_head_get(head, TC_SLICE_LIT("accept-encoding"), &list))
        return false;
    while (list.len) {
        struct tc_slice weight = tc_slice_cut(&list, ',');
        struct tc_slice name = trimmed(tc_slice_cut(&weight, ';'));
        if (http_name_eq(name, TC_SLICE_LIT("gzip")))
            return !is_zero_weight(trimmed(weight));
    }
    return false;
}

bool http_gzip_pack(struct tc_slice bytes, struct tc_buf *out) {
    z_stream z = {0};
    bool large = bytes.len >= LARGE_BYTES_MIN;
    int window = (large ? MAX_WBITS : SMALL_WINDOW_BITS) + GZIP_WRAPPER;
    int memory = large ? LARGE_MEMORY_LEVEL : SMALL_MEMORY_LEVEL;
    if (bytes.len > UINT_MAX ||
        deflateInit2(&z, PACK_LEVEL, Z_DEFLATED, window, memory, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    z.next_in = (Bytef *)(uintptr_t)bytes.data;
    z.avail_in = (uInt)bytes.len;
    z.next_out = tc_buf_reserve(out, bytes.len);
    z.avail_out = (uInt)bytes.len;
    bool smaller = deflate(&z, Z_FINISH) == Z_STREAM_END;
    if (smaller)
        out->len += z.total_out;
    (void)deflateEnd(&z);
    return smaller;
}

/* One step: room for more bytes, as far as the bound allows. */
static tc_err unpack_step(z_stream *z, size_t left_bytes, struct tc_buf *out, bool *ret_end) {
    size_t room = left_bytes < UNPACK_STEP_BYTES ? left_bytes : UNPACK_STEP_BYTES;
    uint8_t beyond;
    z->next_out = room ? tc_buf_reserve(out, room) : &beyond;
    z->avail_out = room ? (uInt)room : 1;
    int rc = inflate(z, Z_NO_FLUSH);
    size_t got = (room ? room : 1) - z->avail_out;
    if (room == 0 && got > 0)
        return TC_ELIMIT;
    out->len += got;
    *ret_end = rc == Z_STREAM_END;
    if (rc == Z_STREAM_END)
        return z->avail_in == 0 ? TC_OK : TC_ECORRUPT;
    /* No progress means that the input ended too early. */
    return rc == Z_OK && (got > 0 || z->avail_in > 0) ? TC_OK : TC_ECORRUPT;
}

tc_err http_gzip_unpack(struct tc_slice bytes, size_t bytes_max, struct tc_buf *out) {
    z_stream z = {0};
    size_t start = out->len;
    bool end = false;
    if (bytes.len > UINT_MAX || inflateInit2(&z, MAX_WBITS + GZIP_WRAPPER) != Z_OK)
        return TC_ELIMIT;
    z.next_in = (Bytef *)(uintptr_t)bytes.data;
    z.avail_in = (uInt)bytes.len;
    tc_err err = TC_OK;
    while (err == TC_OK && !end)
        err = unpack_step(&z, bytes_max - (out->len - start), out, &end);
    (void)inflateEnd(&z);
    TC_ASSERT(out->len - start <= bytes_max);
    return err;
}
