/* A child's B-tree, made from its parents' durable checkpoints by the worker, a slice at a time so
 * that other work of the store gets its turn. A merged group has two parents: all keys of the left
 * one are below those of the right one, so its B-tree is loaded from one after the other. */
#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "core/key/key.h"
#include "engine/store/checkpoint.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <stdlib.h>

enum {
    SLICE_BYTES = 8 << 20, /* copied by one job */
    SOURCES_MAX = 2,
};

struct build_source {
    struct replica *parent; /* jobs_out counts this build until its end */
    struct btree_snapshot *snap;
};

struct split_build {
    struct store_job job; /* first: the job is freed through it; it holds the child */
    struct build_source sources[SOURCES_MAX];
    size_t source_count;
    size_t source_at; /* the one that is read */
    struct btree_load *load;
    struct tc_fs *fs;
    char path[TC_FS_PATH_MAX];
    struct btree_opts opts;
    struct tc_buf start;
    struct tc_buf end;
    struct paxos_mark base;
    struct tc_buf blob;
    bool ended;
    tc_err err;
};

static void finish(struct split_build *b) {
    struct btree_stamp stamp = {
        .index = b->base.index, .chain = b->base.chain, .blob = tc_buf_slice(&b->blob)};
    b->err = btree_load_finish(b->load, &stamp);
    b->load = NULL; /* freed either way */
    b->ended = true;
}

/* This source holds no more of the child's range. */
static void next_source(struct split_build *b) {
    b->err = TC_OK;
    if (++b->source_at == b->source_count || TC_MUTANT(64))
        finish(b);
    else
        b->err = btree_snapshot_seek(b->sources[b->source_at].snap, tc_buf_slice(&b->start));
}

static void run(struct store_job *j) {
    struct split_build *b = TC_CONTAINER(j, struct split_build, job);
    if (b->load == NULL) {
        b->err = btree_load_begin(b->fs, b->path, &b->opts, &b->load);
        if (b->err == TC_OK)
            b->err = btree_snapshot_seek(b->sources[0].snap, tc_buf_slice(&b->start));
    }
    for (size_t copied = 0; b->err == TC_OK && !b->ended && copied < SLICE_BYTES;) {
        struct tc_slice key = TC_SLICE_EMPTY, value = TC_SLICE_EMPTY;
        b->err = btree_snapshot_next(b->sources[b->source_at].snap, &key, &value);
        bool inside =
            b->err == TC_OK && key_in_range(key, tc_buf_slice(&b->start), tc_buf_slice(&b->end));
        if (inside)
            b->err = btree_load_add(b->load, key, value);
        else if (b->err == TC_OK || b->err == TC_EEND)
            next_source(b);
        copied += key.len + value.len;
    }
}

static void free_build(struct split_build *b) {
    btree_load_abort(b->load);
    for (size_t i = 0; i < b->source_count; i++) {
        struct replica *parent = b->sources[i].parent;
        btree_snapshot_unpin(parent->tree, b->sources[i].snap);
        TC_ASSERT(parent->jobs_out > 0);
        parent->jobs_out--;
    }
    tc_buf_deinit(&b->start);
    tc_buf_deinit(&b->end);
    tc_buf_deinit(&b->blob);
    free(b);
}

/* ---- its end */

/* From here on the child may lead and serve; the process that proposed the entry leads it at once,
 * at the ballot that all replicas promised when they made it. */
static void child_ready(struct replica *c) {
    const Tercet__Pb__CreateReplicaRequest *d = c->desc;
    const struct quorum_config *config = paxos_config_at(c->paxos, c->status.base.index);
    struct paxos_event ev = {.type = PAXOS_EV_INSTALLED,
                             .installed = {.base = c->status.base,
                                           .config = config,
                                           .checkpoint_index = d->base_index,
                                           .archived = c->status.archived}};
    c->state = REPLICA_OK;
    c->applied = (struct paxos_mark){d->base_index, d->base_ballot, d->base_chain};
    c->reported = c->checkpoint.reported = c->checkpoint.durable = d->base_index;
    c->archive.wanted = d->base_index + 1; /* so that the archive knows soon whose child it is */
    tc_err err = store__group_step(c, &ev);
    if (err != TC_OK)
        store__replica_damaged(c, "paxos refused the B-tree made from its parents");
    ev = (struct paxos_event){.type = PAXOS_EV_BEGIN};
    if (c->may_begin && c->state == REPLICA_OK && store__group_step(c, &ev) != TC_OK)
        TC_PROBE("store: another replica of a child was faster");
    c->may_begin = false;
    ev = (struct paxos_event){.type = PAXOS_EV_TICK};
    (void)store__group_step(c, &ev);
    store__seal_wake(store__find(c->store, d->parent_gid));
}

/* parent: the one that was read when it failed. */
static void failed(struct replica *c, struct replica *parent, tc_err err) {
    TC_PROBE("store: a child's B-tree could not be made");
    if (err == TC_EIO) {
        store__fail(c->store, "a child's B-tree could not be written");
    } else if (err == TC_ECORRUPT) {
        store__replica_damaged(parent, "its checkpoint cannot be read for its child");
        c->state = REPLICA_OK;
        store__replica_damaged(c, "its parent's B-tree is damaged");
    } /* otherwise the disk is full: tried again */
}

static void done(struct store *s, struct store_job *j) {
    struct split_build *b = TC_CONTAINER(j, struct split_build, job);
    size_t at = b->source_at < b->source_count ? b->source_at : b->source_count - 1;
    struct replica *c = j->r, *parent = b->sources[at].parent;
    tc_err err = b->err;
    if (!j->cancelled && err == TC_OK && !b->ended) {
        store__job_add(s, c, &b->job);
        return;
    }
    bool cancelled = j->cancelled;
    struct btree_opts opts = store__replica_tree_opts(c, /* create= */ false);
    if (!cancelled && err == TC_OK)
        err = btree_open(b->fs, b->path, &opts, &c->tree);
    free_build(b);
    c->building = false;
    if (cancelled)
        return;
    if (err == TC_OK)
        child_ready(c);
    else
        failed(c, parent, err);
}

static bool add_source(struct split_build *b, struct replica *parent) {
    struct build_source *to = &b->sources[b->source_count];
    if (btree_snapshot_pin(parent->tree, &to->snap) != TC_OK)
        return false;
    to->parent = parent;
    parent->jobs_out++;
    b->source_count++;
    return true;
}

void store__split_build(struct replica *child, struct replica *left, struct replica *right) {
    const Tercet__Pb__Partition *p = child->desc->partition;
    if (child->building)
        return;
    struct split_build *b = calloc(1, sizeof *b);
    TC_ASSERT(b != NULL);
    if (!add_source(b, left) || (right && !add_source(b, right))) {
        free_build(b);
        return;
    }
    b->job.run = run;
    b->job.done = done;
    b->fs = child->store->env.fs;
    b->opts = store__replica_tree_opts(child, /* create= */ true);
    b->base = child->status.base;
    store__replica_tree_path(child, b->path, sizeof b->path);
    tc_buf_append_slice(&b->start, store__bytes(p->start));
    tc_buf_append_slice(&b->end, store__bytes(p->end));
    struct paxos_mark none = {0};
    store__replica_blob(&b->blob, &none, paxos_config_at(child->paxos, b->base.index));
    child->building = true;
    store__job_add(child->store, child, &b->job);
}
