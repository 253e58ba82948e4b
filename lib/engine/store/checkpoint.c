#include "engine/store/checkpoint.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "engine/store/disk.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <stdlib.h>

enum {
    FULL_PAUSE_MS = 1000, /* a full disk is not asked again sooner */
};

struct checkpoint_job {
    struct store_job job; /* first: the job is freed through it */
    struct btree_checkpoint *checkpoint;
    uint64_t index;
    tc_err err;
};

static void run(struct store_job *j) {
    struct checkpoint_job *c = TC_CONTAINER(j, struct checkpoint_job, job);
    c->err = btree_checkpoint_write(c->checkpoint);
}

void store__checkpoint_report(struct replica *r) {
    uint64_t known = r->checkpoint.durable < r->reported ? r->checkpoint.durable : r->reported;
    if (r->paxos == NULL || known <= r->checkpoint.reported)
        return;
    r->checkpoint.reported = known;
    struct paxos_event ev = {.type = PAXOS_EV_CHECKPOINT, .index = known};
    (void)store__group_step(r, &ev);
}

static void done(struct store *s, struct store_job *j) {
    struct checkpoint_job *c = TC_CONTAINER(j, struct checkpoint_job, job);
    struct replica *r = j->r;
    tc_err err = btree_checkpoint_end(r->tree, c->checkpoint, j->cancelled ? TC_EIO : c->err);
    r->checkpoint.running = false;
    if (err == TC_OK) {
        r->checkpoint.durable = c->index;
        r->stalled = false;
        s->counters.checkpoints++;
        store__checkpoint_report(r);
        struct paxos_event tick = {.type = PAXOS_EV_TICK};
        (void)store__group_step(r, &tick);
    } else if (err == TC_EFULL) {
        r->checkpoint.wanted = true;
        r->checkpoint.retry_ns = store__now_ns(s) + (uint64_t)FULL_PAUSE_MS * STORE_MS_NS;
    } else if (!j->cancelled) {
        store__disk_failed(s, "a checkpoint could not be written");
        store__fail(s, "a checkpoint could not be written");
    }
    free(c);
}

static tc_err begin(struct replica *r, struct checkpoint_job *c) {
    struct tc_buf blob = {0};
    const struct quorum_config *config = paxos_config_at(r->paxos, r->applied.index);
    struct paxos_mark none = {0};
    store__replica_blob(&blob, &none, config ? config : paxos_config(r->paxos), &r->aux);
    struct btree_stamp stamp = {.index = r->applied.index,
                                .ballot = r->applied.ballot,
                                .chain = r->applied.chain,
                                .blob = tc_buf_slice(&blob)};
    c->index = r->applied.index;
    tc_err err = btree_checkpoint_begin(r->tree, &stamp, &c->checkpoint);
    tc_buf_deinit(&blob);
    return err;
}

static bool due(const struct replica *r, uint64_t now_ns) {
    const struct store_options *o = &r->store->options;
    if (store__seal_done(r))
        return false; /* it stays right below the entry that seals, so that every start meets it */
    if (r->applied.index == r->checkpoint.durable || now_ns < r->checkpoint.retry_ns)
        return false;
    return r->checkpoint.wanted || r->checkpoint.log_bytes >= o->checkpoint_bytes ||
           now_ns >= r->checkpoint.last_ns + o->checkpoint_ms * STORE_MS_NS;
}

/* A checkpoint at the very entry that could not be applied is there, so memory was not what it
 * lacked: it wanted room on the disk, and there may be some by now. */
static void apply_again(struct replica *r, uint64_t now_ns) {
    bool seals = r->seal != NULL; /* it has clocks of its own */
    if (!r->stalled || seals || r->store->failed || r->checkpoint.running ||
        r->applied.index != r->checkpoint.durable || now_ns < r->checkpoint.retry_ns)
        return;
    TC_PROBE("store: an entry that found no room on the disk is applied again");
    r->checkpoint.retry_ns = now_ns + (uint64_t)FULL_PAUSE_MS * STORE_MS_NS;
    r->stalled = false;
    struct paxos_event tick = {.type = PAXOS_EV_TICK};
    (void)store__group_step(r, &tick);
}

void store__checkpoint_maybe(struct replica *r, uint64_t now_ns) {
    struct store *s = r->store;
    if (r->state == REPLICA_OK && !TC_MUTANT(86))
        apply_again(r, now_ns);
    if (r->state != REPLICA_OK || r->checkpoint.running || s->job_count >= STORE_JOBS_COUNT_MAX ||
        !due(r, now_ns))
        return;
    struct checkpoint_job *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    c->job.run = run;
    c->job.done = done;
    tc_err err = begin(r, c);
    if (err != TC_OK) {
        free(c);
        if (err == TC_EIO)
            store__fail(s, "a checkpoint could not begin");
        return;
    }
    r->checkpoint.running = true;
    r->checkpoint.wanted = false;
    r->checkpoint.last_ns = now_ns;
    r->checkpoint.log_bytes = 0;
    store__job_add(s, r, &c->job);
}
