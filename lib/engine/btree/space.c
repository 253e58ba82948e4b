#include "engine/btree/btree_private.h"

#include <stdlib.h>

void btree__space_set(uint64_t *map, uint32_t page, bool value) {
    uint64_t bit = 1ull << (page % 64);
    if (value)
        map[page / 64] |= bit;
    else
        map[page / 64] &= ~bit;
}

bool btree__space_test(const uint64_t *map, uint32_t page) {
    return (map[page / 64] >> (page % 64) & 1) != 0;
}

static void *grow(void *old, size_t old_count, size_t new_count, size_t size) {
    uint8_t *p = realloc(old, new_count * size);
    TC_ASSERT(p != NULL);
    memset(p + old_count * size, 0, (new_count - old_count) * size);
    return p;
}

void btree__space_cover(struct btree_space *s, uint32_t page_count) {
    uint32_t words = page_count / 64 + 1;
    if (words <= s->word_max)
        return;
    uint32_t words_new = words + words / 2 + 16;
    s->busy = grow(s->busy, s->word_max, words_new, sizeof *s->busy);
    s->live = grow(s->live, s->word_max, words_new, sizeof *s->live);
    s->word_max = words_new;
}

void btree__space_init(struct btree_space *s, uint32_t page_count) {
    *s = (struct btree_space){.page_count = page_count};
    btree__space_cover(s, page_count);
}

void btree__space_deinit(struct btree_space *s) {
    free(s->busy);
    free(s->live);
    free(s->garbage);
    *s = (struct btree_space){0};
}

static void mark(struct btree_space *s, uint32_t page, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) {
        TC_ASSERT(!btree__space_test(s->busy, page + k));
        btree__space_set(s->busy, page + k, true);
        btree__space_set(s->live, page + k, true);
    }
    s->busy_count += count;
}

static void release(struct btree_space *s, uint32_t page, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) {
        TC_ASSERT(btree__space_test(s->busy, page + k));
        TC_ASSERT(!btree__space_test(s->live, page + k));
        btree__space_set(s->busy, page + k, false);
    }
    s->busy_count -= count;
    if (page / 64 < s->hint)
        s->hint = page / 64;
}

/* The lowest free page below page_count, or page_count. Low pages first, so that the file's end
 * becomes free and can be cut off. */
static uint32_t find_one(struct btree_space *s) {
    uint32_t words = s->page_count / 64 + 1;
    while (s->hint < words && s->busy[s->hint] == UINT64_MAX)
        s->hint++;
    if (s->hint >= words)
        return s->page_count;
    uint32_t page = s->hint * 64 + (uint32_t)__builtin_ctzll(~s->busy[s->hint]);
    return page < s->page_count ? page : s->page_count;
}

/* The lowest start of count free pages; the last of them may lie beyond page_count. */
static uint32_t find_run(const struct btree_space *s, uint32_t count) {
    uint32_t start = s->hint * 64, page = start;
    while (page < s->page_count && page - start < count) {
        if (page % 64 == 0 && s->busy[page / 64] == UINT64_MAX) {
            page += 64;
            start = page;
        } else if (btree__space_test(s->busy, page)) {
            start = ++page;
        } else {
            page++;
        }
    }
    return start < s->page_count ? start : s->page_count;
}

uint32_t btree__space_take(struct btree_space *s, uint32_t count) {
    TC_ASSERT(count > 0);
    bool none = s->page_count - s->busy_count < count;
    uint32_t page = s->page_count;
    if (count == 1)
        page = find_one(s);
    else if (!none)
        page = find_run(s, count);
    if ((uint64_t)page + count > BTREE_PAGE_COUNT_MAX)
        return 0;
    if (page + count > s->page_count) {
        btree__space_cover(s, page + count);
        s->page_count = page + count;
    }
    mark(s, page, count);
    return page;
}

bool btree__space_room(const struct btree_space *s, uint32_t count, uint32_t run,
                       uint32_t page_max) {
    uint64_t end = (uint64_t)s->page_count + count + run;
    if (end <= page_max)
        return true;
    uint32_t free_count = s->page_count - s->busy_count;
    return run == 0 && free_count >= count && s->page_count <= page_max;
}

static bool wanted(const struct btree *t, const struct btree_garbage *g) {
    for (uint32_t i = 0; i < t->version_count; i++) {
        uint64_t gen = t->versions[i]->super.gen;
        if (g->birth <= gen && gen < g->death)
            return true;
    }
    return false;
}

void btree__space_drop(struct btree *t, uint32_t page, uint32_t count, uint64_t birth) {
    struct btree_space *s = &t->space;
    for (uint32_t k = 0; k < count; k++) {
        TC_ASSERT(btree__space_test(s->live, page + k));
        btree__space_set(s->live, page + k, false);
    }
    struct btree_garbage g = {.page = page, .count = count, .birth = birth, .death = t->gen};
    if (!wanted(t, &g)) {
        release(s, page, count);
        return;
    }
    if (s->garbage_count == s->garbage_max) {
        size_t more = s->garbage_max * 2 + 64;
        s->garbage = grow(s->garbage, s->garbage_max, more, sizeof *s->garbage);
        s->garbage_max = more;
    }
    s->garbage[s->garbage_count++] = g;
}

/* Free pages at the end are no part of the file any more. */
static void cut_end(struct btree_space *s) {
    while (s->page_count > BTREE_SUPER_COUNT && !btree__space_test(s->busy, s->page_count - 1))
        s->page_count--;
}

void btree__space_sweep(struct btree *t) {
    struct btree_space *s = &t->space;
    size_t kept = 0;
    for (size_t i = 0; i < s->garbage_count; i++) {
        struct btree_garbage g = s->garbage[i];
        if (wanted(t, &g))
            s->garbage[kept++] = g;
        else
            release(s, g.page, g.count);
    }
    s->garbage_count = kept;
    cut_end(s);
}
