/* SPLIT: both halves are made from this replica. */
#include "engine/store/split.h"

#include "base/mutant.h"
#include "base/probe.h"
#include "core/entry/entry.h"
#include "engine/store/replica.h"

#include <inttypes.h>

static Tercet__Pb__CreateReplicaRequest *half_desc(struct replica *r, const struct paxos_entry *e,
                                                   const struct entry_split *split, int side) {
    struct paxos_mark at = {e->index, e->ballot, e->chain};
    struct paxos_mark base = paxos_child_base(&at, split->gids[side]);
    Tercet__Pb__CreateReplicaRequest *d = store__split_child_desc(r, e, split->gids[side], &base);
    store__split_set_bytes(side == 0 ? &d->partition->end : &d->partition->start, split->key);
    d->hlc_ns = split->hlc_ns;
    return d;
}

static tc_err make_child(struct replica *r, const struct paxos_entry *e,
                         const struct entry_split *split, int side) {
    struct replica *child = NULL;
    tc_err err = store__split_child_known(r->store, split->gids[side], &child);
    if (err == TC_ENOTFOUND)
        err = store__replica_make_child(r->store, half_desc(r, e, split, side),
                                        store__seal_is_live(r, e), &child);
    if (err == TC_OK && child)
        store__split_inherit(child, r, NULL);
    return err;
}

static tc_err make_children(struct replica *r, const struct paxos_entry *e,
                            const struct entry_split *split) {
    for (int side = 0; side < 2; side++) {
        tc_err err = make_child(r, e, split, side);
        if (err == TC_EIO)
            store__fail(r->store, "a child of a split could not be made");
        TC_TRY(err);
    }
    r->seal = store__seal_new(PAXOS_SPLIT, e);
    r->seal->gids[0] = split->gids[0];
    r->seal->gids[1] = split->gids[1];
    tc_buf_append_slice(&r->seal->key, split->key);
    r->archive.wanted = e->index;
    if (r->status.role == PAXOS_LEADER)
        TC_TRACE(&r->store->env.trace,
                 "g%" PRIu64 " split at %" PRIu64 " -> g%" PRIu64 " and g%" PRIu64, r->gid,
                 e->index, split->gids[0], split->gids[1]);
    return TC_OK;
}

/* A child that is not here (any more) is no concern of this store. */
static bool is_built(const struct replica *r, int side) {
    const struct replica *child = store__find(r->store, r->seal->gids[side]);
    return child == NULL || child->state != REPLICA_BUILDING;
}

static void build(struct replica *r) {
    r->seal->retry_ns = store__now_ns(r->store) + STORE_BUILD_RETRY_NS;
    for (int side = 0; side < 2; side++)
        if (!is_built(r, side))
            store__split_build(store__find(r->store, r->seal->gids[side]), r, NULL);
}

tc_err store__split_apply(struct replica *r, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_split split;
    TC_TRY(entry_split_decode(body, &split));
    if (r->seal == NULL)
        TC_TRY(make_children(r, e, &split));
    if (!is_built(r, 0) || !is_built(r, 1)) {
        bool reached = r->checkpoint.durable + 1 == e->index ||
                       (TC_MUTANT(61) && r->checkpoint.durable > 0); /* an older one will do */
        if (reached)
            build(r);
        return TC_EBUSY;
    }
    TC_TRACE(&r->store->env.trace, "g%" PRIu64 " both children are durable here", r->gid);
    return TC_OK;
}
