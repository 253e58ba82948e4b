#include "engine/wal/format.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/reader.h"

#define RECORD_MAGIC  0x43455254u
#define SEGMENT_MAGIC 0x314c415743524554u
#define MARK_MAGIC    0x4b524d54u

static uint8_t *put16(uint8_t *to, uint16_t v) {
    to[0] = (uint8_t)v;
    to[1] = (uint8_t)(v >> 8);
    return to + 2;
}

static uint8_t *put32(uint8_t *to, uint32_t v) {
    return put16(put16(to, (uint16_t)v), (uint16_t)(v >> 16));
}

static uint8_t *put64(uint8_t *to, uint64_t v) {
    return put32(put32(to, (uint32_t)v), (uint32_t)(v >> 32));
}

uint64_t wal__batch_bytes(uint64_t count, uint64_t records_bytes) {
    uint64_t frame = WAL_HEADER_BYTES + WAL_FRAME_FIXED_BYTES + count * WAL_FRAME_ITEM_BYTES;
    uint64_t tail = wal__align(frame + records_bytes, TC_FS_SECTOR_BYTES);
    return wal__align(tail + frame, WAL_BLOCK_BYTES);
}

void wal__header_encode(const struct wal_header *h, uint8_t to[WAL_HEADER_BYTES]) {
    uint8_t *at = put32(to + 8, h->rec.body_crc);
    at = put32(at, h->body_len);
    at = put64(at, h->rec.gid);
    at = put64(at, h->rec.idx);
    at = put64(at, h->rec.ballot);
    at = put64(at, h->rec.chain);
    at = put64(at, h->lsn);
    at = put16(at, h->rec.type);
    at = put16(at, h->rec.flags);
    at = put32(at, h->gen);
    TC_ASSERT(at == to + WAL_HEADER_BYTES);
    put32(to, RECORD_MAGIC);
    put32(to + 4, tc_crc32c(0, to + 8, WAL_HEADER_BYTES - 8));
}

bool wal__header_decode(const uint8_t from[WAL_HEADER_BYTES], struct wal_header *ret_header) {
    struct tc_reader r = tc_reader(tc_slice(from, WAL_HEADER_BYTES));
    if (tc_reader_u32(&r) != RECORD_MAGIC)
        return false;
    if (tc_reader_u32(&r) != tc_crc32c(0, from + 8, WAL_HEADER_BYTES - 8))
        return false;
    struct wal_header h = {0};
    h.rec.body_crc = tc_reader_u32(&r);
    h.body_len = tc_reader_u32(&r);
    h.rec.gid = tc_reader_u64(&r);
    h.rec.idx = tc_reader_u64(&r);
    h.rec.ballot = tc_reader_u64(&r);
    h.rec.chain = tc_reader_u64(&r);
    h.lsn = tc_reader_u64(&r);
    h.rec.type = tc_reader_u16(&r);
    h.rec.flags = tc_reader_u16(&r);
    h.gen = tc_reader_u32(&r);
    *ret_header = h;
    return true;
}

bool wal__record_decode(struct tc_slice bytes, struct wal_header *ret_header,
                        struct tc_slice *ret_body) {
    struct wal_header h;
    if (bytes.len < WAL_HEADER_BYTES || !wal__header_decode(bytes.data, &h))
        return false;
    if (h.body_len > bytes.len - WAL_HEADER_BYTES)
        return false;
    struct tc_slice body = tc_slice(bytes.data + WAL_HEADER_BYTES, h.body_len);
    if (tc_crc32c(0, body.data, body.len) != h.rec.body_crc)
        return false;
    *ret_header = h;
    *ret_body = body;
    return true;
}

void wal__segment_encode(const struct wal_segment_header *h, uint8_t to[WAL_SEGMENT_HEADER_BYTES]) {
    put64(to, SEGMENT_MAGIC);
    uint8_t *at = put32(to + 12, WAL_FORMAT_VERSION);
    at = put32(at, h->seq);
    at = put32(at, h->oldest_seq);
    at = put64(at, h->first_lsn);
    at = put64(at, h->oldest_lsn);
    at = put64(at, h->durable_lsn);
    at = put64(at, h->segment_bytes);
    memcpy(at, h->store_uuid, 16);
    at = put64(at + 16, 0);
    TC_ASSERT(at == to + WAL_SEGMENT_HEADER_BYTES);
    put32(to + 8, tc_crc32c(0, to + 12, WAL_SEGMENT_HEADER_BYTES - 12));
}

bool wal__segment_decode(const uint8_t from[WAL_SEGMENT_HEADER_BYTES],
                         struct wal_segment_header *ret_header) {
    struct tc_reader r = tc_reader(tc_slice(from, WAL_SEGMENT_HEADER_BYTES));
    if (tc_reader_u64(&r) != SEGMENT_MAGIC)
        return false;
    if (tc_reader_u32(&r) != tc_crc32c(0, from + 12, WAL_SEGMENT_HEADER_BYTES - 12))
        return false;
    if (tc_reader_u32(&r) != WAL_FORMAT_VERSION)
        return false;
    struct wal_segment_header h = {0};
    h.seq = tc_reader_u32(&r);
    h.oldest_seq = tc_reader_u32(&r);
    h.first_lsn = tc_reader_u64(&r);
    h.oldest_lsn = tc_reader_u64(&r);
    h.durable_lsn = tc_reader_u64(&r);
    h.segment_bytes = tc_reader_u64(&r);
    memcpy(h.store_uuid, tc_reader_bytes(&r, 16).data, 16);
    if (h.seq == 0 || h.oldest_seq > h.seq || h.first_lsn == 0 || h.first_lsn > WAL_FIRST_LSN_MAX ||
        h.oldest_lsn > h.first_lsn)
        return false;
    *ret_header = h;
    return true;
}

void wal__frame_encode(const struct wal_frame *f, uint8_t to[WAL_FRAME_FIXED_BYTES]) {
    uint8_t *at = put64(to, f->batch_offset);
    at = put32(at, f->batch_bytes);
    at = put32(at, f->count);
    at = put64(at, f->durable_lsn);
    at = put64(at, f->oldest_lsn);
    at = put32(at, f->oldest_seq);
    at = put32(at, f->tail_offset);
    TC_ASSERT(at == to + WAL_FRAME_FIXED_BYTES);
}

void wal__frame_item_encode(const struct wal_frame_item *i, uint8_t to[WAL_FRAME_ITEM_BYTES]) {
    uint8_t *at = put64(to, i->rec.gid);
    at = put64(at, i->rec.idx);
    at = put64(at, i->rec.ballot);
    at = put64(at, i->rec.chain);
    at = put32(at, i->offset);
    at = put32(at, i->body_len);
    at = put32(at, i->rec.body_crc);
    at = put16(at, i->rec.type);
    at = put16(at, i->rec.flags);
    TC_ASSERT(at == to + WAL_FRAME_ITEM_BYTES);
}

struct wal_frame_item wal__frame_item(const struct wal_frame *f, uint32_t index) {
    TC_ASSERT(index < f->count);
    struct tc_slice bytes = tc_slice_from(f->items, (size_t)index * WAL_FRAME_ITEM_BYTES);
    struct tc_reader r = tc_reader(bytes);
    struct wal_frame_item i = {0};
    i.rec.gid = tc_reader_u64(&r);
    i.rec.idx = tc_reader_u64(&r);
    i.rec.ballot = tc_reader_u64(&r);
    i.rec.chain = tc_reader_u64(&r);
    i.offset = tc_reader_u32(&r);
    i.body_len = tc_reader_u32(&r);
    i.rec.body_crc = tc_reader_u32(&r);
    i.rec.type = tc_reader_u16(&r);
    i.rec.flags = tc_reader_u16(&r);
    return i;
}

static bool items_fit(const struct wal_frame *f) {
    uint64_t at = WAL_HEADER_BYTES + WAL_FRAME_FIXED_BYTES + f->items.len;
    for (uint32_t i = 0; i < f->count; i++) {
        struct wal_frame_item item = wal__frame_item(f, i);
        if (item.offset != at || item.body_len > WAL_BODY_BYTES_MAX)
            return false;
        at += wal__align(WAL_HEADER_BYTES + (uint64_t)item.body_len, 8);
    }
    return at <= f->tail_offset;
}

bool wal__frame_decode(struct tc_slice body, uint64_t segment_bytes, struct wal_frame *ret_frame) {
    struct tc_reader r = tc_reader(body);
    struct wal_frame f = {0};
    f.batch_offset = tc_reader_u64(&r);
    f.batch_bytes = tc_reader_u32(&r);
    f.count = tc_reader_u32(&r);
    f.durable_lsn = tc_reader_u64(&r);
    f.oldest_lsn = tc_reader_u64(&r);
    f.oldest_seq = tc_reader_u32(&r);
    f.tail_offset = tc_reader_u32(&r);
    f.items = r.rest;
    if (!tc_reader_ok(&r) || f.count == 0)
        return false;
    if (f.items.len != (uint64_t)f.count * WAL_FRAME_ITEM_BYTES)
        return false;
    if (f.batch_offset % WAL_BLOCK_BYTES != 0 || f.batch_offset < WAL_BLOCK_BYTES)
        return false;
    if (f.batch_bytes % WAL_BLOCK_BYTES != 0 || f.batch_offset > segment_bytes ||
        f.batch_bytes > segment_bytes - f.batch_offset)
        return false;
    if (f.tail_offset % TC_FS_SECTOR_BYTES != 0 ||
        (uint64_t)f.tail_offset + WAL_HEADER_BYTES + body.len > f.batch_bytes)
        return false;
    if (!items_fit(&f))
        return false;
    *ret_frame = f;
    return true;
}

void wal__mark_encode(uint64_t durable_lsn, const uint8_t uuid[16], uint8_t to[WAL_MARK_BYTES]) {
    put32(to, MARK_MAGIC);
    put64(to + 8, durable_lsn);
    memcpy(to + 16, uuid, 16);
    put32(to + 4, tc_crc32c(0, to + 8, WAL_MARK_BYTES - 8));
}

bool wal__mark_decode(const uint8_t from[WAL_MARK_BYTES], const uint8_t uuid[16],
                      uint64_t *ret_durable_lsn) {
    struct tc_reader r = tc_reader(tc_slice(from, WAL_MARK_BYTES));
    if (tc_reader_u32(&r) != MARK_MAGIC)
        return false;
    if (tc_reader_u32(&r) != tc_crc32c(0, from + 8, WAL_MARK_BYTES - 8))
        return false;
    uint64_t lsn = tc_reader_u64(&r);
    if (memcmp(from + 16, uuid, 16) != 0 || lsn > WAL_FIRST_LSN_MAX)
        return false;
    *ret_durable_lsn = lsn;
    return true;
}
