#include "engine/btree/btree_private.h"

/* Items that arrive in order, here or in the whole tree, leave full pages behind them. */
static bool sequential(const struct btree *t, const struct btree_page *p, uint32_t i) {
    return p->type == BTREE_LEAF && i == p->count && t->last_leaf == p->page &&
           t->last_at + 1u == i;
}

/* Cut a full page in two with the cell in its place; the upper half is the new page. */
static struct btree_frame *split(struct btree *t, struct btree_page *p, uint32_t i,
                                 const struct btree_cell *c) {
    uint32_t cut = sequential(t, p, i) ? p->count : btree_page_cut(p, i, c);
    struct btree_frame *f = btree__page_new(t, (enum btree_page_type)p->type, p->level);
    struct btree_page *right = btree__page(f);
    bool left_gets = i < cut;
    uint32_t keep = left_gets ? cut - 1 : cut;
    btree_page_append(right, p, keep, p->count);
    btree_page_rehead(right);
    btree_page_truncate(p, keep);
    bool added = left_gets ? btree_page_add(p, i, c) : btree_page_add(right, i - cut, c);
    TC_ASSERT(added && p->count > 0 && right->count > 0);
    if (p->type == BTREE_LEAF) {
        t->last_leaf = left_gets ? p->page : right->page;
        t->last_at = left_gets ? i : i - cut;
    }
    return f;
}

/* The shortest key that divides left from right. */
static void separator(struct btree *t, const struct btree_page *left,
                      const struct btree_page *right) {
    struct tc_slice b = btree_page_key(right, 0);
    if (right->type == BTREE_LEAF) {
        struct tc_slice a = btree_page_key(left, left->count - 1u);
        size_t same = 0;
        while (same < a.len && a.data[same] == b.data[same])
            same++;
        TC_ASSERT(same < b.len);
        b.len = same + 1;
    }
    tc_buf_clear(&t->separator);
    tc_buf_append_slice(&t->separator, b);
}

static void grow_root(struct btree *t, const struct btree_frame *left,
                      const struct btree_frame *right) {
    uint8_t level = (uint8_t)(btree__page(left)->level + 1);
    struct btree_page *root = btree__page(btree__page_new(t, BTREE_INNER, level));
    struct btree_cell a = btree_cell_inner(left->page, 0, TC_SLICE_EMPTY);
    struct btree_cell b = btree_cell_inner(right->page, 0, tc_buf_slice(&t->separator));
    bool added = btree_page_add(root, 0, &a) && btree_page_add(root, 1, &b);
    TC_ASSERT(added);
    t->root = root->page;
    t->root_crc = 0;
    t->levels++;
    TC_ASSERT(t->levels <= BTREE_DEPTH_MAX);
}

void btree__insert(struct btree *t, struct btree_path *p, uint32_t d, uint32_t i,
                   const struct btree_cell *c) {
    struct btree_cell cell = *c;
    for (;;) {
        struct btree_frame *f = p->level[d].frame;
        if (btree_page_add(btree__page(f), i, &cell))
            return;
        struct btree_frame *right = split(t, btree__page(f), i, &cell);
        separator(t, btree__page(f), btree__page(right));
        if (d == 0) {
            grow_root(t, f, right);
            return;
        }
        d--;
        i = p->level[d].at + 1;
        cell = btree_cell_inner(right->page, 0, tc_buf_slice(&t->separator));
    }
}

/* What a page with all cells of both would use. */
static uint32_t merged_bytes(const struct btree_page *left, const struct btree_page *right,
                             struct tc_slice key) {
    uint32_t bytes = btree_page_used(left) + btree_page_used(right);
    return left->type == BTREE_INNER ? bytes + (uint32_t)key.len : bytes;
}

static void append_all(struct btree_page *left, const struct btree_page *right,
                       struct tc_slice key) {
    btree_page_truncate(left, left->count);
    uint32_t from = 0;
    if (left->type == BTREE_INNER) {
        struct btree_cell first = btree_page_cell(right, from++);
        first.key = key; /* what was the page's lower bound is now a searched key */
        bool added = btree_page_add(left, left->count, &first);
        TC_ASSERT(added);
    }
    btree_page_append(left, right, from, right->count);
    btree_page_rehead(left);
}

/* Merge the page at depth d with a neighbour under the same parent, if that leaves some room. A
 * neighbour that cannot be read is simply not merged with. */
static bool merge(struct btree *t, struct btree_path *p, uint32_t d) {
    struct btree_level *up = &p->level[d - 1];
    struct btree_page *parent = btree__page(up->frame);
    if (parent->count < 2)
        return false;
    bool has_left = up->at > 0;
    uint32_t right_at = has_left ? up->at : up->at + 1;
    struct btree_frame *other = NULL;
    if (btree__path_child(t, p, d - 1, has_left ? up->at - 1 : right_at, &other) != TC_OK)
        return false;
    struct btree_frame *left = has_left ? other : p->level[d].frame;
    struct btree_frame *right = has_left ? p->level[d].frame : other;
    struct tc_slice key = btree_page_key(parent, right_at);
    if (merged_bytes(btree__page(left), btree__page(right), key) > BTREE_ROOM_BYTES / 4 * 3)
        return false;
    left = btree__own_child(t, up->frame, right_at - 1, left);
    append_all(btree__page(left), btree__page(right), key);
    btree__page_free(t, right);
    btree_page_remove(parent, right_at);
    return true;
}

/* A root with one child hands over to it; a root with none leaves an empty tree. */
static void lower_root(struct btree *t) {
    while (t->root != 0) {
        struct btree_frame *f = btree__entry(t->table.chunks, t->root)->frame;
        if (!f)
            return;
        const struct btree_page *root = btree__page(f);
        if (root->count > 1 || (root->count == 1 && root->type == BTREE_LEAF))
            return;
        t->root_crc = root->count == 1 ? btree_page_child_crc(root, 0) : 0;
        t->levels = root->count == 1 ? t->levels - 1 : 0;
        t->root = root->count == 1 ? btree_page_child(root, 0) : 0;
        btree__page_free(t, f);
    }
}

void btree__shrink(struct btree *t, struct btree_path *p) {
    for (uint32_t d = p->depth - 1; d > 0; d--) {
        struct btree_frame *f = p->level[d].frame;
        struct btree_page *page = btree__page(f);
        if (page->count == 0) {
            btree__page_free(t, f);
            btree_page_remove(btree__page(p->level[d - 1].frame), p->level[d - 1].at);
        } else if (btree_page_used(page) >= BTREE_ROOM_BYTES / 4 || !merge(t, p, d)) {
            break;
        }
    }
    lower_root(t);
}
