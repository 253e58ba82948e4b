/* SEAL and MERGE: two neighbours become one group on this store. */
#include "base/mutant.h"
#include "base/probe.h"
#include "core/entry/entry.h"
#include "engine/store/apply.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <inttypes.h>

/* ---- the right one */

static bool is_saved(const struct replica *r, uint64_t index) {
    return r->checkpoint.durable + 1 == index ||
           (TC_MUTANT(65) && r->checkpoint.durable > 0); /* an older one will do */
}

/* A left one may wait for this with its MERGE. */
static void wake_left(const struct replica *r) {
    const struct store *s = r->store;
    for (size_t i = 0; i < s->replica_count; i++) {
        struct replica *left = s->replicas[i];
        if (left->seal && left->seal->right_gid == r->gid)
            store__seal_wake(left);
    }
}

tc_err store__merge_apply_seal(struct replica *r, const struct paxos_entry *e,
                               struct tc_slice body) {
    struct entry_seal seal;
    TC_TRY(entry_seal_decode(body, &seal));
    if (r->seal == NULL) {
        r->seal = store__seal_new(PAXOS_SEAL, e);
        r->seal->gids[0] = seal.merged_gid;
        r->archive.wanted = e->index;
    }
    if (!is_saved(r, e->index))
        return TC_EBUSY;
    store__apply_learn_time(r, seal.hlc_ns);
    wake_left(r);
    TC_TRACE(&r->store->env.trace, "g%" PRIu64 " sealed at %" PRIu64 " for g%" PRIu64, r->gid,
             e->index, seal.merged_gid);
    return TC_OK;
}

/* ---- the left one */

static Tercet__Pb__CreateReplicaRequest *merged_desc(struct replica *r, const struct paxos_entry *e,
                                                     const struct entry_merge *m) {
    struct paxos_mark at = {e->index, e->ballot, e->chain};
    struct paxos_mark seal = {.index = m->right_index, .chain = m->right_chain};
    struct paxos_mark base = paxos_merged_base(&at, &seal, m->merged_gid);
    if (TC_MUTANT(62))
        base.index = e->index; /* above the left one's log alone */
    Tercet__Pb__CreateReplicaRequest *d = store__split_child_desc(r, e, m->merged_gid, &base);
    store__split_set_bytes(&d->partition->end, m->end);
    d->partition->epoch = m->epoch;
    d->hlc_ns = m->hlc_ns;
    d->parent_index = e->index;
    d->right_gid = m->right_gid;
    d->right_index = m->right_index;
    d->right_chain = m->right_chain;
    return d;
}

static tc_err make_merged(struct replica *r, const struct paxos_entry *e,
                          const struct entry_merge *m) {
    struct replica *merged = NULL;
    tc_err err = store__split_child_known(r->store, m->merged_gid, &merged);
    if (err == TC_ENOTFOUND)
        err = store__replica_make_child(r->store, merged_desc(r, e, m), store__seal_is_live(r, e),
                                        &merged);
    if (err == TC_EIO)
        store__fail(r->store, "a merged group could not be made");
    TC_TRY(err);
    r->seal = store__seal_new(PAXOS_MERGE, e);
    r->seal->gids[0] = m->merged_gid;
    r->seal->right_gid = m->right_gid;
    r->seal->right_index = m->right_index;
    r->seal->right_chain = m->right_chain;
    r->archive.wanted = e->index;
    if (r->status.role == PAXOS_LEADER)
        TC_TRACE(&r->store->env.trace,
                 "g%" PRIu64 " merged at %" PRIu64 " with g%" PRIu64 " -> g%" PRIu64, r->gid,
                 e->index, m->right_gid, m->merged_gid);
    return TC_OK;
}

/* The right one's copy here, when everything that was in it when it was sealed is in its
 * checkpoint. */
static struct replica *right_ready(const struct replica *r) {
    struct replica *right = store__find(r->store, r->seal->right_gid);
    if (right == NULL || right->state != REPLICA_OK || !store__seal_done(right) ||
        right->seal->type != PAXOS_SEAL || right->seal->at.index != r->seal->right_index ||
        right->seal->at.chain != r->seal->right_chain || !is_saved(right, r->seal->right_index))
        return NULL;
    return right;
}

static void build(struct replica *r, struct replica *merged) {
    struct replica *right = right_ready(r);
    if (right == NULL || !is_saved(r, r->seal->at.index))
        return;
    r->seal->retry_ns = store__now_ns(r->store) + STORE_BUILD_RETRY_NS;
    store__split_inherit(merged, r, right);
    store__split_build(merged, r, right);
}

tc_err store__merge_apply(struct replica *r, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_merge m;
    TC_TRY(entry_merge_decode(body, &m));
    if (r->seal == NULL)
        TC_TRY(make_merged(r, e, &m));
    struct replica *merged = store__find(r->store, m.merged_gid);
    if (merged && merged->state == REPLICA_BUILDING) {
        build(r, merged);
        return TC_EBUSY;
    }
    struct replica *right = right_ready(r);
    if (merged && right)
        store__split_inherit(merged, r, right);
    TC_TRACE(&r->store->env.trace, "g%" PRIu64 " the merged group is durable here", r->gid);
    return TC_OK;
}

/* Without the right one's log here its request ids are not known; once they are too old to be
 * repeated, a copy from another replica is as good as one made here. */
void store__merge_tick(struct replica *left, uint64_t now_ns) {
    struct replica *merged =
        left->seal->type == PAXOS_MERGE ? store__find(left->store, left->seal->gids[0]) : NULL;
    if (merged == NULL || merged->state != REPLICA_BUILDING || merged->building ||
        now_ns < merged->made_ns + STORE_DEDUP_KEEP_NS)
        return;
    TC_PROBE("store: a merged group's replica without the right side takes a copy");
    store__replica_wants_copy(merged, "the right one of the merge is not on this store");
}
