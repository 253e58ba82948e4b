#include "engine/archive/dir.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/reader.h"

#include <stdio.h>
#include <stdlib.h>

#define FOOTER_MAGIC 0x4a424f54u

enum {
    FOOTER_BYTES = 16,
};

void dir__path(const struct objstore_dir *d, const char *key, char *to) {
    int n = snprintf(to, TC_FS_PATH_MAX, "%s/%s", d->root, key);
    TC_ASSERT(n > 0 && n < TC_FS_PATH_MAX);
}

/* Make the directories that lead to path, each durable in its parent. */
static tc_err make_parents(struct objstore_dir *d, const char *path) {
    char dir[TC_FS_PATH_MAX];
    char parent[TC_FS_PATH_MAX];
    memcpy(parent, d->root, strlen(d->root) + 1);
    const char *slash = path + strlen(d->root);
    while ((slash = strchr(slash + 1, '/')) != NULL) {
        memcpy(dir, path, (size_t)(slash - path));
        dir[slash - path] = 0;
        tc_err err = tc_fs_mkdir(d->fs, dir);
        if (err == TC_OK)
            err = tc_fs_sync_dir(d->fs, parent);
        if (err != TC_OK && err != TC_EEXISTS)
            return err;
        memcpy(parent, dir, sizeof dir);
    }
    return TC_OK;
}

static tc_err write_file(struct objstore_dir *d, const char *path, struct tc_slice bytes) {
    struct tc_buf footer = {0};
    tc_buf_append_u32(&footer, FOOTER_MAGIC);
    tc_buf_append_u32(&footer, tc_crc32c(0, bytes.data, bytes.len));
    tc_buf_append_u64(&footer, bytes.len);
    struct tc_file *f = NULL;
    tc_err err = tc_fs_open(d->fs, path, TC_FS_CREATE, &f);
    if (err == TC_OK)
        err = tc_file_truncate(f, 0);
    if (err == TC_OK && bytes.len > 0)
        err = tc_file_write_at(f, 0, bytes.data, bytes.len);
    if (err == TC_OK)
        err = tc_file_write_at(f, bytes.len, footer.data, footer.len);
    if (err == TC_OK)
        err = tc_file_sync(f);
    tc_file_close(f);
    tc_buf_deinit(&footer);
    return err;
}

static bool exists(struct objstore_dir *d, const char *path) {
    struct tc_file *f = NULL;
    if (tc_fs_open(d->fs, path, TC_FS_READ_ONLY, &f) != TC_OK)
        return false;
    tc_file_close(f);
    return true;
}

/* Make the object's name durable: a process that died may have renamed it and no more. */
static tc_err settle(struct objstore_dir *d, char *path) {
    *strrchr(path, '/') = 0;
    return tc_fs_sync_dir(d->fs, path);
}

static tc_err put(struct objstore *o, const char *key, struct tc_slice bytes) {
    struct objstore_dir *d = dir__self(o);
    char path[TC_FS_PATH_MAX];
    char temporary[TC_FS_PATH_MAX];
    if (!objstore_key_ok(key))
        return TC_EINVAL;
    if (bytes.len > OBJSTORE_OBJECT_BYTES_MAX)
        return TC_ELIMIT;
    dir__path(d, key, path);
    dir__path(d, DIR_TEMPORARY, temporary);
    if (exists(d, path))
        return settle(d, path) == TC_OK ? TC_EEXISTS : TC_EIO;
    TC_TRY(make_parents(d, path));
    TC_TRY(write_file(d, temporary, bytes));
    TC_TRY(tc_fs_rename(d->fs, temporary, path));
    return settle(d, path);
}

static tc_err open_object(struct objstore_dir *d, const char *key, struct tc_file **ret_file,
                          uint64_t *ret_len) {
    char path[TC_FS_PATH_MAX];
    if (!objstore_key_ok(key))
        return TC_EINVAL;
    dir__path(d, key, path);
    struct tc_file *f = NULL;
    TC_TRY(tc_fs_open(d->fs, path, TC_FS_READ_ONLY, &f));
    uint64_t size = 0;
    tc_err err = tc_file_size(f, &size);
    if (err == TC_OK && (size < FOOTER_BYTES || size - FOOTER_BYTES > OBJSTORE_OBJECT_BYTES_MAX))
        err = TC_ECORRUPT;
    if (err != TC_OK) {
        tc_file_close(f);
        return err;
    }
    *ret_file = f;
    *ret_len = size - FOOTER_BYTES;
    return TC_OK;
}

static bool footer_ok(const uint8_t *footer, struct tc_slice content) {
    struct tc_reader r = tc_reader(tc_slice(footer, FOOTER_BYTES));
    return tc_reader_u32(&r) == FOOTER_MAGIC &&
           tc_reader_u32(&r) == tc_crc32c(0, content.data, content.len) &&
           tc_reader_u64(&r) == content.len;
}

static tc_err get(struct objstore *o, const char *key, struct tc_buf *out) {
    struct tc_file *f = NULL;
    uint64_t len = 0;
    TC_TRY(open_object(dir__self(o), key, &f, &len));
    size_t before = out->len;
    uint8_t *to = tc_buf_extend(out, (size_t)len + FOOTER_BYTES);
    tc_err err = tc_file_read_at(f, 0, to, (size_t)len + FOOTER_BYTES);
    tc_file_close(f);
    if (err == TC_OK && !footer_ok(to + len, tc_slice(to, (size_t)len)))
        err = TC_ECORRUPT;
    out->len = err == TC_OK ? before + (size_t)len : before;
    return err;
}

static tc_err get_range(struct objstore *o, const char *key, uint64_t offset, size_t len,
                        struct tc_buf *out) {
    struct tc_file *f = NULL;
    uint64_t total = 0;
    TC_TRY(open_object(dir__self(o), key, &f, &total));
    tc_err err = offset <= total && len <= total - offset ? TC_OK : TC_EEND;
    size_t before = out->len;
    if (err == TC_OK)
        err = tc_file_read_at(f, offset, tc_buf_extend(out, len), len);
    if (err != TC_OK)
        out->len = before;
    tc_file_close(f);
    return err;
}

static tc_err head(struct objstore *o, const char *key, uint64_t *ret_size_bytes) {
    struct tc_file *f = NULL;
    TC_TRY(open_object(dir__self(o), key, &f, ret_size_bytes));
    tc_file_close(f);
    return TC_OK;
}

static tc_err remove_object(struct objstore *o, const char *key) {
    struct objstore_dir *d = dir__self(o);
    char path[TC_FS_PATH_MAX];
    if (!objstore_key_ok(key))
        return TC_EINVAL;
    dir__path(d, key, path);
    tc_err err = tc_fs_unlink(d->fs, path);
    if (err == TC_ENOTFOUND)
        return TC_OK;
    TC_TRY(err);
    return settle(d, path);
}

static void free_store(struct objstore *o) {
    free(dir__self(o));
}

static const struct objstore_ops DIR_OPS = {
    .put = put,
    .get = get,
    .get_range = get_range,
    .head = head,
    .list = dir__list,
    .remove = remove_object,
    .free = free_store,
};

tc_err objstore_dir_new(struct tc_fs *fs, const char *dir, struct objstore **ret_store) {
    struct objstore_dir *d = calloc(1, sizeof *d);
    if (d == NULL)
        return TC_ENOMEM;
    if (strlen(dir) + 8 > sizeof d->root) {
        free(d);
        return TC_EINVAL;
    }
    d->store.ops = &DIR_OPS;
    d->fs = fs;
    memcpy(d->root, dir, strlen(dir) + 1);
    *ret_store = &d->store;
    return TC_OK;
}
