#include "engine/wal/private.h"
#include "engine/wal/scan.h"

#include "base/assert.h"
#include "base/probe.h"

#include <stdlib.h>

struct found_segment {
    uint32_t slot;
    uint32_t seq;
    uint64_t first_lsn;
    struct wal_segment_header header; /* seq 0: damaged, the two above are from the first batch */
};

struct recovery {
    struct wal *w;
    struct wal_scan scan;
    struct found_segment *segments;
    uint32_t count;
    uint32_t oldest_seq;
    uint64_t oldest_lsn;
    uint64_t mark_lsn;
    uint32_t scanning; /* slot */
    bool keep;         /* bodies of the segment being scanned stay in memory */
};

static void read_mark(struct recovery *r) {
    for (uint64_t turn = 0; turn < 2; turn++) {
        uint8_t bytes[WAL_MARK_BYTES];
        uint64_t lsn = 0;
        if (tc_file_read_at(r->w->mark, turn * WAL_BLOCK_BYTES, bytes, sizeof bytes) == TC_OK &&
            wal__mark_decode(bytes, r->w->opts.store_uuid, &lsn) && lsn > r->mark_lsn)
            r->mark_lsn = lsn;
    }
}

static void note(struct recovery *r, const struct found_segment *f) {
    r->segments[r->count++] = *f;
    if (f->seq > r->w->last_seq)
        r->w->last_seq = f->seq;
    if (f->header.oldest_seq > r->oldest_seq)
        r->oldest_seq = f->header.oldest_seq;
    if (f->header.oldest_lsn > r->oldest_lsn)
        r->oldest_lsn = f->header.oldest_lsn;
}

/* Never written to, as far as its first blocks tell. */
static bool is_blank(struct wal_scan *scan) {
    if (tc_file_read_at(scan->file, 0, scan->bytes, 2 * WAL_BLOCK_BYTES) != TC_OK)
        return false;
    for (size_t i = 0; i < 2 * WAL_BLOCK_BYTES; i++)
        if (scan->bytes[i] != 0)
            return false;
    return true;
}

static tc_err identify(struct recovery *r, uint32_t slot) {
    struct wal *w = r->w;
    struct wal_slot *s = &w->slots[slot];
    struct wal_scan *scan = &r->scan;
    scan->file = s->file;
    scan->size_bytes = s->size_bytes;
    struct found_segment f = {.slot = slot};
    tc_err err = tc_file_read_at(s->file, 0, scan->bytes, WAL_BLOCK_BYTES);
    bool good = err == TC_OK && wal__segment_decode(scan->bytes, &f.header);
    if (good && memcmp(f.header.store_uuid, w->opts.store_uuid, 16) != 0)
        return TC_ECORRUPT;
    if (good && f.header.segment_bytes == s->size_bytes) {
        f.seq = f.header.seq;
        f.first_lsn = f.header.first_lsn;
        note(r, &f);
    } else if (wal__scan_peek(scan, &f.seq, &f.first_lsn)) {
        TC_PROBE("wal recovery identifies a segment by its first batch");
        f.header = (struct wal_segment_header){0};
        note(r, &f);
    } else if (s->size_bytes != w->opts.segment_bytes || !is_blank(scan)) {
        /* Batches behind a damaged beginning could pass for the next ones of a log that begins anew
         * in this file under the same number. */
        wal__slot_discard(w, slot);
    } else {
        wal__slot_free(w, slot);
    }
    return TC_OK;
}

static tc_err open_slot(struct recovery *r, uint32_t slot) {
    struct wal *w = r->w;
    struct wal_slot *s = &w->slots[slot];
    char path[TC_FS_PATH_MAX];
    wal__slot_path(w, slot, path, sizeof path);
    tc_err err = tc_fs_open(w->fs, path, TC_FS_DIRECT | TC_FS_DSYNC, &s->file);
    if (err == TC_ENOTFOUND)
        return TC_OK;
    TC_TRY(err);
    TC_TRY(tc_file_size(s->file, &s->size_bytes));
    s->size_bytes = s->size_bytes / WAL_BLOCK_BYTES * WAL_BLOCK_BYTES;
    if (s->size_bytes < WAL_SEGMENT_BYTES_MIN || s->size_bytes > WAL_SEGMENT_BYTES_MAX) {
        wal__slot_discard(w, slot);
        return TC_OK;
    }
    /* What the scan reads must be on the medium, not only in this machine's memory. */
    TC_TRY(tc_file_sync(s->file));
    if (s->size_bytes > r->scan.capacity_bytes) {
        wal__scan_deinit(&r->scan);
        TC_TRY(wal__scan_init(&r->scan, s->size_bytes));
    }
    return identify(r, slot);
}

static int by_seq(const void *a, const void *b) {
    uint32_t left = ((const struct found_segment *)a)->seq;
    uint32_t right = ((const struct found_segment *)b)->seq;
    return (left > right) - (left < right);
}

/* Segments that the log had finished with go to the front of the free ones, oldest first. */
static void drop_finished(struct recovery *r) {
    struct wal *w = r->w;
    qsort(r->segments, r->count, sizeof *r->segments, by_seq);
    uint32_t first = 0;
    while (first < r->count && r->segments[first].seq < r->oldest_seq)
        first++;
    memmove(w->free + first, w->free, w->free_count * sizeof *w->free);
    for (uint32_t i = 0; i < first; i++)
        w->free[i] = r->segments[i].slot;
    for (uint32_t i = 0; i < first; i++)
        w->slots[r->segments[i].slot].state = WAL_SLOT_FREE;
    w->free_count += first;
    r->count -= first;
    memmove(r->segments, r->segments + first, r->count * sizeof *r->segments);
}

static void visit(void *user, const struct wal_scanned *s) {
    struct recovery *r = user;
    struct wal *w = r->w;
    bool known = wal__is_state(s->rec.type) || s->rec.type == WAL_FORGET ||
                 (s->rec.type >= 1 && s->rec.type <= WAL_ENTRY_TYPE_MAX);
    w->report.records_count++;
    w->last_lsn = s->lsn;
    if (!known)
        return;
    struct wal_new n = {
        .rec = s->rec,
        .lsn = s->lsn,
        .place = {.slot = r->scanning, .offset = s->offset},
        .body_len = s->body_len,
        .faulty = s->faulty,
        .recovering = true,
    };
    /* States are few and always kept. The newest entries are what applying, request ids and peers
     * want next, and each group wants its own: from the disk they would be read once per group. */
    bool state = wal__is_state(s->rec.type);
    bool keep = (state || r->keep) && !s->faulty && s->body.len > 0;
    struct tc_blob *body = keep ? tc_blob_dup(s->body) : NULL;
    tc_err err = wal__index_add(&w->index, &n, body);
    TC_ASSERT(err == TC_OK);
    if (keep && !state)
        wal__cache_add(w, &s->rec, s->lsn);
    tc_blob_unref(body);
}

static tc_err scan_one(struct recovery *r, uint32_t at) {
    struct wal *w = r->w;
    const struct found_segment *f = &r->segments[at];
    bool newest = at + 1 == r->count;
    uint64_t end_lsn = newest ? UINT64_MAX : r->segments[at + 1].first_lsn;
    struct wal_scan *s = &r->scan;
    if (f->first_lsn != s->next_lsn)
        s->identity_lost = true; /* a segment between is gone */
    s->next_lsn = f->first_lsn;
    s->file = w->slots[f->slot].file;
    s->size_bytes = w->slots[f->slot].size_bytes;
    s->seq = f->seq;
    s->proven_lsn = newest ? r->mark_lsn : end_lsn - 1;
    r->scanning = f->slot;
    r->keep = (uint64_t)(r->count - 1 - at) * w->opts.segment_bytes < w->opts.cache_max_bytes;
    struct wal_slot *slot = &w->slots[f->slot];
    slot->state = WAL_SLOT_LIVE;
    slot->seq = f->seq;
    slot->first_lsn = f->first_lsn;
    w->order[w->order_count++] = f->slot;
    TC_TRY(wal__scan_segment(s, end_lsn, visit, r));
    slot->append_offset = s->offset;
    if (newest ? s->next_lsn <= r->mark_lsn : s->next_lsn < end_lsn)
        s->identity_lost = true;
    return TC_OK;
}

static tc_err scan_all(struct recovery *r) {
    struct wal_scan *s = &r->scan;
    s->next_lsn = r->count ? r->segments[0].first_lsn : 1;
    for (uint32_t i = 0; i < r->count; i++)
        TC_TRY(scan_one(r, i));
    uint64_t oldest = s->oldest_lsn > r->oldest_lsn ? s->oldest_lsn : r->oldest_lsn;
    if (r->count > 0 && r->segments[0].first_lsn > oldest && oldest > 0)
        s->identity_lost = true; /* the oldest segments are gone */
    if (s->next_lsn <= r->mark_lsn) {
        s->identity_lost = true;
        s->next_lsn = r->mark_lsn + 1; /* no lsn is used twice */
    }
    return TC_OK;
}

/* Begun but never written to: starting often must not use up segments. */
static void drop_empty_end(struct wal *w, uint64_t next_lsn) {
    while (w->order_count > 0) {
        uint32_t slot = w->order[w->order_count - 1];
        if (w->slots[slot].first_lsn != next_lsn || w->slots[slot].live_count != 0)
            return;
        w->order_count--;
        wal__slot_free(w, slot);
    }
}

static void summarize(struct recovery *r) {
    struct wal *w = r->w;
    wal__index_settle(&w->index);
    size_t count = 0;
    uint64_t *gids = wal__index_gids(&w->index, &count);
    for (size_t i = 0; i < count; i++) {
        const struct wal_group_index *g = wal__index_group(&w->index, gids[i]);
        for (size_t k = 0; k < g->count; k++)
            w->report.faulty_count += g->items[g->head + k].entry.faulty;
        for (size_t k = 0; k < WAL_STATE_TYPES; k++)
            w->report.state_lost_count += g->states[k].lost;
    }
    free(gids);
    w->any_faulty = w->report.faulty_count > 0;
    w->last_lsn = w->durable_lsn = r->scan.next_lsn - 1;
    w->report.durable_lsn = w->durable_lsn;
    w->report.torn_bytes = r->scan.torn_bytes;
    w->report.identity_lost = r->scan.identity_lost;
    wal__cache_shrink(w);
    drop_empty_end(w, r->scan.next_lsn);
    wal__reuse(w);
}

tc_err wal__recover(struct wal *w) {
    struct recovery r = {.w = w};
    r.segments = calloc(w->slot_count, sizeof *r.segments);
    tc_err err = r.segments ? wal__scan_init(&r.scan, w->opts.segment_bytes) : TC_ENOMEM;
    if (err == TC_OK)
        read_mark(&r);
    for (uint32_t i = 0; err == TC_OK && i < w->slot_count; i++)
        err = open_slot(&r, i);
    if (err == TC_OK) {
        drop_finished(&r);
        err = scan_all(&r);
    }
    if (err == TC_OK)
        summarize(&r);
    wal__scan_deinit(&r.scan);
    free(r.segments);
    return err;
}
