#include "engine/wal/private.h"

#include "base/assert.h"
#include "base/probe.h"

#include <stdlib.h>

void wal__released(void *user, struct wal_place place) {
    struct wal *w = user;
    struct wal_slot *s = &w->slots[place.slot];
    TC_ASSERT(s->live_count > 0);
    s->live_count--;
    /* Whatever superseded the record has been appended by now, though perhaps not written. */
    if (s->live_count == 0)
        s->dead_lsn = w->last_lsn;
}

void wal__occupied(void *user, struct wal_place place) {
    struct wal *w = user;
    w->slots[place.slot].live_count++;
}

static bool reusable(const struct wal *w) {
    if (w->order_count == 0 || (w->order_count == 1 && w->has_current))
        return false;
    uint32_t slot = w->order[0];
    const struct wal_slot *s = &w->slots[slot];
    if (w->batch_out && w->batch.slot == slot)
        return false;
    return s->file && s->live_count == 0 && s->dead_lsn <= w->durable_lsn;
}

void wal__reuse(struct wal *w) {
    while (reusable(w)) {
        uint32_t slot = w->order[0];
        memmove(w->order, w->order + 1, --w->order_count * sizeof *w->order);
        wal__slot_free(w, slot);
    }
}

struct wal_space wal_space(const struct wal *w) {
    return (struct wal_space){
        .used_bytes = w->order_count * w->opts.segment_bytes,
        .max_bytes = w->slot_count * w->opts.segment_bytes,
        .queued_bytes = w->queue.bytes,
        .cached_bytes = w->index.cached_bytes,
        .no_room = wal__slots_unused(w) < 2,
        .pressure = w->order_count >= w->slot_count - w->slot_count / 4,
    };
}

/* The segment to empty: the oldest, unless appends still go there. */
static uint32_t victim(const struct wal *w) {
    bool only_current = w->order_count == 1 && w->has_current;
    return w->order_count == 0 || only_current ? WAL_NOWHERE : w->order[0];
}

static bool group_in(const struct wal_group_index *g, uint32_t slot) {
    for (size_t i = 0; i < WAL_STATE_TYPES; i++)
        if (g->states[i].lsn && g->states[i].place.slot == slot)
            return true;
    for (size_t i = 0; i < g->count; i++)
        if (g->items[g->head + i].place.slot == slot)
            return true;
    return false;
}

size_t wal_oldest_groups(const struct wal *w, uint64_t *gids, size_t max) {
    uint32_t slot = victim(w);
    if (slot == WAL_NOWHERE)
        return 0;
    size_t all = 0;
    uint64_t *every = wal__index_gids(&w->index, &all);
    size_t count = 0;
    for (size_t i = 0; i < all && count < max; i++)
        if (group_in(wal__index_group(&w->index, every[i]), slot))
            gids[count++] = every[i];
    free(every);
    return count;
}

static tc_err copy_states(struct wal *w, struct wal_group_index *g, uint32_t slot) {
    for (size_t i = 0; i < WAL_STATE_TYPES; i++) {
        struct wal_state_item *s = &g->states[i];
        if (s->lsn == 0 || s->place.slot != slot || s->lost)
            continue;
        struct wal_record rec = s->rec;
        struct tc_blob *body = s->body ? tc_blob_ref(s->body) : NULL;
        uint64_t lsn = 0;
        tc_err err = wal_append(w, &rec, body, /* urgent= */ true, &lsn);
        tc_blob_unref(body);
        TC_TRY(err);
    }
    return TC_OK;
}

static tc_err copy_entry(struct wal *w, uint64_t gid, const struct wal_entry *e) {
    struct tc_blob *body = NULL;
    TC_TRY(wal_read(w, gid, e->idx, &body));
    struct wal_record rec = {
        .gid = gid,
        .idx = e->idx,
        .ballot = e->ballot,
        .chain = e->chain,
        .body_crc = e->body_crc,
        .type = e->type,
        .flags = (uint16_t)(e->flags | WAL_IN_PLACE),
    };
    uint64_t lsn = 0;
    tc_err err = wal_append(w, &rec, body, /* urgent= */ true, &lsn);
    tc_blob_unref(body);
    return err;
}

/* A damaged entry stays: its frame is the last that knows its name. */
static tc_err copy_group(struct wal *w, struct wal_group_index *g, uint32_t slot,
                         uint64_t *left_bytes) {
    tc_err result = copy_states(w, g, slot);
    if (result != TC_OK)
        return result;
    for (size_t i = 0; i<g->count && * left_bytes> 0; i++) {
        struct wal_item *item = &g->items[g->head + i];
        if (item->place.slot != slot)
            continue;
        struct wal_entry e = item->entry;
        tc_err err = e.faulty ? TC_ECORRUPT : copy_entry(w, g->gid, &e);
        if (err == TC_ECORRUPT)
            result = TC_ECORRUPT;
        else if (err != TC_OK)
            return err;
        uint64_t cost = wal__body_cost(e.body_len);
        *left_bytes -= cost < *left_bytes ? cost : *left_bytes;
    }
    return result;
}

tc_err wal_copy_forward(struct wal *w, uint64_t copy_max_bytes) {
    uint32_t slot = victim(w);
    if (slot == WAL_NOWHERE)
        return TC_OK;
    TC_PROBE("wal copies a segment's remnant forward");
    size_t count = 0;
    uint64_t *gids = wal__index_gids(&w->index, &count);
    tc_err result = TC_OK;
    uint64_t left = copy_max_bytes;
    for (size_t i = 0; i < count && left > 0; i++) {
        struct wal_group_index *g = wal__index_group(&w->index, gids[i]);
        tc_err err = copy_group(w, g, slot, &left);
        if (err != TC_OK)
            result = err;
        if (err != TC_OK && err != TC_ECORRUPT)
            break;
    }
    free(gids);
    return result;
}
