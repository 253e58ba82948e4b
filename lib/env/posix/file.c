#include "base/assert.h"
#include "env/posix/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ZERO_BYTES = 1 << 20, /* one write of prewrite */
};

struct posix_file {
    struct tc_file file;
    int fd;
    bool direct;
};

static struct posix_file *self(struct tc_file *f) {
    return TC_CONTAINER(f, struct posix_file, file);
}

/* Some file systems take O_DIRECT at open and refuse it at the first access. */
static bool drop_direct(struct posix_file *p) {
    if (!p->direct)
        return false;
    int flags = fcntl(p->fd, F_GETFL);
    if (flags < 0 || fcntl(p->fd, F_SETFL, flags & ~O_DIRECT) != 0)
        return false;
    p->direct = false;
    return true;
}

static tc_err read_at(struct tc_file *f, uint64_t offset, void *data, size_t len) {
    struct posix_file *p = self(f);
    uint8_t *to = data;
    while (len > 0) {
        ssize_t n = pread(p->fd, to, len, (off_t)offset);
        if (n == 0)
            return TC_EEND;
        if (n < 0 && (errno == EINTR || (errno == EINVAL && drop_direct(p))))
            continue;
        if (n < 0)
            return posix__err(errno);
        to += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return TC_OK;
}

static tc_err write_at(struct tc_file *f, uint64_t offset, const void *data, size_t len) {
    struct posix_file *p = self(f);
    const uint8_t *from = data;
    while (len > 0) {
        ssize_t n = pwrite(p->fd, from, len, (off_t)offset);
        if (n < 0 && (errno == EINTR || (errno == EINVAL && drop_direct(p))))
            continue;
        if (n < 0)
            return posix__err(errno);
        if (n == 0)
            return TC_EIO;
        from += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return TC_OK;
}

/* EINTR is an error here too: whether the sync happened is unknown. */
static tc_err sync_file(struct tc_file *f) {
    return fdatasync(self(f)->fd) == 0 ? TC_OK : TC_EIO;
}

static tc_err size(struct tc_file *f, uint64_t *ret_bytes) {
    struct stat st;
    if (fstat(self(f)->fd, &st) != 0)
        return posix__err(errno);
    *ret_bytes = (uint64_t)st.st_size;
    return TC_OK;
}

static tc_err truncate_file(struct tc_file *f, uint64_t size_bytes) {
    return ftruncate(self(f)->fd, (off_t)size_bytes) == 0 ? TC_OK : posix__err(errno);
}

static tc_err write_zeros(struct tc_file *f, uint64_t from, uint64_t to) {
    void *zeros = NULL;
    if (posix_memalign(&zeros, TC_FS_BLOCK_BYTES, ZERO_BYTES) != 0)
        return TC_ENOMEM;
    memset(zeros, 0, ZERO_BYTES);
    tc_err err = TC_OK;
    while (err == TC_OK && from < to) {
        size_t len = to - from < ZERO_BYTES ? (size_t)(to - from) : ZERO_BYTES;
        err = write_at(f, from, zeros, len);
        from += len;
    }
    free(zeros);
    return err;
}

static tc_err prewrite(struct tc_file *f, uint64_t size_bytes) {
    uint64_t from = 0;
    TC_TRY(size(f, &from));
    if (from >= size_bytes)
        return TC_OK;
    /* Ask for all the space first: a full disk is then noticed before anything is written. File
     * systems without fallocate just write. */
    if (fallocate(self(f)->fd, 0, (off_t)from, (off_t)(size_bytes - from)) != 0 &&
        errno != EOPNOTSUPP)
        return posix__err(errno);
    uint64_t aligned = (from + TC_FS_BLOCK_BYTES - 1) / TC_FS_BLOCK_BYTES * TC_FS_BLOCK_BYTES;
    if (aligned < size_bytes)
        TC_TRY(write_zeros(f, aligned, size_bytes));
    return sync_file(f);
}

static void close_file(struct tc_file *f) {
    struct posix_file *p = self(f);
    close(p->fd);
    free(p);
}

static const struct tc_file_ops FILE_OPS = {
    .read_at = read_at,
    .write_at = write_at,
    .sync = sync_file,
    .size = size,
    .truncate = truncate_file,
    .prewrite = prewrite,
    .close = close_file,
};

static int system_flags(unsigned flags) {
    int out = O_CLOEXEC | (flags & TC_FS_READ_ONLY ? O_RDONLY : O_RDWR);
    if (flags & TC_FS_CREATE)
        out |= O_CREAT;
    if (flags & TC_FS_EXCLUSIVE)
        out |= O_EXCL;
    if (flags & TC_FS_DIRECT)
        out |= O_DIRECT;
    if (flags & TC_FS_DSYNC)
        out |= O_DSYNC;
    return out;
}

tc_err posix__open(struct tc_fs *fs, const char *path, unsigned flags, struct tc_file **ret_file) {
    (void)fs;
    if (strlen(path) >= TC_FS_PATH_MAX)
        return TC_EINVAL;
    bool direct = (flags & TC_FS_DIRECT) != 0;
    int fd = open(path, system_flags(flags), 0644);
    if (fd < 0 && errno == EINVAL && direct) {
        /* The refused open may have created the file: it is not in the way of the second one. */
        direct = false;
        fd = open(path, system_flags(flags & ~(unsigned)(TC_FS_DIRECT | TC_FS_EXCLUSIVE)), 0644);
    }
    if (fd < 0)
        return posix__err(errno);
    struct posix_file *p = calloc(1, sizeof *p);
    if (p == NULL) {
        close(fd);
        return TC_ENOMEM;
    }
    *p = (struct posix_file){.file = {.ops = &FILE_OPS}, .fd = fd, .direct = direct};
    *ret_file = &p->file;
    return TC_OK;
}
