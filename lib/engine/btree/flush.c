#include "engine/btree/btree_private.h"

#include <stdlib.h>

/* The checkpoint's I/O. It may run beside the owner: it reads frozen frames, copies before it
 * completes their checksums, and of shared memory writes only crc and known of its own pages. */

static uint32_t rank(const struct btree_frame *f) {
    const struct btree_page *p = btree__page(f);
    return p->type == BTREE_RUN ? 0 : p->level + 1u;
}

/* Children before parents, because a parent carries their checksums; then by place. */
static int compare(const void *a, const void *b) {
    const struct btree_frame *x = *(struct btree_frame *const *)a;
    const struct btree_frame *y = *(struct btree_frame *const *)b;
    uint32_t rx = rank(x), ry = rank(y);
    if (rx != ry)
        return rx < ry ? -1 : 1;
    return x->page < y->page ? -1 : x->page > y->page;
}

static struct btree_frame **sorted(const struct btree_checkpoint *c, size_t *ret_count) {
    size_t count = 0, n = 0;
    for (struct tc_list *l = c->frames.next; l != &c->frames; l = l->next)
        count++;
    struct btree_frame **all = calloc(count + 1, sizeof(struct btree_frame *));
    TC_ASSERT(all != NULL);
    for (struct tc_list *l = c->frames.next; l != &c->frames; l = l->next)
        all[n++] = TC_CONTAINER(l, struct btree_frame, link);
    qsort(all, count, sizeof(struct btree_frame *), compare);
    *ret_count = count;
    return all;
}

static tc_err flush(struct btree_checkpoint *c) {
    size_t len = (size_t)c->buffer_pages * BTREE_PAGE_BYTES;
    c->buffer_pages = 0;
    if (len == 0)
        return TC_OK;
    return tc_file_write_at(c->file, (uint64_t)c->buffer_page * BTREE_PAGE_BYTES, c->buffer, len);
}

static void fill_checksums(const struct btree_checkpoint *c, struct btree_page *p) {
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->type == BTREE_INNER) {
            uint32_t child = btree_page_child(p, i);
            const struct btree_entry *e = btree__entry(c->chunks, child);
            if (e->known)
                btree_page_set_child(p, i, child, e->crc);
        } else if (btree_page_value_in_run(p, i)) {
            const struct btree_entry *e = btree__entry(c->chunks, btree_page_ref(p, i).page);
            if (e->known)
                btree_page_set_ref_crc(p, i, e->crc);
        }
    }
}

static void remember(struct btree_checkpoint *c, uint32_t page, uint32_t crc) {
    struct btree_entry *e = btree__entry(c->chunks, page);
    e->crc = crc;
    e->known = 1;
}

static tc_err write_page(struct btree_checkpoint *c, const struct btree_frame *f) {
    if (c->buffer_pages == BTREE_WRITE_BYTES / BTREE_PAGE_BYTES ||
        c->buffer_page + c->buffer_pages != f->page)
        TC_TRY(flush(c));
    if (c->buffer_pages == 0)
        c->buffer_page = f->page;
    uint8_t *data = c->buffer + (size_t)c->buffer_pages++ * BTREE_PAGE_BYTES;
    memcpy(data, f->data, BTREE_PAGE_BYTES);
    struct btree_page *p = btree_page_of(data);
    fill_checksums(c, p);
    p->crc = btree__page_crc(p);
    TC_DASSERT(btree_page_check(p) == NULL);
    remember(c, f->page, p->crc);
    return TC_OK;
}

/* A run is never changed once built, and only its writer touches its crc. */
static tc_err write_run(struct btree_checkpoint *c, struct btree_frame *f) {
    struct btree_page *p = btree__page(f);
    p->crc = btree__page_crc(p);
    remember(c, f->page, p->crc);
    return tc_file_write_at(c->file, (uint64_t)f->page * BTREE_PAGE_BYTES, f->data,
                            (size_t)f->pages * BTREE_PAGE_BYTES);
}

static tc_err write_frames(struct btree_checkpoint *c) {
    size_t count = 0;
    struct btree_frame **all = sorted(c, &count);
    tc_err err = TC_OK;
    for (size_t i = 0; i < count && err == TC_OK; i++)
        err = rank(all[i]) == 0 ? write_run(c, all[i]) : write_page(c, all[i]);
    if (err == TC_OK)
        err = flush(c);
    free(all);
    return err;
}

static tc_err write_map(struct btree_checkpoint *c) {
    struct btree_super *s = &c->version->super;
    struct btree_page *p = btree_page_of(c->map);
    p->crc = btree__page_crc(p);
    s->map_crc = p->crc;
    size_t len = (size_t)btree__run_pages(c->map_bytes) * BTREE_PAGE_BYTES;
    return tc_file_write_at(c->file, (uint64_t)s->map_page * BTREE_PAGE_BYTES, c->map, len);
}

static tc_err write_super(struct btree_checkpoint *c) {
    struct btree_super *s = &c->version->super;
    if (s->root != 0) {
        const struct btree_entry *e = btree__entry(c->chunks, s->root);
        if (e->known)
            s->root_crc = e->crc;
    }
    btree__super_seal(s);
    return btree__super_write(c->file, s);
}

tc_err btree_checkpoint_write(struct btree_checkpoint *c) {
    c->buffer = malloc(BTREE_WRITE_BYTES);
    TC_ASSERT(c->buffer != NULL);
    tc_err err = write_frames(c);
    free(c->buffer);
    c->buffer = NULL;
    if (err == TC_OK)
        err = write_map(c);
    c->retryable = err == TC_EFULL;
    TC_TRY(err);
    TC_TRY(tc_file_sync(c->file));
    return write_super(c);
}
