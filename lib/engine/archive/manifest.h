/* archive manifest: what the archive holds of one group, and how it is found and replaced.
 *
 * Objects groups/<gid>/manifest/<version>, written once each; the highest version counts. A writer
 * that lost the race for a version gets TC_EEXISTS and starts over from what is there now.
 *
 *   offset  0  u64  magic "TERCMAN1"
 *           8  u32  format version: 1, or 2 for a merged group
 *          12  u32  zero
 *          16  u64  manifest version | u64 gid | u64 table id | u64 parent gid (0: none)
 *          48  u64  base index | u64 base chain: where the group's log begins
 *                   version 2 only: u64 parent index | u64 right gid | u64 right index; what
 * follows stands 24 bytes further on 64  u32  segments | u32 snapshots 72  lenbytes table name,
 * lenbytes key range start, lenbytes end per segment: u64 first, last, chain_before, chain_after,
 * first_ballot, last_ballot, first_ms, last_ms, bytes; u32 CRC32C of the object per snapshot: u64
 * index, ballot, chain, wall ms, keys, bytes; u32 parts, u32 CRC32C of its index object footer as
 * of a segment, magic "NAMC"
 *
 * Invariant (archive_manifest_check): segments are gap-free from the base on, by index and by chain
 * (REPLICATION.md C4, I9); snapshots rise by index and lie within.
 * Memory: heap; a zeroed struct is valid, deinit frees. Limits: ARCHIVE_SEGMENTS_MAX,
 * ARCHIVE_SNAPSHOTS_MAX.
 */
#ifndef TC_ENGINE_ARCHIVE_MANIFEST_H
#define TC_ENGINE_ARCHIVE_MANIFEST_H

#include "engine/archive/objstore.h"
#include "engine/archive/segment.h"

enum {
    ARCHIVE_SEGMENTS_MAX = 1 << 20,
    ARCHIVE_SNAPSHOTS_MAX = 1 << 12,
    ARCHIVE_MANIFESTS_KEPT = 3,
};

struct archive_segment_ref {
    uint64_t first;
    uint64_t last;
    uint64_t chain_before;
    uint64_t chain_after;
    uint64_t first_ballot;
    uint64_t last_ballot;
    uint64_t first_ms;
    uint64_t last_ms;
    uint64_t bytes; /* of the object */
    uint32_t crc;   /* CRC32C of the object */
};

struct archive_snapshot_ref {
    uint64_t index;
    uint64_t ballot;
    uint64_t chain;
    uint64_t wall_ms;
    uint64_t key_count;
    uint64_t bytes; /* of all parts */
    uint32_t part_count;
    uint32_t crc; /* CRC32C of the index object */
};

struct archive_manifest {
    uint64_t version; /* 0: never stored */
    uint64_t gid;
    uint64_t table_id;
    uint64_t parent_gid;
    uint64_t base_index;
    uint64_t base_chain;
    /* A merged group: parent_gid is the left one, and its log begins above both ends. */
    uint64_t parent_index; /* where the MERGE stands */
    uint64_t right_gid;    /* 0: not merged */
    uint64_t right_index;  /* where its SEAL stands */
    struct tc_buf table;
    struct tc_buf start;
    struct tc_buf end;
    struct archive_segment_ref *segments;
    size_t segment_count;
    size_t segment_cap;
    struct archive_snapshot_ref *snapshots;
    size_t snapshot_count;
    size_t snapshot_cap;
};

void archive_manifest_deinit(struct archive_manifest *m);
/* The end of what is archived: index and chain. */
uint64_t archive_manifest_last(const struct archive_manifest *m, uint64_t *ret_chain);
/* The segment that holds index, or NULL. */
const struct archive_segment_ref *archive_manifest_find(const struct archive_manifest *m,
                                                        uint64_t index);
/*   Errors   TC_ESTALE    does not continue the end (index or chain)
 *            TC_ELIMIT */
TC_MUST_USE tc_err archive_manifest_add_segment(struct archive_manifest *m,
                                                const struct archive_segment_ref *s);
/*   Errors   TC_ESTALE    not above the last snapshot, or beyond the end
 *            TC_ELIMIT */
TC_MUST_USE tc_err archive_manifest_add_snapshot(struct archive_manifest *m,
                                                 const struct archive_snapshot_ref *s);
/* Search for holes. diag: one line that names the first one; may be NULL.
 *   Errors   TC_ECORRUPT */
TC_MUST_USE tc_err archive_manifest_check(const struct archive_manifest *m, struct tc_buf *diag);

void archive_manifest_encode(const struct archive_manifest *m, struct tc_buf *out);
/* Strict; checked for holes too.
 *   ret_manifest  filled on TC_OK only; deinit it
 *   Errors        TC_ECORRUPT, TC_ELIMIT */
TC_MUST_USE tc_err archive_manifest_decode(struct tc_slice object,
                                           struct archive_manifest *ret_manifest);

/* The newest manifest of gid.
 *   Errors   TC_ENOTFOUND none; TC_ECORRUPT damaged, or another group's; those of objstore */
TC_MUST_USE tc_err archive_manifest_load(struct objstore *o, uint64_t gid,
                                         struct archive_manifest *ret_manifest);
/* Store as version + 1 (which m then has) and remove versions beyond ARCHIVE_MANIFESTS_KEPT.
 *   Errors   TC_EEXISTS  somebody stored that version: load again; those of objstore */
TC_MUST_USE tc_err archive_manifest_store(struct objstore *o, struct archive_manifest *m);

void archive_manifest_key(uint64_t gid, uint64_t version, char ret_key[ARCHIVE_OBJECT_KEY_BYTES]);

#endif
