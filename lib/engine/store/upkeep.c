#include "engine/store/upkeep.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "engine/store/checkpoint.h"
#include "engine/store/disk.h"
#include "engine/store/due.h"
#include "engine/store/expire.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/log.h"
#include "engine/store/outbox.h"
#include "engine/store/snapshot.h"

#include <stdlib.h>

enum {
    TRIM_ENTRIES_MIN = 256, /* a trim costs a record of its own */
    COPY_FORWARD_BYTES = 4 << 20,
    RELIEVE_EVERY_MS = 200,
    PREPARE_AGAIN_MS = 1000, /* after a log segment found no space */
    SAMPLES_MAX = 32,
    OLDEST_GROUPS_MAX = 16,
    REST_EVERY_MS = 60000,
};

/* ---- trimming */

static uint64_t lower(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Highest index that nobody needs in this log: the B-tree and the archive have it, no follower or
 * running copy waits for it, and no request in it can be repeated any more. */
static uint64_t trim_target(const struct replica *r) {
    uint64_t at = paxos_trim_max(r->paxos);
    if (!r->status.log_only)
        at = lower(at, r->checkpoint.durable);
    uint64_t oldest = store_dedup_oldest_index(&r->dedup);
    at = lower(at, oldest > 0 ? oldest - 1 : 0);
    return lower(at, store__snapshot_log_floor(r));
}

static void trim(struct replica *r, bool pressure) {
    uint64_t target = trim_target(r);
    uint64_t least = pressure ? 1 : TRIM_ENTRIES_MIN;
    if (r->trim.index || target < r->status.base.index + least)
        return;
    struct paxos_event ev = {.type = PAXOS_EV_TRIM, .index = target};
    (void)store__group_step(r, &ev);
}

/* Without an archive the applied log counts as archived. */
static void assume_archived(struct replica *r) {
    uint64_t known = lower(r->reported, r->status.commit);
    bool archive = r->store->options.archive_required && !TC_MUTANT(56);
    if (archive || known <= r->status.archived)
        return;
    struct paxos_event ev = {.type = PAXOS_EV_ARCHIVED, .index = known};
    (void)store__group_step(r, &ev);
}

void store__upkeep_replica(struct replica *r, uint64_t now_ns) {
    if (r->paxos == NULL)
        return;
    store_dedup_expire(&r->dedup, now_ns);
    store__checkpoint_maybe(r, now_ns);
    store__checkpoint_report(r);
    assume_archived(r);
    store__log_trimmed(r);
    trim(r, wal_space(r->store->wal).pressure);
    store__heal_tick(r, now_ns);
    store__expire_tick(r, now_ns);
    store__outbox_upkeep(r);
}

/* ---- segments */

struct prepare_job {
    struct store_job job;
    struct wal_prepare *prepare;
};

static void prepare_run(struct store_job *j) {
    wal_prepare_run(TC_CONTAINER(j, struct prepare_job, job)->prepare);
}

static void prepare_done(struct store *s, struct store_job *j) {
    struct prepare_job *p = TC_CONTAINER(j, struct prepare_job, job);
    if (j->cancelled)
        wal_prepare_run(p->prepare); /* the log wants it back complete */
    tc_err err = wal_prepare_done(s->wal, p->prepare);
    s->preparing = false;
    if (err == TC_EIO && !j->cancelled)
        store__fail(s, "a log segment could not be made");
    if (err != TC_OK)
        s->prepare_ns = store__now_ns(s) + (uint64_t)PREPARE_AGAIN_MS * STORE_MS_NS;
    free(p);
}

static void prepare_segment(struct store *s) {
    bool due = !s->preparing && store__now_ns(s) >= s->prepare_ns;
    struct wal_prepare *prepare = due ? wal_prepare_take(s->wal) : NULL;
    if (prepare == NULL)
        return;
    struct prepare_job *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->job.run = prepare_run;
    p->job.done = prepare_done;
    p->prepare = prepare;
    s->preparing = true;
    store__job_add(s, NULL, &p->job);
}

/* Bytes of one group's retained log, estimated from a few of its entries. */
static uint64_t live_bytes(const struct replica *r) {
    if (r->paxos == NULL)
        return 0;
    uint64_t count = r->status.last.index - r->status.base.index, bytes = 0, samples = 0;
    for (uint64_t i = 0; i < SAMPLES_MAX && i < count; i++) {
        uint64_t at = r->status.base.index + 1 + count * i / SAMPLES_MAX;
        const struct paxos_entry *e = paxos_entry_at(r->paxos, at);
        bytes += WAL_HEADER_BYTES + (e ? e->body_len : 0);
        samples++;
    }
    return samples ? bytes / samples * count : 0;
}

/* Carrying entries forward frees a segment only by writing another one: it pays while most of the
 * log is dead, and would only churn when the log is full of what the archive does not have yet. */
static bool mostly_dead(const struct store *s) {
    uint64_t live = 0;
    for (size_t i = 0; i < s->replica_count; i++)
        live += live_bytes(s->replicas[i]);
    return live < wal_space(s->wal).used_bytes / 2;
}

/* The log runs full: have the groups in its oldest segment checkpoint, and carry what they must
 * keep there forward. */
static void relieve(struct store *s, uint64_t now_ns) {
    if (now_ns < s->relieve_ns)
        return;
    s->relieve_ns = now_ns + (uint64_t)RELIEVE_EVERY_MS * STORE_MS_NS;
    uint64_t gids[OLDEST_GROUPS_MAX];
    size_t count = wal_oldest_groups(s->wal, gids, OLDEST_GROUPS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct replica *r = store__find(s, gids[i]);
        if (r == NULL)
            continue;
        r->checkpoint.wanted = true;
        store__due_touch(r, now_ns);
    }
    if (!mostly_dead(s))
        return;
    tc_err err = wal_copy_forward(s->wal, COPY_FORWARD_BYTES);
    for (size_t i = 0; err == TC_ECORRUPT && i < s->replica_count; i++)
        store__log_find_unread(s->replicas[i]);
    if (err == TC_EIO)
        store__fail(s, "the log cannot be carried forward");
}

/* ---- memory of idle replicas */

static void rest(struct replica *r) {
    if (r->proposals && r->proposals->count == 0) {
        free(r->proposals);
        r->proposals = NULL;
    }
    if (r->unit_count == 0) {
        free(r->units);
        r->units = NULL;
        r->unit_cap = 0;
    }
    if (r->tree && r->jobs_out == 0 && r->state == REPLICA_OK)
        btree_rest(r->tree);
}

/* A node holds thousands of replicas of which few are busy. Each is visited once a minute, a few at
 * a time, and gives back what it did not use since. */
static void rest_some(struct store *s, uint64_t now_ns) {
    size_t count = s->replica_count;
    for (size_t i = 0; i < count && s->rest_ns <= now_ns; i++) {
        rest(s->replicas[s->rest_at++ % count]);
        s->rest_ns += (uint64_t)REST_EVERY_MS * STORE_MS_NS / count;
    }
    if (s->rest_ns < now_ns)
        s->rest_ns = now_ns;
}

void store__upkeep(struct store *s, uint64_t now_ns) {
    if (now_ns < s->upkeep_ns)
        return;
    s->upkeep_ns = now_ns + (uint64_t)UPKEEP_EVERY_MS * STORE_MS_NS;
    rest_some(s, now_ns);
    prepare_segment(s);
    store__disk_tick(s, now_ns);
    if (wal_space(s->wal).pressure)
        relieve(s, now_ns);
}
