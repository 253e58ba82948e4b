#include "base/assert.h"
#include "env/sim/private.h"

#include <stdlib.h>

static void *must(void *p) {
    TC_ASSERT(p != NULL);
    return p;
}

struct sim_node *sim__node_new(bool is_dir) {
    struct sim_node *n = must(calloc(1, sizeof *n));
    n->is_dir = is_dir;
    return n;
}

static void page_free(struct sim_page *p) {
    if (p)
        free(p->synced);
    free(p);
}

void sim__node_unref(struct sim_fs *s, struct sim_node *n) {
    TC_ASSERT(n->refs > 0);
    if (--n->refs > 0)
        return;
    s->used_bytes -= n->size;
    for (size_t i = 0; i < n->page_cap; i++)
        page_free(n->pages[i]);
    free(n->pages);
    free(n->dirty);
    free(n);
}

void sim__node_read(const struct sim_node *n, uint64_t offset, uint8_t *to, size_t len) {
    while (len > 0) {
        size_t at = offset % SIM_PAGE_BYTES;
        size_t part = len < SIM_PAGE_BYTES - at ? len : SIM_PAGE_BYTES - at;
        size_t index = (size_t)(offset / SIM_PAGE_BYTES);
        if (index < n->page_cap && n->pages[index])
            memcpy(to, n->pages[index]->now + at, part);
        else
            memset(to, 0, part);
        to += part;
        offset += part;
        len -= part;
    }
}

static struct sim_page *page_at(struct sim_node *n, size_t index) {
    if (index >= n->page_cap) {
        size_t cap = n->page_cap ? n->page_cap : 16;
        while (cap <= index)
            cap *= 2;
        n->pages = must(realloc(n->pages, cap * sizeof *n->pages));
        memset(n->pages + n->page_cap, 0, (cap - n->page_cap) * sizeof *n->pages);
        n->page_cap = cap;
    }
    if (n->pages[index] == NULL)
        n->pages[index] = must(calloc(1, sizeof **n->pages));
    return n->pages[index];
}

static void note_dirty(struct sim_node *n, size_t index) {
    if (n->dirty_count == n->dirty_cap) {
        n->dirty_cap = n->dirty_cap ? n->dirty_cap * 2 : 16;
        n->dirty = must(realloc(n->dirty, n->dirty_cap * sizeof *n->dirty));
    }
    n->dirty[n->dirty_count++] = (uint32_t)index;
}

static bool all_zero(const uint8_t *from, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (from[i] != 0)
            return false;
    return true;
}

void sim__node_write(struct sim_node *n, uint64_t offset, const uint8_t *from, size_t len) {
    size_t index = (size_t)(offset / SIM_PAGE_BYTES);
    size_t at = offset % SIM_PAGE_BYTES;
    TC_ASSERT(at / TC_FS_SECTOR_BYTES == (at + len - 1) / TC_FS_SECTOR_BYTES);
    /* Zeros over nothing stay nothing, so that prewritten segments cost no memory. */
    if ((index >= n->page_cap || n->pages[index] == NULL) && all_zero(from, len))
        return;
    struct sim_page *p = page_at(n, index);
    if (p->dirty == 0) {
        note_dirty(n, index);
        p->synced = must(malloc(SIM_PAGE_BYTES));
        memcpy(p->synced, p->now, SIM_PAGE_BYTES);
    }
    uint8_t bit = (uint8_t)(1u << (at / TC_FS_SECTOR_BYTES));
    p->dirty |= bit;
    p->lost &= (uint8_t)~bit;
    memcpy(p->now + at, from, len);
}

void sim__node_resize(struct sim_fs *s, struct sim_node *n, uint64_t size) {
    s->used_bytes += size;
    s->used_bytes -= n->size;
    if (size < n->size) {
        size_t keep = (size_t)((size + SIM_PAGE_BYTES - 1) / SIM_PAGE_BYTES);
        for (size_t i = keep; i < n->page_cap; i++) {
            page_free(n->pages[i]);
            n->pages[i] = NULL;
        }
        size_t left = 0;
        for (size_t i = 0; i < n->dirty_count; i++)
            if (n->dirty[i] < keep)
                n->dirty[left++] = n->dirty[i];
        n->dirty_count = left;
        size_t at = size % SIM_PAGE_BYTES;
        if (at != 0 && keep <= n->page_cap && n->pages[keep - 1])
            memset(n->pages[keep - 1]->now + at, 0, SIM_PAGE_BYTES - at);
        if (n->synced_size > size)
            n->synced_size = size;
    }
    n->size = size;
}

static void page_clean(struct sim_page *p) {
    free(p->synced);
    p->synced = NULL;
    p->dirty = p->lost = 0;
}

void sim__node_sync(struct sim_node *n) {
    size_t left = 0;
    for (size_t i = 0; i < n->dirty_count; i++) {
        struct sim_page *p = n->pages[n->dirty[i]];
        for (size_t k = 0; k < SIM_PAGE_SECTORS; k++) {
            size_t at = k * TC_FS_SECTOR_BYTES;
            if ((p->dirty & ~p->lost) & (1u << k))
                memcpy(p->synced + at, p->now + at, TC_FS_SECTOR_BYTES);
        }
        p->dirty = p->lost;
        if (p->dirty == 0)
            page_clean(p);
        else
            n->dirty[left++] = n->dirty[i];
    }
    n->dirty_count = left;
    n->synced_size = n->size;
}

void sim__node_fail_sync(struct sim_fs *s, struct sim_node *n) {
    for (size_t i = 0; i < n->dirty_count; i++) {
        struct sim_page *p = n->pages[n->dirty[i]];
        p->lost |= (uint8_t)(p->dirty & tc_prng_u64(&s->prng));
    }
}

static void page_crash(struct sim_fs *s, struct sim_page *p, uint8_t keep) {
    for (size_t k = 0; k < SIM_PAGE_SECTORS; k++) {
        if (!(p->dirty & (1u << k)))
            continue;
        bool kept = (keep & (1u << k)) && !(p->lost & (1u << k));
        size_t at = k * TC_FS_SECTOR_BYTES;
        if (!kept)
            memcpy(p->now + at, p->synced + at, TC_FS_SECTOR_BYTES);
        if (kept)
            s->counters.sectors_kept++;
        else
            s->counters.sectors_lost++;
    }
    page_clean(p);
}

void sim__node_crash(struct sim_fs *s, struct sim_node *n) {
    /* Per file one of: all lost, all kept, each sector by a coin, a prefix of the pages. */
    uint64_t mode = tc_prng_below(&s->prng, 4);
    size_t prefix = (size_t)tc_prng_below(&s->prng, n->dirty_count + 1);
    for (size_t i = 0; i < n->dirty_count; i++) {
        uint8_t coin = (uint8_t)tc_prng_u64(&s->prng);
        uint8_t keep = mode == 0 ? 0 : mode == 1 ? 0xff : mode == 2 ? coin : i < prefix ? 0xff : 0;
        page_crash(s, n->pages[n->dirty[i]], keep);
    }
    n->dirty_count = 0;
    if (n->synced_size < n->size && tc_prng_chance(&s->prng, 1, 2))
        sim__node_resize(s, n, n->synced_size);
    n->synced_size = n->size;
}

bool sim__node_flip(struct sim_node *n, uint64_t offset, unsigned bit) {
    if (offset >= n->size)
        return false;
    struct sim_page *p = page_at(n, (size_t)(offset / SIM_PAGE_BYTES));
    uint8_t mask = (uint8_t)(1u << (bit % 8));
    p->now[offset % SIM_PAGE_BYTES] ^= mask;
    if (p->synced)
        p->synced[offset % SIM_PAGE_BYTES] ^= mask;
    return true;
}
