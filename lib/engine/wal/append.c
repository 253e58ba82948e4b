#include "engine/wal/private.h"

#include "base/assert.h"

#include <stdlib.h>

static uint64_t record_bytes(const struct tc_blob *body) {
    return wal__align(WAL_HEADER_BYTES + (uint64_t)tc_blob_slice(body).len, 8);
}

static void queue_push(struct wal_queue *q, const struct wal_queued *r) {
    if (q->count == q->cap) {
        q->cap = q->cap ? q->cap * 2 : 64;
        q->records = realloc(q->records, q->cap * sizeof *q->records);
        TC_ASSERT(q->records != NULL);
    }
    q->records[q->count++] = *r;
    q->bytes += record_bytes(r->body);
}

void wal__queue_clear(struct wal_queue *q) {
    for (size_t i = 0; i < q->count; i++)
        tc_blob_unref(q->records[i].body);
    q->count = 0;
    q->bytes = 0;
}

void wal__queue_deinit(struct wal_queue *q) {
    wal__queue_clear(q);
    free(q->records);
    *q = (struct wal_queue){0};
}

static tc_err check_record(const struct wal_record *rec, const struct tc_blob *body) {
    size_t len = tc_blob_slice(body).len;
    if (rec->flags & ~(unsigned)(WAL_IN_PLACE | WAL_CALLER_FLAGS))
        return TC_EINVAL;
    if (wal__is_state(rec->type)) {
        bool plain = rec->idx == 0 && !(rec->flags & WAL_IN_PLACE);
        return plain && len <= WAL_STATE_BYTES_MAX ? TC_OK : TC_EINVAL;
    }
    if (rec->type == 0 || rec->type > WAL_ENTRY_TYPE_MAX || rec->idx == 0)
        return TC_EINVAL;
    return len <= WAL_BODY_BYTES_MAX ? TC_OK : TC_EINVAL;
}

/* Will a batch with this much more in it find a segment? Ordinary records leave two segments unused
 * so that states, trimming and copying forward can always go on. */
static tc_err check_space(struct wal *w, uint64_t extra_bytes, bool urgent) {
    uint64_t batch = wal__batch_bytes(w->queue.count + 1, w->queue.bytes + extra_bytes);
    if (w->queue.count > 0 && batch > w->opts.queue_max_bytes)
        return TC_EBUSY;
    if (batch > w->opts.segment_bytes - WAL_BLOCK_BYTES)
        return TC_EINVAL;
    const struct wal_slot *s = wal__current(w);
    bool fits = s && batch <= s->size_bytes - s->append_offset;
    uint32_t unused = wal__slots_unused(w);
    if (!urgent)
        return unused >= 2 ? TC_OK : TC_EFULL;
    return fits || unused >= 1 ? TC_OK : TC_EFULL;
}

static tc_err enqueue(struct wal *w, const struct wal_record *rec, struct tc_blob *body,
                      uint64_t *ret_lsn) {
    struct wal_new n = {
        .rec = *rec,
        .lsn = w->last_lsn + 1,
        .place = {.slot = WAL_NOWHERE},
        .body_len = (uint32_t)tc_blob_slice(body).len,
    };
    /* Before the index changes: what this record supersedes is needed until this lsn is durable. */
    w->last_lsn++;
    tc_err err = wal__index_add(&w->index, &n, body);
    if (err != TC_OK) {
        w->last_lsn--;
        return err;
    }
    struct wal_queued q = {.rec = *rec, .lsn = n.lsn, .body = body ? tc_blob_ref(body) : NULL};
    queue_push(&w->queue, &q);
    if (body && rec->type <= WAL_ENTRY_TYPE_MAX)
        wal__cache_add(w, rec, n.lsn);
    *ret_lsn = n.lsn;
    return TC_OK;
}

tc_err wal_append(struct wal *w, const struct wal_record *rec, struct tc_blob *body, bool urgent,
                  uint64_t *ret_lsn) {
    if (w->failed)
        return TC_EIO;
    TC_TRY(check_record(rec, body));
    TC_TRY(check_space(w, record_bytes(body), urgent));
    TC_TRY(enqueue(w, rec, body, ret_lsn));
    wal__cache_shrink(w);
    return TC_OK;
}

tc_err wal_forget(struct wal *w, uint64_t gid, uint64_t *ret_lsn) {
    if (w->failed)
        return TC_EIO;
    if (wal__index_group(&w->index, gid) == NULL)
        return TC_ENOTFOUND;
    TC_TRY(check_space(w, WAL_HEADER_BYTES, /* urgent= */ true));
    struct wal_record rec = {.gid = gid, .type = WAL_FORGET};
    return enqueue(w, &rec, NULL, ret_lsn);
}

void wal_trim(struct wal *w, uint64_t gid, uint64_t idx) {
    wal__index_trim(&w->index, gid, idx);
    wal__reuse(w);
}
