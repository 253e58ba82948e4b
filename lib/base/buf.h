/* tc_buf: a growable owned byte buffer.
 *
 * Memory: heap, freed by tc_buf_deinit; a zeroed struct is a valid empty buffer. Growth that the
 * system cannot satisfy aborts the process: callers bound what they append.
 * Integers are appended little endian unless the name says be (big endian).
 */
#ifndef TC_BASE_BUF_H
#define TC_BASE_BUF_H

#include "base/slice.h"

struct tc_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
};

void tc_buf_deinit(struct tc_buf *b);
/* Make room for extra more bytes; the returned pointer is where they go. len is unchanged. */
uint8_t *tc_buf_reserve(struct tc_buf *b, size_t extra);
/* Extend len by count and return the (uninitialised) new bytes. */
uint8_t *tc_buf_extend(struct tc_buf *b, size_t count);
void tc_buf_append(struct tc_buf *b, const void *data, size_t len);
void tc_buf_append_slice(struct tc_buf *b, struct tc_slice s);
void tc_buf_append_str(struct tc_buf *b, const char *text);
void tc_buf_append_u8(struct tc_buf *b, uint8_t v);
void tc_buf_append_u16(struct tc_buf *b, uint16_t v);
void tc_buf_append_u32(struct tc_buf *b, uint32_t v);
void tc_buf_append_u64(struct tc_buf *b, uint64_t v);
void tc_buf_append_u64be(struct tc_buf *b, uint64_t v);
/* LEB128, at most 10 bytes. */
void tc_buf_append_varint(struct tc_buf *b, uint64_t v);
void tc_buf_printf(struct tc_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void tc_buf_clear(struct tc_buf *b) {
    b->len = 0;
}

static inline struct tc_slice tc_buf_slice(const struct tc_buf *b) {
    return tc_slice(b->data, b->len);
}

#endif
