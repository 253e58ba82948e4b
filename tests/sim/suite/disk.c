/* The node's disk under the name that daemons know: env/posix, made of env/sim. Each call costs its
 * thread virtual time. Paths below "archive" are the object store's own disk. */
#include "sim/suite/suite.h"

#include "base/assert.h"
#include "env/posix/posix.h"

#include <stdlib.h>
#include <string.h>

struct disk_file {
    struct tc_file file;
    struct tc_file *inner;
    struct sim_fs *fs;
    bool dsync;
};

static struct sim_fs *of_path(const char *path) {
    struct suite_proc *p = suite_proc_self();
    return strncmp(path, "archive", 7) == 0 ? p->suite->archive_fs : p->fs;
}

/* What the call cost; sixteen times that while the disk is slow. */
static tc_err spent(struct sim_fs *fs, tc_err err) {
    struct suite_proc *p = suite_proc_self();
    uint64_t ns = sim_fs_take_busy_ns(fs);
    if (p->suite->now_ns < p->slow_until_ns)
        ns *= 16;
    if (ns > 0)
        suite_sleep(ns);
    return err;
}

/* A write or sync becomes durable at its end: until then a crash undoes it. */
static void before_durable(void) {
    struct suite_proc *p = suite_proc_self();
    uint64_t ns = p->suite->swarm.disk_sync_ns;
    suite_sleep(p->suite->now_ns < p->slow_until_ns ? ns * 16 : ns);
}

static struct disk_file *file_of(struct tc_file *f) {
    return TC_CONTAINER(f, struct disk_file, file);
}

static tc_err file_read_at(struct tc_file *f, uint64_t offset, void *data, size_t len) {
    struct disk_file *d = file_of(f);
    return spent(d->fs, tc_file_read_at(d->inner, offset, data, len));
}

static tc_err file_write_at(struct tc_file *f, uint64_t offset, const void *data, size_t len) {
    struct disk_file *d = file_of(f);
    if (d->dsync)
        before_durable();
    return spent(d->fs, tc_file_write_at(d->inner, offset, data, len));
}

static tc_err file_sync(struct tc_file *f) {
    struct disk_file *d = file_of(f);
    before_durable();
    return spent(d->fs, tc_file_sync(d->inner));
}

static tc_err file_size(struct tc_file *f, uint64_t *ret_bytes) {
    return tc_file_size(file_of(f)->inner, ret_bytes);
}

static tc_err file_truncate(struct tc_file *f, uint64_t size_bytes) {
    return tc_file_truncate(file_of(f)->inner, size_bytes);
}

static tc_err file_prewrite(struct tc_file *f, uint64_t size_bytes) {
    struct disk_file *d = file_of(f);
    return spent(d->fs, tc_file_prewrite(d->inner, size_bytes));
}

static void file_close(struct tc_file *f) {
    struct disk_file *d = file_of(f);
    tc_file_close(d->inner);
    free(d);
}

static const struct tc_file_ops file_ops = {
    .read_at = file_read_at,
    .write_at = file_write_at,
    .sync = file_sync,
    .size = file_size,
    .truncate = file_truncate,
    .prewrite = file_prewrite,
    .close = file_close,
};

static tc_err disk_open(struct tc_fs *fs, const char *path, unsigned flags,
                        struct tc_file **ret_file) {
    (void)fs;
    struct sim_fs *sim = of_path(path);
    struct tc_file *inner = NULL;
    TC_TRY(tc_fs_open(sim_fs_fs(sim), path, flags, &inner));
    struct disk_file *d = calloc(1, sizeof *d);
    TC_ASSERT(d != NULL);
    *d = (struct disk_file){{&file_ops}, inner, sim, flags & TC_FS_DSYNC};
    *ret_file = &d->file;
    return TC_OK;
}

static tc_err disk_rename(struct tc_fs *fs, const char *from, const char *to) {
    (void)fs;
    return tc_fs_rename(sim_fs_fs(of_path(from)), from, to);
}

static tc_err disk_unlink(struct tc_fs *fs, const char *path) {
    (void)fs;
    return tc_fs_unlink(sim_fs_fs(of_path(path)), path);
}

static tc_err disk_mkdir(struct tc_fs *fs, const char *path) {
    (void)fs;
    return tc_fs_mkdir(sim_fs_fs(of_path(path)), path);
}

static tc_err disk_list(struct tc_fs *fs, const char *dir, tc_fs_visit *visit, void *user) {
    (void)fs;
    return tc_fs_list(sim_fs_fs(of_path(dir)), dir, visit, user);
}

static tc_err disk_sync_dir(struct tc_fs *fs, const char *dir) {
    (void)fs;
    struct sim_fs *sim = of_path(dir);
    return spent(sim, tc_fs_sync_dir(sim_fs_fs(sim), dir));
}

static tc_err disk_space(struct tc_fs *fs, const char *dir, struct tc_fs_space *ret_space) {
    (void)fs;
    return tc_fs_space(sim_fs_fs(of_path(dir)), dir, ret_space);
}

static const struct tc_fs_ops fs_ops = {
    .open = disk_open,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .mkdir = disk_mkdir,
    .list = disk_list,
    .sync_dir = disk_sync_dir,
    .space = disk_space,
};

void posix_fs_init(struct posix_fs *p) {
    p->fs = (struct tc_fs){&fs_ops};
}
