#include "base/buf.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void tc_buf_deinit(struct tc_buf *b) {
    free(b->data);
    *b = (struct tc_buf){0};
}

static void grow(struct tc_buf *b, size_t need) {
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need) {
        TC_ASSERT(cap <= SIZE_MAX / 2);
        cap *= 2;
    }
    uint8_t *data = realloc(b->data, cap);
    TC_ASSERT(data != NULL);
    b->data = data;
    b->cap = cap;
}

uint8_t *tc_buf_reserve(struct tc_buf *b, size_t extra) {
    TC_ASSERT(extra <= SIZE_MAX / 2 - b->len);
    if (b->cap - b->len < extra || b->data == NULL)
        grow(b, b->len + extra);
    return b->data + b->len;
}

uint8_t *tc_buf_extend(struct tc_buf *b, size_t count) {
    uint8_t *at = tc_buf_reserve(b, count);
    b->len += count;
    return at;
}

void tc_buf_append(struct tc_buf *b, const void *data, size_t len) {
    if (len == 0)
        return;
    memcpy(tc_buf_extend(b, len), data, len);
}

void tc_buf_append_slice(struct tc_buf *b, struct tc_slice s) {
    tc_buf_append(b, s.data, s.len);
}

void tc_buf_append_str(struct tc_buf *b, const char *text) {
    tc_buf_append(b, text, strlen(text));
}

void tc_buf_append_u8(struct tc_buf *b, uint8_t v) {
    *tc_buf_extend(b, 1) = v;
}

static void append_le(struct tc_buf *b, uint64_t v, size_t count) {
    uint8_t *at = tc_buf_extend(b, count);
    for (size_t i = 0; i < count; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

void tc_buf_append_u16(struct tc_buf *b, uint16_t v) {
    append_le(b, v, 2);
}

void tc_buf_append_u32(struct tc_buf *b, uint32_t v) {
    append_le(b, v, 4);
}

void tc_buf_append_u64(struct tc_buf *b, uint64_t v) {
    append_le(b, v, 8);
}

void tc_buf_append_u64be(struct tc_buf *b, uint64_t v) {
    append_le(b, __builtin_bswap64(v), 8);
}

void tc_buf_append_varint(struct tc_buf *b, uint64_t v) {
    while (v >= 0x80) {
        tc_buf_append_u8(b, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    tc_buf_append_u8(b, (uint8_t)v);
}

void tc_buf_printf(struct tc_buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    TC_ASSERT(len >= 0);
    uint8_t *at = tc_buf_reserve(b, (size_t)len + 1);
    vsnprintf((char *)at, (size_t)len + 1, fmt, again);
    va_end(again);
    b->len += (size_t)len;
}
