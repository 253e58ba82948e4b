/* Receiving a snapshot: chunk by chunk into a new B-tree beside the old one, then the swap. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/probe.h"
#include "base/reader.h"
#include "engine/store/aux.h"
#include "engine/store/checkpoint.h"
#include "engine/store/directory.h"
#include "engine/store/group.h"
#include "engine/store/learner.h"
#include "engine/store/log.h"
#include "engine/store/members.h"
#include "engine/store/replica.h"
#include "engine/store/snapshot.h"
#include "env/fs.h"

#include <stdio.h>
#include <stdlib.h>

struct snapshot_take {
    uint64_t id;
    uint32_t from;
    uint32_t next_seq;
    enum replica_state was; /* goes on being that if this copy fails */
    bool full;              /* the last chunk is in; the swap waits for other jobs of the replica */
    bool failed;
    uint32_t jobs_out; /* chunks at the worker, taken in order */
    tc_err worker_err; /* the worker's own: after a failure the rest is skipped */
    struct btree_load *load;
    struct store_aux aux; /* of what is loaded */
    bool global;          /* the group is one of a global index */
    struct paxos_mark at;
    struct paxos_mark base;
    struct quorum_config config;
    uint64_t archived;
    Tercet__Pb__Partition *partition; /* owned; NULL: an older sender's copy */
    uint64_t config_version;
    uint64_t progress_ns;
};

/* One chunk into the load; for the last one also the swap, in a second run. */
struct take_job {
    struct store_job job;
    struct snapshot_take *take;
    struct tc_fs *fs;
    char path[TC_FS_PATH_MAX];
    struct btree_opts opts;
    uint32_t seq;
    struct tc_buf data;
    bool last;
    uint64_t sums_hash;
    tc_err err;
};

static void take_free(struct replica *r) {
    if (r->take && r->take->load)
        btree_load_abort(r->take->load);
    if (r->take && r->take->partition)
        tercet__pb__partition__free_unpacked(r->take->partition, NULL);
    free(r->take);
    r->take = NULL;
}

/* Give this copy up; the old B-tree, if there is a good one, serves again, and a log replica is one
 * still. */
static void give_up(struct replica *r, const char *why) {
    TC_TRACE(&r->store->env.trace, "snapshot coming in: %s -> given up", why);
    TC_PROBE("store: snapshot given up by its receiver");
    r->take->failed = true;
    if (r->take->jobs_out > 0)
        return; /* the last job that comes back ends it */
    enum replica_state was = r->take->was;
    take_free(r);
    r->state = was == REPLICA_OK && r->tree == NULL ? REPLICA_DAMAGED : was;
}

/* ---- jobs */

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

static void swap_run(struct store_job *j) {
    struct take_job *t = TC_CONTAINER(j, struct take_job, job);
    struct tc_buf blob = {0};
    store__replica_blob(&blob, &t->take->base, &t->take->config, &t->take->aux);
    struct btree_stamp stamp = {.index = t->take->at.index,
                                .ballot = t->take->at.ballot,
                                .chain = t->take->at.chain,
                                .blob = tc_buf_slice(&blob)};
    t->err = btree_load_finish(t->take->load, &stamp);
    t->take->load = NULL; /* finish frees it either way */
    tc_buf_deinit(&blob);
}

static struct take_job *job_new(struct replica *r) {
    struct take_job *t = calloc(1, sizeof *t);
    TC_ASSERT(t != NULL);
    t->take = r->take;
    t->fs = r->store->env.fs;
    t->opts = store__replica_tree_opts(r, /* create= */ true);
    store__replica_tree_path(r, t->path, sizeof t->path);
    r->take->jobs_out++;
    return t;
}

static void job_free(struct take_job *t) {
    tc_buf_deinit(&t->data);
    free(t);
}

/* ---- the swap's end: a new B-tree is in place and durable */

/* This log holds exactly that entry. */
static bool holds(const struct replica *r, const struct paxos_mark *at) {
    if (at->index == r->status.base.index)
        return at->chain == r->status.base.chain;
    const struct paxos_entry *e = paxos_entry_at(r->paxos, at->index);
    return e != NULL && e->chain == at->chain && e->ballot == at->ballot;
}

/* The log begins at base, under a B-tree that is durable up to checkpoint.reported. */
static void begin_log(struct replica *r, const struct paxos_mark *base,
                      const struct quorum_config *config, uint64_t archived) {
    r->restarting = base->index > r->status.base.index && !holds(r, base);
    if (r->restarting)
        store__log_restart(r, base, config);
    struct paxos_event ev = {.type = PAXOS_EV_INSTALLED,
                             .installed = {.base = *base,
                                           .config = config,
                                           .checkpoint_index = r->checkpoint.reported,
                                           .archived = archived}};
    tc_err err = store__group_step(r, &ev);
    r->restarting = false;
    if (err != TC_OK)
        store__replica_damaged(r, "paxos refused the snapshot");
}

/* Where the log begins from now on. If it holds the very entry at which the snapshot was taken,
 * then all of it is as good as before and stays; else it begins at the sender's base, and if it
 * does not hold that either, it begins anew and its tail is sent. */
static void tell_paxos(struct replica *r, const struct snapshot_take *take) {
    struct paxos_mark base = holds(r, &take->at) ? r->status.base : take->base;
    r->reported = r->checkpoint.reported = take->at.index;
    begin_log(r, &base, &take->config, take->archived);
}

/* Who belongs to the group by now, and that a B-tree is here: on disk before paxos hears of it. */
static void keep_members(struct replica *r, const struct snapshot_take *take) {
    tc_err err = store__learner_done(r);
    if (err == TC_OK && take->partition)
        err = store__members_installed(r, take->partition, take->config_version);
    if (err != TC_OK)
        store__fail(r->store, "the descriptor of an installed copy could not be kept");
}

static void installed(struct replica *r) {
    struct snapshot_take take = *r->take;
    keep_members(r, &take);
    take_free(r);
    r->state = REPLICA_OK;
    r->damage[0] = 0;
    r->stalled = false;
    r->applied = take.at;
    r->aux = take.aux;
    r->checkpoint.durable = take.at.index;
    r->checkpoint.log_bytes = 0;
    store_overlay_clear(&r->overlay);
    r->store->counters.snapshots_installed++;
    TC_TRACE(&r->store->env.trace, "snapshot installed at %llu -> replica goes on",
             (unsigned long long)take.at.index);
    tell_paxos(r, &take);
    struct paxos_event tick = {.type = PAXOS_EV_TICK};
    (void)store__group_step(r, &tick);
    store__checkpoint_report(r);
}

static void swap_done(struct store *s, struct store_job *j) {
    struct take_job *t = TC_CONTAINER(j, struct take_job, job);
    struct replica *r = j->r;
    r->take->jobs_out--;
    tc_err err = j->cancelled ? TC_ECLOSED : t->err;
    struct btree_opts opts = store__replica_tree_opts(r, /* create= */ false);
    if (!j->cancelled && err == TC_OK)
        err = btree_open(s->env.fs, t->path, &opts, &r->tree);
    job_free(t);
    if (err == TC_OK)
        installed(r);
    else
        give_up(r, "the new B-tree cannot be put in place");
}

static bool may_swap(const struct replica *r) {
    return r->take && r->take->full && r->take->jobs_out == 0 && r->jobs_out == 0;
}

static void swap_maybe(struct replica *r) {
    if (!r->take || !r->take->full)
        return;
    store__snapshot_sends_drop(r);
    if (!may_swap(r))
        return;
    btree_close(r->tree);
    r->tree = NULL;
    struct take_job *t = job_new(r);
    t->job.run = swap_run;
    t->job.done = swap_done;
    store__job_add(r->store, r, &t->job);
}

static void ack(struct replica *r, uint32_t to, uint64_t id, uint32_t seq) {
    Tercet__Pb__SnapshotChunk chunk = TERCET__PB__SNAPSHOT_CHUNK__INIT;
    chunk.ack = true;
    chunk.snapshot_id = id;
    chunk.seq = seq;
    store__snapshot_post(r, to, &chunk);
}

static void add_done(struct store *s, struct store_job *j) {
    struct take_job *t = TC_CONTAINER(j, struct take_job, job);
    struct replica *r = j->r;
    struct snapshot_take *take = r->take;
    (void)s;
    take->jobs_out--;
    if (j->cancelled || take->failed || t->err != TC_OK) {
        give_up(r, t->err == TC_OK ? "no longer wanted" : tc_err_name(t->err));
    } else {
        take->full = t->last;
        take->progress_ns = store__now_ns(r->store);
        ack(r, take->from, take->id, t->seq);
        swap_maybe(r);
    }
    job_free(t);
}

/* ---- chunks */

static bool wanted(const struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    bool behind = c->index > r->applied.index && c->index > r->status.last.index;
    return r->paxos && c->index >= r->status.base.index && c->base_index <= c->index &&
           (r->state == REPLICA_DAMAGED || r->state == REPLICA_LOG ||
            (r->state == REPLICA_OK && behind));
}

static tc_err begin(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
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

/* This store takes enough copies already. */
static bool busy(const struct store *s) {
    uint32_t count = 0;
    for (size_t i = 0; i < s->replica_count; i++)
        count += s->replicas[i]->take != NULL;
    return count >= store__directory_copies_max(s);
}

static void refuse(struct replica *r, const Tercet__Pb__SnapshotChunk *c, tc_err err) {
    Tercet__Pb__SnapshotChunk chunk = TERCET__PB__SNAPSHOT_CHUNK__INIT;
    chunk.ack = true;
    chunk.snapshot_id = c->snapshot_id;
    chunk.seq = c->seq;
    chunk.err = (int32_t)err;
    store__snapshot_post(r, c->from, &chunk);
}

/* The copy brings nothing that is not here, but this log ends below where the sender's begins by
 * now (what lay between came by a copy too, and was trimmed there before it came as entries), or
 * cannot be read there. */
static bool lacks_log(const struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    return r->paxos && r->state == REPLICA_OK && c->index <= r->applied.index &&
           c->base_index <= c->index && c->base_index <= c->archived &&
           (c->base_index > r->status.last.index ||
            (r->status.faulty_count > 0 && c->base_index > r->status.base.index));
}

/* The B-tree stays, the log begins where the sender's does. */
static void take_base(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    struct quorum_config config;
    struct paxos_mark base = {c->base_index, c->base_ballot, c->base_chain};
    if (base.index > r->checkpoint.durable) {
        r->checkpoint.wanted = true; /* the copy is offered again */
        return;
    }
    if ((base.index == r->applied.index && base.chain != r->applied.chain) ||
        (base.index <= r->status.commit && !holds(r, &base)) ||
        quorum_decode(tc_slice(c->config.data, c->config.len), &config) != TC_OK)
        return;
    TC_PROBE("store: a log was given a new base under its B-tree");
    r->reported = r->checkpoint.reported = r->checkpoint.durable;
    begin_log(r, &base, &config, c->archived);
}

static void ask(struct replica *r, uint32_t whom);

static bool may_begin(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    if (lacks_log(r, c)) {
        take_base(r, c);
        refuse(r, c, TC_EEXISTS);
        return false;
    }
    if (!wanted(r, c)) {
        if (r->state == REPLICA_LOG && c->index < r->status.base.index)
            ask(r, c->from); /* a newer one: this log does not reach back so far */
        return false;
    }
    if (busy(r->store)) {
        refuse(r, c, TC_EBUSY);
        return false;
    }
    return begin(r, c) == TC_OK;
}

void store__snapshot_taken(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    if (tc_crc32c(0, c->data.data, c->data.len) != c->crc)
        return;
    if (c->seq == 0 && r->take == NULL && !may_begin(r, c))
        return;
    struct snapshot_take *take = r->take;
    if (take == NULL || take->id != c->snapshot_id || take->next_seq != c->seq || take->full ||
        take->failed || take->jobs_out >= STORE_SEND_WINDOW_COUNT)
        return; /* the sender's patience ends and it starts over */
    take->next_seq++;
    take->progress_ns = store__now_ns(r->store);
    struct take_job *t = job_new(r);
    t->job.run = add_run;
    t->job.done = add_done;
    t->seq = c->seq;
    t->last = c->last;
    t->sums_hash = c->sums_hash;
    tc_buf_append(&t->data, c->data.data, c->data.len);
    r->store->counters.copy_bytes_in += c->data.len;
    store__job_add(r->store, r, &t->job);
}

/* ---- time */

/* index says how far back the own log reaches. */
static void ask(struct replica *r, uint32_t whom) {
    if (whom == 0 || whom == r->rid)
        return;
    Tercet__Pb__SnapshotChunk chunk = TERCET__PB__SNAPSHOT_CHUNK__INIT;
    chunk.ack = true;
    chunk.index = r->status.base.index;
    store__snapshot_post(r, whom, &chunk);
}

uint64_t store__snapshot_take_floor(const struct replica *r) {
    return r->take ? r->take->at.index : UINT64_MAX;
}

void store__snapshot_take_tick(struct replica *r, uint64_t now_ns) {
    if (r->take == NULL && r->state == REPLICA_DAMAGED && now_ns >= r->ask_ns) {
        r->ask_ns = now_ns + (uint64_t)SNAPSHOT_ASK_MS * STORE_MS_NS;
        ask(r, r->status.leader);
    }
    if (r->take == NULL)
        return;
    swap_maybe(r);
    if (r->take->jobs_out == 0 && !r->take->full &&
        now_ns > r->take->progress_ns + (uint64_t)SNAPSHOT_PATIENCE_MS * STORE_MS_NS)
        give_up(r, "no more chunks came");
}

void store__snapshot_tick(struct replica *r, uint64_t now_ns) {
    store__snapshot_sends_tick(r, now_ns);
    store__snapshot_take_tick(r, now_ns);
}

void store__snapshot_forget(struct replica *r) {
    store__snapshot_sends_drop(r);
    take_free(r);
}
