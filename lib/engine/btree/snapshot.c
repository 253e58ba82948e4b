#include "engine/btree/btree_private.h"

#include <stdlib.h>

/* A snapshot reads the pinned version straight from the file into buffers of its own, so that it
 * shares nothing with the owner but the file and the version's superblock. */

tc_err btree_snapshot_pin(struct btree *t, struct btree_snapshot **ret_snap) {
    if (t->snapshot_count >= BTREE_SNAPSHOT_MAX)
        return TC_EBUSY;
    struct btree_snapshot *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->file = t->file;
    s->gid = t->gid;
    s->version = btree__version_ref(t->durable);
    t->snapshot_count++;
    *ret_snap = s;
    return TC_OK;
}

void btree_snapshot_unpin(struct btree *t, struct btree_snapshot *s) {
    if (!s)
        return;
    TC_ASSERT(t->snapshot_count > 0 && s->file == t->file);
    t->snapshot_count--;
    btree__version_unref(t, s->version);
    for (uint32_t d = 0; d < BTREE_DEPTH_MAX; d++)
        free(s->level[d].data);
    tc_buf_deinit(&s->damage.start);
    tc_buf_deinit(&s->damage.end);
    free(s->run);
    free(s);
}

const struct btree_sums *btree_snapshot_sums(const struct btree_snapshot *s) {
    _Static_assert(sizeof(struct btree_sums) == sizeof s->version->super.sums, "one layout");
    return (const struct btree_sums *)(const void *)s->version->super.sums;
}

uint64_t btree_snapshot_item_count(const struct btree_snapshot *s) {
    return s->version->super.item_count;
}

const struct btree_damage *btree_snapshot_damage(const struct btree_snapshot *s) {
    return s->damaged ? &s->damage : NULL;
}

static void note_damage(struct btree_snapshot *s, uint32_t page, const char *what) {
    const struct btree_page *pages[BTREE_DEPTH_MAX];
    uint32_t ats[BTREE_DEPTH_MAX];
    for (uint32_t d = 0; d < s->depth; d++) {
        pages[d] = btree__snapshot_page(s, d);
        ats[d] = s->level[d].at;
    }
    btree__damage_set(&s->damage, page, what, pages, ats, s->depth);
    s->damaged = true;
}

/* Place and checksum of the page to be loaded at the next depth. */
static void next_page(const struct btree_snapshot *s, uint32_t *ret_page, uint32_t *ret_crc,
                      uint32_t *ret_level) {
    const struct btree_super *super = &s->version->super;
    if (s->depth == 0) {
        *ret_page = super->root;
        *ret_crc = super->root_crc;
        *ret_level = super->levels - 1;
        return;
    }
    const struct btree_page *p = btree__snapshot_page(s, s->depth - 1);
    uint32_t at = s->level[s->depth - 1].at;
    TC_ASSERT(p->type == BTREE_INNER && at < p->count);
    *ret_page = btree_page_child(p, at);
    *ret_crc = btree_page_child_crc(p, at);
    *ret_level = p->level - 1u;
}

tc_err btree__snapshot_push(struct btree_snapshot *s) {
    uint32_t page = 0, crc = 0, level = 0;
    next_page(s, &page, &crc, &level);
    TC_ASSERT(s->depth < BTREE_DEPTH_MAX);
    struct btree_snapshot_level *l = &s->level[s->depth];
    if (!l->data)
        l->data = malloc(BTREE_PAGE_BYTES);
    TC_ASSERT(l->data != NULL);
    const char *what = "reference outside the file";
    tc_err err = TC_ECORRUPT;
    if (page >= BTREE_SUPER_COUNT && page < s->version->super.page_count)
        err = btree__read_pages(s->file, page, l->data, BTREE_PAGE_BYTES, &what);
    if (err == TC_OK)
        what = btree__check_tree_page(l->data, page, s->gid, level, crc);
    if (err == TC_OK && what != NULL)
        err = TC_ECORRUPT;
    if (err == TC_ECORRUPT)
        note_damage(s, page, what);
    if (err != TC_OK)
        return err;
    l->at = 0;
    s->depth++;
    return TC_OK;
}

tc_err btree__snapshot_run(struct btree_snapshot *s, const struct btree_run_ref *ref, uint32_t len,
                           const char **ret_what) {
    size_t bytes = BTREE_HEADER_BYTES + (size_t)len;
    if (ref->page < BTREE_SUPER_COUNT ||
        (uint64_t)ref->page + btree__run_pages(len) > s->version->super.page_count) {
        *ret_what = "reference outside the file";
        return TC_ECORRUPT;
    }
    if (s->run_bytes_max < bytes) {
        free(s->run);
        s->run_bytes_max = bytes * 2;
        s->run = malloc(s->run_bytes_max);
        TC_ASSERT(s->run != NULL);
    }
    TC_TRY(btree__read_pages(s->file, ref->page, s->run, bytes, ret_what));
    *ret_what = btree__check_run(s->run, ref, s->gid, len);
    return *ret_what ? TC_ECORRUPT : TC_OK;
}

tc_err btree__snapshot_value(struct btree_snapshot *s, struct tc_slice *ret_value) {
    const struct btree_page *p = btree__snapshot_page(s, s->depth - 1);
    uint32_t at = s->level[s->depth - 1].at;
    uint32_t len = btree_page_value_len(p, at);
    if (!btree_page_value_in_run(p, at)) {
        *ret_value = tc_slice(btree_page_rest(p, at), len);
        return TC_OK;
    }
    struct btree_run_ref ref = btree_page_ref(p, at);
    const char *what = NULL;
    tc_err err = btree__snapshot_run(s, &ref, len, &what);
    if (err == TC_ECORRUPT)
        note_damage(s, ref.page, what);
    if (err == TC_OK)
        *ret_value = tc_slice(s->run + BTREE_HEADER_BYTES, len);
    return err;
}

static tc_err descend(struct btree_snapshot *s, struct tc_slice key) {
    s->depth = 0;
    while (s->depth < s->version->super.levels) {
        TC_TRY(btree__snapshot_push(s));
        const struct btree_page *p = btree__snapshot_page(s, s->depth - 1);
        bool exact = false;
        s->level[s->depth - 1].at = p->type == BTREE_INNER ? btree_page_find_child(p, key)
                                                           : btree_page_find(p, key, &exact);
    }
    return TC_OK;
}

tc_err btree_snapshot_seek(struct btree_snapshot *s, struct tc_slice key) {
    if (s->version->super.root == 0) {
        s->err = TC_EEND;
        return TC_OK;
    }
    s->err = descend(s, key);
    return s->err;
}

/* From the end of a leaf to the start of the next. */
static tc_err next_leaf(struct btree_snapshot *s) {
    for (s->depth--; s->depth > 0; s->depth--) {
        struct btree_snapshot_level *l = &s->level[s->depth - 1];
        if (l->at + 1u < btree__snapshot_page(s, s->depth - 1)->count) {
            l->at++;
            break;
        }
    }
    if (s->depth == 0)
        return TC_EEND;
    while (s->depth < s->version->super.levels)
        TC_TRY(btree__snapshot_push(s));
    return TC_OK;
}

tc_err btree_snapshot_next(struct btree_snapshot *s, struct tc_slice *ret_key,
                           struct tc_slice *ret_value) {
    if (s->err == TC_OK && s->depth == 0)
        TC_TRY(btree_snapshot_seek(s, TC_SLICE_EMPTY));
    if (s->err == TC_OK &&
        s->level[s->depth - 1].at >= btree__snapshot_page(s, s->depth - 1)->count)
        s->err = next_leaf(s);
    if (s->err != TC_OK)
        return s->err;
    struct btree_snapshot_level *leaf = &s->level[s->depth - 1];
    struct tc_slice key = btree_page_key(btree_page_of(leaf->data), leaf->at);
    TC_TRY(btree__snapshot_value(s, ret_value));
    *ret_key = key;
    leaf->at++;
    return TC_OK;
}
