/* wal scan: read one segment and tell records, torn ends and damage apart. Reads only.
 *
 * Used by recovery, and by the fuzz target on hostile bytes. Memory: one buffer of a segment.
 */
#ifndef TC_ENGINE_WAL_SCAN_H
#define TC_ENGINE_WAL_SCAN_H

#include "engine/wal/format.h"

struct wal_found {
    uint64_t offset;
    uint64_t lsn;
    struct wal_frame frame;
};

struct wal_scanned {
    struct wal_record rec;
    uint64_t lsn;
    uint32_t offset;
    uint32_t body_len;
    struct tc_slice body; /* valid during the visit; empty when faulty */
    bool faulty;          /* named by its frame, not readable */
};

struct wal_scan {
    uint8_t *bytes;
    uint64_t capacity_bytes;
    /* Set by the caller for each segment. */
    struct tc_file *file;
    uint64_t size_bytes;
    uint32_t seq;
    uint64_t proven_lsn; /* acknowledged for certain, by the mark or a later segment */
    uint64_t lsn_end;    /* no record of the segment has this lsn or a higher one */
    /* Moves on. */
    uint64_t next_lsn;
    uint64_t offset;
    uint64_t loaded;
    uint64_t unreadable_end;
    uint64_t torn_bytes;
    uint64_t oldest_lsn; /* highest that any frame named */
    bool identity_lost;
};

typedef void wal_scan_visit(void *user, const struct wal_scanned *r);

TC_MUST_USE tc_err wal__scan_init(struct wal_scan *s, uint64_t capacity_bytes);
void wal__scan_deinit(struct wal_scan *s);
/* Visit every record from s->next_lsn up to end_lsn (exclusive; UINT64_MAX: to the end).
 *   Errors  TC_EIO  blocks at the log's end cannot be read */
TC_MUST_USE tc_err wal__scan_segment(struct wal_scan *s, uint64_t end_lsn, wal_scan_visit *visit,
                                     void *user);
/* What the first batch says about a segment whose header is damaged. */
bool wal__scan_peek(struct wal_scan *s, uint32_t *ret_seq, uint64_t *ret_first_lsn);

#endif
