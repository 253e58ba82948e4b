#include "engine/btree/page.h"

/* Every byte here may be anything: bounds first, then what the bytes say. */

static const char *check_header(const struct btree_page *p) {
    if (p->magic != BTREE_PAGE_MAGIC)
        return "not a tree page";
    if (p->type != BTREE_LEAF && p->type != BTREE_INNER)
        return "unknown page type";
    if ((p->type == BTREE_LEAF) != (p->level == 0) || p->level >= BTREE_DEPTH_MAX)
        return "page level out of range";
    uint32_t low = BTREE_HEADER_BYTES + BTREE_SLOT_BYTES * (uint32_t)p->count;
    if (p->count == 0 || low > p->heap || p->heap > BTREE_PAGE_BYTES)
        return "cell count out of range";
    return NULL;
}

/* The cell's length, or 0 if it leaves the heap. */
static uint32_t cell_bytes_checked(const struct btree_page *p, uint32_t i) {
    const struct btree_slot *s = &btree_page_slots(p)[i];
    uint32_t fixed = btree_page_fixed_len(p);
    uint32_t end = (uint32_t)s->at + fixed + s->key_len;
    if (s->at < p->heap || s->key_len > BTREE_KEY_BYTES_MAX || end > BTREE_PAGE_BYTES)
        return 0;
    if (p->type == BTREE_INNER)
        return end - s->at;
    uint32_t len = btree_page_value_len(p, i);
    if (s->key_len == 0 || len > BTREE_VALUE_BYTES_MAX)
        return 0;
    end += btree_page_value_in_run(p, i) ? BTREE_REF_BYTES : len;
    return end > BTREE_PAGE_BYTES ? 0 : end - s->at;
}

static const char *check_cells(const struct btree_page *p) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t bytes = cell_bytes_checked(p, i);
        if (bytes == 0)
            return "cell outside the page";
        used += bytes;
    }
    if (used + p->hole + p->heap != BTREE_PAGE_BYTES)
        return "cells do not add up to the page";
    return NULL;
}

static uint32_t head_expected(struct tc_slice key, uint32_t skip) {
    uint8_t bytes[4] = {0};
    for (uint32_t k = 0; k < 4 && skip + k < key.len; k++)
        bytes[k] = key.data[skip + k];
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static const char *check_order(const struct btree_page *p) {
    uint32_t first = p->type == BTREE_INNER ? 1 : 0;
    struct tc_slice before = TC_SLICE_EMPTY;
    for (uint32_t i = first; i < p->count; i++) {
        struct tc_slice key = btree_page_key(p, i);
        if (i > first && tc_slice_cmp(before, key) >= 0)
            return "keys out of order";
        if (key.len < p->skip || head_expected(key, p->skip) != btree_page_slots(p)[i].head)
            return "key heads wrong";
        if (i > first && p->skip > 0 && memcmp(before.data, key.data, p->skip) != 0)
            return "keys do not share their prefix";
        before = key;
    }
    if (p->count <= first && p->skip != 0)
        return "prefix without keys";
    return NULL;
}

const char *btree_page_check(const struct btree_page *p) {
    const char *what = check_header(p);
    if (!what)
        what = check_cells(p);
    if (!what)
        what = check_order(p);
    return what;
}
