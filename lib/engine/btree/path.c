#include "engine/btree/btree_private.h"

/* Describe a page that failed below the first depth levels of the path. */
static void note_damage(struct btree *t, const struct btree_path *p, uint32_t depth, uint32_t page,
                        const char *what) {
    const struct btree_page *pages[BTREE_DEPTH_MAX];
    uint32_t ats[BTREE_DEPTH_MAX];
    for (uint32_t k = 0; k < depth; k++) {
        pages[k] = btree__page(p->level[k].frame);
        ats[k] = p->level[k].at;
    }
    btree__damage_set(&t->damage, page, what, pages, ats, depth);
    t->damaged = true;
}

static tc_err load_root(struct btree *t, struct btree_path *p) {
    const char *what = NULL;
    struct btree_frame *f = NULL;
    tc_err err = btree__load(t, t->root, t->root_crc, t->levels - 1, &f, &what);
    if (err == TC_ECORRUPT)
        note_damage(t, p, 0, t->root, what);
    if (err != TC_OK)
        return err;
    p->level[0] = (struct btree_level){.frame = f};
    p->depth = 1;
    return TC_OK;
}

tc_err btree__path_child(struct btree *t, struct btree_path *p, uint32_t d, uint32_t i,
                         struct btree_frame **ret_frame) {
    const struct btree_page *parent = btree__page(p->level[d].frame);
    TC_ASSERT(parent->type == BTREE_INNER && i < parent->count);
    uint32_t page = btree_page_child(parent, i);
    const char *what = NULL;
    tc_err err =
        btree__load(t, page, btree_page_child_crc(parent, i), parent->level - 1u, ret_frame, &what);
    if (err == TC_ECORRUPT) {
        uint32_t at = p->level[d].at;
        p->level[d].at = i;
        note_damage(t, p, d + 1, page, what);
        p->level[d].at = at;
    }
    return err;
}

/* Extend the path by the child that its last level points at. */
static tc_err push_child(struct btree *t, struct btree_path *p) {
    struct btree_level *last = btree__leaf(p);
    struct btree_frame *f = NULL;
    TC_TRY(btree__path_child(t, p, p->depth - 1, last->at, &f));
    TC_ASSERT(p->depth < BTREE_DEPTH_MAX);
    p->level[p->depth++] = (struct btree_level){.frame = f};
    return TC_OK;
}

/* The leaf that serves key, in a tree that is not empty; the leaf's at is left 0. */
tc_err btree__descend(struct btree *t, struct tc_slice key, struct btree_path *p) {
    TC_ASSERT(t->root != 0 && t->levels > 0 && t->levels <= BTREE_DEPTH_MAX);
    p->depth = 0;
    TC_TRY(load_root(t, p));
    while (p->depth < t->levels) {
        struct btree_level *last = btree__leaf(p);
        last->at = btree_page_find_child(btree__page(last->frame), key);
        TC_TRY(push_child(t, p));
    }
    return TC_OK;
}

tc_err btree__path_step(struct btree *t, struct btree_path *p, bool forward) {
    uint32_t levels = p->depth;
    for (p->depth--; p->depth > 0; p->depth--) {
        struct btree_level *last = btree__leaf(p);
        if (forward ? last->at + 1u < btree__page(last->frame)->count : last->at > 0) {
            last->at = forward ? last->at + 1 : last->at - 1;
            break;
        }
    }
    if (p->depth == 0)
        return TC_EEND;
    while (p->depth < levels) {
        TC_TRY(push_child(t, p));
        struct btree_level *last = btree__leaf(p);
        last->at = forward ? 0 : btree__page(last->frame)->count - 1u;
    }
    return TC_OK;
}

tc_err btree__leaf_value(struct btree *t, struct btree_path *p, struct tc_slice *ret_value) {
    struct btree_level *leaf = btree__leaf(p);
    const struct btree_page *page = btree__page(leaf->frame);
    uint32_t len = btree_page_value_len(page, leaf->at);
    if (!btree_page_value_in_run(page, leaf->at)) {
        *ret_value = tc_slice(btree_page_rest(page, leaf->at), len);
        return TC_OK;
    }
    struct btree_run_ref ref = btree_page_ref(page, leaf->at);
    struct btree_frame *f = NULL;
    const char *what = NULL;
    tc_err err = btree__load_run(t, &ref, len, &f, &what);
    if (err == TC_ECORRUPT)
        note_damage(t, p, p->depth, ref.page, what);
    if (err != TC_OK)
        return err;
    *ret_value = tc_slice(f->data + BTREE_HEADER_BYTES, len);
    return TC_OK;
}
