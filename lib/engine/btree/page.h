/* One slotted page in memory: search, change, split helpers and the check of untrusted bytes.
 *
 * Pure functions over a 16 KiB buffer aligned to 8 bytes; no I/O, no allocation. All but
 * btree_page_check require a page that passed it.
 */
#ifndef TC_ENGINE_BTREE_PAGE_H
#define TC_ENGINE_BTREE_PAGE_H

#include "engine/btree/format.h"

/* A cell to be written: fixed part, key, rest. Borrowed for the call. */
struct btree_cell {
    uint8_t fixed[8];
    uint32_t fixed_len; /* 4 in a leaf, 8 in an inner page */
    struct tc_slice key;
    struct tc_slice rest;
};

static inline struct btree_page *btree_page_of(uint8_t *data) {
    return (struct btree_page *)(void *)data;
}

static inline const struct btree_slot *btree_page_slots(const struct btree_page *p) {
    return (const struct btree_slot *)(const void *)(p + 1);
}

static inline uint32_t btree_page_fixed_len(const struct btree_page *p) {
    return p->type == BTREE_LEAF ? 4 : 8;
}

static inline struct tc_slice btree_page_key(const struct btree_page *p, uint32_t i) {
    const struct btree_slot *s = &btree_page_slots(p)[i];
    return tc_slice((const uint8_t *)p + s->at + btree_page_fixed_len(p), s->key_len);
}

static inline uint32_t btree_page_u32(const uint8_t *at) {
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint32_t btree_page_child(const struct btree_page *p, uint32_t i) {
    return btree_page_u32((const uint8_t *)p + btree_page_slots(p)[i].at);
}

static inline uint32_t btree_page_child_crc(const struct btree_page *p, uint32_t i) {
    return btree_page_u32((const uint8_t *)p + btree_page_slots(p)[i].at + 4);
}

/* Leaf: length of the value, and whether it is in a run. */
static inline uint32_t btree_page_value_len(const struct btree_page *p, uint32_t i) {
    return btree_page_u32((const uint8_t *)p + btree_page_slots(p)[i].at) & ~BTREE_VALUE_IN_RUN;
}

static inline bool btree_page_value_in_run(const struct btree_page *p, uint32_t i) {
    uint32_t v = btree_page_u32((const uint8_t *)p + btree_page_slots(p)[i].at);
    return (v & BTREE_VALUE_IN_RUN) != 0;
}

/* Leaf: the bytes after the key: the value itself or the run reference. */
static inline const uint8_t *btree_page_rest(const struct btree_page *p, uint32_t i) {
    const struct btree_slot *s = &btree_page_slots(p)[i];
    return (const uint8_t *)p + s->at + 4 + s->key_len;
}

/* Bytes that slots and cells use. */
static inline uint32_t btree_page_used(const struct btree_page *p) {
    return BTREE_SLOT_BYTES * p->count + BTREE_PAGE_BYTES - p->heap - p->hole;
}

static inline uint32_t btree_cell_bytes(const struct btree_cell *c) {
    return c->fixed_len + (uint32_t)c->key.len + (uint32_t)c->rest.len;
}

struct btree_cell btree_cell_inner(uint32_t child, uint32_t crc, struct tc_slice key);
struct btree_cell btree_cell_leaf(uint32_t value_len, struct tc_slice key, struct tc_slice rest);
/* Cell i as it stands in p. */
struct btree_cell btree_page_cell(const struct btree_page *p, uint32_t i);
uint32_t btree_page_cell_bytes(const struct btree_page *p, uint32_t i);
struct btree_run_ref btree_page_ref(const struct btree_page *p, uint32_t i);

void btree_page_init(struct btree_page *p, enum btree_page_type type, uint8_t level);
/* First cell whose key is >= key (an inner page's cell 0 is below everything and never the answer
 * unless the page is otherwise empty); exact when equal. */
uint32_t btree_page_find(const struct btree_page *p, struct tc_slice key, bool *ret_exact);
/* Inner page: the child that serves key. */
uint32_t btree_page_find_child(const struct btree_page *p, struct tc_slice key);
/* Insert before cell i; false, and nothing changed, if it cannot fit. The cell must not point
 * into p. */
bool btree_page_add(struct btree_page *p, uint32_t i, const struct btree_cell *c);
void btree_page_remove(struct btree_page *p, uint32_t i);
/* Leaf: write c over cell i if both have the same length; false if not. */
bool btree_page_overwrite(struct btree_page *p, uint32_t i, const struct btree_cell *c);
void btree_page_set_child(struct btree_page *p, uint32_t i, uint32_t child, uint32_t crc);
void btree_page_set_ref_crc(struct btree_page *p, uint32_t i, uint32_t crc);
/* Append cells [from, to) of src to dst; they must fit and sort after what is there. */
void btree_page_append(struct btree_page *dst, const struct btree_page *src, uint32_t from,
                       uint32_t to);
/* Keep only cells [0, count). */
void btree_page_truncate(struct btree_page *p, uint32_t count);
/* Recompute skip and heads after appends. */
void btree_page_rehead(struct btree_page *p);
/* Where to cut p with c inserted before cell i into two pages: the number of cells (c counted) that
 * stay left, so that both sides fit and are as even as can be. */
uint32_t btree_page_cut(const struct btree_page *p, uint32_t i, const struct btree_cell *c);
/* Structure of untrusted bytes: NULL if sound, else what is wrong (static text). Magic, type,
 * bounds, no overlap beyond the page, order of keys, heads. Not crc, gid, page: the reader compares
 * those. */
const char *btree_page_check(const struct btree_page *p);

#endif
