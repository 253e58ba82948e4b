/* The log's batches, and what they leave behind: room, durability, or the end of this store. */
#include "base/assert.h"
#include "base/mutant.h"
#include "engine/store/disk.h"
#include "engine/store/group.h"

/* ---- room */

uint64_t store__log_bytes_coming(const struct store *s) {
    return wal_space(s->wal).queued_bytes + s->proposed_bytes;
}

bool store__log_has_room(const struct store *s) {
    struct wal_space space = wal_space(s->wal);
    return store__log_bytes_coming(s) < 2 * s->queue_max_bytes && !space.no_room &&
           space.used_bytes + s->options.segment_bytes <= space.max_bytes;
}

/* ---- batches */

void store__flush(struct store *s) {
    while (!tc_list_empty(&s->flush_waiting))
        store__group_flush(TC_CONTAINER(s->flush_waiting.next, struct replica, flush_link));
}

static void became_durable(struct store *s, uint64_t lsn) {
    s->durable_lsn = lsn;
    store__effects_release(s);
    for (struct tc_list *at = s->due.active.next; at != &s->due.active; at = at->next) {
        struct replica *r = TC_CONTAINER(at, struct replica, active_link);
        if (r->unit_count > 0)
            store__group_durable(r);
    }
}

struct store_batch *store_batch_take(struct store *s) {
    store__flush(s);
    if (s->batch->wal || s->failed)
        return NULL;
    s->batch->wal = wal_batch_take(s->wal);
    if (TC_MUTANT(1)) /* the batch counts as synced before it is */
        became_durable(s, wal_last_lsn(s->wal));
    if (s->batch->wal == NULL)
        return NULL;
    disk_write_began(&s->disk, store__now_ns(s));
    return s->batch;
}

tc_err store_batch_write(struct store_batch *b) {
    return wal_batch_write(b->wal);
}

tc_err store_batch_done(struct store *s, struct store_batch *b, tc_err err) {
    TC_ASSERT(b == s->batch && b->wal != NULL);
    struct wal_batch *batch = b->wal;
    b->wal = NULL;
    uint64_t lsn = s->durable_lsn;
    disk_write_ended(&s->disk, store__now_ns(s));
    if (wal_batch_done(s->wal, batch, err, &lsn) != TC_OK) {
        store__disk_failed(s, "a write of the log failed");
        store__fail(s, "a write of the log failed");
        return TC_EIO;
    }
    if (TC_MUTANT(1) && lsn < s->durable_lsn)
        lsn = s->durable_lsn;
    TC_ASSERT(lsn >= s->durable_lsn);
    s->counters.batches++;
    became_durable(s, lsn);
    return s->failed ? TC_EIO : TC_OK;
}

/* ---- its end */

void store__fail(struct store *s, const char *why) {
    TC_TRACE(&s->env.trace, "%s -> this store stops", why);
    s->failed = true;
}

bool store_failed(const struct store *s) {
    return s->failed;
}
