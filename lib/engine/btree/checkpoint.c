#include "engine/btree/btree_private.h"

#include <stdlib.h>

static void move_list(struct tc_list *from, struct tc_list *to) {
    tc_list_init(to);
    if (tc_list_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    tc_list_init(from);
}

/* Replace the page map's run; the run itself is part of the version that it describes. */
static tc_err take_map(struct btree *t, struct btree_checkpoint *c) {
    struct btree_space *s = &t->space;
    uint32_t pages = btree__run_pages(btree__map_bytes(s->page_count + 1024));
    TC_ASSERT(pages < 1024);
    uint32_t page = btree__space_take(s, pages);
    if (page == 0)
        return TC_EFULL;
    if (t->map_page != 0)
        btree__space_drop(t, t->map_page, t->map_pages, t->map_birth);
    t->map_page = page;
    t->map_pages = pages;
    t->map_birth = t->gen;
    c->map_bytes = btree__map_bytes(s->page_count);
    c->map = calloc(pages, BTREE_PAGE_BYTES);
    TC_ASSERT(c->map != NULL && btree__run_pages(c->map_bytes) <= pages);
    /* What is not in the run's last pages by then is not in the map either. */
    for (uint32_t k = btree__run_pages(c->map_bytes); k < pages; k++) {
        btree__space_set(s->live, page + k, false);
        btree__space_set(s->busy, page + k, false);
        s->busy_count--;
        t->map_pages--;
    }
    *btree_page_of(c->map) = (struct btree_page){.magic = BTREE_PAGE_MAGIC,
                                                 .gid = t->gid,
                                                 .gen = t->gen,
                                                 .page = page,
                                                 .type = BTREE_RUN,
                                                 .run_bytes = c->map_bytes};
    memcpy(c->map + BTREE_HEADER_BYTES, s->live, c->map_bytes);
    return TC_OK;
}

static void describe(const struct btree *t, const struct btree_stamp *stamp,
                     struct btree_super *s) {
    s->gid = t->gid;
    s->gen = t->gen;
    s->slot = 1 - t->durable->super.slot;
    s->root = t->root;
    s->root_crc = t->root_crc;
    s->levels = t->levels;
    s->page_count = t->space.page_count;
    s->map_page = t->map_page;
    s->index = stamp->index;
    s->ballot = stamp->ballot;
    s->chain = stamp->chain;
    s->item_count = t->item_count;
    s->item_bytes = t->item_bytes;
    memcpy(s->sums, &t->sums, sizeof s->sums);
    s->blob_len = (uint32_t)stamp->blob.len;
    if (stamp->blob.len > 0)
        memcpy(s->blob, stamp->blob.data, stamp->blob.len);
}

tc_err btree_checkpoint_begin(struct btree *t, const struct btree_stamp *stamp,
                              struct btree_checkpoint **ret_ckpt) {
    if (t->failed != TC_OK)
        return t->failed;
    if (t->ckpt)
        return TC_EBUSY;
    if (stamp->blob.len > BTREE_BLOB_BYTES_MAX)
        return TC_ELIMIT;
    struct btree_checkpoint *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    tc_err err = take_map(t, c);
    if (err != TC_OK) {
        free(c);
        return err;
    }
    c->file = t->file;
    c->version = btree__version_new(t);
    describe(t, stamp, &c->version->super);
    move_list(&t->dirty, &c->frames);
    btree__table_cover(t, t->space.page_count);
    c->chunks = t->table.chunks;
    t->gen++;
    t->ckpt = c;
    *ret_ckpt = c;
    return TC_OK;
}

/* Hand the frozen pages back: written ones are clean now, others wait for the next checkpoint. */
static void thaw(struct btree *t, struct btree_checkpoint *c, bool written) {
    while (!tc_list_empty(&c->frames)) {
        struct tc_list *link = tc_list_pop_front(&c->frames);
        struct btree_frame *f = TC_CONTAINER(link, struct btree_frame, link);
        if (f->dead) {
            t->dirty_bytes -= (size_t)f->pages * BTREE_PAGE_BYTES;
            btree__frame_free(t, f);
        } else if (written) {
            btree__frame_make_clean(t, f);
        } else {
            tc_list_push_back(&t->dirty, link);
        }
    }
}

/* Give back the file's free end once it is worth a system call. */
static tc_err shrink_file(struct btree *t) {
    uint64_t size = 0, wanted = (uint64_t)t->space.page_count * BTREE_PAGE_BYTES;
    TC_TRY(tc_file_size(t->file, &size));
    if (size <= wanted || size - wanted < size / 8 + 64ull * BTREE_PAGE_BYTES)
        return TC_OK;
    return tc_file_truncate(t->file, wanted);
}

tc_err btree_checkpoint_end(struct btree *t, struct btree_checkpoint *c, tc_err err) {
    TC_ASSERT(t->ckpt == c);
    t->ckpt = NULL;
    for (uint32_t i = 0; i < t->table.retired_count; i++)
        free(t->table.retired[i]);
    t->table.retired_count = 0;
    thaw(t, c, err == TC_OK);
    struct btree_version *gone = c->version;
    if (err == TC_OK) {
        gone = t->durable;
        t->durable = btree__version_shrink(t, c->version);
    } else if (!c->retryable) {
        t->failed = TC_EIO;
    }
    btree__version_unref(t, gone);
    free(c->map);
    free(c);
    if (err == TC_OK && shrink_file(t) != TC_OK) {
        t->failed = TC_EIO;
        return TC_EIO;
    }
    return err;
}

tc_err btree_checkpoint(struct btree *t, const struct btree_stamp *stamp) {
    struct btree_checkpoint *c = NULL;
    TC_TRY(btree_checkpoint_begin(t, stamp, &c));
    return btree_checkpoint_end(t, c, btree_checkpoint_write(c));
}
