#include "base/assert.h"
#include "env/sim/private.h"

#include <stdlib.h>

static struct sim_fs *owner(struct tc_fs *fs) {
    return TC_CONTAINER(fs, struct sim_fs, fs);
}

/* The parent must be a directory; top-level names ("a", "/a") have none. */
static bool parent_exists(const struct sim_fs *s, const char *path) {
    char dir[TC_FS_PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return true;
    memcpy(dir, path, (size_t)(slash - path));
    dir[slash - path] = 0;
    const struct sim_node *n = sim__names_get(&s->names, dir);
    return n != NULL && n->is_dir;
}

static tc_err find_or_create(struct sim_fs *s, const char *path, unsigned flags,
                             struct sim_node **ret_node) {
    struct sim_node *n = sim__names_get(&s->names, path);
    if (n && (flags & TC_FS_EXCLUSIVE))
        return TC_EEXISTS;
    if (n == NULL && (!(flags & TC_FS_CREATE) || !parent_exists(s, path)))
        return TC_ENOTFOUND;
    if (n == NULL) {
        if (sim__dies(s))
            return TC_EIO;
        n = sim__node_new(/* is_dir= */ false);
        sim__names_change(s, NULL, path, n);
    }
    if (n->is_dir)
        return TC_EIO;
    *ret_node = n;
    return TC_OK;
}

static tc_err open_file(struct tc_fs *fs, const char *path, unsigned flags,
                        struct tc_file **ret_file) {
    struct sim_fs *s = owner(fs);
    if (s->down)
        return TC_EIO;
    if (strlen(path) >= TC_FS_PATH_MAX)
        return TC_EINVAL;
    struct sim_node *n = NULL;
    TC_TRY(find_or_create(s, path, flags, &n));
    *ret_file = sim__file_new(s, n, path, flags);
    return TC_OK;
}

static tc_err rename_file(struct tc_fs *fs, const char *from, const char *to) {
    struct sim_fs *s = owner(fs);
    struct sim_node *n = sim__names_get(&s->names, from);
    if (s->down || sim__dies(s))
        return TC_EIO;
    if (n == NULL || !parent_exists(s, to))
        return TC_ENOTFOUND;
    TC_ASSERT(!n->is_dir);
    n->refs++;
    sim__names_change(s, from, to, n);
    sim__node_unref(s, n);
    return TC_OK;
}

static bool has_children(const struct sim_fs *s, const char *dir) {
    size_t at = 0;
    size_t len = strlen(dir);
    struct tc_slice key;
    void *node;
    while (tc_map_next(&s->names, &at, &key, &node))
        if (key.len > len && memcmp(key.data, dir, len) == 0 && key.data[len] == '/')
            return true;
    return false;
}

static tc_err unlink_name(struct tc_fs *fs, const char *path) {
    struct sim_fs *s = owner(fs);
    if (s->down || sim__dies(s))
        return TC_EIO;
    struct sim_node *n = sim__names_get(&s->names, path);
    if (n == NULL)
        return TC_ENOTFOUND;
    if (n->is_dir && has_children(s, path))
        return TC_EBUSY;
    sim__names_change(s, path, NULL, NULL);
    return TC_OK;
}

static tc_err make_dir(struct tc_fs *fs, const char *path) {
    struct sim_fs *s = owner(fs);
    if (s->down || sim__dies(s))
        return TC_EIO;
    if (strlen(path) >= TC_FS_PATH_MAX)
        return TC_EINVAL;
    if (sim__names_get(&s->names, path))
        return TC_EEXISTS;
    if (!parent_exists(s, path))
        return TC_ENOTFOUND;
    sim__names_change(s, NULL, path, sim__node_new(/* is_dir= */ true));
    return TC_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *child_name(struct tc_slice path, const char *dir) {
    size_t skip = strlen(dir) + 1;
    char *full = calloc(1, path.len + 1);
    TC_ASSERT(full != NULL);
    memcpy(full, path.data, path.len);
    if (!sim__names_in_dir(full, dir)) {
        free(full);
        return NULL;
    }
    memmove(full, full + skip, path.len + 1 - skip);
    return full;
}

static tc_err list(struct tc_fs *fs, const char *dir, tc_fs_visit *visit, void *user) {
    struct sim_fs *s = owner(fs);
    if (s->down)
        return TC_EIO;
    const struct sim_node *d = sim__names_get(&s->names, dir);
    if (d == NULL || !d->is_dir)
        return TC_ENOTFOUND;
    char **found = calloc(s->names.count + 1, sizeof *found);
    TC_ASSERT(found != NULL);
    size_t count = 0;
    size_t at = 0;
    struct tc_slice key;
    void *node;
    while (tc_map_next(&s->names, &at, &key, &node)) {
        found[count] = child_name(key, dir);
        count += found[count] != NULL;
    }
    qsort(found, count, sizeof *found, by_name);
    for (size_t i = 0; i < count; i++) {
        visit(user, found[i]);
        free(found[i]);
    }
    free(found);
    return TC_OK;
}

static tc_err sync_dir(struct tc_fs *fs, const char *dir) {
    struct sim_fs *s = owner(fs);
    if (s->down)
        return TC_EIO;
    const struct sim_node *d = sim__names_get(&s->names, dir);
    if (d == NULL || !d->is_dir)
        return TC_ENOTFOUND;
    s->counters.syncs++;
    s->busy_ns += s->latency.sync_ns;
    if (sim__dies(s) || sim__fault(s, SIM_SYNC_ERROR, dir))
        return TC_EIO;
    if (!sim__fault(s, SIM_SYNC_LIE, dir))
        sim__names_sync_dir(s, dir);
    return TC_OK;
}

static tc_err space(struct tc_fs *fs, const char *dir, struct tc_fs_space *ret_space) {
    (void)dir;
    struct sim_fs *s = owner(fs);
    uint64_t total = s->capacity_bytes ? s->capacity_bytes : UINT64_MAX / 4;
    *ret_space = (struct tc_fs_space){
        .total_bytes = total,
        .free_bytes = s->used_bytes < total ? total - s->used_bytes : 0,
    };
    return TC_OK;
}

static const struct tc_fs_ops FS_OPS = {
    .open = open_file,
    .rename = rename_file,
    .unlink = unlink_name,
    .mkdir = make_dir,
    .list = list,
    .sync_dir = sync_dir,
    .space = space,
};

struct sim_fs *sim_fs_new(uint64_t seed) {
    struct sim_fs *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->fs.ops = &FS_OPS;
    s->prng = tc_prng(seed);
    return s;
}

void sim_fs_free(struct sim_fs *s) {
    if (s == NULL)
        return;
    TC_ASSERT(s->open_count == 0);
    sim__names_clear(s);
    free(s->pending);
    free(s);
}

struct tc_fs *sim_fs_fs(struct sim_fs *s) {
    return &s->fs;
}

void sim_fs_set_capacity(struct sim_fs *s, uint64_t bytes) {
    s->capacity_bytes = bytes;
}

void sim_fs_set_latency(struct sim_fs *s, const struct sim_latency *latency) {
    s->latency = *latency;
}

uint64_t sim_fs_take_busy_ns(struct sim_fs *s) {
    uint64_t out = s->busy_ns;
    s->busy_ns = 0;
    return out;
}

const struct sim_counters *sim_fs_counters(const struct sim_fs *s) {
    return &s->counters;
}
