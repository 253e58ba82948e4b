/* wal format: the bytes of segments, frames, records and marks, both ways. No I/O.
 *
 *   segment   block 0 (4096 bytes): the header below, zeros
 *             from 4096 on: batches, each a multiple of 4096 bytes, to the segment's end
 *   header    offset  0  u64  magic "TERCWAL1"
 *                     8  u32  CRC32C of bytes 12..79
 *                    12  u32  version 1
 *                    16  u32  seq: number of the segment, the generation of its records
 *                    20  u32  oldest seq still needed when this segment began
 *                    24  u64  first lsn
 *                    32  u64  first lsn of the oldest segment
 *                    40  u64  durable lsn when this segment began
 *                    48  u64  segment bytes
 *                    56  16 bytes store uuid
 *                    72  u64  zero
 *             It fits one 512-byte sector, so a crash leaves the old one or the new one.
 *   batch     head frame, records (each at a multiple of 8), zeros, tail frame at a multiple of
 * 512, zeros to a multiple of 4096. The frames are records of type WAL_FRAME_HEAD / _TAIL with
 * group 0, whose lsn is the first of the batch. Both have the same body: frame     offset  0  u64
 * offset of the batch in the segment 8  u32  batch bytes 12  u32  record count, at least 1 16  u64
 * durable lsn before this batch 24  u64  first lsn of the oldest segment 32  u32  oldest seq 36 u32
 * offset of the tail frame in the batch 40  per record 48 bytes: u64 gid, u64 idx, u64 ballot, u64
 * chain, u32 offset in the batch, u32 body length, u32 body CRC32C, u16 type, u16 flags mark      a
 * file of two slots (0 and 4096), written in turn, never synced; it may only lag: u32 magic "TMRK",
 * u32 CRC32C of bytes 8..31, u64 durable lsn, 16 bytes store uuid
 *
 * Pure. Decoders take untrusted bytes and answer false.
 */
#ifndef TC_ENGINE_WAL_FORMAT_H
#define TC_ENGINE_WAL_FORMAT_H

#include "engine/wal/wal.h"

enum {
    WAL_BLOCK_BYTES = TC_FS_BLOCK_BYTES,
    WAL_SEGMENT_HEADER_BYTES = 80,
    WAL_FRAME_FIXED_BYTES = 40,
    WAL_FRAME_ITEM_BYTES = 48,
    WAL_MARK_BYTES = 32,
    WAL_FORMAT_VERSION = 1,
};

_Static_assert((int)WAL_SEGMENT_HEADER_BYTES <= (int)TC_FS_SECTOR_BYTES, "a header must not tear");

struct wal_header {
    struct wal_record rec;
    uint64_t lsn;
    uint32_t body_len;
    uint32_t gen;
};

/* No log gets there; a larger number is damage, and batches that follow it would not be found. */
#define WAL_FIRST_LSN_MAX (UINT64_MAX / 4)

struct wal_segment_header {
    uint32_t seq;
    uint32_t oldest_seq;
    uint64_t first_lsn;
    uint64_t oldest_lsn;
    uint64_t durable_lsn;
    uint64_t segment_bytes;
    uint8_t store_uuid[16];
};

struct wal_frame {
    uint64_t batch_offset;
    uint32_t batch_bytes;
    uint32_t count;
    uint64_t durable_lsn;
    uint64_t oldest_lsn;
    uint32_t oldest_seq;
    uint32_t tail_offset;
    struct tc_slice items; /* decoded frames: a view */
};

struct wal_frame_item {
    struct wal_record rec;
    uint32_t offset;
    uint32_t body_len;
};

static inline uint64_t wal__align(uint64_t n, uint64_t to) {
    return (n + to - 1) / to * to;
}

/* Bytes that a batch of count records with this sum of padded record sizes takes. */
uint64_t wal__batch_bytes(uint64_t count, uint64_t records_bytes);

void wal__header_encode(const struct wal_header *h, uint8_t to[WAL_HEADER_BYTES]);
bool wal__header_decode(const uint8_t from[WAL_HEADER_BYTES], struct wal_header *ret_header);
/* A whole record at the beginning of bytes: header and body checked. */
bool wal__record_decode(struct tc_slice bytes, struct wal_header *ret_header,
                        struct tc_slice *ret_body);

void wal__segment_encode(const struct wal_segment_header *h, uint8_t to[WAL_SEGMENT_HEADER_BYTES]);
bool wal__segment_decode(const uint8_t from[WAL_SEGMENT_HEADER_BYTES],
                         struct wal_segment_header *ret_header);

void wal__frame_encode(const struct wal_frame *f, uint8_t to[WAL_FRAME_FIXED_BYTES]);
void wal__frame_item_encode(const struct wal_frame_item *i, uint8_t to[WAL_FRAME_ITEM_BYTES]);
/* A frame body, with every offset and length inside it checked against segment_bytes. */
bool wal__frame_decode(struct tc_slice body, uint64_t segment_bytes, struct wal_frame *ret_frame);
struct wal_frame_item wal__frame_item(const struct wal_frame *f, uint32_t index);

void wal__mark_encode(uint64_t durable_lsn, const uint8_t uuid[16], uint8_t to[WAL_MARK_BYTES]);
bool wal__mark_decode(const uint8_t from[WAL_MARK_BYTES], const uint8_t uuid[16],
                      uint64_t *ret_durable_lsn);

#endif
