/* Replicas come and go: created by the control plane or a split, deleted, asked for again. */
#include "base/assert.h"
#include "engine/store/answer.h"
#include "engine/store/disk.h"
#include "engine/store/group.h"
#include "engine/store/learner.h"
#include "engine/store/replica.h"
#include "engine/store/schema.h"
#include "engine/store/split.h"
#include "env/fs.h"

static void take_out(struct store *s, const struct replica *r) {
    size_t at = 0;
    while (s->replicas[at] != r)
        at++;
    memmove(&s->replicas[at], &s->replicas[at + 1],
            (s->replica_count - at - 1) * sizeof(struct replica *));
    s->replica_count--;
    (void)tc_map_del(&s->by_gid, tc_map_u64_key(&r->gid));
}

static tc_err check_create(struct store *s, const Tercet__Pb__CreateReplicaRequest *req) {
    if (req->partition == NULL || !store__replica_desc_sound(req, req->partition->gid))
        return TC_EINVAL;
    if (store__find(s, req->partition->gid))
        return TC_EEXISTS;
    if (s->replica_count >= s->options.replicas_max)
        return TC_ELIMIT;
    if (!store__schema_sound(proto_slice(req->partition->schema)))
        return TC_EINVAL;
    if (req->learner)
        return store__learner_check(s, req);
    for (size_t i = 0; i < req->partition->n_members; i++) {
        const Tercet__Pb__Member *m = req->partition->members[i];
        if (m->store_uuid.len != STORE_UUID_BYTES || strlen(m->addr) >= STORE_ADDR_BYTES_MAX)
            return TC_EINVAL;
        if (m->rid == req->rid && memcmp(m->store_uuid.data, s->uuid, STORE_UUID_BYTES) != 0)
            return TC_EINVAL;
    }
    return TC_OK;
}

/* A replica that was here before under the same or a newer rid must not come back empty. */
static tc_err check_gone(struct store *s, uint64_t gid, uint32_t rid) {
    bool live = false;
    Tercet__Pb__CreateReplicaRequest *before = NULL;
    tc_err err = store__replica_desc_load(s, gid, &live, &before);
    if (err == TC_ENOTFOUND)
        return TC_OK;
    TC_TRY(err);
    bool refused = live || before->rid >= rid;
    tercet__pb__create_replica_request__free_unpacked(before, NULL);
    return refused ? TC_EEXISTS : TC_OK;
}

tc_err store__replica_make_child(struct store *s, Tercet__Pb__CreateReplicaRequest *desc_take,
                                 bool may_begin, struct replica **ret_replica) {
    struct replica *r = store__replica_new(s, desc_take);
    r->state = REPLICA_BUILDING;
    r->may_begin = may_begin;
    tc_err err = store__replica_desc_save(s, r->desc);
    if (err == TC_OK)
        err = store__replica_start(r, (struct btree_stamp){0});
    if (err != TC_OK) {
        store__replica_free(r);
        return err;
    }
    store__replica_insert(s, r);
    *ret_replica = r;
    return TC_OK;
}

static tc_err make_tree(struct replica *r) {
    char path[TC_FS_PATH_MAX];
    store__replica_tree_path(r, path, sizeof path);
    tc_err err = tc_fs_unlink(r->store->env.fs, path); /* of a creation that a crash cut short */
    if (err != TC_OK && err != TC_ENOTFOUND)
        return err;
    if (r->desc->learner) {
        r->state = REPLICA_LOG;
        return TC_OK;
    }
    struct btree_opts opts = store__replica_tree_opts(r, /* create= */ true);
    return btree_open(r->store->env.fs, path, &opts, &r->tree);
}

/* A repeated request for a learner that is there already. */
static bool is_repeat(const struct store *s, const Tercet__Pb__CreateReplicaRequest *req) {
    const struct replica *r =
        req->learner && req->partition ? store__find(s, req->partition->gid) : NULL;
    return r && r->rid == req->rid && r->desc->learner && r->state == REPLICA_LOG;
}

static tc_err create(struct store *s, const Tercet__Pb__CreateReplicaRequest *req) {
    if (is_repeat(s, req))
        return TC_OK;
    TC_TRY(check_create(s, req));
    TC_TRY(store__disk_admit_replica(s));
    TC_TRY(check_gone(s, req->partition->gid, req->rid));
    struct replica *r =
        store__replica_new(s, (Tercet__Pb__CreateReplicaRequest *)proto_dup(&req->base));
    struct btree_stamp stamp = {0};
    tc_err err = make_tree(r);
    if (err == TC_OK && r->tree)
        stamp = btree_durable_stamp(r->tree);
    if (err == TC_OK)
        err = store__replica_start(r, stamp);
    if (err == TC_OK)
        err = store__replica_desc_save(s, r->desc);
    if (err != TC_OK) {
        store__replica_free(r);
        return err;
    }
    store__replica_insert(s, r);
    return TC_OK;
}

/* A disk that does not take this takes nothing else either. A store without groups writes nothing,
 * and would go on telling everybody that it is well. */
static tc_err checked(struct store *s, tc_err err, const char *what) {
    if (err != TC_EIO)
        return err;
    store__disk_failed(s, what);
    store__fail(s, what);
    return err;
}

tc_err store_create_replica(struct store *s, const Tercet__Pb__CreateReplicaRequest *req) {
    return checked(s, create(s, req), "a new replica could not be written");
}

/* The leader was the last to vouch for the partition; a replica that merely moved away was not. */
static void push_removed(struct replica *r) {
    if (!store__group_leads(r))
        return;
    Tercet__Pb__PushRequest push = TERCET__PB__PUSH_REQUEST__INIT;
    push.removed_gids = &r->gid;
    push.n_removed_gids = 1;
    store__push(r->store, &push);
}

tc_err store_delete_replica(struct store *s, uint64_t gid) {
    struct replica *r = store__find(s, gid);
    if (r == NULL)
        return TC_ENOTFOUND;
    store__group_flush(r);
    if (r->jobs_out > 0 || store__seal_needed(r))
        return TC_EBUSY;
    TC_TRY(checked(s, store__replica_desc_bury(s, r->desc),
                   "the descriptor of a deleted replica could not be written"));
    push_removed(r);
    store__answer_term_ended(r);
    uint64_t lsn = 0;
    tc_err err = wal_forget(s->wal, gid, &lsn);
    char path[TC_FS_PATH_MAX];
    store__replica_tree_path(r, path, sizeof path);
    take_out(s, r);
    store__replica_free(r);
    tc_err unlinked = tc_fs_unlink(s->env.fs, path);
    if (unlinked != TC_OK && unlinked != TC_ENOTFOUND)
        TC_TRACE(&s->env.trace, "tree of a deleted replica stays: %s", path);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

tc_err store_delete_request(struct store *s, const Tercet__Pb__DeleteReplicaRequest *req) {
    const struct replica *r = store__find(s, req->gid);
    struct tc_slice uuid = proto_slice(req->store_uuid);
    if (r && req->rid != 0 && req->rid != r->rid)
        return TC_ESTALE;
    if (uuid.len > 0 && !tc_slice_eq(uuid, tc_slice(s->uuid, STORE_UUID_BYTES)))
        return TC_ESTALE;
    if (r && req->retired && store__seal_unarchived(r))
        return TC_EBUSY;
    return store_delete_replica(s, req->gid);
}

tc_err store_reinstall(struct store *s, uint64_t gid) {
    struct replica *r = store__find(s, gid);
    if (r == NULL)
        return TC_ENOTFOUND;
    if (r->state != REPLICA_OK)
        return TC_EBUSY;
    store__replica_damaged(r, "reinstall was asked for");
    return TC_OK;
}
