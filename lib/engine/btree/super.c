#include "engine/btree/btree_private.h"

#include "base/crc32c.h"
#include <stdlib.h>

void btree__super_seal(struct btree_super *s) {
    s->magic = BTREE_SUPER_MAGIC;
    s->version = BTREE_SUPER_VERSION;
    s->page_bytes = BTREE_PAGE_BYTES;
    s->crc = tc_crc32c(0, (const uint8_t *)s + 4, sizeof *s - 4);
}

const char *btree__super_check(const struct btree_super *s, uint64_t gid) {
    if (s->crc != tc_crc32c(0, (const uint8_t *)s + 4, sizeof *s - 4))
        return "checksum of the superblock does not match its bytes";
    if (s->magic != BTREE_SUPER_MAGIC || s->version != BTREE_SUPER_VERSION ||
        s->page_bytes != BTREE_PAGE_BYTES)
        return "not a superblock of this format";
    if (s->gid != gid)
        return "superblock of another group";
    if (s->page_count < BTREE_SUPER_COUNT || s->page_count > BTREE_PAGE_COUNT_MAX || s->slot > 1 ||
        s->blob_len > BTREE_BLOB_BYTES_MAX || s->gen == 0)
        return "superblock out of range";
    if (s->root >= s->page_count || (s->root == 0) != (s->levels == 0) ||
        s->levels > BTREE_DEPTH_MAX || s->map_page >= s->page_count)
        return "superblock out of range";
    return NULL;
}

tc_err btree__super_read(struct tc_file *file, uint64_t gid, struct btree_super *ret_super) {
    struct btree_super *s = malloc(sizeof *s);
    TC_ASSERT(s != NULL);
    uint64_t newest = 0;
    tc_err result = TC_ECORRUPT;
    for (uint32_t i = 0; i < BTREE_SUPER_COUNT; i++) {
        tc_err err = tc_file_read_at(file, (uint64_t)i * BTREE_PAGE_BYTES, s, sizeof *s);
        if (err != TC_OK && err != TC_EEND) {
            result = err;
            break;
        }
        if (err == TC_EEND || btree__super_check(s, gid) != NULL || s->slot != i % 2)
            continue;
        if (s->gen > newest) {
            newest = s->gen;
            *ret_super = *s;
            result = TC_OK;
        }
    }
    free(s);
    return result;
}

tc_err btree__super_write(struct tc_file *file, const struct btree_super *s) {
    for (uint32_t i = s->slot; i < BTREE_SUPER_COUNT; i += 2)
        TC_TRY(tc_file_write_at(file, (uint64_t)i * BTREE_PAGE_BYTES, s, sizeof *s));
    return tc_file_sync(file);
}

tc_err btree__super_mend(struct tc_file *file, const struct btree_super *s, bool *ret_mended) {
    struct btree_super *copy = malloc(sizeof *copy);
    TC_ASSERT(copy != NULL);
    bool whole = true;
    tc_err err = TC_OK;
    for (uint32_t i = s->slot; i < BTREE_SUPER_COUNT && err == TC_OK; i += 2) {
        err = tc_file_read_at(file, (uint64_t)i * BTREE_PAGE_BYTES, copy, sizeof *copy);
        if (err == TC_EEND || (err == TC_OK && memcmp(copy, s, sizeof *s) != 0)) {
            whole = false;
            err = TC_OK;
        }
    }
    free(copy);
    if (err == TC_OK && !whole)
        err = btree__super_write(file, s);
    if (err == TC_OK)
        *ret_mended = !whole;
    return err;
}

struct btree_version *btree__version_new(struct btree *t) {
    TC_ASSERT(t->version_count < BTREE_VERSION_MAX);
    struct btree_version *v = calloc(1, sizeof *v);
    TC_ASSERT(v != NULL);
    v->refs = 1;
    t->versions[t->version_count++] = v;
    return v;
}

/* Most of a superblock is room for a blob: nobody needs it in memory once it is on the disk. */
struct btree_version *btree__version_shrink(struct btree *t, struct btree_version *v) {
    uint32_t i = 0;
    while (t->versions[i] != v)
        i++;
    TC_ASSERT(v->refs == 1);
    size_t bytes = offsetof(struct btree_version, super.blob) + v->super.blob_len;
    struct btree_version *small = realloc(v, bytes);
    TC_ASSERT(small != NULL);
    t->versions[i] = small;
    return small;
}

struct btree_version *btree__version_ref(struct btree_version *v) {
    TC_ASSERT(v->refs > 0);
    v->refs++;
    return v;
}

void btree__version_unref(struct btree *t, struct btree_version *v) {
    TC_ASSERT(v->refs > 0);
    if (--v->refs > 0)
        return;
    uint32_t i = 0;
    while (i < t->version_count && t->versions[i] != v)
        i++;
    TC_ASSERT(i < t->version_count);
    t->versions[i] = t->versions[--t->version_count];
    free(v);
    btree__space_sweep(t);
}

tc_err btree__sync_parent(struct tc_fs *fs, const char *path) {
    char dir[TC_FS_PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash)
        return tc_fs_sync_dir(fs, ".");
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    memcpy(dir, path, len);
    dir[len] = 0;
    return tc_fs_sync_dir(fs, dir);
}

static tc_err write_empty(struct tc_file *file, uint64_t gid) {
    struct btree_super *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->gid = gid;
    s->gen = 1;
    s->page_count = BTREE_SUPER_COUNT;
    btree__super_seal(s);
    tc_err err = tc_file_truncate(file, 0);
    if (err == TC_OK)
        err = btree__super_write(file, s);
    free(s);
    return err;
}

tc_err btree__create(struct tc_fs *fs, const char *path, uint64_t gid) {
    static const char suffix[] = ".new";
    char temporary[TC_FS_PATH_MAX];
    size_t len = strlen(path);
    if (len + sizeof suffix > sizeof temporary)
        return TC_EINVAL;
    memcpy(temporary, path, len);
    memcpy(temporary + len, suffix, sizeof suffix);
    struct tc_file *file = NULL;
    TC_TRY(tc_fs_open(fs, temporary, TC_FS_CREATE, &file));
    tc_err err = write_empty(file, gid);
    tc_file_close(file);
    if (err == TC_OK)
        err = tc_fs_rename(fs, temporary, path);
    return err == TC_OK ? btree__sync_parent(fs, path) : err;
}
