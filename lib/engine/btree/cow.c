#include "engine/btree/btree_private.h"

struct btree_frame *btree__page_new(struct btree *t, enum btree_page_type type, uint8_t level) {
    uint32_t page = btree__space_take(&t->space, 1);
    TC_ASSERT(page != 0); /* put and delete made sure of room */
    struct btree_frame *f = btree__frame_new(t, page, 1);
    struct btree_page *p = btree__page(f);
    btree_page_init(p, type, level);
    p->gid = t->gid;
    p->gen = t->gen;
    p->page = page;
    return f;
}

void btree__page_free(struct btree *t, struct btree_frame *f) {
    uint32_t page = f->page;
    uint64_t birth = btree__birth(f);
    btree__frame_drop(t, f);
    btree__space_drop(t, page, 1, birth);
}

/* Give the bytes of f a new page number. The old place still serves older versions on disk, so only
 * a page that a checkpoint is writing right now needs a second copy in memory. */
static struct btree_frame *relabel(struct btree *t, struct btree_frame *f) {
    uint32_t old = f->page;
    uint64_t birth = btree__birth(f);
    uint32_t page = btree__space_take(&t->space, 1);
    TC_ASSERT(page != 0 && page != old);
    if (btree__frozen(t, f)) {
        struct btree_frame *copy = btree__frame_new(t, page, 1);
        memcpy(copy->data, f->data, BTREE_PAGE_BYTES);
        btree__frame_drop(t, f);
        f = copy;
    } else {
        btree__table_cover(t, page + 1);
        btree__entry(t->table.chunks, old)->frame = NULL;
        struct btree_entry *e = btree__entry(t->table.chunks, page);
        TC_ASSERT(e->frame == NULL);
        e->frame = f;
        e->known = 0;
        f->page = page;
        if (!f->dirty)
            btree__frame_make_dirty(t, f);
    }
    btree__page(f)->page = page;
    btree__page(f)->gen = t->gen;
    btree__space_drop(t, old, 1, birth);
    return f;
}

struct btree_frame *btree__own_child(struct btree *t, struct btree_frame *parent, uint32_t i,
                                     struct btree_frame *f) {
    TC_ASSERT(btree__birth(parent) == t->gen && parent->dirty);
    if (btree__birth(f) == t->gen)
        return f;
    f = relabel(t, f);
    btree_page_set_child(btree__page(parent), i, f->page, 0);
    return f;
}

void btree__own(struct btree *t, struct btree_path *p, uint32_t d) {
    struct btree_level *l = &p->level[d];
    if (d > 0) {
        struct btree_level *parent = &p->level[d - 1];
        l->frame = btree__own_child(t, parent->frame, parent->at, l->frame);
    } else if (btree__birth(l->frame) != t->gen) {
        l->frame = relabel(t, l->frame);
        t->root = l->frame->page;
    }
}

void btree__path_own(struct btree *t, struct btree_path *p) {
    for (uint32_t d = 0; d < p->depth; d++)
        btree__own(t, p, d);
}
