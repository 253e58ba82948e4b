/* tc_reader: a bounds-checked cursor over untrusted bytes.
 *
 * Every take checks; the first overrun makes the reader failed, and from then on every take yields
 * zero or an empty slice, so a decoder may read a whole structure and check tc_reader_ok once.
 * Integers are little endian unless the name says be.
 */
#ifndef TC_BASE_READER_H
#define TC_BASE_READER_H

#include "base/slice.h"

struct tc_reader {
    struct tc_slice rest;
    bool failed;
};

struct tc_reader tc_reader(struct tc_slice bytes);
uint8_t tc_reader_u8(struct tc_reader *r);
uint16_t tc_reader_u16(struct tc_reader *r);
uint32_t tc_reader_u32(struct tc_reader *r);
uint64_t tc_reader_u64(struct tc_reader *r);
uint64_t tc_reader_u64be(struct tc_reader *r);
/* LEB128; more than 64 bits or a truncated number fails the reader. */
uint64_t tc_reader_varint(struct tc_reader *r);
/* len bytes as a view into the source. */
struct tc_slice tc_reader_bytes(struct tc_reader *r, uint64_t len);
/* A varint length, then as many bytes. */
struct tc_slice tc_reader_lenbytes(struct tc_reader *r);

static inline bool tc_reader_ok(const struct tc_reader *r) {
    return !r->failed;
}

static inline bool tc_reader_at_end(const struct tc_reader *r) {
    return !r->failed && r->rest.len == 0;
}

#endif
