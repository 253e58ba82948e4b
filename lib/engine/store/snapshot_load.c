/* A copy coming in: its chunks become a new B-tree beside the old one, in order, at the worker. */
#include "base/assert.h"
#include "base/hash.h"
#include "base/probe.h"
#include "base/reader.h"
#include "engine/store/aux.h"
#include "engine/store/members.h"
#include "engine/store/replica.h"
#include "engine/store/snapshot.h"
#include "engine/store/snapshot_take.h"

#include <stdlib.h>

/* ---- its life */

tc_err store__take_begin(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    struct quorum_config config;
    TC_TRY(quorum_decode(tc_slice(c->config.data, c->config.len), &config));
    if (c->partition && !store__members_all_sound(c->partition, r->gid))
        return TC_ECORRUPT;
    struct snapshot_take *take = calloc(1, sizeof *take);
    TC_ASSERT(take != NULL);
    take->id = c->snapshot_id;
    take->from = c->from;
    take->was = r->state;
    take->at = (struct paxos_mark){c->index, c->ballot, c->chain};
    take->base = (struct paxos_mark){c->base_index, c->base_ballot, c->base_chain};
    take->config = config;
    take->archived = c->archived;
    take->global = store__aux_is_global(r);
    if (c->partition)
        take->partition = (Tercet__Pb__Partition *)proto_dup(&c->partition->base);
    take->config_version = c->config_version;
    r->take = take;
    r->state = REPLICA_INSTALLING;
    return TC_OK;
}

void store__take_free(struct replica *r) {
    if (r->take && r->take->load)
        btree_load_abort(r->take->load);
    if (r->take && r->take->partition)
        tercet__pb__partition__free_unpacked(r->take->partition, NULL);
    free(r->take);
    r->take = NULL;
}

void store__take_give_up(struct replica *r, const char *why) {
    TC_TRACE(&r->store->env.trace, "snapshot coming in: %s -> given up", why);
    TC_PROBE("store: snapshot given up by its receiver");
    r->take->failed = true;
    if (r->take->jobs_out > 0)
        return; /* the last job that comes back ends it */
    enum replica_state was = r->take->was;
    store__take_free(r);
    r->state = was == REPLICA_OK && r->tree == NULL ? REPLICA_DAMAGED : was;
}

/* ---- chunks at the worker */

struct take_job *store__take_job_new(struct replica *r) {
    struct take_job *t = calloc(1, sizeof *t);
    TC_ASSERT(t != NULL);
    t->take = r->take;
    t->fs = r->store->env.fs;
    t->opts = store__replica_tree_opts(r, /* create= */ true);
    store__replica_tree_path(r, t->path, sizeof t->path);
    r->take->jobs_out++;
    return t;
}

void store__take_job_free(struct take_job *t) {
    tc_buf_deinit(&t->data);
    free(t);
}

static tc_err load_items(struct snapshot_take *take, struct tc_slice data) {
    struct tc_reader r = tc_reader(data);
    while (!tc_reader_at_end(&r)) {
        struct tc_slice key = tc_reader_lenbytes(&r);
        struct tc_slice value = tc_reader_lenbytes(&r);
        if (!tc_reader_ok(&r))
            return TC_ECORRUPT;
        TC_TRY(btree_load_add(take->load, key, value));
        store__aux_add(&take->aux, take->global, key, value);
    }
    return TC_OK;
}

static tc_err check_sums(const struct btree_load *load, uint64_t wanted) {
    struct btree_sums sums;
    btree_load_sums(load, &sums);
    return tc_hash64(tc_slice(&sums, sizeof sums), 0) == wanted ? TC_OK : TC_ECORRUPT;
}

static void add_run(struct store_job *j) {
    struct take_job *t = TC_CONTAINER(j, struct take_job, job);
    t->err = t->take->worker_err;
    if (t->err == TC_OK && t->take->load == NULL)
        t->err = btree_load_begin(t->fs, t->path, &t->opts, &t->take->load);
    if (t->err == TC_OK)
        t->err = load_items(t->take, tc_buf_slice(&t->data));
    if (t->err == TC_OK && t->last)
        t->err = check_sums(t->take->load, t->sums_hash);
    t->take->worker_err = t->err;
}

void store__take_answer(struct replica *r, uint32_t to, uint64_t id, uint32_t seq, tc_err err) {
    Tercet__Pb__SnapshotChunk chunk = TERCET__PB__SNAPSHOT_CHUNK__INIT;
    chunk.ack = true;
    chunk.snapshot_id = id;
    chunk.seq = seq;
    chunk.err = (int32_t)err;
    store__snapshot_post(r, to, &chunk);
}

static void add_done(struct store *s, struct store_job *j) {
    struct take_job *t = TC_CONTAINER(j, struct take_job, job);
    struct replica *r = j->r;
    struct snapshot_take *take = r->take;
    (void)s;
    take->jobs_out--;
    if (j->cancelled || take->failed || t->err != TC_OK) {
        store__take_give_up(r, t->err == TC_OK ? "no longer wanted" : tc_err_name(t->err));
    } else {
        take->full = t->last;
        take->progress_ns = store__now_ns(r->store);
        store__take_answer(r, take->from, take->id, t->seq, TC_OK);
        store__take_swap(r);
    }
    store__take_job_free(t);
}

void store__take_load(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    r->take->next_seq++;
    r->take->progress_ns = store__now_ns(r->store);
    struct take_job *t = store__take_job_new(r);
    t->job.run = add_run;
    t->job.done = add_done;
    t->seq = c->seq;
    t->last = c->last;
    t->sums_hash = c->sums_hash;
    tc_buf_append(&t->data, c->data.data, c->data.len);
    r->store->counters.copy_bytes_in += c->data.len;
    store__job_add(r->store, r, &t->job);
}
