#include "base/buf.h"
#include "env/posix/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

tc_err posix__err(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return TC_ENOTFOUND;
    case EEXIST:
        return TC_EEXISTS;
    case ENOTEMPTY:
        return TC_EBUSY;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return TC_EFULL;
    case ENAMETOOLONG:
    case EINVAL:
        return TC_EINVAL;
    case ENOMEM:
        return TC_ENOMEM;
    default:
        return TC_EIO;
    }
}

static tc_err rename_file(struct tc_fs *fs, const char *from, const char *to) {
    (void)fs;
    return rename(from, to) == 0 ? TC_OK : posix__err(errno);
}

static tc_err unlink_name(struct tc_fs *fs, const char *path) {
    (void)fs;
    if (unlink(path) == 0)
        return TC_OK;
    if ((errno == EISDIR || errno == EPERM) && rmdir(path) == 0)
        return TC_OK;
    return posix__err(errno);
}

static tc_err make_dir(struct tc_fs *fs, const char *path) {
    (void)fs;
    return mkdir(path, 0755) == 0 ? TC_OK : posix__err(errno);
}

/* Byte order, not the locale's: both file systems list alike. */
static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *e) {
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static tc_err list(struct tc_fs *fs, const char *dir, tc_fs_visit *visit, void *user) {
    (void)fs;
    struct dirent **names = NULL;
    int count = scandir(dir, &names, not_dots, by_bytes);
    if (count < 0)
        return posix__err(errno);
    for (int i = 0; i < count; i++) {
        visit(user, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return TC_OK;
}

static tc_err sync_dir(struct tc_fs *fs, const char *dir) {
    (void)fs;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return posix__err(errno);
    tc_err err = fsync(fd) == 0 ? TC_OK : TC_EIO;
    close(fd);
    return err;
}

static tc_err space(struct tc_fs *fs, const char *dir, struct tc_fs_space *ret_space) {
    (void)fs;
    struct statvfs st;
    if (statvfs(dir, &st) != 0)
        return posix__err(errno);
    *ret_space = (struct tc_fs_space){
        .total_bytes = (uint64_t)st.f_blocks * st.f_frsize,
        .free_bytes = (uint64_t)st.f_bavail * st.f_frsize,
    };
    return TC_OK;
}

static const struct tc_fs_ops FS_OPS = {
    .open = posix__open,
    .rename = rename_file,
    .unlink = unlink_name,
    .mkdir = make_dir,
    .list = list,
    .sync_dir = sync_dir,
    .space = space,
};

void posix_fs_init(struct posix_fs *p) {
    p->fs.ops = &FS_OPS;
}
