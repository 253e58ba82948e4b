/* A child's B-tree is made from its parents' checkpoints by the worker; then the child may lead. */
#include "engine/store/split_build.h"
#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/aux.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <stdlib.h>

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

static tc_err take_tree(struct replica *c, const struct split_build *b) {
    struct btree_opts opts = store__replica_tree_opts(c, /* create= */ false);
    TC_TRY(btree_open(b->fs, b->path, &opts, &c->tree));
    c->aux = b->aux;
    if (c->aux.outbox_count > 0)
        TC_PROBE("index: a child of a split has rows that are owed");
    return TC_OK;
}

static void done(struct store *s, struct store_job *j) {
    struct split_build *b = TC_CONTAINER(j, struct split_build, job);
    bool cancelled = j->cancelled;
    if (!cancelled && b->err == TC_OK && !b->ended) {
        store__job_add(s, j->r, &b->job);
        return;
    }
    size_t at = b->source_at < b->source_count ? b->source_at : b->source_count - 1;
    struct replica *c = j->r, *parent = b->sources[at].parent;
    tc_err err = b->err;
    if (!cancelled && err == TC_OK)
        err = take_tree(c, b);
    free_build(b);
    c->building = false;
    if (cancelled)
        return;
    if (err == TC_OK)
        child_ready(c);
    else
        failed(c, parent, err);
}

/* ---- its begin */

static void run(struct store_job *j) {
    store__split_rows(TC_CONTAINER(j, struct split_build, job));
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
