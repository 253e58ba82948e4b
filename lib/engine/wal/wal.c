#include "engine/wal/private.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#define MIB (1024u * 1024u)

struct wal_options wal_options_default(void) {
    return (struct wal_options){
        .segment_bytes = 64 * MIB,
        .max_bytes = 64ull * 64 * MIB,
        .queue_max_bytes = 8 * MIB,
        .cache_max_bytes = 64 * MIB,
    };
}

static tc_err check_options(const struct wal_options *o) {
    if (o->segment_bytes % WAL_BLOCK_BYTES != 0 || o->segment_bytes < WAL_SEGMENT_BYTES_MIN ||
        o->segment_bytes > WAL_SEGMENT_BYTES_MAX)
        return TC_EINVAL;
    uint64_t count = o->max_bytes / o->segment_bytes;
    if (count < 4 || count > WAL_SEGMENTS_MAX)
        return TC_EINVAL;
    bool queue_fits = o->queue_max_bytes >= WAL_BLOCK_BYTES &&
                      o->queue_max_bytes <= o->segment_bytes - WAL_BLOCK_BYTES;
    return queue_fits ? TC_OK : TC_EINVAL;
}

/* The mark may lag and is never synced; its name is, with the first segment's. */
static tc_err open_mark(struct wal *w) {
    char path[TC_FS_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/mark", w->dir);
    TC_ASSERT(n > 0 && (size_t)n < sizeof path);
    return tc_fs_open(w->fs, path, TC_FS_CREATE, &w->mark);
}

static void wal_free(struct wal *w) {
    wal__queue_deinit(&w->queue);
    wal__queue_deinit(&w->batch.queue);
    wal__index_deinit(&w->index);
    wal__cache_deinit(w);
    wal__ahead_deinit(w);
    wal__slots_deinit(w);
    tc_file_close(w->mark);
    free(w->batch.memory);
    free(w);
}

tc_err wal_open(struct tc_fs *fs, const char *dir, const struct wal_options *opts,
                struct wal **ret_wal) {
    TC_TRY(check_options(opts));
    if (strlen(dir) > TC_FS_PATH_MAX - 16)
        return TC_EINVAL;
    struct wal *w = calloc(1, sizeof *w);
    if (w == NULL)
        return TC_ENOMEM;
    w->fs = fs;
    w->opts = *opts;
    memcpy(w->dir, dir, strlen(dir) + 1);
    w->index.released = wal__released;
    w->index.occupied = wal__occupied;
    w->index.user = w;
    tc_err err = wal__slots_init(w);
    /* A process that died may have left segments whose names are not durable yet: nothing in them
     * may be relied on before they are. */
    if (err == TC_OK)
        err = tc_fs_sync_dir(fs, dir);
    if (err == TC_OK)
        err = open_mark(w);
    if (err == TC_OK)
        err = wal__recover(w);
    if (err != TC_OK) {
        wal_free(w);
        return err;
    }
    *ret_wal = w;
    return TC_OK;
}

void wal_close(struct wal *w) {
    if (w == NULL)
        return;
    TC_ASSERT(!w->batch_out && w->prepare_out == NULL);
    wal_free(w);
}

const struct wal_report *wal_report(const struct wal *w) {
    return &w->report;
}

uint64_t wal_durable_lsn(const struct wal *w) {
    return w->durable_lsn;
}

uint64_t wal_last_lsn(const struct wal *w) {
    return w->last_lsn;
}

static struct wal_group describe(const struct wal *w, const struct wal_group_index *g) {
    struct wal_group out = {.gid = g->gid};
    if (g->count > 0) {
        out.first_idx = g->items[g->head].entry.idx;
        out.last_idx = g->items[g->head + g->count - 1].entry.idx;
    }
    for (size_t i = 0; i < WAL_STATE_TYPES; i++)
        out.state_lost |= g->states[i].lost;
    for (size_t i = 0; w->any_faulty && i < g->count; i++)
        out.faulty_count += g->items[g->head + i].entry.faulty;
    return out;
}

bool wal_group(const struct wal *w, uint64_t gid, struct wal_group *ret_group) {
    const struct wal_group_index *g = wal__index_group(&w->index, gid);
    if (g == NULL)
        return false;
    *ret_group = describe(w, g);
    return true;
}

void wal_each_group(struct wal *w, void (*visit)(void *user, const struct wal_group *g),
                    void *user) {
    size_t count = 0;
    uint64_t *gids = wal__index_gids(&w->index, &count);
    for (size_t i = 0; i < count; i++) {
        struct wal_group g = describe(w, wal__index_group(&w->index, gids[i]));
        visit(user, &g);
    }
    free(gids);
}
