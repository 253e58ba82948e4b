/* A copy that is whole: its B-tree takes the old one's place, and the log begins where it says. */
#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/checkpoint.h"
#include "engine/store/group.h"
#include "engine/store/learner.h"
#include "engine/store/log.h"
#include "engine/store/members.h"
#include "engine/store/replica.h"
#include "engine/store/snapshot.h"
#include "engine/store/snapshot_take.h"

/* ---- where the log begins */

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

bool store__take_lacks_log(const struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    return r->paxos && r->state == REPLICA_OK && c->index <= r->applied.index &&
           c->base_index <= c->index && c->base_index <= c->archived &&
           (c->base_index > r->status.last.index ||
            (r->status.faulty_count > 0 && c->base_index > r->status.base.index));
}

void store__take_base(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
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

/* ---- a new B-tree is in place and durable */

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
    store__take_free(r);
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

/* ---- the swap */

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

static void swap_done(struct store *s, struct store_job *j) {
    struct take_job *t = TC_CONTAINER(j, struct take_job, job);
    struct replica *r = j->r;
    r->take->jobs_out--;
    tc_err err = j->cancelled ? TC_ECLOSED : t->err;
    struct btree_opts opts = store__replica_tree_opts(r, /* create= */ false);
    if (!j->cancelled && err == TC_OK)
        err = btree_open(s->env.fs, t->path, &opts, &r->tree);
    store__take_job_free(t);
    if (err == TC_OK)
        installed(r);
    else
        store__take_give_up(r, "the new B-tree cannot be put in place");
}

void store__take_swap(struct replica *r) {
    if (!r->take || !r->take->full)
        return;
    store__snapshot_sends_drop(r);
    if (r->take->jobs_out > 0 || r->jobs_out > 0)
        return;
    btree_close(r->tree);
    r->tree = NULL;
    struct take_job *t = store__take_job_new(r);
    t->job.run = swap_run;
    t->job.done = swap_done;
    store__job_add(r->store, r, &t->job);
}
