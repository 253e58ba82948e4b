#include "engine/btree/btree_private.h"

#include <stdlib.h>

static void set_options(struct btree *t, const struct btree_opts *o) {
    const uint32_t reserve = BTREE_PAGE_COUNT_MAX / 64; /* for deletes in a full file */
    t->gid = o->gid;
    t->cache_bytes = o->cache_bytes ? o->cache_bytes : (size_t)64 << 20;
    t->dirty_bytes_max = o->dirty_bytes_max ? o->dirty_bytes_max : (size_t)1 << 30;
    uint64_t pages = o->file_bytes_max / BTREE_PAGE_BYTES;
    if (pages == 0 || pages > BTREE_PAGE_COUNT_MAX - reserve)
        pages = BTREE_PAGE_COUNT_MAX - reserve;
    t->space.page_max = (uint32_t)pages;
}

static tc_err open_file(struct btree *t, bool create) {
    tc_err err = tc_fs_open(t->fs, t->path, 0, &t->file);
    if (err != TC_ENOTFOUND || !create)
        return err;
    TC_TRY(btree__create(t->fs, t->path, t->gid));
    return tc_fs_open(t->fs, t->path, 0, &t->file);
}

void btree__note_page(struct btree *t, uint32_t page, const char *what) {
    t->damaged = true;
    t->damage.page = page;
    t->damage.what = what;
    tc_buf_clear(&t->damage.start);
    tc_buf_clear(&t->damage.end);
}

static tc_err load_durable(struct btree *t) {
    t->durable = btree__version_new(t);
    struct btree_super *s = &t->durable->super;
    TC_TRY(btree__super_read(t->file, t->gid, s));
    bool mended = false;
    TC_TRY(btree__super_mend(t->file, s, &mended));
    if (mended)
        btree__note_page(t, s->slot, "superblock copy was damaged, rewritten from the other");
    t->gen = s->gen + 1;
    t->root = s->root;
    t->root_crc = s->root_crc;
    t->levels = s->levels;
    t->item_count = s->item_count;
    t->item_bytes = s->item_bytes;
    memcpy(&t->sums, s->sums, sizeof t->sums);
    uint32_t page_max = t->space.page_max;
    btree__space_init(&t->space, s->page_count);
    t->space.page_max = page_max;
    btree__table_cover(t, s->page_count);
    TC_TRY(btree__map_load(t));
    t->durable = btree__version_shrink(t, t->durable);
    return TC_OK;
}

tc_err btree_open(struct tc_fs *fs, const char *path, const struct btree_opts *opts,
                  struct btree **ret_tree) {
    size_t len = strlen(path);
    if (len == 0 || len >= TC_FS_PATH_MAX)
        return TC_EINVAL;
    struct btree *t = calloc(1, sizeof *t);
    TC_ASSERT(t != NULL);
    t->fs = fs;
    t->path = strdup(path);
    TC_ASSERT(t->path != NULL);
    tc_list_init(&t->clean);
    tc_list_init(&t->dirty);
    tc_list_init(&t->spare);
    set_options(t, opts);
    tc_err err = open_file(t, opts->create);
    if (err == TC_OK)
        err = load_durable(t);
    if (err != TC_OK) {
        btree_close(t);
        return err;
    }
    *ret_tree = t;
    return TC_OK;
}

static void free_frames(struct tc_list *list) {
    while (!tc_list_empty(list)) {
        struct tc_list *link = tc_list_pop_front(list);
        free(TC_CONTAINER(link, struct btree_frame, link));
    }
}

void btree_rest(struct btree *t) {
    if (t->ckpt || t->touched) {
        t->touched = false;
        return;
    }
    while (!tc_list_empty(&t->clean))
        btree__frame_drop(t, TC_CONTAINER(t->clean.next, struct btree_frame, link));
    free_frames(&t->spare);
    t->spare_count = 0;
}

void btree_close(struct btree *t) {
    if (!t)
        return;
    TC_ASSERT(t->ckpt == NULL && t->snapshot_count == 0 && t->version_count <= 1);
    free_frames(&t->clean);
    free_frames(&t->dirty);
    free_frames(&t->spare);
    free(t->durable);
    btree__table_deinit(&t->table);
    btree__space_deinit(&t->space);
    tc_buf_deinit(&t->damage.start);
    tc_buf_deinit(&t->damage.end);
    tc_buf_deinit(&t->separator);
    tc_file_close(t->file);
    free(t->path);
    free(t);
}

static struct btree_stamp stamp_of(const struct btree_version *v) {
    const struct btree_super *s = &v->super;
    return (struct btree_stamp){.index = s->index,
                                .ballot = s->ballot,
                                .chain = s->chain,
                                .blob = tc_slice(s->blob, s->blob_len)};
}

struct btree_stamp btree_durable_stamp(const struct btree *t) {
    return stamp_of(t->durable);
}

struct btree_stamp btree_snapshot_stamp(const struct btree_snapshot *s) {
    return stamp_of(s->version);
}

struct btree_stats btree_stats(const struct btree *t) {
    const struct btree_space *s = &t->space;
    return (struct btree_stats){
        .item_count = t->item_count,
        .item_bytes = t->item_bytes,
        .dirty_bytes = t->dirty_bytes,
        .cached_bytes = t->dirty_bytes + t->clean_bytes,
        .file_bytes = (uint64_t)s->page_count * BTREE_PAGE_BYTES,
        .free_bytes = (uint64_t)(s->page_count - s->busy_count) * BTREE_PAGE_BYTES,
        .page_reads = t->page_reads,
        .depth = t->levels,
    };
}

const struct btree_damage *btree_last_damage(const struct btree *t) {
    return t->damaged ? &t->damage : NULL;
}

void btree_sums(const struct btree *t, struct btree_sums *ret_sums) {
    *ret_sums = t->sums;
}
