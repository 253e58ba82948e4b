/* The control that asks for a merge: first the right one is sealed, then the left one takes it in.
 */
#include "base/assert.h"
#include "core/entry/entry.h"
#include "engine/store/apply.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <string.h>

/* ---- what both check */

static bool are_possible(uint64_t left_gid, uint64_t right_gid, uint64_t merged_gid) {
    return left_gid && right_gid && merged_gid && left_gid != right_gid && merged_gid != left_gid &&
           merged_gid != right_gid && left_gid != STORE_SYSTEM_GID && right_gid != STORE_SYSTEM_GID;
}

static bool has_store(const struct quorum_config *c, const struct quorum_member *m) {
    for (uint32_t i = 0; i < c->sets[0].count; i++)
        if (memcmp(c->sets[0].members[i].store, m->store, sizeof m->store) == 0)
            return true;
    return false;
}

/* Members of c whose stores hold a member of other too. */
static uint32_t shared_count(const struct quorum_config *c, const struct quorum_config *other) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->sets[0].count; i++)
        count += has_store(other, &c->sets[0].members[i]);
    return count;
}

/* ---- seal */

static Tercet__Pb__SealState seal_state(const struct replica *r) {
    if (store__seal_type(r) != PAXOS_SEAL)
        return TERCET__PB__SEAL_STATE__SEAL_NONE;
    return store__seal_done(r) ? TERCET__PB__SEAL_STATE__SEAL_DONE
                               : TERCET__PB__SEAL_STATE__SEAL_PROPOSED;
}

bool store__merge_fill_seal(const struct replica *r, Tercet__Pb__SealReply *reply) {
    tercet__pb__seal_reply__init(reply);
    reply->state = seal_state(r);
    if (reply->state == TERCET__PB__SEAL_STATE__SEAL_NONE)
        return false;
    reply->index = r->seal ? r->seal->at.index : r->status.seal_index;
    if (r->seal) {
        reply->chain = r->seal->at.chain;
        reply->merged_gid = r->seal->gids[0];
    }
    return true;
}

/* It serves nobody from its seal to the merge: what would keep the merge waiting is looked for
 * before, as far as this node can see it. */
static tc_err check_seal(struct replica *r, const Tercet__Pb__SealRequest *req) {
    const struct replica *left = store__find(r->store, req->left_gid);
    if (!are_possible(req->left_gid, req->gid, req->merged_gid))
        return TC_EINVAL;
    if (store__seal_gid_used(r->store, req->merged_gid))
        return TC_EEXISTS;
    if (left == NULL || left->paxos == NULL)
        return TC_ENOTALIGNED;
    if (!store__seal_neighbours(left, r))
        return TC_EINVAL;
    if (store__seal_type(left) != 0)
        return TC_EEXISTS;
    const struct quorum_config *ours = paxos_config(r->paxos), *theirs = paxos_config(left->paxos);
    if (quorum_is_joint(ours) || quorum_is_joint(theirs) || left->state == REPLICA_LOG)
        return TC_EBUSY;
    bool same = ours->sets[0].count == theirs->sets[0].count &&
                shared_count(ours, theirs) == ours->sets[0].count;
    return same ? TC_OK : TC_ENOTALIGNED;
}

static tc_err seal(struct replica *r, const Tercet__Pb__SealRequest *req) {
    if (r->status.seal_index && store__seal_type(r) != PAXOS_SEAL)
        return TC_EEXISTS;
    if (r->seal)
        return r->seal->gids[0] == req->merged_gid ? TC_OK : TC_EEXISTS;
    TC_TRY(store__seal_may_begin(r));
    if (r->status.seal_index)
        return TC_OK;
    TC_TRY(check_seal(r, req));
    struct entry_seal entry = {
        .hlc_ns = store__apply_hlc_ns(r), .left_gid = req->left_gid, .merged_gid = req->merged_gid};
    struct tc_buf body = {0};
    entry_seal_encode(&entry, &body);
    tc_err err = store__seal_propose(r, PAXOS_SEAL, tc_buf_slice(&body));
    tc_buf_deinit(&body);
    return err;
}

tc_err store_seal(struct store *s, const Tercet__Pb__SealRequest *req, struct tc_buf *out) {
    struct replica *r = store__find(s, req->gid);
    Tercet__Pb__SealReply reply;
    if (r == NULL || r->paxos == NULL)
        return TC_ENOTFOUND;
    tc_err err = seal(r, req);
    if (err != TC_OK && err != TC_ENOTLEADER)
        return err;
    (void)store__merge_fill_seal(r, &reply);
    reply.moved = store__group_partition(r);
    proto_append(out, &reply.base);
    return err;
}

/* ---- merge */

static Tercet__Pb__MergeState merge_state(const struct replica *r) {
    if (store__seal_type(r) != PAXOS_MERGE)
        return TERCET__PB__MERGE_STATE__MERGE_NONE;
    if (r->seal == NULL)
        return TERCET__PB__MERGE_STATE__MERGE_PROPOSED;
    return r->seal->done ? TERCET__PB__MERGE_STATE__MERGE_DONE
                         : TERCET__PB__MERGE_STATE__MERGE_MADE;
}

bool store__merge_fill(const struct replica *r, Tercet__Pb__MergeReply *reply) {
    tercet__pb__merge_reply__init(reply);
    reply->state = merge_state(r);
    if (reply->state == TERCET__PB__MERGE_STATE__MERGE_NONE)
        return false;
    reply->index = r->seal ? r->seal->at.index : r->status.seal_index;
    if (r->seal == NULL)
        return true;
    struct replica *merged = store__find(r->store, r->seal->gids[0]);
    reply->right_gid = r->seal->right_gid;
    reply->merged_gid = r->seal->gids[0];
    reply->merged = merged ? store__group_partition(merged) : NULL;
    return true;
}

/* The right one is sealed for this merge, and enough stores hold both: then whoever has a quorum of
 * the left one has a store that can make the merged group. */
static tc_err check_merge(struct replica *r, const Tercet__Pb__MergeRequest *req,
                          const struct replica *right) {
    if (!are_possible(req->gid, req->right_gid, req->merged_gid))
        return TC_EINVAL;
    if (store__seal_gid_used(r->store, req->merged_gid))
        return TC_EEXISTS;
    if (right == NULL || right->paxos == NULL)
        return TC_ENOTALIGNED;
    if (!store__seal_neighbours(r, right))
        return TC_EINVAL;
    uint16_t type = store__seal_type(right);
    if ((type != 0 && type != PAXOS_SEAL) ||
        (right->seal && right->seal->gids[0] != req->merged_gid))
        return TC_EEXISTS;
    if (right->state != REPLICA_OK || !store__seal_done(right) || !r->status.config_settled)
        return TC_EBUSY;
    const struct quorum_config *ours = paxos_config(r->paxos);
    uint32_t shared = shared_count(ours, paxos_config(right->paxos));
    return 2 * shared > ours->sets[0].count ? TC_OK : TC_ENOTALIGNED;
}

static tc_err propose(struct replica *r, const Tercet__Pb__MergeRequest *req,
                      const struct replica *right) {
    const Tercet__Pb__Partition *a = r->desc->partition, *b = right->desc->partition;
    struct entry_merge m = {.merged_gid = req->merged_gid,
                            .epoch = (a->epoch > b->epoch ? a->epoch : b->epoch) + 1,
                            .right_gid = right->gid,
                            .right_index = right->seal->at.index,
                            .right_chain = right->seal->at.chain,
                            .end = proto_slice(b->end)};
    struct tc_buf body = {0};
    store__apply_learn_time(r, right->hlc_ns);
    m.hlc_ns = store__apply_hlc_ns(r);
    entry_merge_encode(&m, &body);
    tc_err err = store__seal_propose(r, PAXOS_MERGE, tc_buf_slice(&body));
    tc_buf_deinit(&body);
    return err;
}

static tc_err merge(struct replica *r, const Tercet__Pb__MergeRequest *req) {
    const struct replica *right = store__find(r->store, req->right_gid);
    if (r->status.seal_index && store__seal_type(r) != PAXOS_MERGE)
        return TC_EEXISTS;
    if (r->seal)
        return r->seal->gids[0] == req->merged_gid ? TC_OK : TC_EEXISTS;
    TC_TRY(store__seal_may_begin(r));
    if (r->status.seal_index)
        return TC_OK;
    TC_TRY(check_merge(r, req, right));
    return propose(r, req, right);
}

tc_err store_merge(struct store *s, const Tercet__Pb__MergeRequest *req, struct tc_buf *out) {
    struct replica *r = store__find(s, req->gid);
    Tercet__Pb__MergeReply reply;
    if (r == NULL || r->paxos == NULL)
        return TC_ENOTFOUND;
    tc_err err = merge(r, req);
    if (err != TC_OK && err != TC_ENOTLEADER)
        return err;
    (void)store__merge_fill(r, &reply);
    reply.moved = store__group_partition(r);
    proto_append(out, &reply.base);
    return err;
}
