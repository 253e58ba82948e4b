/* What a group becomes: a half of it after a SPLIT, or the whole of two after a MERGE. */
#include "core/index/index_aux.h"
#include "core/key/key.h"
#include "engine/reference/reference_private.h"

static bool ends_with(const struct reference *r, uint16_t type) {
    return r->seal_index != 0 && r->seal_index == r->at.index && r->seal_type == type;
}

/* ---- splits: rows go where their home is (core/index) */

/* Delete [from, to) where home says so: all, or what does not belong into [start, end). */
struct sweep {
    struct tc_slice from;
    struct tc_slice to; /* empty: to the end */
    bool by_home;
    struct tc_slice start;
    struct tc_slice end;
};

static bool belongs(const struct sweep *w, struct tc_slice key) {
    const struct tc_slice home = index_key_home(key);
    return w->by_home && (home.len == 0 || key_in_range(home, w->start, w->end));
}

static tc_err sweep(struct reference *r, const struct sweep *w) {
    struct btree_cursor c;
    btree_cursor_init(&c, r->tree);
    tc_err err = btree_cursor_seek(&c, BTREE_GE, w->from);
    while (err == TC_OK && (w->to.len == 0 || tc_slice_cmp(tc_buf_slice(&c.key), w->to) < 0)) {
        if (!belongs(w, tc_buf_slice(&c.key)))
            err = btree_delete(r->tree, tc_buf_slice(&c.key));
        if (err == TC_OK)
            err = btree_cursor_next(&c);
    }
    btree_cursor_deinit(&c);
    return err == TC_EEND ? TC_OK : err;
}

/* Keep what belongs into [start, end). */
static tc_err keep_range(struct reference *r, struct tc_slice start, struct tc_slice end) {
    const struct tc_slice homes = index_key_after_homeless();
    const struct sweep homeless = {.to = homes, .by_home = true, .start = start, .end = end};
    TC_TRY(sweep(r, &homeless));
    if (tc_slice_cmp(start, homes) > 0)
        TC_TRY(sweep(r, &(struct sweep){.from = homes, .to = start}));
    if (end.len == 0)
        return TC_OK;
    return sweep(r, &(struct sweep){.from = tc_slice_cmp(end, homes) > 0 ? end : homes});
}

tc_err reference_child(struct reference *r, uint64_t gid) {
    int side = gid == r->seal_gids[0] ? 0 : 1;
    struct tc_slice key = tc_buf_slice(&r->split_key), none = TC_SLICE_EMPTY;
    if (!ends_with(r, PAXOS_SPLIT) || gid != r->seal_gids[side])
        return TC_EINVAL;
    TC_TRY(keep_range(r, side == 0 ? none : key, side == 0 ? key : none));
    r->at = paxos_child_base(&r->at, gid);
    r->gid = gid;
    r->seal_index = 0;
    return TC_OK;
}

static bool is_backfill(struct tc_slice key) {
    return index_key_kind(key) == INDEX_KIND_BACKFILL;
}

tc_err reference__take_in(struct reference *left, struct reference *right, bool backfills) {
    struct btree_cursor c;
    struct tc_slice value;
    btree_cursor_init(&c, right->tree);
    tc_err err = btree_cursor_seek(&c, BTREE_GE, TC_SLICE_EMPTY);
    while (err == TC_OK) {
        err = btree_cursor_value(&c, &value);
        if (err == TC_OK && (backfills || !is_backfill(tc_buf_slice(&c.key))))
            err = reference__put(left, tc_buf_slice(&c.key), value);
        if (err == TC_OK)
            err = btree_cursor_next(&c);
    }
    btree_cursor_deinit(&c);
    return err == TC_EEND ? TC_OK : err;
}

static tc_err unite_backfill(struct reference *left, struct reference *right, uint8_t id,
                             struct tc_buf *key, struct tc_buf *united) {
    struct tc_slice l = TC_SLICE_EMPTY, r = TC_SLICE_EMPTY;
    index_backfill_key(id, key);
    tc_err err = btree_get(left->tree, tc_buf_slice(key), &l);
    if (err == TC_ENOTFOUND)
        return TC_OK;
    TC_TRY(err);
    err = btree_get(right->tree, tc_buf_slice(key), &r);
    if (err != TC_OK && err != TC_ENOTFOUND)
        return err;
    index_backfill_unite(l, r, united);
    return united->len ? reference__put(left, tc_buf_slice(key), tc_buf_slice(united))
                       : btree_delete(left->tree, tc_buf_slice(key));
}

static tc_err unite_backfills(struct reference *left, struct reference *right) {
    struct tc_buf key = {0}, united = {0};
    tc_err err = TC_OK;
    for (unsigned id = 0; id <= UINT8_MAX && err == TC_OK; id++) {
        tc_buf_clear(&key);
        tc_buf_clear(&united);
        err = unite_backfill(left, right, (uint8_t)id, &key, &united);
    }
    tc_buf_deinit(&key);
    tc_buf_deinit(&united);
    return err;
}

tc_err reference_merge(struct reference *left, struct reference *right, uint64_t gid) {
    bool fits = ends_with(left, PAXOS_MERGE) && ends_with(right, PAXOS_SEAL) &&
                left->seal_gids[0] == gid && right->seal_gids[0] == gid &&
                left->right_gid == right->gid && left->right_at.index == right->at.index &&
                left->right_at.chain == right->at.chain;
    if (!fits)
        return TC_EINVAL;
    TC_TRY(unite_backfills(left, right));
    TC_TRY(reference__take_in(left, right, /* backfills= */ false));
    left->at = paxos_merged_base(&left->at, &right->at, gid);
    left->gid = gid;
    left->seal_index = 0;
    return TC_OK;
}
