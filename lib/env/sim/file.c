#include "base/assert.h"
#include "env/sim/private.h"

#include <stdlib.h>

struct sim_file {
    struct tc_file file;
    struct sim_fs *s;
    struct sim_node *node;
    unsigned flags;
    uint64_t epoch;
    char path[TC_FS_PATH_MAX];
};

static struct sim_file *self(struct tc_file *f) {
    return TC_CONTAINER(f, struct sim_file, file);
}

static bool dead(const struct sim_file *f) {
    return f->s->down || f->epoch != f->s->epoch;
}

/* What O_DIRECT demands is demanded here too, so that a slip shows before a real disk sees it. */
static void check_aligned(const struct sim_file *f, uint64_t offset, const void *data, size_t len) {
    if (!(f->flags & TC_FS_DIRECT))
        return;
    TC_ASSERT(offset % TC_FS_BLOCK_BYTES == 0 && len % TC_FS_BLOCK_BYTES == 0);
    TC_ASSERT((uintptr_t)data % TC_FS_BLOCK_BYTES == 0);
}

static tc_err read_at(struct tc_file *file, uint64_t offset, void *data, size_t len) {
    struct sim_file *f = self(file);
    struct sim_fs *s = f->s;
    check_aligned(f, offset, data, len);
    if (dead(f))
        return TC_EIO;
    s->counters.reads++;
    s->counters.read_bytes += len;
    s->busy_ns += s->latency.read_ns + len / 1024 * s->latency.kib_ns;
    if (sim__fault(s, SIM_READ_ERROR, f->path))
        return TC_EIO;
    if (offset > f->node->size || len > f->node->size - offset)
        return TC_EEND;
    sim__node_read(f->node, offset, data, len);
    return TC_OK;
}

/* partial: each sector by a coin, as a write that the machine or the device broke off. */
static void write_sectors(struct sim_file *f, uint64_t offset, const uint8_t *from, size_t len,
                          bool partial) {
    while (len > 0) {
        size_t room = TC_FS_SECTOR_BYTES - offset % TC_FS_SECTOR_BYTES;
        size_t part = len < room ? len : room;
        if (!partial || tc_prng_chance(&f->s->prng, 1, 2))
            sim__node_write(f->node, offset, from, part);
        from += part;
        offset += part;
        len -= part;
    }
}

static tc_err grow(struct sim_file *f, uint64_t size) {
    struct sim_fs *s = f->s;
    if (size <= f->node->size)
        return TC_OK;
    uint64_t extra = size - f->node->size;
    if (s->capacity_bytes != 0 && s->used_bytes + extra > s->capacity_bytes)
        return TC_EFULL;
    if (sim__fault(s, SIM_FULL, f->path))
        return TC_EFULL;
    sim__node_resize(s, f->node, size);
    return TC_OK;
}

/* Where a write lands: where it should, unless the disk takes it elsewhere: one write further, or
 * one before when the file ends. */
static uint64_t landing(struct sim_file *f, uint64_t offset, size_t len) {
    uint64_t size = f->node->size;
    uint64_t step = (len + SIM_PAGE_BYTES - 1) / SIM_PAGE_BYTES * SIM_PAGE_BYTES;
    bool after = offset + step + len <= size;
    if ((!after && offset < step) || !sim__fault(f->s, SIM_MISDIRECT, f->path))
        return offset;
    return after ? offset + step : offset - step;
}

static tc_err write_at(struct tc_file *file, uint64_t offset, const void *data, size_t len) {
    struct sim_file *f = self(file);
    struct sim_fs *s = f->s;
    TC_ASSERT(!(f->flags & TC_FS_READ_ONLY));
    check_aligned(f, offset, data, len);
    if (dead(f))
        return TC_EIO;
    bool dsync = (f->flags & TC_FS_DSYNC) != 0;
    s->counters.writes++;
    s->counters.written_bytes += len;
    s->busy_ns += s->latency.write_ns + len / 1024 * s->latency.kib_ns;
    bool dies = sim__dies(s);
    TC_TRY(grow(f, offset + len));
    offset = landing(f, offset, len);
    bool fails = sim__fault(s, SIM_WRITE_ERROR, f->path);
    write_sectors(f, offset, data, len, /* partial= */ dies || fails);
    if (dies || fails)
        return TC_EIO;
    if (!dsync)
        return TC_OK;
    s->busy_ns += s->latency.sync_ns;
    if (!sim__fault(s, SIM_SYNC_LIE, f->path))
        sim__node_sync(f->node);
    return TC_OK;
}

static tc_err sync_file(struct tc_file *file) {
    struct sim_file *f = self(file);
    struct sim_fs *s = f->s;
    if (dead(f))
        return TC_EIO;
    s->counters.syncs++;
    s->busy_ns += s->latency.sync_ns;
    if (sim__dies(s))
        return TC_EIO;
    if (sim__fault(s, SIM_SYNC_ERROR, f->path)) {
        sim__node_fail_sync(s, f->node);
        return TC_EIO;
    }
    if (!sim__fault(s, SIM_SYNC_LIE, f->path))
        sim__node_sync(f->node);
    return TC_OK;
}

static tc_err size(struct tc_file *file, uint64_t *ret_bytes) {
    struct sim_file *f = self(file);
    if (dead(f))
        return TC_EIO;
    *ret_bytes = f->node->size;
    return TC_OK;
}

static tc_err truncate_file(struct tc_file *file, uint64_t size_bytes) {
    struct sim_file *f = self(file);
    if (dead(f) || sim__dies(f->s))
        return TC_EIO;
    if (size_bytes > f->node->size)
        return grow(f, size_bytes);
    sim__node_resize(f->s, f->node, size_bytes);
    return TC_OK;
}

static tc_err prewrite(struct tc_file *file, uint64_t size_bytes) {
    struct sim_file *f = self(file);
    if (dead(f) || sim__dies(f->s))
        return TC_EIO;
    TC_TRY(grow(f, size_bytes));
    f->s->busy_ns += f->s->latency.sync_ns + size_bytes / 1024 * f->s->latency.kib_ns;
    return sync_file(file);
}

static void close_file(struct tc_file *file) {
    struct sim_file *f = self(file);
    f->s->open_count--;
    sim__node_unref(f->s, f->node);
    free(f);
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

struct tc_file *sim__file_new(struct sim_fs *s, struct sim_node *n, const char *path,
                              unsigned flags) {
    struct sim_file *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    f->file.ops = &FILE_OPS;
    f->s = s;
    f->node = n;
    f->flags = flags;
    f->epoch = s->epoch;
    memcpy(f->path, path, strlen(path) + 1);
    n->refs++;
    s->open_count++;
    return &f->file;
}
