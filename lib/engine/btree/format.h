/* The bytes of a B-tree file. All integers little endian, all offsets in bytes.
 *
 * The file is an array of 16 KiB pages. Pages 0..3 are superblock copies: slot 0 in pages 0 and 2,
 * slot 1 in pages 1 and 3; a checkpoint writes both copies of the slot that is not the newest. The
 * newest valid copy names the root, and everything reachable from it is that checkpoint.
 *
 * Page header, 48 bytes, first in every page but superblocks (of a run: in its first page only):
 *    0 u32 crc        CRC-32C of bytes 4.. (tree page: to its end; run: to its last byte)
 *    4 u32 magic      "TCBP"
 *    8 u64 gid        group
 *   16 u64 gen        version that wrote it
 *   24 u32 page       its own number
 *   28 u8  type       1 leaf, 2 inner, 3 run
 *   29 u8  level      0 leaf, parent of leaves 1, ...
 *   30 u16 count      cells
 *   32 u16 heap       offset of the lowest cell; cells fill the page from its end downward
 *   34 u16 hole       bytes inside the heap that no cell uses
 *   36 u16 skip       leading bytes that all searched keys of the page share
 *   38 u16 zero
 *   40 u32 run_bytes  run: payload bytes after the header
 *   44 u32 zero
 * Slots follow, 8 bytes each, in key order:
 *    0 u32 head       4 key bytes from skip on, as a big endian number, zero padded: most probes of
 * a binary search are decided here without touching the cell 4 u16 at         offset of the cell 6
 * u16 key_len Leaf cell:  u32 value_len (bit 31: the value is in a run), key, then the value or a
 * run reference: 0 u32 page, u32 crc, u64 gen, u64 lo, u64 hi   (lo and hi: content hashes of the
 * item) Inner cell: u32 child page, u32 child crc, key. The key of cell 0 is not searched: it
 * stands for the page's own lower bound. Child i serves [key i, key i+1). Run: header, then
 * run_bytes payload bytes over as many consecutive pages as they need: a large value, or the page
 * map (bit n set: page n belongs to this checkpoint).
 *
 * Superblock, one page:
 *      0 u32 crc of bytes 4..16383      4 u32 magic "TCBS"      8 u32 version 1     12 u32 page
 * bytes 16 u64 gid       24 u64 gen       32 u32 slot             36 u32 root (0: empty tree) 40
 * u32 root crc  44 u32 levels    48 u32 page count       52 u32 map page 56 u32 map crc   60 u32
 * blob len  64 u64 index            72 u64 ballot 80 u64 chain     88 u64 item count   96 u64 item
 * bytes   104 24 zero bytes 128 512 x u64 content sums       4224 blob, then zeros
 */
#ifndef TC_ENGINE_BTREE_FORMAT_H
#define TC_ENGINE_BTREE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/btree/btree.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pages are used as they lie on disk");

#define BTREE_PAGE_MAGIC    0x50424354u
#define BTREE_SUPER_MAGIC   0x53424354u
#define BTREE_SUPER_VERSION 1u
#define BTREE_SUPER_COUNT   4u
#define BTREE_VALUE_IN_RUN  0x80000000u

enum btree_page_type {
    BTREE_LEAF = 1,
    BTREE_INNER = 2,
    BTREE_RUN = 3,
};

struct btree_page {
    uint32_t crc;
    uint32_t magic;
    uint64_t gid;
    uint64_t gen;
    uint32_t page;
    uint8_t type;
    uint8_t level;
    uint16_t count;
    uint16_t heap;
    uint16_t hole;
    uint16_t skip;
    uint16_t zero1;
    uint32_t run_bytes;
    uint32_t zero2;
};

struct btree_slot {
    uint32_t head;
    uint16_t at;
    uint16_t key_len;
};

struct btree_run_ref {
    uint32_t page;
    uint32_t crc;
    uint64_t gen;
    uint64_t lo;
    uint64_t hi;
};

struct btree_super {
    uint32_t crc;
    uint32_t magic;
    uint32_t version;
    uint32_t page_bytes;
    uint64_t gid;
    uint64_t gen;
    uint32_t slot;
    uint32_t root;
    uint32_t root_crc;
    uint32_t levels;
    uint32_t page_count;
    uint32_t map_page;
    uint32_t map_crc;
    uint32_t blob_len;
    uint64_t index;
    uint64_t ballot;
    uint64_t chain;
    uint64_t item_count;
    uint64_t item_bytes;
    uint8_t zero[24];
    uint64_t sums[2 * BTREE_BUCKET_COUNT];
    uint8_t blob[BTREE_PAGE_BYTES - 4224];
};

#define BTREE_HEADER_BYTES ((uint32_t)sizeof(struct btree_page))
#define BTREE_SLOT_BYTES   ((uint32_t)sizeof(struct btree_slot))
#define BTREE_REF_BYTES    ((uint32_t)sizeof(struct btree_run_ref))
/* What slots and cells share. */
#define BTREE_ROOM_BYTES (BTREE_PAGE_BYTES - BTREE_HEADER_BYTES)
/* A leaf cell with its slot is at most half a page, so that a split always finds a cut. */
#define BTREE_CELL_BYTES_MAX (BTREE_ROOM_BYTES / 2 - BTREE_SLOT_BYTES)
#define BTREE_DEPTH_MAX      32u

_Static_assert(sizeof(struct btree_page) == 48, "page header");
_Static_assert(offsetof(struct btree_page, page) == 24, "page header");
_Static_assert(offsetof(struct btree_page, count) == 30, "page header");
_Static_assert(offsetof(struct btree_page, run_bytes) == 40, "page header");
_Static_assert(sizeof(struct btree_slot) == 8, "slot");
_Static_assert(sizeof(struct btree_run_ref) == 32, "run reference");
_Static_assert(sizeof(struct btree_super) == BTREE_PAGE_BYTES, "superblock");
_Static_assert(offsetof(struct btree_super, index) == 64, "superblock");
_Static_assert(offsetof(struct btree_super, sums) == 128, "superblock");
_Static_assert(offsetof(struct btree_super, blob) == 4224, "superblock");
_Static_assert(sizeof(((struct btree_super *)0)->blob) >= BTREE_BLOB_BYTES_MAX, "blob fits");
_Static_assert(BTREE_KEY_BYTES_MAX + 4 + BTREE_REF_BYTES <= BTREE_CELL_BYTES_MAX, "long keys fit");
_Static_assert(3 * (BTREE_KEY_BYTES_MAX + 16) <= BTREE_ROOM_BYTES, "three children at least");
_Static_assert(BTREE_PAGE_BYTES <= 32768, "offsets fit 16 bits");

#endif
