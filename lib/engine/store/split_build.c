/* A child's B-tree, made from its parents' durable checkpoints by the worker, a slice at a time so
 * that other work of the store gets its turn. First come the rows with hash zero, by their home
 * (core/index); of two parents they are merged in order. All others lie where they belong, and all
 * keys of the left one of two parents are below those of the right one. */
#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "core/index/index_aux.h"
#include "core/key/key.h"
#include "engine/store/aux.h"
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
    struct tc_slice key; /* the next row; empty: none is left */
    struct tc_slice value;
};

struct split_build {
    struct store_job job; /* first: the job is freed through it; it holds the child */
    struct build_source sources[SOURCES_MAX];
    size_t source_count;
    size_t source_at; /* the one that is read */
    bool homeless;    /* rows with hash zero are still to come */
    struct store_aux aux;
    bool global; /* of a global index */
    struct tc_buf united;
    struct btree_load *load;
    struct tc_fs *fs;
    char path[TC_FS_PATH_MAX];
    struct btree_opts opts;
    struct tc_buf start;
    struct tc_buf end;
    struct paxos_mark base;
    struct quorum_config config;
    bool ended;
    tc_err err;
};

static void finish(struct split_build *b) {
    struct tc_buf blob = {0};
    struct paxos_mark none = {0};
    store__replica_blob(&blob, &none, &b->config, &b->aux);
    struct btree_stamp stamp = {
        .index = b->base.index, .chain = b->base.chain, .blob = tc_buf_slice(&blob)};
    b->err = btree_load_finish(b->load, &stamp);
    b->load = NULL; /* freed either way */
    b->ended = true;
    tc_buf_deinit(&blob);
}

static tc_err advance(struct build_source *from) {
    tc_err err = btree_snapshot_next(from->snap, &from->key, &from->value);
    if (err == TC_EEND)
        from->key = TC_SLICE_EMPTY;
    return err == TC_EEND ? TC_OK : err;
}

static tc_err load(struct split_build *b, struct tc_slice key, struct tc_slice value) {
    store__aux_add(&b->aux, b->global, key, value);
    return btree_load_add(b->load, key, value);
}

/* ---- rows with hash zero */

static bool is_homeless(const struct build_source *from) {
    return from->key.len > 0 && tc_slice_cmp(from->key, index_key_after_homeless()) < 0;
}

/* The source whose next row is the lowest; NULL: all such rows are through. */
static struct build_source *lowest(struct split_build *b) {
    struct build_source *found = NULL;
    for (size_t i = 0; i < b->source_count; i++) {
        struct build_source *from = &b->sources[i];
        if (is_homeless(from) && (found == NULL || tc_slice_cmp(from->key, found->key) < 0))
            found = from;
    }
    return found;
}

/* How far a backfill is: both halves of a split are as far as the whole was. Of two parents, it is
 * as far as both are. */
static tc_err load_backfill(struct split_build *b, struct build_source *from) {
    struct build_source *right = &b->sources[1];
    bool both =
        b->source_count == 2 && from == &b->sources[0] && tc_slice_eq(from->key, right->key);
    tc_err err = TC_OK;
    if (b->source_count == 1)
        return load(b, from->key, from->value);
    if (!both)
        return TC_OK; /* one of them has not begun */
    tc_buf_clear(&b->united);
    index_backfill_unite(from->value, right->value, &b->united);
    if (b->united.len > 0)
        err = load(b, from->key, tc_buf_slice(&b->united));
    return err == TC_OK ? advance(right) : err;
}

static tc_err load_homeless(struct split_build *b, struct build_source *from) {
    struct tc_slice home = index_key_home(from->key);
    tc_err err = TC_OK;
    if (home.len == 0)
        err = load_backfill(b, from);
    else if (key_in_range(home, tc_buf_slice(&b->start), tc_buf_slice(&b->end)) || TC_MUTANT(80))
        err = load(b, from->key, from->value);
    return err == TC_OK ? advance(from) : err;
}

/* ---- all others */

/* Go to where the child's range begins in this source. */
static tc_err seek(struct split_build *b, struct build_source *from) {
    struct tc_slice start = tc_buf_slice(&b->start);
    if (tc_slice_cmp(start, index_key_after_homeless()) < 0)
        start = index_key_after_homeless();
    TC_TRY(btree_snapshot_seek(from->snap, start));
    return advance(from);
}

/* This source holds no more of the child's range. */
static void next_source(struct split_build *b) {
    if (++b->source_at == b->source_count || TC_MUTANT(64))
        finish(b);
    else
        b->err = seek(b, &b->sources[b->source_at]);
}

/* Load one row, or get past what has none; returns its bytes. */
static size_t step(struct split_build *b) {
    struct build_source *from = b->homeless ? lowest(b) : &b->sources[b->source_at];
    if (from == NULL) {
        b->homeless = false;
        b->err = seek(b, &b->sources[0]);
        return 0;
    }
    size_t bytes = from->key.len + from->value.len;
    if (b->homeless) {
        b->err = load_homeless(b, from);
    } else if (from->key.len > 0 &&
               key_in_range(from->key, tc_buf_slice(&b->start), tc_buf_slice(&b->end))) {
        b->err = load(b, from->key, from->value);
        if (b->err == TC_OK)
            b->err = advance(from);
    } else {
        next_source(b);
    }
    if (b->err != TC_OK && b->homeless)
        b->source_at = (size_t)(from - b->sources); /* whose fault it is */
    return bytes;
}

static tc_err begin(struct split_build *b) {
    TC_TRY(btree_load_begin(b->fs, b->path, &b->opts, &b->load));
    b->homeless = true;
    for (size_t i = 0; i < b->source_count; i++) {
        TC_TRY(btree_snapshot_seek(b->sources[i].snap, TC_SLICE_EMPTY));
        TC_TRY(advance(&b->sources[i]));
    }
    return TC_OK;
}

static void run(struct store_job *j) {
    struct split_build *b = TC_CONTAINER(j, struct split_build, job);
    if (b->load == NULL)
        b->err = begin(b);
    for (size_t copied = 0; b->err == TC_OK && !b->ended && copied < SLICE_BYTES;)
        copied += step(b);
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
    tc_buf_deinit(&b->united);
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
    if (!cancelled && err == TC_OK)
        c->aux = b->aux;
    if (c->aux.outbox_count > 0)
        TC_PROBE("index: a child of a split has rows that are owed");
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
    tc_buf_append_slice(&b->start, proto_slice(p->start));
    tc_buf_append_slice(&b->end, proto_slice(p->end));
    const struct quorum_config *config = paxos_config_at(child->paxos, b->base.index);
    TC_ASSERT(config != NULL);
    b->config = *config;
    b->global = store__aux_is_global(child);
    child->building = true;
    store__job_add(child->store, child, &b->job);
}
