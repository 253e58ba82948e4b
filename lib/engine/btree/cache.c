#include "engine/btree/btree_private.h"

#include <stdlib.h>

enum {
    SPARE_COUNT_MAX = 8, /* a node may hold hundreds of trees */
};

void btree__table_cover(struct btree *t, uint32_t page_count) {
    struct btree_table *table = &t->table;
    uint32_t need = page_count / BTREE_CHUNK_SLOTS + 1;
    if (need > table->chunk_max) {
        uint32_t more = need * 2 + 8;
        struct btree_entry **chunks = calloc(more, sizeof *chunks);
        TC_ASSERT(chunks != NULL);
        if (table->chunk_count > 0)
            memcpy(chunks, table->chunks, table->chunk_count * sizeof *chunks);
        TC_ASSERT(table->retired_count < sizeof table->retired / sizeof table->retired[0]);
        if (t->ckpt)
            table->retired[table->retired_count++] = table->chunks;
        else
            free(table->chunks);
        table->chunks = chunks;
        table->chunk_max = more;
    }
    for (; table->chunk_count < need; table->chunk_count++) {
        table->chunks[table->chunk_count] = calloc(BTREE_CHUNK_SLOTS, sizeof(struct btree_entry));
        TC_ASSERT(table->chunks[table->chunk_count] != NULL);
    }
}

void btree__table_deinit(struct btree_table *table) {
    for (uint32_t i = 0; i < table->chunk_count; i++)
        free(table->chunks[i]);
    for (uint32_t i = 0; i < table->retired_count; i++)
        free(table->retired[i]);
    free(table->chunks);
    *table = (struct btree_table){0};
}

static struct btree_frame *frame_alloc(struct btree *t, uint32_t pages) {
    if (pages == 1 && !tc_list_empty(&t->spare)) {
        struct tc_list *link = tc_list_pop_front(&t->spare);
        t->spare_count--;
        return TC_CONTAINER(link, struct btree_frame, link);
    }
    size_t head = (sizeof(struct btree_frame) + 15) & ~(size_t)15;
    struct btree_frame *f = malloc(head + (size_t)pages * BTREE_PAGE_BYTES);
    TC_ASSERT(f != NULL);
    f->data = (uint8_t *)f + head;
    return f;
}

static struct btree_frame *frame_init(struct btree *t, uint32_t page, uint32_t pages, bool dirty) {
    struct btree_frame *f = frame_alloc(t, pages);
    t->touched = true;
    uint8_t *data = f->data;
    *f = (struct btree_frame){
        .page = page, .pages = pages, .dirty = dirty, .recent = true, .data = data};
    tc_list_init(&f->link);
    return f;
}

static size_t frame_bytes(const struct btree_frame *f) {
    return (size_t)f->pages * BTREE_PAGE_BYTES;
}

struct btree_frame *btree__frame_new(struct btree *t, uint32_t page, uint32_t pages) {
    btree__table_cover(t, page + pages);
    struct btree_entry *e = btree__entry(t->table.chunks, page);
    TC_ASSERT(e->frame == NULL);
    struct btree_frame *f = frame_init(t, page, pages, /* dirty= */ true);
    e->frame = f;
    e->known = 0;
    tc_list_push_back(&t->dirty, &f->link);
    t->dirty_bytes += frame_bytes(f);
    return f;
}

void btree__frame_free(struct btree *t, struct btree_frame *f) {
    if (f->pages == 1 && t->spare_count < SPARE_COUNT_MAX) {
        tc_list_push_front(&t->spare, &f->link);
        t->spare_count++;
        return;
    }
    free(f);
}

void btree__frame_drop(struct btree *t, struct btree_frame *f) {
    struct btree_entry *e = btree__entry(t->table.chunks, f->page);
    TC_ASSERT(e->frame == f);
    e->frame = NULL;
    if (btree__frozen(t, f)) {
        f->dead = true;
        return;
    }
    tc_list_remove(&f->link);
    if (f->dirty)
        t->dirty_bytes -= frame_bytes(f);
    else
        t->clean_bytes -= frame_bytes(f);
    btree__frame_free(t, f);
}

void btree__frame_make_dirty(struct btree *t, struct btree_frame *f) {
    TC_ASSERT(!f->dirty);
    tc_list_remove(&f->link);
    t->clean_bytes -= frame_bytes(f);
    t->dirty_bytes += frame_bytes(f);
    f->dirty = true;
    tc_list_push_back(&t->dirty, &f->link);
}

void btree__frame_make_clean(struct btree *t, struct btree_frame *f) {
    TC_ASSERT(f->dirty && !f->dead);
    tc_list_remove(&f->link);
    t->dirty_bytes -= frame_bytes(f);
    t->clean_bytes += frame_bytes(f);
    f->dirty = false;
    tc_list_push_back(&t->clean, &f->link);
}

void btree__trim(struct btree *t) {
    for (int n = 0; n < BTREE_EVICT_COUNT_MAX && t->clean_bytes > t->cache_bytes; n++) {
        struct tc_list *link = tc_list_pop_front(&t->clean);
        TC_ASSERT(link != NULL);
        struct btree_frame *f = TC_CONTAINER(link, struct btree_frame, link);
        if (f->recent) {
            f->recent = false;
            tc_list_push_back(&t->clean, link);
        } else {
            btree__frame_drop(t, f);
        }
    }
}

/* Read a page or run that is not in memory into a clean frame that is in no table yet. */
static tc_err read_frame(struct btree *t, uint32_t page, uint32_t pages, size_t len,
                         struct btree_frame **ret_frame, const char **ret_what) {
    if (page < BTREE_SUPER_COUNT || (uint64_t)page + pages > t->space.page_count) {
        *ret_what = "reference outside the file";
        return TC_ECORRUPT;
    }
    struct btree_frame *f = frame_init(t, page, pages, /* dirty= */ false);
    tc_err err = btree__read_pages(t->file, page, f->data, len, ret_what);
    if (err != TC_OK) {
        btree__frame_free(t, f);
        return err;
    }
    t->page_reads += pages;
    *ret_frame = f;
    return TC_OK;
}

static void adopt(struct btree *t, struct btree_frame *f) {
    btree__entry(t->table.chunks, f->page)->frame = f;
    tc_list_push_back(&t->clean, &f->link);
    t->clean_bytes += frame_bytes(f);
}

/* What this process wrote last is the better witness than a parent that was not rewritten since. */
static uint32_t expected_crc(const struct btree *t, uint32_t page, uint32_t crc) {
    if (page >= t->space.page_count)
        return crc;
    const struct btree_entry *e = btree__entry(t->table.chunks, page);
    return e->known ? e->crc : crc;
}

static struct btree_frame *cached(struct btree *t, uint32_t page) {
    if (page >= t->space.page_count)
        return NULL;
    struct btree_frame *f = btree__entry(t->table.chunks, page)->frame;
    t->touched = true;
    if (f)
        f->recent = true;
    return f;
}

tc_err btree__load(struct btree *t, uint32_t page, uint32_t crc, uint32_t level,
                   struct btree_frame **ret_frame, const char **ret_what) {
    struct btree_frame *f = cached(t, page);
    if (!f) {
        TC_TRY(read_frame(t, page, 1, BTREE_PAGE_BYTES, &f, ret_what));
        crc = expected_crc(t, page, crc);
        *ret_what = btree__check_tree_page(f->data, page, t->gid, level, crc);
        if (*ret_what) {
            btree__frame_free(t, f);
            return TC_ECORRUPT;
        }
        adopt(t, f);
    } else if (btree__page(f)->magic != BTREE_PAGE_MAGIC || btree__page(f)->type == BTREE_RUN ||
               btree__page(f)->level != level) {
        *ret_what = "two parents name one page";
        return TC_ECORRUPT;
    }
    *ret_frame = f;
    return TC_OK;
}

tc_err btree__load_run(struct btree *t, const struct btree_run_ref *ref, uint32_t len,
                       struct btree_frame **ret_frame, const char **ret_what) {
    struct btree_frame *f = cached(t, ref->page);
    if (!f) {
        size_t bytes = BTREE_HEADER_BYTES + (size_t)len;
        TC_TRY(read_frame(t, ref->page, btree__run_pages(len), bytes, &f, ret_what));
        struct btree_run_ref expected = *ref;
        expected.crc = expected_crc(t, ref->page, ref->crc);
        *ret_what = btree__check_run(f->data, &expected, t->gid, len);
        if (*ret_what) {
            btree__frame_free(t, f);
            return TC_ECORRUPT;
        }
        adopt(t, f);
    } else if (btree__page(f)->type != BTREE_RUN || btree__page(f)->run_bytes != len) {
        *ret_what = "two parents name one page";
        return TC_ECORRUPT;
    }
    *ret_frame = f;
    return TC_OK;
}
