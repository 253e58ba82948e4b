/* Whatever btree_page_check accepts can be searched, cut, thinned and rewritten without leaving the
 * page, and stays sound. Input shorter than a page is its start and its end, zeros between. */
#include "base/assert.h"
#include "base/prng.h"
#include "engine/btree/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search_all(const struct btree_page *p) {
    bool exact = false;
    for (uint32_t i = p->type == BTREE_INNER ? 1 : 0; i < p->count; i++) {
        TC_ASSERT(btree_page_find(p, btree_page_key(p, i), &exact) == i && exact);
        TC_ASSERT(btree_page_cell_bytes(p, i) <= BTREE_PAGE_BYTES);
        if (p->type == BTREE_INNER)
            TC_ASSERT(btree_page_find_child(p, btree_page_key(p, i)) == i);
    }
}

/* Cells that overlap are not looked for by the check (the checksum vouches for that); a change then
 * stays inside the page but need not leave a sound one. */
static bool overlaps(const struct btree_page *p) {
    static uint8_t taken[BTREE_PAGE_BYTES];
    memset(taken, 0, sizeof taken);
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t at = btree_page_slots(p)[i].at, end = at + btree_page_cell_bytes(p, i);
        for (; at < end; at++)
            if (taken[at]++ != 0)
                return true;
    }
    return false;
}

static void change(struct btree_page *p) {
    struct tc_prng rng = tc_prng(p->crc);
    uint8_t key[64];
    for (int n = 0; n < 40 && p->count > 1; n++) {
        memset(key, (int)tc_prng_below(&rng, 256), sizeof key);
        struct tc_slice k = tc_slice(key, 1 + tc_prng_below(&rng, sizeof key - 1));
        bool exact = false;
        uint32_t i = btree_page_find(p, k, &exact);
        struct btree_cell c = p->type == BTREE_LEAF ? btree_cell_leaf(8, k, tc_slice(key, 8))
                                                    : btree_cell_inner(9, 9, k);
        if (exact || tc_prng_chance(&rng, 1, 2))
            btree_page_remove(p, (uint32_t)tc_prng_below(&rng, p->count));
        else if (btree_page_add(p, i, &c))
            TC_ASSERT(btree_page_find(p, k, &exact) == i && exact);
        TC_ASSERT(btree_page_check(p) == NULL);
    }
    btree_page_truncate(p, (p->count + 1u) / 2);
    TC_ASSERT(btree_page_check(p) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static _Alignas(16) uint8_t page[BTREE_PAGE_BYTES];
    if (size > BTREE_PAGE_BYTES || size < BTREE_HEADER_BYTES)
        return 0;
    size_t head = size / 2;
    memset(page, 0, sizeof page);
    memcpy(page, data, head);
    memcpy(page + sizeof page - (size - head), data + head, size - head);
    if (btree_page_check(btree_page_of(page)) != NULL)
        return 0;
    search_all(btree_page_of(page));
    if (overlaps(btree_page_of(page)))
        return 0;
    change(btree_page_of(page));
    return 0;
}
