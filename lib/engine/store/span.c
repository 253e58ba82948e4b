#include "engine/store/span.h"

#include "base/assert.h"
#include "core/index/index_aux.h"
#include "core/key/key.h"

enum {
    HASH_BYTES = 8,
};

void store__span_deinit(struct store_span *s) {
    tc_buf_deinit(&s->jump);
}

/* ---- jumps: forwards to the first key >= jump, backwards to the last one below it */

static void jump_to_kind(struct store_span *s, struct tc_slice key, uint8_t kind) {
    tc_buf_clear(&s->jump);
    tc_buf_append(&s->jump, key.data, HASH_BYTES);
    if (kind)
        tc_buf_append_u8(&s->jump, kind);
}

/* Nothing has a higher hash: jump stays empty, which no seek can be about. */
static void jump_behind_hash(struct store_span *s, struct tc_slice key) {
    tc_buf_clear(&s->jump);
    key_append_prefix_end(&s->jump, tc_slice(key.data, HASH_BYTES));
}

/* Past auxiliary rows; false: this is an item. */
static bool past_auxiliary(struct store_span *s, struct tc_slice key) {
    if (!index_key_is_auxiliary(key))
        return false;
    if (s->reverse)
        jump_to_kind(s, key, INDEX_KIND_COLLECTION); /* the first kind there is */
    else
        jump_behind_hash(s, key);
    return true;
}

/* Local rows of one partition key: all of index 1, then all of index 2, and so on. */
static void past_other_index(struct store_span *s, struct tc_slice head, uint8_t id) {
    tc_buf_clear(&s->jump);
    if (id < s->index_id) {
        tc_buf_append_slice(&s->jump, head);
        if (!s->reverse)
            tc_buf_append_u8(&s->jump, s->index_id);
    } else if (s->reverse) {
        tc_buf_append_slice(&s->jump, head);
        tc_buf_append_u8(&s->jump, s->index_id);
        s->jump.data[s->jump.len - 1]++; /* id is higher, so there is a higher one */
    } else {
        key_append_prefix_end(&s->jump, head);
    }
}

/* Past a key that is of no local index, or damaged. */
static void past_foreign(struct store_span *s, struct tc_slice key) {
    if (!s->reverse) {
        jump_behind_hash(s, key);
        return;
    }
    tc_buf_clear(&s->jump);
    tc_buf_append_slice(&s->jump, key);
}

/* Past a key that no item of a table with a schema has. */
static void past_hashless(struct store_span *s, struct tc_slice key) {
    tc_buf_clear(&s->jump);
    tc_buf_append_slice(&s->jump, key);
    if (!s->reverse)
        tc_buf_append_u8(&s->jump, 0);
}

/* Past everything else; false: this is a row of the index. */
static bool past_others(struct store_span *s, struct tc_slice key) {
    size_t head_bytes = 0;
    uint8_t id = 0;
    const enum index_kind kind = index_key_kind(key);
    if (key.len < HASH_BYTES) {
        past_hashless(s, key);
        return true;
    }
    if (kind < INDEX_KIND_LOCAL) {
        jump_to_kind(s, key, s->reverse ? 0 : INDEX_KIND_LOCAL);
        return true;
    }
    if (kind > INDEX_KIND_LOCAL && s->reverse) {
        jump_to_kind(s, key, INDEX_KIND_OUTBOX); /* the first kind above */
        return true;
    }
    if (index_local_key_decode(key, &head_bytes, &id) != TC_OK) {
        past_foreign(s, key);
        return true;
    }
    if (id == s->index_id)
        return false;
    past_other_index(s, tc_slice(key.data, head_bytes), id);
    return true;
}

/* From where the cursor is to a row that is meant. */
static tc_err settle(struct store_span *s, struct btree_cursor *c) {
    for (;;) {
        const struct tc_slice key = tc_buf_slice(&c->key);
        if (!key_in_range(key, s->start, s->end))
            return TC_EEND;
        const bool past = s->index_id ? past_others(s, key) : past_auxiliary(s, key);
        if (!past)
            return TC_OK;
        if (s->jump.len == 0)
            return TC_EEND;
        TC_TRY(btree_cursor_seek(c, s->reverse ? BTREE_LT : BTREE_GE, tc_buf_slice(&s->jump)));
    }
}

static tc_err seek_first(const struct store_span *s, struct btree_cursor *c) {
    if (!s->reverse) {
        bool later = s->after.len && tc_slice_cmp(s->after, s->start) >= 0;
        if (later)
            return btree_cursor_seek(c, BTREE_GT, s->after);
        return btree_cursor_seek(c, BTREE_GE, s->start);
    }
    bool earlier = s->after.len && (s->end.len == 0 || tc_slice_cmp(s->after, s->end) < 0);
    if (earlier)
        return btree_cursor_seek(c, BTREE_LT, s->after);
    if (s->end.len)
        return btree_cursor_seek(c, BTREE_LT, s->end);
    return btree_cursor_last(c);
}

tc_err store__span_first(struct store_span *s, struct btree_cursor *c) {
    TC_TRY(seek_first(s, c));
    return settle(s, c);
}

tc_err store__span_next(struct store_span *s, struct btree_cursor *c) {
    TC_TRY(s->reverse ? btree_cursor_prev(c) : btree_cursor_next(c));
    return settle(s, c);
}
