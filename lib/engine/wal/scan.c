#include "engine/wal/scan.h"

#include "base/assert.h"
#include "base/probe.h"

#include <stdlib.h>

enum {
    CHUNK_BYTES = 1 << 20,
};

tc_err wal__scan_init(struct wal_scan *s, uint64_t capacity_bytes) {
    *s = (struct wal_scan){.capacity_bytes = capacity_bytes};
    void *memory = NULL;
    if (posix_memalign(&memory, WAL_BLOCK_BYTES, (size_t)capacity_bytes) != 0)
        return TC_ENOMEM;
    s->bytes = memory;
    return TC_OK;
}

void wal__scan_deinit(struct wal_scan *s) {
    free(s->bytes);
    s->bytes = NULL;
}

/* A chunk that cannot be read at once is read block by block; what stays unreadable counts as
 * damage there, zeros here. */
static void load_chunk(struct wal_scan *s, uint64_t from, uint64_t to) {
    if (tc_file_read_at(s->file, from, s->bytes + from, (size_t)(to - from)) == TC_OK)
        return;
    for (uint64_t at = from; at < to; at += WAL_BLOCK_BYTES) {
        if (tc_file_read_at(s->file, at, s->bytes + at, WAL_BLOCK_BYTES) == TC_OK)
            continue;
        memset(s->bytes + at, 0, WAL_BLOCK_BYTES);
        s->unreadable_end = at + WAL_BLOCK_BYTES;
    }
}

static void load(struct wal_scan *s, uint64_t end) {
    TC_ASSERT(end <= s->size_bytes);
    while (s->loaded < end) {
        uint64_t to =
            s->loaded + CHUNK_BYTES < s->size_bytes ? s->loaded + CHUNK_BYTES : s->size_bytes;
        load_chunk(s, s->loaded, to);
        s->loaded = to;
    }
}

/* A valid frame of this segment at off. */
static bool frame_at(struct wal_scan *s, uint64_t off, struct wal_found *ret_found) {
    if (off + WAL_HEADER_BYTES > s->size_bytes)
        return false;
    load(s, off + WAL_HEADER_BYTES);
    struct wal_header h;
    if (!wal__header_decode(s->bytes + off, &h) || h.gen != s->seq)
        return false;
    if (h.rec.type != WAL_FRAME_HEAD && h.rec.type != WAL_FRAME_TAIL)
        return false;
    uint64_t end = off + WAL_HEADER_BYTES + h.body_len;
    if (end > s->size_bytes)
        return false;
    load(s, end);
    struct wal_found f = {.offset = off, .lsn = h.lsn};
    struct tc_slice body;
    if (!wal__record_decode(tc_slice(s->bytes + off, (size_t)(end - off)), &h, &body))
        return false;
    if (!wal__frame_decode(body, s->size_bytes, &f.frame))
        return false;
    uint64_t where = f.frame.batch_offset;
    if (h.rec.type == WAL_FRAME_TAIL)
        where += f.frame.tail_offset;
    if (where != off || h.lsn == 0 || h.lsn >= s->lsn_end)
        return false;
    *ret_found = f;
    return true;
}

/* The next valid frame at or after off that belongs to lsn or later. */
static bool next_frame(struct wal_scan *s, uint64_t off, uint64_t lsn, struct wal_found *ret) {
    for (; off + WAL_HEADER_BYTES <= s->size_bytes; off += TC_FS_SECTOR_BYTES)
        if (frame_at(s, off, ret) && ret->lsn >= lsn)
            return true;
    return false;
}

static bool record_at(const struct wal_scan *s, const struct wal_found *f, uint32_t index,
                      struct wal_frame_item *ret_item, struct tc_slice *ret_body) {
    *ret_item = wal__frame_item(&f->frame, index);
    uint64_t at = f->frame.batch_offset + ret_item->offset;
    struct wal_header h;
    struct tc_slice bytes = tc_slice(s->bytes + at, WAL_HEADER_BYTES + (size_t)ret_item->body_len);
    return wal__record_decode(bytes, &h, ret_body) && h.gen == s->seq && h.lsn == f->lsn + index &&
           h.body_len == ret_item->body_len && h.rec.gid == ret_item->rec.gid &&
           h.rec.idx == ret_item->rec.idx && h.rec.ballot == ret_item->rec.ballot &&
           h.rec.chain == ret_item->rec.chain && h.rec.type == ret_item->rec.type &&
           h.rec.flags == ret_item->rec.flags;
}

static bool complete(struct wal_scan *s, const struct wal_found *f) {
    load(s, f->frame.batch_offset + f->frame.batch_bytes);
    for (uint32_t i = 0; i < f->frame.count; i++) {
        struct wal_frame_item item;
        struct tc_slice body;
        if (!record_at(s, f, i, &item, &body))
            return false;
    }
    return true;
}

/* Was this batch acknowledged? Whatever was written after it proves that it was: one batch is
 * written at a time (REPLICATION.md B11). */
static bool acknowledged(struct wal_scan *s, const struct wal_found *f) {
    uint64_t last = f->lsn + f->frame.count - 1;
    if (s->proven_lsn >= last)
        return true;
    struct wal_found later;
    uint64_t off = f->frame.batch_offset + f->frame.batch_bytes;
    return next_frame(s, off, last + 1, &later) && later.frame.durable_lsn >= last;
}

static void deliver(struct wal_scan *s, const struct wal_found *f, wal_scan_visit *visit,
                    void *user) {
    if (f->frame.oldest_lsn > s->oldest_lsn)
        s->oldest_lsn = f->frame.oldest_lsn;
    for (uint32_t i = 0; i < f->frame.count; i++) {
        struct wal_scanned r = {.lsn = f->lsn + i};
        struct wal_frame_item item;
        r.faulty = !record_at(s, f, i, &item, &r.body);
        r.rec = item.rec;
        r.body_len = item.body_len;
        r.offset = (uint32_t)(f->frame.batch_offset + item.offset);
        if (r.faulty)
            r.body = TC_SLICE_EMPTY;
        visit(user, &r);
    }
}

/* One batch at s->offset, or the next that can be found. False: the segment's records end here. */
static bool step(struct wal_scan *s, wal_scan_visit *visit, void *user) {
    struct wal_found f;
    bool head = frame_at(s, s->offset, &f) && f.lsn == s->next_lsn;
    if (!head) {
        if (!next_frame(s, s->offset + TC_FS_SECTOR_BYTES, s->next_lsn, &f))
            return false;
        if (f.lsn == s->next_lsn && f.frame.batch_offset != s->offset)
            return false;
        if (f.lsn > s->next_lsn) {
            /* A later batch was begun, so everything before it was acknowledged; its names are
             * gone with both its frames. */
            TC_PROBE("wal recovery finds records that cannot be named");
            s->identity_lost = true;
            s->next_lsn = f.lsn;
            s->offset = f.frame.batch_offset;
            return true;
        }
        TC_PROBE("wal recovery reads a batch by its tail frame");
    }
    if (!complete(s, &f) && !acknowledged(s, &f)) {
        TC_PROBE("wal recovery cuts a torn batch");
        s->torn_bytes += f.frame.batch_bytes;
        return false;
    }
    deliver(s, &f, visit, user);
    s->next_lsn += f.frame.count;
    s->offset += f.frame.batch_bytes;
    return true;
}

tc_err wal__scan_segment(struct wal_scan *s, uint64_t end_lsn, wal_scan_visit *visit, void *user) {
    s->offset = WAL_BLOCK_BYTES;
    s->loaded = 0;
    s->unreadable_end = 0;
    /* There are no gaps in lsn: what is further from the first one than records fit is damage. */
    s->lsn_end = s->next_lsn + s->size_bytes / WAL_HEADER_BYTES;
    TC_ASSERT(s->size_bytes <= s->capacity_bytes);
    while (s->next_lsn < end_lsn && step(s, visit, user)) {
    }
    if (s->next_lsn >= end_lsn)
        return TC_OK;
    /* Where the log seems to end, blocks that could not be read might hold what was acknowledged:
     * that is for the disk to answer, not for us to cut. */
    return s->unreadable_end > s->offset ? TC_EIO : TC_OK;
}

bool wal__scan_peek(struct wal_scan *s, uint32_t *ret_seq, uint64_t *ret_first_lsn) {
    struct wal_header h;
    if (s->size_bytes < 2 * WAL_BLOCK_BYTES)
        return false;
    if (tc_file_read_at(s->file, WAL_BLOCK_BYTES, s->bytes, WAL_BLOCK_BYTES) != TC_OK)
        return false;
    if (!wal__header_decode(s->bytes, &h) || h.rec.type != WAL_FRAME_HEAD || h.gen == 0 ||
        h.lsn == 0 || h.lsn > WAL_FIRST_LSN_MAX)
        return false;
    *ret_seq = h.gen;
    *ret_first_lsn = h.lsn;
    return true;
}
