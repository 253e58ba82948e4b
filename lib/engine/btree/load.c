#include "engine/btree/btree_private.h"

#include <stdlib.h>

enum {
    LOAD_DIRTY_BYTES = 64 << 20, /* built pages go to disk when this much waits */
};

struct btree_load {
    struct tc_fs *fs;
    struct btree *tree;
    size_t dirty_bytes_max;
    char path[TC_FS_PATH_MAX];
    struct tc_buf last_key;
};

tc_err btree_load_begin(struct tc_fs *fs, const char *path, const struct btree_opts *opts,
                        struct btree_load **ret_load) {
    static const char suffix[] = ".load";
    char temporary[TC_FS_PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len + sizeof suffix > sizeof temporary)
        return TC_EINVAL;
    memcpy(temporary, path, len);
    memcpy(temporary + len, suffix, sizeof suffix);
    TC_TRY(btree__create(fs, temporary, opts->gid));
    struct btree *tree = NULL;
    TC_TRY(btree_open(fs, temporary, opts, &tree));
    struct btree_load *l = calloc(1, sizeof *l);
    TC_ASSERT(l != NULL);
    l->fs = fs;
    l->tree = tree;
    l->dirty_bytes_max = tree->dirty_bytes_max / 2;
    if (l->dirty_bytes_max > LOAD_DIRTY_BYTES)
        l->dirty_bytes_max = LOAD_DIRTY_BYTES;
    memcpy(l->path, path, len + 1);
    *ret_load = l;
    return TC_OK;
}

tc_err btree_load_add(struct btree_load *l, struct tc_slice key, struct tc_slice value) {
    if (tc_slice_cmp(tc_buf_slice(&l->last_key), key) >= 0)
        return TC_EINVAL;
    if (l->tree->dirty_bytes >= l->dirty_bytes_max)
        TC_TRY(btree_checkpoint(l->tree, &(struct btree_stamp){.index = 0}));
    TC_TRY(btree_put(l->tree, key, value));
    tc_buf_clear(&l->last_key);
    tc_buf_append_slice(&l->last_key, key);
    return TC_OK;
}

void btree_load_sums(const struct btree_load *l, struct btree_sums *ret_sums) {
    btree_sums(l->tree, ret_sums);
}

static void load_free(struct btree_load *l) {
    btree_close(l->tree);
    tc_buf_deinit(&l->last_key);
    free(l);
}

tc_err btree_load_finish(struct btree_load *l, const struct btree_stamp *stamp) {
    tc_err err = btree_checkpoint(l->tree, stamp);
    if (err == TC_OK)
        err = tc_fs_rename(l->fs, l->tree->path, l->path);
    if (err == TC_OK)
        err = btree__sync_parent(l->fs, l->path);
    load_free(l);
    return err;
}

void btree_load_abort(struct btree_load *l) {
    if (!l)
        return;
    /* A leftover is overwritten by the next load, so failing to remove it harms nothing. */
    TC_IGNORE(tc_fs_unlink(l->fs, l->tree->path));
    load_free(l);
}
