/* Requests that meet a split, and the control that asks for one. */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mutant.h"
#include "core/entry/entry.h"
#include "core/key/key.h"
#include "engine/store/apply.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <stdlib.h>

enum {
    UNSAVED_BYTES_MAX = 4 << 20, /* applied since the last checkpoint when a SPLIT is proposed */
};

tc_err store__split_admit(const struct replica *r) {
    if (TC_MUTANT(41))
        return TC_OK;
    if (r->split)
        return TC_EMOVED;
    bool leads = r->status.role == PAXOS_LEADER;
    return leads && r->status.split_index ? TC_EBUSY : TC_OK;
}

/* The child left of key: key itself, or everything below it, belongs to the left one. */
static bool is_left(const struct store_split *split, struct tc_slice key, bool before) {
    int order = tc_slice_cmp(key, tc_buf_slice(&split->key));
    return before ? key.len > 0 && order <= 0 : order < 0;
}

struct replica *store__split_target(struct replica *r, struct tc_slice key, bool before) {
    if (r == NULL || r->split == NULL)
        return r;
    return store__find(r->store, r->split->gids[is_left(r->split, key, before) ? 0 : 1]);
}

struct replica *store__split_twin(const struct replica *r) {
    const struct replica *parent =
        r->desc->parent_gid ? store__find(r->store, r->desc->parent_gid) : NULL;
    if (parent == NULL || parent->split == NULL)
        return NULL;
    struct replica *twin =
        store__find(r->store, parent->split->gids[parent->split->gids[0] == r->gid ? 1 : 0]);
    return twin && twin->split == NULL ? twin : NULL;
}

/* ---- control */

static Tercet__Pb__SplitState state_of(const struct replica *r) {
    if (r->split)
        return r->split->done ? TERCET__PB__SPLIT_STATE__SPLIT_DONE
                              : TERCET__PB__SPLIT_STATE__SPLIT_MADE;
    return r->status.split_index ? TERCET__PB__SPLIT_STATE__SPLIT_PROPOSED
                                 : TERCET__PB__SPLIT_STATE__SPLIT_NONE;
}

bool store__split_fill(struct replica *r, Tercet__Pb__SplitReply *reply,
                       Tercet__Pb__Partition *children[2]) {
    tercet__pb__split_reply__init(reply);
    reply->state = state_of(r);
    reply->index = r->split ? r->split->at.index : r->status.split_index;
    for (int side = 0; r->split && side < 2; side++) {
        struct replica *child = store__find(r->store, r->split->gids[side]);
        if (child)
            children[reply->n_children++] = store__group_partition(child);
    }
    reply->children = children;
    return reply->state != TERCET__PB__SPLIT_STATE__SPLIT_NONE;
}

static bool used(struct store *s, uint64_t gid) {
    bool live = false;
    Tercet__Pb__CreateReplicaRequest *desc = NULL;
    if (store__find(s, gid))
        return true;
    tc_err err = store__replica_desc_load(s, gid, &live, &desc);
    if (err == TC_OK)
        tercet__pb__create_replica_request__free_unpacked(desc, NULL);
    return err != TC_ENOTFOUND;
}

static tc_err check(struct replica *r, const Tercet__Pb__SplitRequest *req) {
    const Tercet__Pb__Partition *p = r->desc->partition;
    struct tc_slice key = store__bytes(req->key);
    bool gids = req->left_gid && req->right_gid && req->left_gid != req->right_gid;
    if (!gids || key.len == 0 || key.len > KEY_BYTES_MAX ||
        tc_slice_cmp(key, store__bytes(p->start)) <= 0 ||
        !key_in_range(key, store__bytes(p->start), store__bytes(p->end)) ||
        r->gid == STORE_SYSTEM_GID)
        return TC_EINVAL;
    return used(r->store, req->left_gid) || used(r->store, req->right_gid) ? TC_EEXISTS : TC_OK;
}

static struct tc_blob *encode(struct replica *r, const Tercet__Pb__SplitRequest *req) {
    struct entry_split split = {.hlc_ns = store__apply_hlc_ns(r),
                                .gids = {req->left_gid, req->right_gid},
                                .key = store__bytes(req->key)};
    struct tc_buf body = {0};
    entry_split_encode(&split, &body);
    struct tc_blob *blob = tc_blob_dup(tc_buf_slice(&body));
    tc_buf_deinit(&body);
    return blob;
}

/* The entry may be committed and applied before this returns: who proposed it must be known
 * before. */
static tc_err propose(struct replica *r, const Tercet__Pb__SplitRequest *req) {
    struct tc_blob *body = encode(r, req);
    struct paxos_proposal item = {
        .type = PAXOS_SPLIT, .body = body, .body_crc = tc_crc32c(0, body->data, body->len)};
    struct paxos_event ev = {.type = PAXOS_EV_PROPOSE, .propose = {&item, 1}};
    store__group_flush(r);
    r->split_index = r->status.last.index + 1;
    r->split_ballot = r->status.ballot;
    tc_err err = store__group_step(r, &ev);
    if (err != TC_OK)
        r->split_index = r->split_ballot = 0;
    tc_blob_unref(body);
    return err;
}

static tc_err split(struct replica *r, const Tercet__Pb__SplitRequest *req) {
    if (r->split) {
        bool same = r->split->gids[0] == req->left_gid && r->split->gids[1] == req->right_gid;
        return same ? TC_OK : TC_EEXISTS;
    }
    TC_TRY(store__group_may_read(r));
    if (r->status.split_index)
        return TC_OK;
    TC_TRY(check(r, req));
    if (r->checkpoint.log_bytes > UNSAVED_BYTES_MAX || r->checkpoint.running || r->stalled) {
        r->checkpoint.wanted = true;
        return TC_EBUSY;
    }
    return propose(r, req);
}

tc_err store_split(struct store *s, const Tercet__Pb__SplitRequest *req, struct tc_buf *out) {
    struct replica *r = store__find(s, req->gid);
    Tercet__Pb__Partition *children[2];
    Tercet__Pb__SplitReply reply;
    if (r == NULL || r->paxos == NULL)
        return TC_ENOTFOUND;
    tc_err err = split(r, req);
    if (err == TC_EUNAVAILABLE)
        err = TC_EBUSY; /* leads, and waits for its lease */
    if (err != TC_OK && err != TC_ENOTLEADER)
        return err;
    (void)store__split_fill(r, &reply, children);
    reply.moved = store__group_partition(r);
    proto_append(out, &reply.base);
    return err;
}
