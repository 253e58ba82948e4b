#include "engine/btree/btree_private.h"

#include "base/crc32c.h"

/* The item at the path's leaf: its hashes without reading a value that lies in a run. */
static struct btree_item_hash hash_at(const struct btree_page *p, uint32_t i) {
    struct tc_slice value = tc_slice(btree_page_rest(p, i), btree_page_value_len(p, i));
    if (!btree_page_value_in_run(p, i))
        return btree_item_hash(btree_page_key(p, i), value);
    struct btree_item_hash h = btree_item_hash(btree_page_key(p, i), TC_SLICE_EMPTY);
    struct btree_run_ref ref = btree_page_ref(p, i);
    h.lo = ref.lo;
    h.hi = ref.hi;
    return h;
}

/* Take the item out of sums and counts, and its run, if any, out of the version. */
static void account_old(struct btree *t, const struct btree_page *p, uint32_t i) {
    struct btree_item_hash h = hash_at(p, i);
    btree_sums_remove(&t->sums, &h);
    t->item_count--;
    uint32_t len = btree_page_value_len(p, i);
    t->item_bytes -= btree_page_slots(p)[i].key_len + (uint64_t)len;
    if (!btree_page_value_in_run(p, i))
        return;
    struct btree_run_ref ref = btree_page_ref(p, i);
    struct btree_frame *f = btree__entry(t->table.chunks, ref.page)->frame;
    if (f)
        btree__frame_drop(t, f);
    btree__space_drop(t, ref.page, btree__run_pages(len), ref.gen);
}

static bool needs_run(struct tc_slice key, struct tc_slice value) {
    return 4 + key.len + value.len > BTREE_CELL_BYTES_MAX;
}

static struct btree_run_ref write_run(struct btree *t, struct tc_slice value,
                                      const struct btree_item_hash *h) {
    uint32_t pages = btree__run_pages((uint32_t)value.len);
    uint32_t page = btree__space_take(&t->space, pages);
    TC_ASSERT(page != 0);
    struct btree_frame *f = btree__frame_new(t, page, pages);
    struct btree_page *p = btree__page(f);
    *p = (struct btree_page){.magic = BTREE_PAGE_MAGIC,
                             .gid = t->gid,
                             .gen = t->gen,
                             .page = page,
                             .type = BTREE_RUN,
                             .run_bytes = (uint32_t)value.len};
    memcpy(f->data + BTREE_HEADER_BYTES, value.data, value.len);
    size_t used = BTREE_HEADER_BYTES + value.len;
    memset(f->data + used, 0, (size_t)pages * BTREE_PAGE_BYTES - used);
    return (struct btree_run_ref){.page = page, .gen = t->gen, .lo = h->lo, .hi = h->hi};
}

/* Pages a write may take: a copy and a split half per level, a root, the run; and as much again for
 * the page map of the next checkpoint. */
static tc_err check_room(const struct btree *t, uint32_t run, uint32_t page_max) {
    uint32_t map = t->space.page_count / (8 * BTREE_PAGE_BYTES) + 2;
    if (t->levels + 1 >= BTREE_DEPTH_MAX)
        return TC_EFULL;
    if (!btree__space_room(&t->space, 2 * t->levels + 2 + map, run, page_max))
        return TC_EFULL;
    return TC_OK;
}

static tc_err check_put(const struct btree *t, struct tc_slice key, struct tc_slice value) {
    if (key.len == 0)
        return TC_EINVAL;
    if (key.len > BTREE_KEY_BYTES_MAX || value.len > BTREE_VALUE_BYTES_MAX)
        return TC_ELIMIT;
    if (t->dirty_bytes >= t->dirty_bytes_max)
        return TC_EBUSY;
    uint32_t run = needs_run(key, value) ? btree__run_pages((uint32_t)value.len) : 0;
    return check_room(t, run, t->space.page_max);
}

static void plant(struct btree *t, struct btree_path *p) {
    struct btree_frame *f = btree__page_new(t, BTREE_LEAF, 0);
    t->root = f->page;
    t->root_crc = 0;
    t->levels = 1;
    p->level[0] = (struct btree_level){.frame = f};
    p->depth = 1;
}

static void put_cell(struct btree *t, struct btree_path *p, bool exact,
                     const struct btree_cell *c) {
    struct btree_level *leaf = btree__leaf(p);
    struct btree_page *page = btree__page(leaf->frame);
    if (exact && btree_page_overwrite(page, leaf->at, c))
        return;
    if (exact) {
        btree_page_remove(page, leaf->at);
        t->last_leaf = 0;
    }
    uint32_t count = page->count;
    btree__insert(t, p, p->depth - 1, leaf->at, c);
    if (page->count == count + 1u) {
        t->last_leaf = page->page;
        t->last_at = leaf->at;
    }
}

tc_err btree_put(struct btree *t, struct tc_slice key, struct tc_slice value) {
    TC_TRY(check_put(t, key, value));
    btree__trim(t);
    struct btree_path p = {.depth = 0};
    bool exact = false;
    if (t->root != 0) {
        TC_TRY(btree__descend(t, key, &p));
        struct btree_level *leaf = btree__leaf(&p);
        leaf->at = btree_page_find(btree__page(leaf->frame), key, &exact);
        btree__path_own(t, &p);
    } else {
        plant(t, &p);
    }
    struct btree_item_hash h = btree_item_hash(key, value);
    if (exact)
        account_old(t, btree__page(btree__leaf(&p)->frame), btree__leaf(&p)->at);
    struct btree_run_ref ref;
    struct btree_cell c = btree_cell_leaf((uint32_t)value.len, key, value);
    if (needs_run(key, value)) {
        ref = write_run(t, value, &h);
        c = btree_cell_leaf((uint32_t)value.len | BTREE_VALUE_IN_RUN, key,
                            tc_slice(&ref, sizeof ref));
    }
    put_cell(t, &p, exact, &c);
    btree_sums_add(&t->sums, &h);
    t->item_count++;
    t->item_bytes += key.len + value.len;
    t->change++;
    return TC_OK;
}

tc_err btree_delete(struct btree *t, struct tc_slice key) {
    btree__trim(t);
    if (t->root == 0)
        return TC_ENOTFOUND;
    TC_TRY(check_room(t, 0, BTREE_PAGE_COUNT_MAX));
    struct btree_path p;
    TC_TRY(btree__descend(t, key, &p));
    struct btree_level *leaf = btree__leaf(&p);
    bool exact = false;
    leaf->at = btree_page_find(btree__page(leaf->frame), key, &exact);
    if (!exact)
        return TC_ENOTFOUND;
    btree__path_own(t, &p);
    account_old(t, btree__page(leaf->frame), leaf->at);
    btree_page_remove(btree__page(leaf->frame), leaf->at);
    btree__shrink(t, &p);
    t->last_leaf = 0;
    t->change++;
    return TC_OK;
}
