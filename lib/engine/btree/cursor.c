#include "engine/btree/btree_private.h"

tc_err btree_get(struct btree *t, struct tc_slice key, struct tc_slice *ret_value) {
    btree__trim(t);
    if (t->root == 0)
        return TC_ENOTFOUND;
    struct btree_path p;
    TC_TRY(btree__descend(t, key, &p));
    struct btree_level *leaf = btree__leaf(&p);
    bool exact = false;
    leaf->at = btree_page_find(btree__page(leaf->frame), key, &exact);
    return exact ? btree__leaf_value(t, &p, ret_value) : TC_ENOTFOUND;
}

void btree_cursor_init(struct btree_cursor *c, struct btree *t) {
    *c = (struct btree_cursor){.tree = t};
}

void btree_cursor_deinit(struct btree_cursor *c) {
    tc_buf_deinit(&c->key);
    *c = (struct btree_cursor){0};
}

static tc_err stand(struct btree_cursor *c, struct btree_frame *f, uint32_t at) {
    const struct btree_page *p = btree__page(f);
    TC_ASSERT(p->type == BTREE_LEAF && at < p->count);
    tc_buf_clear(&c->key);
    tc_buf_append_slice(&c->key, btree_page_key(p, at));
    c->page = f->page;
    c->at = at;
    c->change = c->tree->change;
    c->valid = true;
    return TC_OK;
}

static tc_err step_and_stand(struct btree_cursor *c, struct btree_path *p, bool forward) {
    TC_TRY(btree__path_step(c->tree, p, forward));
    struct btree_level *leaf = btree__leaf(p);
    return stand(c, leaf->frame, leaf->at);
}

/* key may be the cursor's own: it is read before stand() overwrites it. */
tc_err btree_cursor_seek(struct btree_cursor *c, enum btree_seek how, struct tc_slice key) {
    btree__trim(c->tree);
    c->valid = false;
    if (c->tree->root == 0)
        return TC_EEND;
    struct btree_path p;
    TC_TRY(btree__descend(c->tree, key, &p));
    struct btree_level *leaf = btree__leaf(&p);
    const struct btree_page *page = btree__page(leaf->frame);
    bool exact = false, forward = how == BTREE_GE || how == BTREE_GT;
    uint32_t at = btree_page_find(page, key, &exact);
    if (forward) {
        at += how == BTREE_GT && exact;
        if (at < page->count)
            return stand(c, leaf->frame, at);
    } else {
        at += how == BTREE_LE && exact;
        if (at > 0)
            return stand(c, leaf->frame, at - 1);
    }
    return step_and_stand(c, &p, forward);
}

tc_err btree_cursor_last(struct btree_cursor *c) {
    struct btree *t = c->tree;
    btree__trim(t);
    c->valid = false;
    if (t->root == 0)
        return TC_EEND;
    uint8_t top[BTREE_KEY_BYTES_MAX];
    memset(top, 0xff, sizeof top);
    return btree_cursor_seek(c, BTREE_LE, tc_slice(top, sizeof top));
}

/* The leaf the cursor stood on, if nothing was written since and it is still in memory. */
static struct btree_frame *same_leaf(const struct btree_cursor *c) {
    if (c->change != c->tree->change)
        return NULL;
    return btree__entry(c->tree->table.chunks, c->page)->frame;
}

static tc_err move(struct btree_cursor *c, bool forward) {
    if (!c->valid)
        return TC_EEND;
    struct btree_frame *f = same_leaf(c);
    if (f && forward && c->at + 1u < btree__page(f)->count)
        return stand(c, f, c->at + 1);
    if (f && !forward && c->at > 0)
        return stand(c, f, c->at - 1);
    return btree_cursor_seek(c, forward ? BTREE_GT : BTREE_LT, tc_buf_slice(&c->key));
}

tc_err btree_cursor_next(struct btree_cursor *c) {
    return move(c, true);
}

tc_err btree_cursor_prev(struct btree_cursor *c) {
    return move(c, false);
}

tc_err btree_cursor_value(struct btree_cursor *c, struct tc_slice *ret_value) {
    if (!c->valid)
        return TC_ENOTFOUND;
    struct btree_frame *f = same_leaf(c);
    if (!f || btree_page_value_in_run(btree__page(f), c->at))
        return btree_get(c->tree, tc_buf_slice(&c->key), ret_value);
    const struct btree_page *p = btree__page(f);
    *ret_value = tc_slice(btree_page_rest(p, c->at), btree_page_value_len(p, c->at));
    return TC_OK;
}

tc_err btree_bucket_scan(struct btree *t, uint32_t bucket, struct tc_slice start,
                         uint32_t items_max,
                         void (*visit)(void *user, struct tc_slice key,
                                       const struct btree_item_hash *hash),
                         void *user, struct tc_buf *ret_next) {
    struct btree_cursor c;
    btree_cursor_init(&c, t);
    tc_err err = btree_cursor_seek(&c, BTREE_GE, start);
    for (uint32_t n = 0; n < items_max && err == TC_OK; n++) {
        struct tc_slice value;
        err = btree_cursor_value(&c, &value);
        if (err != TC_OK)
            break;
        struct btree_item_hash h = btree_item_hash(tc_buf_slice(&c.key), value);
        if (h.bucket == bucket)
            visit(user, tc_buf_slice(&c.key), &h);
        err = btree_cursor_next(&c);
    }
    if (err == TC_OK) {
        tc_buf_clear(ret_next);
        tc_buf_append_slice(ret_next, tc_buf_slice(&c.key));
    }
    btree_cursor_deinit(&c);
    return err;
}
