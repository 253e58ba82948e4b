/* tc_fs: the file system as the storage engine sees it; posix and simulated implementations.
 *
 * An object with a table of functions (tc_fs, tc_file), so that the same engine code runs on a real
 * disk (env/posix) and on one that tears, loses, rots and fills up by a seed (env/sim).
 *
 * What the engine may rely on after a crash, and nothing more:
 *   - bytes are durable after tc_file_sync, or after the write itself for a TC_FS_DSYNC file;
 *   - bytes written but not synced survive per 512-byte sector, in any combination;
 *   - a new, renamed or removed name is durable after tc_fs_sync_dir of its directory;
 *   - rename replaces the target atomically;
 *   - after a failed write or sync nothing is known about the file's unsynced bytes, and a later
 *     successful sync does not vouch for them: the caller must stop using the file.
 *
 * Threads: different files may be used by different threads at once; one file by one writer and any
 * number of readers of other byte ranges. env/sim is single threaded.
 * Memory: tc_fs belongs to its implementation and outlives every file opened through it.
 * Limits: TC_FS_PATH_MAX bytes of path with the final zero; '/' separates.
 */
#ifndef TC_ENV_FS_H
#define TC_ENV_FS_H

#include "base/err.h"
#include "base/slice.h"

enum {
    TC_FS_PATH_MAX = 1024,
    /* What offset, length and memory of a TC_FS_DIRECT access are multiples of. */
    TC_FS_BLOCK_BYTES = 4096,
    TC_FS_SECTOR_BYTES = 512, /* the unit that a crash keeps or loses */
};

enum tc_fs_flags {
    TC_FS_CREATE = 1,    /* make the file if it is missing (empty) */
    TC_FS_EXCLUSIVE = 2, /* with TC_FS_CREATE: TC_EEXISTS if it is there */
    TC_FS_DIRECT = 4,    /* bypass the page cache where the file system can; callers align anyway */
    TC_FS_DSYNC = 8,     /* each write returns durable (data, and size when it grew) */
    TC_FS_READ_ONLY = 16,
};

struct tc_file;

/* One name in a directory, in ascending byte order. */
typedef void tc_fs_visit(void *user, const char *name);

struct tc_fs_space {
    uint64_t total_bytes;
    uint64_t free_bytes; /* what this process may still use */
};

struct tc_fs {
    const struct tc_fs_ops *ops;
};

struct tc_file {
    const struct tc_file_ops *ops;
};

struct tc_fs_ops {
    tc_err (*open)(struct tc_fs *fs, const char *path, unsigned flags, struct tc_file **ret_file);
    tc_err (*rename)(struct tc_fs *fs, const char *from, const char *to);
    tc_err (*unlink)(struct tc_fs *fs, const char *path);
    tc_err (*mkdir)(struct tc_fs *fs, const char *path);
    tc_err (*list)(struct tc_fs *fs, const char *dir, tc_fs_visit *visit, void *user);
    tc_err (*sync_dir)(struct tc_fs *fs, const char *dir);
    tc_err (*space)(struct tc_fs *fs, const char *dir, struct tc_fs_space *ret_space);
};

struct tc_file_ops {
    tc_err (*read_at)(struct tc_file *f, uint64_t offset, void *data, size_t len);
    tc_err (*write_at)(struct tc_file *f, uint64_t offset, const void *data, size_t len);
    tc_err (*sync)(struct tc_file *f);
    tc_err (*size)(struct tc_file *f, uint64_t *ret_bytes);
    tc_err (*truncate)(struct tc_file *f, uint64_t size_bytes);
    tc_err (*prewrite)(struct tc_file *f, uint64_t size_bytes);
    void (*close)(struct tc_file *f);
};

/* Open or create a file.
 *   Errors   TC_ENOTFOUND  no such file (without TC_FS_CREATE) or directory
 *            TC_EEXISTS    TC_FS_EXCLUSIVE and it is there
 *            TC_EINVAL     path too long
 *            TC_EFULL, TC_EIO
 */
TC_MUST_USE static inline tc_err tc_fs_open(struct tc_fs *fs, const char *path, unsigned flags,
                                            struct tc_file **ret_file) {
    return fs->ops->open(fs, path, flags, ret_file);
}

/* Give a file another name in the same file system, replacing what has that name.
 *   Errors   TC_ENOTFOUND, TC_EFULL, TC_EIO
 */
TC_MUST_USE static inline tc_err tc_fs_rename(struct tc_fs *fs, const char *from, const char *to) {
    return fs->ops->rename(fs, from, to);
}

/* Remove a file's name; open files stay usable until closed. A directory is removed when empty.
 *   Errors   TC_ENOTFOUND, TC_EBUSY (directory not empty), TC_EIO
 */
TC_MUST_USE static inline tc_err tc_fs_unlink(struct tc_fs *fs, const char *path) {
    return fs->ops->unlink(fs, path);
}

/* Make one directory; its parent must be there.
 *   Errors   TC_EEXISTS, TC_ENOTFOUND (parent), TC_EFULL, TC_EIO
 */
TC_MUST_USE static inline tc_err tc_fs_mkdir(struct tc_fs *fs, const char *path) {
    return fs->ops->mkdir(fs, path);
}

/* Visit the names in a directory (files and directories, without . and ..) in byte order.
 * The visitor must not change the directory.
 *   Errors   TC_ENOTFOUND, TC_EIO
 */
TC_MUST_USE static inline tc_err tc_fs_list(struct tc_fs *fs, const char *dir, tc_fs_visit *visit,
                                            void *user) {
    return fs->ops->list(fs, dir, visit, user);
}

/* Make the names in a directory durable.
 *   Errors   TC_ENOTFOUND, TC_EIO
 */
TC_MUST_USE static inline tc_err tc_fs_sync_dir(struct tc_fs *fs, const char *dir) {
    return fs->ops->sync_dir(fs, dir);
}

TC_MUST_USE static inline tc_err tc_fs_space(struct tc_fs *fs, const char *dir,
                                             struct tc_fs_space *ret_space) {
    return fs->ops->space(fs, dir, ret_space);
}

/* Read exactly len bytes.
 *   Errors   TC_EEND  the file ends before offset + len; data is unspecified
 *            TC_EIO   data is unspecified
 */
TC_MUST_USE static inline tc_err tc_file_read_at(struct tc_file *f, uint64_t offset, void *data,
                                                 size_t len) {
    return f->ops->read_at(f, offset, data, len);
}

/* Write all of len bytes, growing the file if needed (a gap reads as zeros).
 *   Errors   TC_EFULL, TC_EIO: an unknown part was written
 */
TC_MUST_USE static inline tc_err tc_file_write_at(struct tc_file *f, uint64_t offset,
                                                  const void *data, size_t len) {
    return f->ops->write_at(f, offset, data, len);
}

/* Make every write so far durable (data and size; not the name: tc_fs_sync_dir).
 *   Errors   TC_EIO: see the top; never call it again hoping for better
 */
TC_MUST_USE static inline tc_err tc_file_sync(struct tc_file *f) {
    return f->ops->sync(f);
}

TC_MUST_USE static inline tc_err tc_file_size(struct tc_file *f, uint64_t *ret_bytes) {
    return f->ops->size(f, ret_bytes);
}

/* Cut or extend (zeros, unallocated) to size_bytes. */
TC_MUST_USE static inline tc_err tc_file_truncate(struct tc_file *f, uint64_t size_bytes) {
    return f->ops->truncate(f, size_bytes);
}

/* Extend to size_bytes with allocated, zero-written and synced blocks, so that later writes in that
 * range neither run out of space nor change metadata (MEASURED.md 5). Old content stays.
 *   Errors   TC_EFULL, TC_EIO: the file may have grown
 */
TC_MUST_USE static inline tc_err tc_file_prewrite(struct tc_file *f, uint64_t size_bytes) {
    return f->ops->prewrite(f, size_bytes);
}

/* NULL is a no-op. Does not sync. */
static inline void tc_file_close(struct tc_file *f) {
    if (f)
        f->ops->close(f);
}

#endif
