#include "core/perkle/perkle_sync.h"

#include "base/assert.h"

static bool same_hash(struct tc_hash128 a, struct tc_hash128 b) {
    return a.lo == b.lo && a.hi == b.hi;
}

/* Every record under the prefix, if they fit into one answer. */
static bool answer_records(const struct perkle *t, struct perkle_answer *a) {
    struct perkle_record r;
    size_t bytes = 0;
    bool more = perkle_ceiling(t, a->prefix, /* strict= */ false, PERKLE_ANY, &r);
    for (; more && tc_slice_has_prefix(r.key, a->prefix);
         more = perkle_ceiling(t, r.key, /* strict= */ true, PERKLE_ANY, &r)) {
        bytes += r.key.len + r.value.len;
        if (a->record_count == PERKLE_ANSWER_RECORDS_MAX ||
            (a->record_count > 0 && bytes > PERKLE_ANSWER_BYTES_MAX))
            return false;
        a->records[a->record_count++] = r;
    }
    return true;
}

void perkle_answer(const struct perkle *t, struct tc_slice prefix, struct perkle_answer *ret) {
    struct perkle_part part;
    perkle_part(t, prefix, &part);
    ret->prefix = prefix;
    ret->hash = part.hash;
    ret->child_count = 0;
    ret->record_count = 0;
    if (part.count <= PERKLE_ANSWER_RECORDS_MAX && answer_records(t, ret))
        return;
    bool has_record = false;
    ret->child_count = perkle_children(t, prefix, ret->children, &has_record, &ret->records[0]);
    ret->record_count = has_record;
}

static void push(struct perkle_sync *s, struct tc_slice prefix) {
    if (s->pending_count == PERKLE_SYNC_PENDING_MAX || prefix.len > PERKLE_KEY_BYTES_MAX) {
        s->incomplete = true;
        return;
    }
    tc_buf_append_slice(&s->pending, prefix);
    tc_buf_append_u16(&s->pending, (uint16_t)prefix.len);
    s->pending_count++;
}

void perkle_sync_start(struct perkle_sync *s, struct perkle *tree) {
    struct tc_buf pending = s->pending;
    tc_buf_clear(&pending);
    *s = (struct perkle_sync){.tree = tree, .pending = pending};
    push(s, TC_SLICE_EMPTY);
}

void perkle_sync_deinit(struct perkle_sync *s) {
    tc_buf_deinit(&s->pending);
    *s = (struct perkle_sync){0};
}

bool perkle_sync_next(struct perkle_sync *s, struct tc_buf *ret_prefix) {
    if (s->pending_count == 0 || s->in_flight_count == PERKLE_SYNC_IN_FLIGHT_MAX)
        return false;
    TC_ASSERT(s->pending.len >= 2);
    const uint8_t *end = s->pending.data + s->pending.len - 2;
    const size_t len = (size_t)end[0] | (size_t)end[1] << 8;
    TC_ASSERT(s->pending.len >= len + 2);
    tc_buf_clear(ret_prefix);
    tc_buf_append(ret_prefix, end - len, len);
    s->pending.len -= len + 2;
    s->pending_count--;
    s->in_flight_count++;
    return true;
}

static tc_err take_records(struct perkle_sync *s, const struct perkle_answer *a, uint64_t now_ms) {
    tc_err first = TC_OK;
    for (size_t i = 0; i < a->record_count; i++) {
        if (!tc_slice_has_prefix(a->records[i].key, a->prefix))
            return TC_ECORRUPT;
        bool changed = false;
        const tc_err err = perkle_put(s->tree, &a->records[i], now_ms, &changed);
        if (err != TC_OK && first == TC_OK)
            first = err;
        s->changed_count += changed;
    }
    return first;
}

/* A part must be longer than the prefix asked for, or a hostile peer could keep a round going. */
static tc_err take_children(struct perkle_sync *s, const struct perkle_answer *a) {
    for (size_t i = 0; i < a->child_count; i++) {
        const struct perkle_part *theirs = &a->children[i];
        if (theirs->prefix.len <= a->prefix.len || !tc_slice_has_prefix(theirs->prefix, a->prefix))
            return TC_ECORRUPT;
        struct perkle_part ours;
        perkle_part(s->tree, theirs->prefix, &ours);
        if (!same_hash(ours.hash, theirs->hash))
            push(s, theirs->prefix);
    }
    return TC_OK;
}

tc_err perkle_sync_take(struct perkle_sync *s, const struct perkle_answer *a, uint64_t now_ms) {
    TC_ASSERT(s->in_flight_count > 0);
    s->in_flight_count--;
    struct perkle_part ours;
    perkle_part(s->tree, a->prefix, &ours);
    if (same_hash(ours.hash, a->hash))
        return TC_OK;
    tc_err err = take_records(s, a, now_ms);
    if (err != TC_ECORRUPT) {
        const tc_err below = take_children(s, a);
        err = below != TC_OK ? below : err;
    }
    s->incomplete = s->incomplete || err != TC_OK;
    return err;
}

void perkle_sync_lost(struct perkle_sync *s) {
    TC_ASSERT(s->in_flight_count > 0);
    s->in_flight_count--;
    s->incomplete = true;
}

bool perkle_sync_done(const struct perkle_sync *s) {
    return s->pending_count == 0 && s->in_flight_count == 0;
}
