#include "engine/btree/page.h"

#include "base/assert.h"

static struct btree_slot *slots(struct btree_page *p) {
    return (struct btree_slot *)(void *)(p + 1);
}

/* An inner page's cell 0 stands for its lower bound and takes no part in searches. */
static uint32_t first_searched(const struct btree_page *p) {
    return p->type == BTREE_INNER ? 1 : 0;
}

static uint32_t head_of(struct tc_slice key, uint32_t skip) {
    uint32_t head = 0;
    for (uint32_t k = 0; k < 4; k++)
        head = head << 8 | (skip + k < key.len ? key.data[skip + k] : 0u);
    return head;
}

static inline uint32_t head_of_probe(struct tc_slice key, uint32_t skip) {
    if (key.len < skip + 4)
        return head_of(key, skip);
    return __builtin_bswap32(btree_page_u32(key.data + skip));
}

struct btree_cell btree_cell_inner(uint32_t child, uint32_t crc, struct tc_slice key) {
    struct btree_cell c = {.fixed_len = 8, .key = key};
    memcpy(c.fixed, &child, 4);
    memcpy(c.fixed + 4, &crc, 4);
    return c;
}

struct btree_cell btree_cell_leaf(uint32_t value_len, struct tc_slice key, struct tc_slice rest) {
    struct btree_cell c = {.fixed_len = 4, .key = key, .rest = rest};
    memcpy(c.fixed, &value_len, 4);
    return c;
}

static uint32_t rest_len(const struct btree_page *p, uint32_t i) {
    if (p->type != BTREE_LEAF)
        return 0;
    return btree_page_value_in_run(p, i) ? BTREE_REF_BYTES : btree_page_value_len(p, i);
}

struct btree_cell btree_page_cell(const struct btree_page *p, uint32_t i) {
    TC_ASSERT(i < p->count);
    struct btree_cell c = {.fixed_len = btree_page_fixed_len(p), .key = btree_page_key(p, i)};
    memcpy(c.fixed, (const uint8_t *)p + btree_page_slots(p)[i].at, c.fixed_len);
    c.rest = tc_slice(c.key.data + c.key.len, rest_len(p, i));
    return c;
}

uint32_t btree_page_cell_bytes(const struct btree_page *p, uint32_t i) {
    return btree_page_fixed_len(p) + btree_page_slots(p)[i].key_len + rest_len(p, i);
}

struct btree_run_ref btree_page_ref(const struct btree_page *p, uint32_t i) {
    TC_ASSERT(btree_page_value_in_run(p, i));
    struct btree_run_ref ref;
    memcpy(&ref, btree_page_rest(p, i), sizeof ref);
    return ref;
}

void btree_page_init(struct btree_page *p, enum btree_page_type type, uint8_t level) {
    TC_ASSERT((type == BTREE_LEAF) == (level == 0));
    memset(p, 0, BTREE_PAGE_BYTES);
    p->magic = BTREE_PAGE_MAGIC;
    p->type = (uint8_t)type;
    p->level = level;
    p->heap = BTREE_PAGE_BYTES;
}

/* Order of key against the prefix that all searched keys share. */
static int skip_order(const struct btree_page *p, struct tc_slice key) {
    struct tc_slice prefix = btree_page_key(p, first_searched(p));
    prefix.len = p->skip;
    if (tc_slice_has_prefix(key, prefix))
        return 0;
    return tc_slice_cmp(key, prefix);
}

uint32_t btree_page_find(const struct btree_page *p, struct tc_slice key, bool *ret_exact) {
    uint32_t low = first_searched(p), high = p->count;
    *ret_exact = false;
    if (low >= high)
        return high;
    int order = p->skip == 0 ? 0 : skip_order(p, key);
    if (order != 0)
        return order < 0 ? low : high;
    const struct btree_slot *s = btree_page_slots(p);
    uint32_t head = head_of_probe(key, p->skip);
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (s[mid].head == head) {
            order = tc_slice_cmp(key, btree_page_key(p, mid));
            *ret_exact |= order == 0;
        } else {
            order = head < s[mid].head ? -1 : 1;
        }
        if (order > 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t btree_page_find_child(const struct btree_page *p, struct tc_slice key) {
    TC_ASSERT(p->type == BTREE_INNER && p->count > 0);
    bool exact = false;
    uint32_t i = btree_page_find(p, key, &exact);
    return exact || i == 0 ? i : i - 1;
}

void btree_page_rehead(struct btree_page *p) {
    uint32_t first = first_searched(p);
    p->skip = 0;
    if (p->count > first + 1) {
        struct tc_slice a = btree_page_key(p, first);
        struct tc_slice b = btree_page_key(p, p->count - 1u);
        uint16_t same = 0;
        while (same < a.len && same < b.len && a.data[same] == b.data[same])
            same++;
        p->skip = same;
    }
    for (uint32_t i = 0; i < p->count; i++)
        slots(p)[i].head = i < first ? 0 : head_of(btree_page_key(p, i), p->skip);
}

static void write_cell(struct btree_page *p, uint32_t at, const struct btree_cell *c) {
    uint8_t *to = (uint8_t *)p + at;
    memcpy(to, c->fixed, c->fixed_len);
    to += c->fixed_len;
    if (c->key.len > 0)
        memcpy(to, c->key.data, c->key.len);
    if (c->rest.len > 0)
        memcpy(to + c->key.len, c->rest.data, c->rest.len);
}

/* Put a cell behind all others; room has been made. Heads are the caller's business. */
static void push(struct btree_page *p, const struct btree_cell *c) {
    uint32_t bytes = btree_cell_bytes(c);
    uint32_t low = BTREE_HEADER_BYTES + BTREE_SLOT_BYTES * (p->count + 1u);
    TC_ASSERT(p->heap >= low + bytes);
    p->heap = (uint16_t)(p->heap - bytes);
    write_cell(p, p->heap, c);
    slots(p)[p->count++] =
        (struct btree_slot){.at = p->heap, .key_len = (uint16_t)c->key.len, .head = 0};
}

/* Rewrite the first count cells without holes. */
static void rewrite(struct btree_page *p, uint32_t count) {
    _Alignas(16) uint8_t copy[BTREE_PAGE_BYTES];
    const struct btree_page *old = btree_page_of(copy);
    memcpy(copy, p, BTREE_PAGE_BYTES);
    p->count = 0;
    p->hole = 0;
    p->heap = BTREE_PAGE_BYTES;
    for (uint32_t i = 0; i < count; i++) {
        struct btree_cell c = btree_page_cell(old, i);
        push(p, &c);
    }
    btree_page_rehead(p);
}

/* Does the new key at i keep skip valid? Keys are sorted, so one neighbour decides. */
static bool shares_skip(const struct btree_page *p, uint32_t i) {
    uint32_t first = first_searched(p);
    if (p->skip == 0)
        return true;
    uint32_t other = i == first ? i + 1 : first;
    struct tc_slice prefix = btree_page_key(p, other);
    prefix.len = p->skip;
    return tc_slice_has_prefix(btree_page_key(p, i), prefix);
}

bool btree_page_add(struct btree_page *p, uint32_t i, const struct btree_cell *c) {
    TC_ASSERT(i <= p->count && c->fixed_len == btree_page_fixed_len(p));
    uint32_t bytes = btree_cell_bytes(c);
    if (btree_page_used(p) + bytes + BTREE_SLOT_BYTES > BTREE_ROOM_BYTES)
        return false;
    uint32_t low = BTREE_HEADER_BYTES + BTREE_SLOT_BYTES * (p->count + 1u);
    if (p->heap < low + bytes)
        rewrite(p, p->count);
    struct btree_slot *s = slots(p);
    memmove(&s[i + 1], &s[i], (p->count - i) * sizeof *s);
    p->count++;
    p->heap = (uint16_t)(p->heap - bytes);
    write_cell(p, p->heap, c);
    s[i] = (struct btree_slot){.at = p->heap, .key_len = (uint16_t)c->key.len};
    uint32_t first = first_searched(p);
    if (i < first || !shares_skip(p, i))
        btree_page_rehead(p);
    else
        s[i].head = head_of(c->key, p->skip);
    return true;
}

void btree_page_remove(struct btree_page *p, uint32_t i) {
    TC_ASSERT(i < p->count);
    struct btree_slot *s = slots(p);
    uint32_t bytes = btree_page_cell_bytes(p, i);
    if (s[i].at == p->heap)
        p->heap = (uint16_t)(p->heap + bytes);
    else
        p->hole = (uint16_t)(p->hole + bytes);
    memmove(&s[i], &s[i + 1], (p->count - i - 1u) * sizeof *s);
    p->count--;
    if (p->count <= first_searched(p))
        p->skip = 0;
    if (i == 0 && p->type == BTREE_INNER)
        btree_page_rehead(p);
}

bool btree_page_overwrite(struct btree_page *p, uint32_t i, const struct btree_cell *c) {
    TC_ASSERT(p->type == BTREE_LEAF && i < p->count);
    if (btree_cell_bytes(c) != btree_page_cell_bytes(p, i))
        return false;
    write_cell(p, btree_page_slots(p)[i].at, c);
    return true;
}

void btree_page_set_child(struct btree_page *p, uint32_t i, uint32_t child, uint32_t crc) {
    TC_ASSERT(p->type == BTREE_INNER && i < p->count);
    uint8_t *at = (uint8_t *)p + btree_page_slots(p)[i].at;
    memcpy(at, &child, 4);
    memcpy(at + 4, &crc, 4);
}

void btree_page_set_ref_crc(struct btree_page *p, uint32_t i, uint32_t crc) {
    TC_ASSERT(btree_page_value_in_run(p, i));
    const struct btree_slot *s = &btree_page_slots(p)[i];
    uint8_t *ref = (uint8_t *)p + s->at + 4 + s->key_len;
    memcpy(ref + offsetof(struct btree_run_ref, crc), &crc, sizeof crc);
}

void btree_page_append(struct btree_page *dst, const struct btree_page *src, uint32_t from,
                       uint32_t to) {
    TC_ASSERT(from <= to && to <= src->count);
    for (uint32_t i = from; i < to; i++) {
        struct btree_cell c = btree_page_cell(src, i);
        push(dst, &c);
    }
}

void btree_page_truncate(struct btree_page *p, uint32_t count) {
    TC_ASSERT(count <= p->count);
    rewrite(p, count);
}

/* Bytes with slot of cell k of the sequence that has c inserted before cell i. */
static uint32_t bytes_with(const struct btree_page *p, uint32_t i, const struct btree_cell *c,
                           uint32_t k) {
    if (k == i)
        return BTREE_SLOT_BYTES + btree_cell_bytes(c);
    return BTREE_SLOT_BYTES + btree_page_cell_bytes(p, k < i ? k : k - 1);
}

uint32_t btree_page_cut(const struct btree_page *p, uint32_t i, const struct btree_cell *c) {
    uint32_t total = btree_page_used(p) + BTREE_SLOT_BYTES + btree_cell_bytes(c);
    uint32_t left = 0, best = 0, best_bytes = UINT32_MAX;
    for (uint32_t k = 0; k < p->count; k++) {
        left += bytes_with(p, i, c, k);
        uint32_t larger = left > total - left ? left : total - left;
        if (larger < best_bytes) {
            best_bytes = larger;
            best = k + 1;
        }
    }
    TC_ASSERT(best > 0 && best_bytes <= BTREE_ROOM_BYTES);
    return best;
}
