/* What a replica keeps in files of its own: its descriptor, its B-tree and the stamp's blob. */
#include "base/reader.h"
#include "core/quorum/quorum.h"
#include "engine/store/file.h"
#include "engine/store/replica.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    DESC_LIVE = 1,
    DESC_GONE = 2,
    BLOB_VERSION = 1,
    BLOB_VERSION_AUX = 2,    /* with auxiliary rows */
    BLOB_VERSION_LOCALS = 3, /* ... and those of each local index apart */
    DIRTY_CHECKPOINTS = 4,   /* dirty pages may pile up to so many checkpoints' worth of log ... */
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

tc_err store__replica_desc_bury(struct store *s, const Tercet__Pb__CreateReplicaRequest *desc) {
    return desc_save(s, desc, DESC_GONE);
}

bool store__replica_desc_sound(const Tercet__Pb__CreateReplicaRequest *d, uint64_t gid) {
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
    if (err == TC_OK && (desc == NULL || !store__replica_desc_sound(desc, gid)))
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

bool store__replica_is_free(struct store *s, uint64_t gid) {
    bool live = false;
    Tercet__Pb__CreateReplicaRequest *desc = NULL;
    tc_err err = store__replica_desc_load(s, gid, &live, &desc);
    if (err == TC_OK)
        tercet__pb__create_replica_request__free_unpacked(desc, NULL);
    return err == TC_ENOTFOUND || (err == TC_OK && !live);
}

static void append_aux(struct tc_buf *out, const struct store_aux *aux) {
    tc_buf_append_u64(out, aux->count);
    tc_buf_append_u64(out, aux->bytes);
    tc_buf_append_u64(out, aux->outbox_count);
    tc_buf_append_u8(out, (uint8_t)aux->local_count);
    for (size_t i = 0; i < aux->local_count; i++) {
        tc_buf_append_u8(out, aux->locals[i].id);
        tc_buf_append_u64(out, aux->locals[i].count);
        tc_buf_append_u64(out, aux->locals[i].bytes);
    }
}

static bool read_aux(struct tc_reader *r, uint8_t version, struct store_aux *aux) {
    if (version == BLOB_VERSION)
        return true;
    aux->count = tc_reader_u64(r);
    aux->bytes = tc_reader_u64(r);
    aux->outbox_count = tc_reader_u64(r);
    aux->uncounted = version == BLOB_VERSION_AUX;
    if (aux->uncounted)
        return true;
    const size_t count = tc_reader_u8(r);
    if (count > STORE_AUX_LOCALS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        aux->locals[i].id = tc_reader_u8(r);
        aux->locals[i].count = tc_reader_u64(r);
        aux->locals[i].bytes = tc_reader_u64(r);
    }
    aux->local_count = count;
    return true;
}

void store__replica_blob(struct tc_buf *out, const struct paxos_mark *base,
                         const struct quorum_config *config, const struct store_aux *aux) {
    const bool counted = aux->count > 0;
    tc_buf_append_u8(out, counted ? BLOB_VERSION_LOCALS : BLOB_VERSION);
    tc_buf_append_u64(out, base->index);
    tc_buf_append_u64(out, base->ballot);
    tc_buf_append_u64(out, base->chain);
    if (counted)
        append_aux(out, aux);
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
    if (version < BLOB_VERSION || version > BLOB_VERSION_LOCALS || !read_aux(&r, version, &aux) ||
        !tc_reader_ok(&r))
        return TC_ECORRUPT;
    TC_TRY(quorum_decode(r.rest, ret_config));
    *ret_base = base;
    *ret_aux = aux;
    return TC_OK;
}
