/* archive segment: a run of one group's log entries as one object.
 *
 *   header   offset  0  u64  magic "TERCSEG1"
 *                    8  u32  version 1
 *                   12  u32  header bytes, this field to the header's CRC included
 *                   16  u64  group id
 *                   24  u64  table id
 *                   32  u64  first index
 *                   40  u64  last index
 *                   48  u64  chain hash at first - 1
 *                   56  u64  chain hash at last
 *                   64  u64  first wall time (ms)
 *                   72  u64  last wall time (ms)
 *                   80  u32  codec of the entries: 0 none, 1 zstd
 *                   84  u32  zero
 *                   88  u64  bytes of the entries as encoded
 *                   96  u64  bytes of the entries as stored
 *                  104  lenbytes table name, lenbytes key range start, lenbytes end
 *                       u32  CRC32C of the header so far
 *   entries  each: u64 index | u64 ballot | u64 chain | u32 body CRC32C | u16 type | u16 flags |
 *            u32 body length | u32 CRC32C of the 36 bytes before | body
 *   footer   u32  CRC32C of everything before | u32 magic "GESC" | u64 length of everything before
 *
 * Pure. A decoded segment has been checked whole: framing, every checksum, dense indices, and that
 * each chain hash continues its predecessor's from chain_before to chain_after (core/paxos).
 * Memory: views into the caller's bytes, or into scratch when the entries were compressed.
 * Limits: ARCHIVE_SEGMENT_BYTES_MAX encoded; names and keys ARCHIVE_KEY_BYTES_MAX.
 */
#ifndef TC_ENGINE_ARCHIVE_SEGMENT_H
#define TC_ENGINE_ARCHIVE_SEGMENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"

enum {
    ARCHIVE_SEGMENT_BYTES_MAX = 128 * 1024 * 1024,
    ARCHIVE_KEY_BYTES_MAX = 4096,
    ARCHIVE_NAME_BYTES_MAX = 255,
    ARCHIVE_ENTRY_HEADER_BYTES = 40,
    ARCHIVE_OBJECT_KEY_BYTES = 160, /* room for any object key of the archive */
};

struct archive_segment {
    uint64_t gid;
    uint64_t table_id;
    struct tc_slice table;
    struct tc_slice start; /* key range of the group; end empty: to the end */
    struct tc_slice end;
    uint64_t first;
    uint64_t last;
    uint64_t chain_before;
    uint64_t chain_after;
    uint64_t first_ms;
    uint64_t last_ms;
    struct tc_slice entries; /* encoded */
};

struct archive_entry {
    uint64_t index;
    uint64_t ballot;
    uint64_t chain;
    uint32_t body_crc;
    uint16_t type;
    uint16_t flags;
    struct tc_slice body;
};

/* Append one entry to the encoded entries of a segment being built. */
void archive_entry_encode(const struct archive_entry *e, struct tc_buf *entries);
/* The next entry of checked entries, which moves on; false at the end. */
bool archive_entry_next(struct tc_slice *entries, struct archive_entry *ret_entry);

/* Check encoded entries against first, last and both chains of s: what a replica offered is held
 * against this before anything is stored.
 *   diag     one line about the first entry that does not fit; may be NULL
 *   Errors   TC_ECORRUPT */
TC_MUST_USE tc_err archive_entries_check(const struct archive_segment *s, struct tc_buf *diag);

/* Append the object. The entries are checked first.
 *   Errors   TC_ECORRUPT  they do not fit s; TC_ELIMIT; out is as before */
TC_MUST_USE tc_err archive_segment_encode(const struct archive_segment *s, bool compress,
                                          struct tc_buf *out);
/* Check an object whole and give views.
 *   scratch  emptied; holds the entries when they were compressed
 *   Errors   TC_ECORRUPT, TC_ELIMIT */
TC_MUST_USE tc_err archive_segment_decode(struct tc_slice object, struct tc_buf *scratch,
                                          struct archive_segment *ret_segment);

/* groups/<gid>/log/<first>-<last>-<chain_after>: what differs has another key. */
void archive_segment_key(uint64_t gid, uint64_t first, uint64_t last, uint64_t chain_after,
                         char ret_key[ARCHIVE_OBJECT_KEY_BYTES]);

#endif
