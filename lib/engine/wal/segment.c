#include "engine/wal/private.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

tc_err wal__slots_init(struct wal *w) {
    w->slot_count = (uint32_t)(w->opts.max_bytes / w->opts.segment_bytes);
    w->slots = calloc(w->slot_count, sizeof *w->slots);
    w->order = calloc(w->slot_count, sizeof *w->order);
    w->free = calloc(w->slot_count, sizeof *w->free);
    return w->slots && w->order && w->free ? TC_OK : TC_ENOMEM;
}

void wal__slots_deinit(struct wal *w) {
    for (uint32_t i = 0; w->slots && i < w->slot_count; i++)
        tc_file_close(w->slots[i].file);
    free(w->slots);
    free(w->order);
    free(w->free);
}

void wal__slot_path(const struct wal *w, uint32_t slot, char *to, size_t cap) {
    int n = snprintf(to, cap, "%s/seg-%04u", w->dir, slot);
    TC_ASSERT(n > 0 && (size_t)n < cap);
}

tc_err wal__segment_create(struct tc_fs *fs, const char *dir, const char *path, uint64_t bytes,
                           struct tc_file **ret_file) {
    struct tc_file *f = NULL;
    TC_TRY(tc_fs_open(fs, path, TC_FS_CREATE | TC_FS_DIRECT | TC_FS_DSYNC, &f));
    tc_err err = tc_file_prewrite(f, bytes);
    if (err == TC_OK)
        err = tc_fs_sync_dir(fs, dir);
    if (err != TC_OK) {
        /* What it has of the disk is needed elsewhere, most of all when the disk is full. */
        tc_file_close(f);
        TC_IGNORE(tc_fs_unlink(fs, path));
        return err;
    }
    *ret_file = f;
    return TC_OK;
}

void wal__slot_discard(struct wal *w, uint32_t slot) {
    char path[TC_FS_PATH_MAX];
    wal__slot_path(w, slot, path, sizeof path);
    tc_file_close(w->slots[slot].file);
    w->slots[slot] = (struct wal_slot){.state = WAL_SLOT_ABSENT};
    /* A name that stays is opened and filled up when the slot is used. */
    TC_IGNORE(tc_fs_unlink(w->fs, path));
}

void wal__slot_free(struct wal *w, uint32_t slot) {
    struct wal_slot *s = &w->slots[slot];
    TC_ASSERT(s->file != NULL && s->live_count == 0 && w->free_count < w->slot_count);
    if (s->size_bytes != w->opts.segment_bytes) {
        wal__slot_discard(w, slot);
        return;
    }
    s->state = WAL_SLOT_FREE;
    w->free[w->free_count++] = slot;
}

/* A slot without a file that nobody is making one for. */
static uint32_t absent_slot(const struct wal *w) {
    for (uint32_t i = 0; i < w->slot_count; i++)
        if (w->slots[i].state == WAL_SLOT_ABSENT &&
            (w->prepare_out == NULL || w->prepare_out->slot != i))
            return i;
    return WAL_NOWHERE;
}

uint32_t wal__slot_next(struct wal *w) {
    if (w->free_count == 0)
        return absent_slot(w);
    uint32_t slot = w->free[0];
    memmove(w->free, w->free + 1, --w->free_count * sizeof *w->free);
    return slot;
}

uint32_t wal__slots_unused(const struct wal *w) {
    /* When the disk is full, only what is allocated counts: appends are then refused before a batch
     * would have to create a file. */
    if (w->grow_failed)
        return w->free_count;
    /* A slot being prepared counts as used until it is done: it cannot be taken meanwhile. */
    return w->slot_count - w->order_count - (w->prepare_out ? 1 : 0);
}

struct wal_slot *wal__current(struct wal *w) {
    TC_ASSERT(TC_IMPLIES(w->has_current, w->order_count > 0));
    return w->has_current ? &w->slots[w->order[w->order_count - 1]] : NULL;
}

struct wal_prepare *wal_prepare_take(struct wal *w) {
    struct wal_slot *s = wal__current(w);
    if (w->failed || w->prepare_out)
        return NULL;
    /* After a failure only another try can tell that there is space again. */
    if (!w->grow_failed && (w->free_count > 0 || (s && s->append_offset < s->size_bytes / 2)))
        return NULL;
    uint32_t slot = absent_slot(w);
    if (slot == WAL_NOWHERE)
        return NULL;
    struct wal_prepare *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->fs = w->fs;
    memcpy(p->dir, w->dir, sizeof p->dir);
    wal__slot_path(w, slot, p->path, sizeof p->path);
    p->slot = slot;
    p->segment_bytes = w->opts.segment_bytes;
    w->prepare_out = p;
    return p;
}

void wal_prepare_run(struct wal_prepare *p) {
    p->err = wal__segment_create(p->fs, p->dir, p->path, p->segment_bytes, &p->file);
}

tc_err wal_prepare_done(struct wal *w, struct wal_prepare *p) {
    tc_err err = p->err;
    TC_ASSERT(p == w->prepare_out);
    w->prepare_out = NULL;
    w->grow_failed = p->err != TC_OK;
    if (p->err == TC_OK && p->file) {
        w->slots[p->slot].file = p->file;
        w->slots[p->slot].size_bytes = p->segment_bytes;
        wal__slot_free(w, p->slot);
    }
    free(p);
    return err;
}
