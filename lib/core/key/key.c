#include "core/key/key.h"

#include "base/assert.h"
#include "base/hash.h"

enum {
    HASH_BYTES = 8,
    HASH_SEED = 0, /* part of the stored format */
    ESCAPED_ZERO = 0xff,
};

static bool is_key_type(enum item_type type) {
    return type == ITEM_S || type == ITEM_N || type == ITEM_B;
}

static tc_err check(struct item_value v, size_t bytes_max) {
    if (!is_key_type(v.type))
        return TC_ETYPE;
    if (v.body.len == 0)
        return TC_EINVAL;
    return v.body.len > bytes_max ? TC_ELIMIT : TC_OK;
}

tc_err key_hash_check(struct item_value v) {
    return check(v, KEY_HASH_BYTES_MAX);
}

tc_err key_range_check(struct item_value v) {
    return check(v, KEY_RANGE_BYTES_MAX);
}

/* Runs without a zero byte are copied whole. */
static void append_escaped(struct tc_buf *out, struct tc_slice bytes) {
    while (bytes.len > 0) {
        const uint8_t *zero = memchr(bytes.data, 0, bytes.len);
        if (zero == NULL) {
            tc_buf_append_slice(out, bytes);
            return;
        }
        const size_t run = (size_t)(zero - bytes.data) + 1;
        tc_buf_append(out, bytes.data, run);
        tc_buf_append_u8(out, ESCAPED_ZERO);
        bytes = tc_slice_from(bytes, run);
    }
}

void key_append_hash(struct tc_buf *out, struct item_value v) {
    TC_ASSERT(is_key_type(v.type));
    TC_ASSERT(v.body.len > 0 && v.body.len <= KEY_HASH_BYTES_MAX);
    tc_buf_append_u64be(out, tc_hash64(v.body, HASH_SEED));
    tc_buf_append_u8(out, (uint8_t)v.type);
    append_escaped(out, v.body);
    tc_buf_append_u16(out, 0);
}

void key_append_range(struct tc_buf *out, struct item_value v) {
    TC_ASSERT(is_key_type(v.type));
    TC_ASSERT(v.body.len <= KEY_RANGE_BYTES_MAX);
    tc_buf_append_slice(out, v.body);
}

void key_append_prefix_end(struct tc_buf *out, struct tc_slice prefix) {
    size_t len = prefix.len;
    while (len > 0 && prefix.data[len - 1] == 0xff)
        len--;
    if (len == 0)
        return;
    tc_buf_append(out, prefix.data, len);
    out->data[out->len - 1]++;
}

/* floor(index * 2^64 / count) by schoolbook division, for count < 2^32: the 96-bit dividend's upper
 * half is index * 2^32, its lower half zero. */
static uint64_t segment_start(uint32_t index, uint32_t count) {
    TC_ASSERT(index < count);
    const uint64_t upper = ((uint64_t)index << 32) / count;
    const uint64_t left = ((uint64_t)index << 32) % count;
    return (upper << 32) + (left << 32) / count;
}

void key_append_segment(uint32_t index, uint32_t count, struct tc_buf *start, struct tc_buf *end) {
    TC_ASSERT(count <= KEY_SEGMENTS_MAX && index < count);
    if (index > 0)
        tc_buf_append_u64be(start, segment_start(index, count));
    if (index + 1 < count)
        tc_buf_append_u64be(end, segment_start(index + 1, count));
}

tc_err key_check(struct tc_slice key, size_t *ret_range_at) {
    if (key.len > KEY_BYTES_MAX || key.len < HASH_BYTES + 1 + 1 + 2)
        return TC_ECORRUPT;
    if (!is_key_type((enum item_type)key.data[HASH_BYTES]))
        return TC_ECORRUPT;
    size_t at = HASH_BYTES + 1;
    for (;;) {
        const uint8_t *zero = memchr(key.data + at, 0, key.len - at);
        if (zero == NULL || zero + 1 == key.data + key.len)
            return TC_ECORRUPT;
        at = (size_t)(zero - key.data) + 2;
        if (zero[1] == 0)
            break;
        if (zero[1] != ESCAPED_ZERO)
            return TC_ECORRUPT;
    }
    if (key.len - at > KEY_RANGE_BYTES_MAX || at == HASH_BYTES + 1 + 2)
        return TC_ECORRUPT;
    if (ret_range_at)
        *ret_range_at = at;
    return TC_OK;
}
