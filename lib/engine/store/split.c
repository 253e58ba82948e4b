#include "engine/store/split.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "core/entry/entry.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"

#include <inttypes.h>
#include <stdlib.h>

#define RETRY_NS 1000000000u

bool store__split_done(const struct replica *r) {
    return r->split && r->split->done;
}

bool store__split_needed(const struct replica *r) {
    if (r->split == NULL)
        return false;
    return !r->split->done || store__now_ns(r->store) < r->split->done_ns + STORE_DEDUP_KEEP_NS;
}

bool store__split_unarchived(const struct replica *r) {
    return r->split && r->store->options.archive_required &&
           r->status.archived < r->split->at.index;
}

bool store__split_keeps_members(const struct replica *r) {
    bool inherited =
        r->desc->parent_gid != 0 && store_dedup_oldest_index(&r->dedup) <= r->desc->base_index;
    return r->status.split_index != 0 || inherited;
}

void store__split_free(struct replica *r) {
    if (r->split)
        tc_buf_deinit(&r->split->key);
    free(r->split);
    r->split = NULL;
}

/* ---- the children */

/* This process proposed it, and nobody has used the children's first ballot yet. */
static bool is_live(const struct replica *r, const struct paxos_entry *e) {
    return r->split_index == e->index && r->split_ballot == e->ballot;
}

/* A store never makes a child twice: a descriptor of it, live or gone, is the record. */
static tc_err make_child(struct replica *r, const struct paxos_entry *e,
                         const struct entry_split *split, int side) {
    struct store *s = r->store;
    bool live = false;
    Tercet__Pb__CreateReplicaRequest *desc = NULL;
    struct replica *child = store__find(s, split->gids[side]);
    if (child) {
        store__split_inherit(child, r);
        return TC_OK;
    }
    tc_err err = store__replica_desc_load(s, split->gids[side], &live, &desc);
    if (err == TC_OK) {
        TC_PROBE("store: a split's child was here before");
        tercet__pb__create_replica_request__free_unpacked(desc, NULL);
        return TC_OK;
    }
    if (err != TC_ENOTFOUND)
        return err;
    desc = store__split_child_desc(r, e, split, side);
    TC_TRY(store__replica_make_child(s, desc, is_live(r, e), &child));
    store__split_inherit(child, r);
    return TC_OK;
}

static struct store_split *split_new(const struct paxos_entry *e, const struct entry_split *split) {
    struct store_split *made = calloc(1, sizeof *made);
    TC_ASSERT(made != NULL);
    made->at = (struct paxos_mark){e->index, e->ballot, e->chain};
    made->gids[0] = split->gids[0];
    made->gids[1] = split->gids[1];
    tc_buf_append_slice(&made->key, split->key);
    return made;
}

static tc_err make_children(struct replica *r, const struct paxos_entry *e,
                            const struct entry_split *split) {
    for (int side = 0; side < 2; side++) {
        tc_err err = make_child(r, e, split, side);
        if (err == TC_EIO)
            store__fail(r->store, "a child of a split could not be made");
        TC_TRY(err);
    }
    r->split = split_new(e, split);
    r->archive.wanted = e->index;
    if (r->status.role == PAXOS_LEADER)
        TC_TRACE(&r->store->env.trace,
                 "g%" PRIu64 " split at %" PRIu64 " -> g%" PRIu64 " and g%" PRIu64, r->gid,
                 e->index, split->gids[0], split->gids[1]);
    return TC_OK;
}

/* A child that is not here (any more) is no concern of this store. */
static bool is_built(const struct replica *r, int side) {
    const struct replica *child = store__find(r->store, r->split->gids[side]);
    return child == NULL || child->state != REPLICA_BUILDING;
}

static bool both_built(const struct replica *r) {
    return is_built(r, 0) && is_built(r, 1);
}

/* ---- the entry */

static void build(struct replica *r) {
    struct store_split *split = r->split;
    split->retry_ns = store__now_ns(r->store) + RETRY_NS;
    for (int side = 0; side < 2; side++)
        if (!is_built(r, side))
            store__split_build(r, store__find(r->store, split->gids[side]));
}

tc_err store__split_apply(struct replica *r, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_split split;
    TC_TRY(entry_split_decode(body, &split));
    if (r->split == NULL)
        TC_TRY(make_children(r, e, &split));
    if (!both_built(r)) {
        bool reached = r->checkpoint.durable + 1 == e->index ||
                       (TC_MUTANT(61) && r->checkpoint.durable > 0); /* an older one will do */
        if (reached)
            build(r);
        return TC_EBUSY;
    }
    r->split->done = true;
    r->split->done_ns = store__now_ns(r->store);
    TC_TRACE(&r->store->env.trace, "g%" PRIu64 " both children are durable here", r->gid);
    return TC_OK;
}

void store__split_tick(struct replica *r, uint64_t now_ns) {
    if (r->split == NULL || r->split->done || !r->stalled)
        return;
    if (!both_built(r) && now_ns < r->split->retry_ns)
        return;
    r->split->retry_ns = now_ns + RETRY_NS;
    r->stalled = false; /* the next tick applies the entry again */
}
