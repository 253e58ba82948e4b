#include "engine/store/file.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/reader.h"
#include "env/fs.h"

#include <stdio.h>

enum {
    FILE_MAGIC = 0x31667474, /* "ttf1" */
    FILE_HEADER_BYTES = 12,
};

static tc_err join(char *path, size_t cap, const char *dir, const char *name, const char *suffix) {
    int len = snprintf(path, cap, "%s/%s%s", dir, name, suffix);
    return len > 0 && (size_t)len < cap ? TC_OK : TC_EINVAL;
}

static tc_err write_whole(struct tc_fs *fs, const char *path, struct tc_slice bytes) {
    struct tc_file *f = NULL;
    TC_TRY(tc_fs_open(fs, path, TC_FS_CREATE, &f));
    tc_err err = tc_file_truncate(f, 0);
    if (err == TC_OK)
        err = tc_file_write_at(f, 0, bytes.data, bytes.len);
    if (err == TC_OK)
        err = tc_file_sync(f);
    tc_file_close(f);
    return err;
}

tc_err store__file_save(struct tc_fs *fs, const char *dir, const char *name,
                        struct tc_slice content) {
    TC_ASSERT(content.len <= STORE_FILE_BYTES_MAX);
    char path[TC_FS_PATH_MAX], beside[TC_FS_PATH_MAX];
    TC_TRY(join(path, sizeof path, dir, name, ""));
    TC_TRY(join(beside, sizeof beside, dir, name, ".new"));
    struct tc_buf b = {0};
    tc_buf_append_u32(&b, FILE_MAGIC);
    tc_buf_append_u32(&b, tc_crc32c(0, content.data, content.len));
    tc_buf_append_u32(&b, (uint32_t)content.len);
    tc_buf_append_slice(&b, content);
    tc_err err = write_whole(fs, beside, tc_buf_slice(&b));
    tc_buf_deinit(&b);
    TC_TRY(err);
    TC_TRY(tc_fs_rename(fs, beside, path));
    return tc_fs_sync_dir(fs, dir);
}

static tc_err read_whole(struct tc_file *f, struct tc_buf *out) {
    uint64_t size = 0;
    TC_TRY(tc_file_size(f, &size));
    if (size < FILE_HEADER_BYTES || size > STORE_FILE_BYTES_MAX + FILE_HEADER_BYTES)
        return TC_ECORRUPT;
    tc_err err = tc_file_read_at(f, 0, tc_buf_extend(out, (size_t)size), (size_t)size);
    return err == TC_EEND ? TC_ECORRUPT : err;
}

tc_err store__file_load(struct tc_fs *fs, const char *dir, const char *name,
                        struct tc_buf *ret_content) {
    char path[TC_FS_PATH_MAX];
    TC_TRY(join(path, sizeof path, dir, name, ""));
    struct tc_file *f = NULL;
    TC_TRY(tc_fs_open(fs, path, TC_FS_READ_ONLY, &f));
    struct tc_buf b = {0};
    tc_err err = read_whole(f, &b);
    tc_file_close(f);
    if (err == TC_OK) {
        struct tc_reader r = tc_reader(tc_buf_slice(&b));
        uint32_t magic = tc_reader_u32(&r), crc = tc_reader_u32(&r), len = tc_reader_u32(&r);
        if (magic != FILE_MAGIC || len != r.rest.len || crc != tc_crc32c(0, r.rest.data, len))
            err = TC_ECORRUPT;
        else
            tc_buf_append_slice(ret_content, r.rest);
    }
    tc_buf_deinit(&b);
    return err;
}

tc_err store__file_remove(struct tc_fs *fs, const char *dir, const char *name) {
    char path[TC_FS_PATH_MAX];
    TC_TRY(join(path, sizeof path, dir, name, ""));
    tc_err err = tc_fs_unlink(fs, path);
    if (err == TC_ENOTFOUND)
        return TC_OK;
    TC_TRY(err);
    return tc_fs_sync_dir(fs, dir);
}
