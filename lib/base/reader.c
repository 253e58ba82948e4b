#include "base/reader.h"

struct tc_reader tc_reader(struct tc_slice bytes) {
    return (struct tc_reader){.rest = bytes, .failed = false};
}

struct tc_slice tc_reader_bytes(struct tc_reader *r, uint64_t len) {
    if (r->failed || len > r->rest.len) {
        r->failed = true;
        return TC_SLICE_EMPTY;
    }
    struct tc_slice taken = tc_slice(r->rest.data, (size_t)len);
    r->rest = tc_slice_from(r->rest, (size_t)len);
    return taken;
}

static uint64_t take_le(struct tc_reader *r, size_t count) {
    struct tc_slice s = tc_reader_bytes(r, count);
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++)
        v |= (uint64_t)s.data[i] << (8 * i);
    return v;
}

uint8_t tc_reader_u8(struct tc_reader *r) {
    return (uint8_t)take_le(r, 1);
}

uint16_t tc_reader_u16(struct tc_reader *r) {
    return (uint16_t)take_le(r, 2);
}

uint32_t tc_reader_u32(struct tc_reader *r) {
    return (uint32_t)take_le(r, 4);
}

uint64_t tc_reader_u64(struct tc_reader *r) {
    return take_le(r, 8);
}

uint64_t tc_reader_u64be(struct tc_reader *r) {
    return __builtin_bswap64(take_le(r, 8));
}

uint64_t tc_reader_varint(struct tc_reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = tc_reader_u8(r);
        if (r->failed)
            return 0;
        if (shift == 63 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return v;
    }
    r->failed = true;
    return 0;
}

struct tc_slice tc_reader_lenbytes(struct tc_reader *r) {
    uint64_t len = tc_reader_varint(r);
    return tc_reader_bytes(r, len);
}
