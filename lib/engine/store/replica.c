#include "engine/store/replica.h"

#include "base/assert.h"
#include "base/reader.h"
#include "core/quorum/quorum.h"
#include "engine/store/admit.h"
#include "engine/store/answer.h"
#include "engine/store/disk.h"
#include "engine/store/due.h"
#include "engine/store/file.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/learner.h"
#include "engine/store/members.h"
#include "engine/store/outbox.h"
#include "engine/store/schema.h"
#include "engine/store/snapshot.h"
#include "engine/store/split.h"
#include "env/fs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DESC_LIVE = 1,
    DESC_GONE = 2,
    BLOB_VERSION = 1,
    BLOB_VERSION_AUX = 2, /* with auxiliary rows */
    NOTICE_KEY_BYTES_MAX = 64,
    DIRTY_CHECKPOINTS = 4, /* dirty pages may pile up to so many checkpoints' worth of log ... */
    DIRTY_BYTES_MIN = 64 << 20, /* ... and so much in any case; then applying waits */
};

static void desc_name(char *name, size_t cap, uint64_t gid) {
    (void)snprintf(name, cap, "replica-%016" PRIx64 ".desc", gid);
}

void store__replica_tree_path(const struct replica *r, char *path, size_t cap) {
    (void)snprintf(path, cap, "%s/replica-%016" PRIx64 ".tree", r->store->dir, r->gid);
}

struct btree_opts store__replica_tree_opts(const struct replica *r, bool create) {
    const struct store_options *o = &r->store->options;
    uint64_t dirty_bytes = o->checkpoint_bytes * DIRTY_CHECKPOINTS;
    return (struct btree_opts){.gid = r->gid,
                               .cache_bytes = o->cache_bytes,
                               .dirty_bytes_max =
                                   dirty_bytes > DIRTY_BYTES_MIN ? dirty_bytes : DIRTY_BYTES_MIN,
                               .create = create};
}

/* ---- descriptor */

static tc_err desc_save(struct store *s, const Tercet__Pb__CreateReplicaRequest *desc,
                        uint8_t state) {
    char name[64];
    struct tc_buf b = {0};
    desc_name(name, sizeof name, desc->partition->gid);
    tc_buf_append_u8(&b, state);
    proto_append(&b, &desc->base);
    tc_err err = b.len > STORE_FILE_BYTES_MAX
                     ? TC_ELIMIT
                     : store__file_save(s->env.fs, s->dir, name, tc_buf_slice(&b));
    tc_buf_deinit(&b);
    return err;
}

tc_err store__replica_desc_save(struct store *s, const Tercet__Pb__CreateReplicaRequest *desc) {
    return desc_save(s, desc, DESC_LIVE);
}

static bool desc_sound(const Tercet__Pb__CreateReplicaRequest *d, uint64_t gid) {
    return d->partition && d->partition->gid == gid && gid != 0 && d->rid != 0 &&
           d->partition->n_members > 0 && d->partition->n_members <= QUORUM_VOTERS_MAX;
}

tc_err store__replica_desc_load(struct store *s, uint64_t gid, bool *ret_live,
                                Tercet__Pb__CreateReplicaRequest **ret_desc) {
    char name[64];
    struct tc_buf b = {0};
    desc_name(name, sizeof name, gid);
    tc_err err = store__file_load(s->env.fs, s->dir, name, &b);
    if (err == TC_OK && (b.len < 1 || b.data[0] < DESC_LIVE || b.data[0] > DESC_GONE))
        err = TC_ECORRUPT;
    Tercet__Pb__CreateReplicaRequest *desc = NULL;
    if (err == TC_OK)
        desc = tercet__pb__create_replica_request__unpack(NULL, b.len - 1, b.data + 1);
    if (err == TC_OK && (desc == NULL || !desc_sound(desc, gid)))
        err = TC_ECORRUPT;
    if (err == TC_OK) {
        *ret_live = b.data[0] == DESC_LIVE;
        *ret_desc = desc;
    } else if (desc) {
        tercet__pb__create_replica_request__free_unpacked(desc, NULL);
    }
    tc_buf_deinit(&b);
    return err;
}

/* ---- stamp's blob */

void store__replica_blob(struct tc_buf *out, const struct paxos_mark *base,
                         const struct quorum_config *config, const struct store_aux *aux) {
    const bool counted = aux->count > 0;
    tc_buf_append_u8(out, counted ? BLOB_VERSION_AUX : BLOB_VERSION);
    tc_buf_append_u64(out, base->index);
    tc_buf_append_u64(out, base->ballot);
    tc_buf_append_u64(out, base->chain);
    if (counted) {
        tc_buf_append_u64(out, aux->count);
        tc_buf_append_u64(out, aux->bytes);
        tc_buf_append_u64(out, aux->outbox_count);
    }
    quorum_encode(config, out);
}

tc_err store__replica_blob_decode(struct tc_slice blob, struct paxos_mark *ret_base,
                                  struct quorum_config *ret_config, struct store_aux *ret_aux) {
    struct tc_reader r = tc_reader(blob);
    uint8_t version = tc_reader_u8(&r);
    struct paxos_mark base;
    struct store_aux aux = {0};
    base.index = tc_reader_u64(&r);
    base.ballot = tc_reader_u64(&r);
    base.chain = tc_reader_u64(&r);
    if (version == BLOB_VERSION_AUX) {
        aux.count = tc_reader_u64(&r);
        aux.bytes = tc_reader_u64(&r);
        aux.outbox_count = tc_reader_u64(&r);
    }
    if (!tc_reader_ok(&r) || (version != BLOB_VERSION && version != BLOB_VERSION_AUX))
        return TC_ECORRUPT;
    TC_TRY(quorum_decode(r.rest, ret_config));
    *ret_base = base;
    *ret_aux = aux;
    return TC_OK;
}

/* ---- memory */

struct replica *store__replica_new(struct store *s, Tercet__Pb__CreateReplicaRequest *desc_take) {
    struct replica *r = calloc(1, sizeof *r);
    TC_ASSERT(r != NULL);
    r->store = s;
    r->gid = desc_take->partition->gid;
    r->rid = desc_take->rid;
    r->desc = desc_take;
    r->checkpoint.last_ns = r->made_ns = store__now_ns(s);
    r->deadline_ns = UINT64_MAX;
    tc_list_init(&r->flush_link);
    tc_list_init(&r->active_link);
    tc_list_init(&r->archive.link);
    store_waits_init(&r->waits);
    store__admit_init(r);
    store__members_init(r);
    store__schema_load(r);
    r->fed_ns = store__now_ns(s);
    return r;
}

void store__replica_free(struct replica *r) {
    if (r == NULL)
        return;
    TC_ASSERT(r->jobs_out == 0 && r->waits.count == 0);
    tc_list_remove(&r->flush_link);
    tc_list_remove(&r->archive.link);
    for (size_t i = 0; r->proposals && i < r->proposals->count; i++)
        tc_blob_unref(r->proposals->items[i].body);
    store__snapshot_forget(r);
    store__heal_free(r);
    store__outbox_free(r);
    store__members_deinit(r);
    store__schema_free(r);
    store__seal_free(r);
    paxos_free(r->paxos);
    store__due_drop(r);
    btree_close(r->tree);
    store_overlay_deinit(&r->overlay);
    store_dedup_deinit(&r->dedup);
    store_waits_deinit(&r->waits);
    tercet__pb__create_replica_request__free_unpacked(r->desc, NULL);
    free(r->proposals);
    free(r->units);
    free(r->marks);
    free(r);
}

void store__replica_insert(struct store *s, struct replica *r) {
    s->replicas = realloc(s->replicas, (s->replica_count + 1) * sizeof(struct replica *));
    TC_ASSERT(s->replicas != NULL);
    size_t at = s->replica_count++;
    for (; at > 0 && s->replicas[at - 1]->gid > r->gid; at--)
        s->replicas[at] = s->replicas[at - 1];
    s->replicas[at] = r;
    (void)tc_map_put(&s->by_gid, tc_map_u64_key(&r->gid), r);
}

static void take_out(struct store *s, const struct replica *r) {
    size_t at = 0;
    while (s->replicas[at] != r)
        at++;
    memmove(&s->replicas[at], &s->replicas[at + 1],
            (s->replica_count - at - 1) * sizeof(struct replica *));
    s->replica_count--;
    (void)tc_map_del(&s->by_gid, tc_map_u64_key(&r->gid));
}

static void append_key(struct tc_buf *out, const struct tc_buf *key) {
    for (size_t i = 0; i < key->len && i < NOTICE_KEY_BYTES_MAX; i++)
        tc_buf_printf(out, "%02x", key->data[i]);
}

void store__replica_notice(const struct replica *r, const char *why,
                           const struct btree_damage *bad) {
    const struct store_env *env = &r->store->env;
    struct tc_buf text = {0};
    tc_buf_printf(&text, "gid=%" PRIu64 " rid=%" PRIu32 " why=\"%s\"", r->gid, r->rid, why);
    if (bad) {
        tc_buf_printf(&text, " page=%" PRIu64 " what=\"%s\" from=", bad->page, bad->what);
        append_key(&text, &bad->start);
        tc_buf_append_str(&text, " to=");
        append_key(&text, &bad->end);
    }
    tc_buf_append_u8(&text, 0);
    if (env->notice)
        env->notice(env->user, (const char *)text.data);
    tc_buf_deinit(&text);
}

static void want_copy(struct replica *r, const char *why, const struct btree_damage *bad) {
    (void)snprintf(r->damage, sizeof r->damage, "%s%s%s", why, bad ? ": " : "",
                   bad ? bad->what : "");
    r->state = REPLICA_DAMAGED;
    store__due_touch(r, store__now_ns(r->store));
    TC_TRACE(&r->store->env.trace, "g%" PRIu64 " %s -> stops serving, wants a snapshot", r->gid,
             r->damage);
}

void store__replica_wants_copy(struct replica *r, const char *why) {
    want_copy(r, why, /* bad= */ NULL);
}

void store__replica_damaged(struct replica *r, const char *why) {
    if (r->state != REPLICA_OK)
        return;
    const struct btree_damage *bad = r->tree ? btree_last_damage(r->tree) : NULL;
    want_copy(r, why, bad);
    r->store->counters.damage_found++;
    store__replica_notice(r, why, bad);
}

/* ---- create and delete */

static tc_err check_create(struct store *s, const Tercet__Pb__CreateReplicaRequest *req) {
    if (req->partition == NULL || !desc_sound(req, req->partition->gid))
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
    tc_err err = desc_save(s, r->desc, DESC_LIVE);
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

static Tercet__Pb__CreateReplicaRequest *desc_dup(const Tercet__Pb__CreateReplicaRequest *req) {
    struct tc_buf b = {0};
    proto_append(&b, &req->base);
    Tercet__Pb__CreateReplicaRequest *copy =
        tercet__pb__create_replica_request__unpack(NULL, b.len, b.data);
    TC_ASSERT(copy != NULL);
    tc_buf_deinit(&b);
    return copy;
}

/* A repeated request for a learner that is there already. */
static bool is_repeat(const struct store *s, const Tercet__Pb__CreateReplicaRequest *req) {
    const struct replica *r =
        req->learner && req->partition ? store__find(s, req->partition->gid) : NULL;
    return r && r->rid == req->rid && r->desc->learner && r->state == REPLICA_LOG;
}

tc_err store_create_replica(struct store *s, const Tercet__Pb__CreateReplicaRequest *req) {
    if (is_repeat(s, req))
        return TC_OK;
    TC_TRY(check_create(s, req));
    TC_TRY(store__disk_admit_replica(s));
    TC_TRY(check_gone(s, req->partition->gid, req->rid));
    struct replica *r = store__replica_new(s, desc_dup(req));
    struct btree_stamp stamp = {0};
    tc_err err = make_tree(r);
    if (err == TC_OK && r->tree)
        stamp = btree_durable_stamp(r->tree);
    if (err == TC_OK)
        err = store__replica_start(r, stamp);
    if (err == TC_OK)
        err = desc_save(s, r->desc, DESC_LIVE);
    if (err != TC_OK) {
        store__replica_free(r);
        return err;
    }
    store__replica_insert(s, r);
    return TC_OK;
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
    TC_TRY(desc_save(s, r->desc, DESC_GONE));
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
