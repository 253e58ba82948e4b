/* The control that asks for a split. */
#include "base/assert.h"
#include "core/entry/entry.h"
#include "core/key/key.h"
#include "engine/store/apply.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/schema.h"
#include "engine/store/split.h"

enum {
    HASH_BYTES = 8, /* a storage key begins with */
};

struct replica *store__split_twin(const struct replica *r) {
    const struct replica *parent =
        r->desc->parent_gid ? store__find(r->store, r->desc->parent_gid) : NULL;
    if (parent == NULL || parent->seal == NULL || parent->seal->type != PAXOS_SPLIT)
        return NULL;
    struct replica *twin =
        store__find(r->store, parent->seal->gids[parent->seal->gids[0] == r->gid ? 1 : 0]);
    return twin && twin->seal == NULL ? twin : NULL;
}

/* ---- control */

static Tercet__Pb__SplitState state_of(const struct replica *r) {
    if (store__seal_type(r) != PAXOS_SPLIT)
        return TERCET__PB__SPLIT_STATE__SPLIT_NONE;
    if (r->seal == NULL)
        return TERCET__PB__SPLIT_STATE__SPLIT_PROPOSED;
    return r->seal->done ? TERCET__PB__SPLIT_STATE__SPLIT_DONE
                         : TERCET__PB__SPLIT_STATE__SPLIT_MADE;
}

bool store__split_fill(struct replica *r, Tercet__Pb__SplitReply *reply,
                       Tercet__Pb__Partition *children[2]) {
    tercet__pb__split_reply__init(reply);
    reply->state = state_of(r);
    reply->children = children;
    if (reply->state == TERCET__PB__SPLIT_STATE__SPLIT_NONE)
        return false;
    reply->index = r->seal ? r->seal->at.index : r->status.seal_index;
    for (int side = 0; r->seal && side < 2; side++) {
        struct replica *child = store__find(r->store, r->seal->gids[side]);
        if (child)
            children[reply->n_children++] = store__group_partition(child);
    }
    return true;
}

/* Where it is split when key is asked for. An item collection stays whole, for its local rows and
 * its size are one: the whole hash goes to one side. */
static struct tc_slice cut_of(const struct replica *r, struct tc_slice key) {
    bool whole = store__schema_splits_at_hashes(r) && key.len > HASH_BYTES;
    return whole ? tc_slice(key.data, HASH_BYTES) : key;
}

static tc_err check(struct replica *r, const Tercet__Pb__SplitRequest *req) {
    const Tercet__Pb__Partition *p = r->desc->partition;
    struct tc_slice key = cut_of(r, proto_slice(req->key));
    bool gids = req->left_gid && req->right_gid && req->left_gid != req->right_gid;
    if (!gids || key.len == 0 || key.len > KEY_BYTES_MAX ||
        tc_slice_cmp(key, proto_slice(p->start)) <= 0 ||
        !key_in_range(key, proto_slice(p->start), proto_slice(p->end)) ||
        r->gid == STORE_SYSTEM_GID)
        return TC_EINVAL;
    return store__seal_gid_used(r->store, req->left_gid) ||
                   store__seal_gid_used(r->store, req->right_gid)
               ? TC_EEXISTS
               : TC_OK;
}

static tc_err propose(struct replica *r, const Tercet__Pb__SplitRequest *req) {
    struct entry_split split = {.hlc_ns = store__apply_hlc_ns(r),
                                .gids = {req->left_gid, req->right_gid},
                                .key = cut_of(r, proto_slice(req->key))};
    struct tc_buf body = {0};
    entry_split_encode(&split, &body);
    tc_err err = store__seal_propose(r, PAXOS_SPLIT, tc_buf_slice(&body));
    tc_buf_deinit(&body);
    return err;
}

static tc_err split(struct replica *r, const Tercet__Pb__SplitRequest *req) {
    if (r->status.seal_index && store__seal_type(r) != PAXOS_SPLIT)
        return TC_EEXISTS;
    if (r->seal) {
        bool same = r->seal->gids[0] == req->left_gid && r->seal->gids[1] == req->right_gid;
        return same ? TC_OK : TC_EEXISTS;
    }
    TC_TRY(store__seal_may_begin(r));
    if (r->status.seal_index)
        return TC_OK;
    TC_TRY(check(r, req));
    return propose(r, req);
}

tc_err store_split(struct store *s, const Tercet__Pb__SplitRequest *req, struct tc_buf *out) {
    struct replica *r = store__find(s, req->gid);
    Tercet__Pb__Partition *children[2];
    Tercet__Pb__SplitReply reply;
    if (r == NULL || r->paxos == NULL)
        return TC_ENOTFOUND;
    tc_err err = split(r, req);
    if (err != TC_OK && err != TC_ENOTLEADER)
        return err;
    (void)store__split_fill(r, &reply, children);
    reply.moved = store__group_partition(r);
    proto_append(out, &reply.base);
    return err;
}
