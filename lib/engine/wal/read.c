#include "engine/wal/private.h"

#include "base/assert.h"
#include "base/probe.h"

#include <stdlib.h>

static void ring_grow(struct wal_cache *c) {
    size_t cap = c->cap ? c->cap * 2 : 256;
    struct wal_cached *ring = malloc(cap * sizeof *ring);
    TC_ASSERT(ring != NULL);
    for (size_t i = 0; i < c->count; i++)
        ring[i] = c->ring[(c->head + i) % c->cap];
    free(c->ring);
    *c = (struct wal_cache){.ring = ring, .count = c->count, .cap = cap};
}

void wal__cache_add(struct wal *w, const struct wal_record *rec, uint64_t lsn) {
    struct wal_cache *c = &w->cache;
    if (c->count == c->cap)
        ring_grow(c);
    c->ring[(c->head + c->count++) % c->cap] =
        (struct wal_cached){.gid = rec->gid, .idx = rec->idx, .lsn = lsn};
}

static struct wal_item *cached_item(struct wal *w, const struct wal_cached *c) {
    struct wal_group_index *g = wal__index_group(&w->index, c->gid);
    struct wal_item *item = g ? wal__index_find(g, c->idx) : NULL;
    return item && item->entry.lsn == c->lsn && item->body ? item : NULL;
}

void wal__cache_shrink(struct wal *w) {
    struct wal_cache *c = &w->cache;
    while (c->count > 0) {
        const struct wal_cached *oldest = &c->ring[c->head];
        struct wal_item *item = cached_item(w, oldest);
        bool over = w->index.cached_bytes > w->opts.cache_max_bytes;
        /* What is not durable has no other place to be read from. */
        if (item && (!over || oldest->lsn > w->durable_lsn))
            return;
        if (item)
            wal__index_uncache(&w->index, item);
        c->head = (c->head + 1) % c->cap;
        c->count--;
    }
}

void wal__cache_deinit(struct wal *w) {
    free(w->cache.ring);
}

bool wal_entry(const struct wal *w, uint64_t gid, uint64_t idx, struct wal_entry *ret_entry) {
    struct wal_group_index *g = wal__index_group(&w->index, gid);
    const struct wal_item *item = g ? wal__index_find(g, idx) : NULL;
    if (item == NULL)
        return false;
    *ret_entry = item->entry;
    return true;
}

bool wal_state(const struct wal *w, uint64_t gid, enum wal_type type, struct tc_slice *ret_body) {
    TC_ASSERT(wal__is_state((uint16_t)type));
    const struct wal_group_index *g = wal__index_group(&w->index, gid);
    const struct wal_state_item *s = g ? &g->states[type - WAL_HARDSTATE] : NULL;
    if (s == NULL || s->lsn == 0 || s->lost)
        return false;
    *ret_body = tc_blob_slice(s->body);
    return true;
}

static bool is_expected(const struct wal_header *h, uint64_t gid, const struct wal_entry *e,
                        uint32_t gen) {
    return h->gen == gen && h->lsn == e->lsn && h->rec.gid == gid && h->rec.idx == e->idx &&
           h->rec.ballot == e->ballot && h->rec.chain == e->chain && h->body_len == e->body_len;
}

/* The body of the record that stands somewhere in bytes, if it is the one expected. */
static bool take_body(const struct wal *w, uint64_t gid, const struct wal_item *item,
                      struct tc_slice bytes, uint64_t from, struct tc_blob **ret_body) {
    struct wal_header h;
    struct tc_slice body;
    if (bytes.len == 0 ||
        !wal__record_decode(tc_slice_from(bytes, (size_t)(item->place.offset - from)), &h, &body) ||
        !is_expected(&h, gid, &item->entry, w->slots[item->place.slot].seq))
        return false;
    *ret_body = tc_blob_dup(body);
    return true;
}

static tc_err read_alone(struct wal *w, uint64_t gid, const struct wal_item *item, uint64_t from,
                         uint64_t bytes, struct tc_blob **ret_body) {
    void *memory = NULL;
    if (posix_memalign(&memory, WAL_BLOCK_BYTES, (size_t)bytes) != 0)
        return TC_ENOMEM;
    tc_err err = tc_file_read_at(w->slots[item->place.slot].file, from, memory, (size_t)bytes);
    if (err == TC_OK && !take_body(w, gid, item, tc_slice(memory, (size_t)bytes), from, ret_body))
        err = TC_ECORRUPT;
    free(memory);
    return err == TC_EEND ? TC_ECORRUPT : err;
}

/* From the piece read last, which may be older than the record, or wrong: so once more, then alone,
 * and only that reading decides that the record is damaged. */
static tc_err read_record(struct wal *w, uint64_t gid, const struct wal_item *item,
                          struct tc_blob **ret_body) {
    uint32_t slot = item->place.slot;
    uint64_t from = item->place.offset / WAL_BLOCK_BYTES * WAL_BLOCK_BYTES;
    uint64_t end = (uint64_t)item->place.offset + WAL_HEADER_BYTES + item->entry.body_len;
    uint64_t bytes = wal__align(end, WAL_BLOCK_BYTES) - from;
    for (int fresh = 0; fresh <= 1; fresh++) {
        struct tc_slice piece = wal__ahead_read(w, slot, from, bytes, fresh == 1);
        if (take_body(w, gid, item, piece, from, ret_body))
            return TC_OK;
    }
    return read_alone(w, gid, item, from, bytes, ret_body);
}

tc_err wal_read(struct wal *w, uint64_t gid, uint64_t idx, struct tc_blob **ret_body) {
    struct wal_group_index *g = wal__index_group(&w->index, gid);
    struct wal_item *item = g ? wal__index_find(g, idx) : NULL;
    if (item == NULL)
        return TC_ENOTFOUND;
    if (item->body) {
        *ret_body = tc_blob_ref(item->body);
        return TC_OK;
    }
    if (item->entry.faulty)
        return TC_ECORRUPT;
    if (item->entry.body_len == 0) {
        *ret_body = tc_blob_new(0);
        return TC_OK;
    }
    TC_ASSERT(item->place.slot != WAL_NOWHERE && item->entry.lsn <= w->durable_lsn);
    tc_err err = read_record(w, gid, item, ret_body);
    /* What cannot be read is as good as damaged: a copy written elsewhere cures both. */
    if (err == TC_EIO)
        err = TC_ECORRUPT;
    if (err == TC_ECORRUPT) {
        TC_PROBE("wal read finds a damaged record");
        item->entry.faulty = true;
        w->any_faulty = true;
    }
    return err;
}
