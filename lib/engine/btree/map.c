#include "engine/btree/btree_private.h"

#include <stdlib.h>

static void take_all(struct btree_space *s) {
    for (uint32_t page = 0; page < s->page_count; page++) {
        btree__space_set(s->busy, page, true);
        btree__space_set(s->live, page, true);
    }
    s->busy_count = s->page_count;
}

static void take_marked(struct btree_space *s, const uint8_t *bitmap) {
    memcpy(s->busy, bitmap, btree__map_bytes(s->page_count));
    for (uint32_t page = s->page_count; page % 64 != 0; page++)
        btree__space_set(s->busy, page, false);
    for (uint32_t page = 0; page < BTREE_SUPER_COUNT; page++)
        btree__space_set(s->busy, page, true);
    memcpy(s->live, s->busy, btree__map_bytes(s->page_count));
    for (uint32_t word = 0; word <= s->page_count / 64; word++)
        s->busy_count += (uint32_t)__builtin_popcountll(s->busy[word]);
}

tc_err btree__map_load(struct btree *t) {
    const struct btree_super *s = &t->durable->super;
    uint32_t len = btree__map_bytes(s->page_count);
    t->map_page = s->map_page;
    t->map_pages = s->map_page == 0 ? 0 : btree__run_pages(len);
    t->map_birth = s->gen;
    if (s->map_page == 0) {
        take_all(&t->space); /* a created file has nothing but superblocks */
        return TC_OK;
    }
    uint8_t *data = malloc(BTREE_HEADER_BYTES + (size_t)len);
    TC_ASSERT(data != NULL);
    struct btree_run_ref ref = btree__map_ref(s);
    const char *what = NULL;
    tc_err err = btree__read_pages(t->file, ref.page, data, BTREE_HEADER_BYTES + len, &what);
    if (err == TC_OK)
        what = btree__check_run(data, &ref, t->gid, len);
    if (what) {
        /* The items are all there; only which pages are free is unknown, so none is. */
        take_all(&t->space);
        t->map_page = 0;
        t->map_pages = 0;
        btree__note_page(t, s->map_page, what);
        err = TC_OK;
    } else if (err == TC_OK) {
        take_marked(&t->space, data + BTREE_HEADER_BYTES);
    }
    free(data);
    return err;
}
