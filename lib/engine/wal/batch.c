#include "engine/wal/private.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mutant.h"

#include <stdlib.h>

static bool memory_fits(struct wal *w, uint64_t bytes) {
    struct wal_batch *b = &w->batch;
    if (bytes <= b->memory_bytes)
        return true;
    void *memory = NULL;
    if (posix_memalign(&memory, WAL_BLOCK_BYTES, (size_t)bytes) != 0)
        return false;
    free(b->memory);
    b->memory = memory;
    b->memory_bytes = bytes;
    return true;
}

/* The newest segment takes the batch, or a new one begins. */
static tc_err choose_segment(struct wal *w, uint64_t batch_bytes) {
    struct wal_batch *b = &w->batch;
    struct wal_slot *s = wal__current(w);
    b->begins_segment = s == NULL || batch_bytes > s->size_bytes - s->append_offset;
    if (!b->begins_segment) {
        b->slot = w->order[w->order_count - 1];
        return TC_OK;
    }
    w->has_current = false;
    wal__reuse(w);
    uint32_t slot = wal__slot_next(w);
    if (slot == WAL_NOWHERE || w->last_seq == UINT32_MAX)
        return TC_EFULL;
    s = &w->slots[slot];
    *s = (struct wal_slot){
        .state = WAL_SLOT_LIVE,
        .file = s->file,
        .seq = ++w->last_seq,
        .first_lsn = b->first_lsn,
        .size_bytes = s->file ? s->size_bytes : w->opts.segment_bytes,
        .append_offset = WAL_BLOCK_BYTES,
    };
    w->order[w->order_count++] = slot;
    w->has_current = true;
    b->slot = slot;
    return TC_OK;
}

static void describe(struct wal *w, uint64_t batch_bytes) {
    struct wal_batch *b = &w->batch;
    struct wal_slot *s = &w->slots[b->slot];
    const struct wal_slot *oldest = &w->slots[w->order[0]];
    uint64_t frame =
        WAL_HEADER_BYTES + WAL_FRAME_FIXED_BYTES + (uint64_t)b->queue.count * WAL_FRAME_ITEM_BYTES;
    b->gen = s->seq;
    b->file = s->file;
    b->frame = (struct wal_frame){
        .batch_offset = s->append_offset,
        .batch_bytes = (uint32_t)batch_bytes,
        .count = (uint32_t)b->queue.count,
        .durable_lsn = w->durable_lsn,
        .oldest_lsn = oldest->first_lsn,
        .oldest_seq = oldest->seq,
        .tail_offset = (uint32_t)wal__align(frame + b->queue.bytes, TC_FS_SECTOR_BYTES),
    };
    b->header = (struct wal_segment_header){
        .seq = s->seq,
        .oldest_seq = oldest->seq,
        .first_lsn = s->first_lsn,
        .oldest_lsn = oldest->first_lsn,
        .durable_lsn = w->durable_lsn,
        .segment_bytes = s->size_bytes,
    };
    memcpy(b->header.store_uuid, w->opts.store_uuid, 16);
    memcpy(b->store_uuid, w->opts.store_uuid, 16);
    wal__slot_path(w, b->slot, b->path, sizeof b->path);
    b->dir = w->dir;
    b->fs = w->fs;
    b->mark = w->mark;
    b->mark_offset = w->mark_turn++ % 2 * WAL_BLOCK_BYTES;
}

static void place_records(struct wal *w) {
    struct wal_batch *b = &w->batch;
    uint64_t at =
        WAL_HEADER_BYTES + WAL_FRAME_FIXED_BYTES + (uint64_t)b->queue.count * WAL_FRAME_ITEM_BYTES;
    for (size_t i = 0; i < b->queue.count; i++) {
        struct wal_queued *q = &b->queue.records[i];
        q->offset = (uint32_t)at;
        struct wal_place place = {.slot = b->slot,
                                  .offset = (uint32_t)(b->frame.batch_offset + at)};
        wal__index_place(&w->index, &q->rec, q->lsn, place);
        at += wal__align(WAL_HEADER_BYTES + (uint64_t)tc_blob_slice(q->body).len, 8);
    }
    TC_ASSERT(at <= b->frame.tail_offset);
}

struct wal_batch *wal_batch_take(struct wal *w) {
    if (w->failed || w->batch_out || w->queue.count == 0)
        return NULL;
    struct wal_batch *b = &w->batch;
    uint64_t bytes = wal__batch_bytes(w->queue.count, w->queue.bytes);
    b->first_lsn = w->queue.records[0].lsn;
    b->last_lsn = w->queue.records[w->queue.count - 1].lsn;
    TC_ASSERT(b->first_lsn == w->durable_lsn + 1 && b->last_lsn == w->last_lsn);
    if (!memory_fits(w, bytes) || choose_segment(w, bytes) != TC_OK) {
        /* Appends check for space, so only memory can fail here; durability is then over. */
        w->failed = true;
        return NULL;
    }
    struct wal_queue empty = b->queue;
    b->queue = w->queue;
    w->queue = empty;
    describe(w, bytes);
    w->slots[b->slot].append_offset += bytes;
    place_records(w);
    w->batch_out = true;
    return b;
}

static void encode_frame(struct wal_batch *b, uint8_t *to, uint16_t type) {
    uint8_t *body = to + WAL_HEADER_BYTES;
    wal__frame_encode(&b->frame, body);
    uint8_t *at = body + WAL_FRAME_FIXED_BYTES;
    for (size_t i = 0; i < b->queue.count; i++, at += WAL_FRAME_ITEM_BYTES) {
        const struct wal_queued *q = &b->queue.records[i];
        struct wal_frame_item item = {
            .rec = q->rec, .offset = q->offset, .body_len = (uint32_t)tc_blob_slice(q->body).len};
        wal__frame_item_encode(&item, at);
    }
    uint32_t len = (uint32_t)(at - body);
    struct wal_header h = {
        .rec = {.type = type, .body_crc = tc_crc32c(0, body, len)},
        .lsn = b->first_lsn,
        .body_len = len,
        .gen = b->gen,
    };
    wal__header_encode(&h, to);
}

static tc_err encode_record(const struct wal_batch *b, const struct wal_queued *q) {
    struct tc_slice body = tc_blob_slice(q->body);
    uint8_t *to = b->memory + q->offset;
    struct wal_header h = {
        .rec = q->rec, .lsn = q->lsn, .body_len = (uint32_t)body.len, .gen = b->gen};
    wal__header_encode(&h, to);
    if (body.len > 0)
        memcpy(to + WAL_HEADER_BYTES, body.data, body.len);
    /* Checked on the copy that is written: memory that rotted while it waited is not logged. */
    uint32_t crc = tc_crc32c(0, to + WAL_HEADER_BYTES, body.len);
    return crc == q->rec.body_crc ? TC_OK : TC_ECORRUPT;
}

static tc_err begin_segment(struct wal_batch *b) {
    if (b->file == NULL)
        TC_TRY(wal__segment_create(b->fs, b->dir, b->path, b->header.segment_bytes, &b->file));
    TC_ASSERT(b->file != NULL);
    memset(b->memory, 0, WAL_BLOCK_BYTES);
    wal__segment_encode(&b->header, b->memory);
    /* Durable before any batch: a half-written batch must never be read under the old number. */
    return tc_file_write_at(b->file, 0, b->memory, WAL_BLOCK_BYTES);
}

tc_err wal_batch_write(struct wal_batch *b) {
    if (b->begins_segment)
        TC_TRY(begin_segment(b));
    memset(b->memory, 0, b->frame.batch_bytes);
    encode_frame(b, b->memory, WAL_FRAME_HEAD);
    for (size_t i = 0; i < b->queue.count; i++)
        TC_TRY(encode_record(b, &b->queue.records[i]));
    encode_frame(b, b->memory + b->frame.tail_offset, WAL_FRAME_TAIL);
    tc_err err = tc_file_write_at(b->file, b->frame.batch_offset, b->memory, b->frame.batch_bytes);
    if (TC_MUTANT(58) && err == TC_EIO)
        err = tc_file_sync(b->file); /* the second sync says yes, the pages are gone */
    TC_TRY(err);
    uint8_t mark[WAL_MARK_BYTES];
    wal__mark_encode(b->last_lsn, b->store_uuid, mark);
    /* The mark may lag, so a mark that cannot be written changes nothing. */
    TC_IGNORE(tc_file_write_at(b->mark, b->mark_offset, mark, sizeof mark));
    return TC_OK;
}

tc_err wal_batch_done(struct wal *w, struct wal_batch *b, tc_err err, uint64_t *ret_lsn) {
    TC_ASSERT(b == &w->batch && w->batch_out);
    w->batch_out = false;
    wal__queue_clear(&b->queue);
    struct wal_slot *s = &w->slots[b->slot];
    if (s->file == NULL)
        s->file = b->file;
    b->file = NULL;
    if (err != TC_OK || w->failed) {
        w->failed = true;
        return TC_EIO;
    }
    TC_ASSERT(b->last_lsn > w->durable_lsn);
    w->durable_lsn = b->last_lsn;
    wal__reuse(w);
    wal__cache_shrink(w);
    *ret_lsn = w->durable_lsn;
    return TC_OK;
}

tc_err wal_flush(struct wal *w) {
    TC_ASSERT(!w->batch_out);
    for (;;) {
        struct wal_batch *b = wal_batch_take(w);
        if (b == NULL)
            return w->failed ? TC_EIO : TC_OK;
        uint64_t lsn = 0;
        TC_TRY(wal_batch_done(w, b, wal_batch_write(b), &lsn));
    }
}
