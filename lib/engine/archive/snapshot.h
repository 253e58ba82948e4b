/* archive snapshot: one group's items at one log index, as part objects and an index object.
 *
 *   groups/<gid>/snapshot/<index>/<part>   parts, each a run of keys in order
 *   groups/<gid>/snapshot/<index>/index    written last: without it the parts are leftovers
 *
 *   part     u64 magic "TERCSNP1" | u32 version 1 | u32 part number | u64 gid | u64 index |
 *            u64 items | u32 codec (0 none, 1 zstd) | u32 zero | u64 bytes as encoded | u64 as
 * stored, then items: lenbytes storage key, lenbytes item; keys ascending footer as of a segment,
 * magic "PNSC" index    u64 magic "TERCSNX1" | u32 version 1 | u32 parts | u64 gid | u64 table id |
 * u64 index | u64 ballot | u64 chain | u64 wall ms | u64 items | lenbytes configuration | lenbytes
 * content sums, then per part: lenbytes first key, u64 items, u64 object bytes, u32 CRC32C of the
 * object; footer magic "XNSC"
 *
 * The content sums are the replica's own (engine/btree) at that index, so a restored copy can be
 * compared with what every replica held there.
 * Pure. Decoders check everything and give views into the caller's bytes or scratch.
 * Limits: ARCHIVE_PART_BYTES_MAX of encoded items per part, ARCHIVE_PARTS_MAX parts.
 */
#ifndef TC_ENGINE_ARCHIVE_SNAPSHOT_H
#define TC_ENGINE_ARCHIVE_SNAPSHOT_H

#include "engine/archive/segment.h"

enum {
    ARCHIVE_PART_BYTES_MAX = 64 * 1024 * 1024,
    ARCHIVE_PARTS_MAX = 1 << 16,
    ARCHIVE_SUMS_BYTES_MAX = 64 * 1024,
    ARCHIVE_CONFIG_BYTES_MAX = 64 * 1024,
};

struct archive_part {
    uint64_t gid;
    uint64_t index;
    uint32_t part;
    uint64_t item_count;
    struct tc_slice items; /* encoded */
};

struct archive_part_ref {
    struct tc_slice first_key;
    uint64_t item_count;
    uint64_t bytes;
    uint32_t crc;
};

struct archive_snapshot {
    uint64_t gid;
    uint64_t table_id;
    uint64_t index;
    uint64_t ballot;
    uint64_t chain;
    uint64_t wall_ms;
    uint64_t item_count;
    struct tc_slice config;
    struct tc_slice sums;
    uint32_t part_count;
    struct tc_slice parts; /* encoded; archive_part_ref_next walks them */
};

void archive_item_encode(struct tc_slice key, struct tc_slice item, struct tc_buf *items);
/* The next item of checked items, which moves on; false at the end. */
bool archive_item_next(struct tc_slice *items, struct tc_slice *ret_key, struct tc_slice *ret_item);

/* Append a part object.
 *   Errors   TC_EINVAL  items are not item_count keys in ascending order; TC_ELIMIT */
TC_MUST_USE tc_err archive_part_encode(const struct archive_part *p, bool compress,
                                       struct tc_buf *out);
/*   Errors   TC_ECORRUPT, TC_ELIMIT */
TC_MUST_USE tc_err archive_part_decode(struct tc_slice object, struct tc_buf *scratch,
                                       struct archive_part *ret_part);

void archive_part_ref_encode(const struct archive_part_ref *p, struct tc_buf *parts);
bool archive_part_ref_next(struct tc_slice *parts, struct archive_part_ref *ret_ref);
/* Append an index object.
 *   Errors   TC_EINVAL  parts are not part_count in ascending order with item_count items in all;
 *            TC_ELIMIT */
TC_MUST_USE tc_err archive_snapshot_encode(const struct archive_snapshot *s, struct tc_buf *out);
/*   Errors   TC_ECORRUPT, TC_ELIMIT */
TC_MUST_USE tc_err archive_snapshot_decode(struct tc_slice object,
                                           struct archive_snapshot *ret_snapshot);

void archive_part_key(uint64_t gid, uint64_t index, uint32_t part,
                      char ret_key[ARCHIVE_OBJECT_KEY_BYTES]);
void archive_snapshot_key(uint64_t gid, uint64_t index, char ret_key[ARCHIVE_OBJECT_KEY_BYTES]);

#endif
