#include "engine/reference/reference_private.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "core/entry/entry.h"
#include "env/fs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DIRTY_BYTES = 64 << 20,
    SCAN_ITEMS = 4096,
};

tc_err reference_new(struct tc_fs *fs, const char *path, const struct reference_opts *opts,
                     struct reference **ret_ref) {
    size_t len = strlen(path);
    if (len == 0 || len >= TC_FS_PATH_MAX)
        return TC_EINVAL;
    tc_err err = tc_fs_unlink(fs, path);
    if (err != TC_OK && err != TC_ENOTFOUND)
        return err;
    struct btree_opts tree_opts = {.gid = opts->gid,
                                   .cache_bytes = opts->cache_bytes,
                                   .dirty_bytes_max =
                                       opts->dirty_bytes_max ? opts->dirty_bytes_max : DIRTY_BYTES,
                                   .create = true};
    struct btree *tree = NULL;
    TC_TRY(btree_open(fs, path, &tree_opts, &tree));
    struct reference *r = calloc(1, sizeof *r);
    TC_ASSERT(r != NULL);
    r->fs = fs;
    r->tree = tree;
    r->gid = opts->gid;
    memcpy(r->path, path, len + 1);
    *ret_ref = r;
    return TC_OK;
}

void reference_free(struct reference *r) {
    if (!r)
        return;
    btree_close(r->tree);
    /* A scratch file that stays is replaced by the next reference. */
    TC_IGNORE(tc_fs_unlink(r->fs, r->path));
    tc_buf_deinit(&r->last_key);
    tc_buf_deinit(&r->split_key);
    free(r);
}

__attribute__((format(printf, 3, 4))) static tc_err problem(struct reference *r, tc_err err,
                                                            const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(r->problem, sizeof r->problem, fmt, args);
    va_end(args);
    return err;
}

tc_err reference__put(struct reference *r, struct tc_slice key, struct tc_slice value) {
    tc_err err = btree_put(r->tree, key, value);
    if (err != TC_EBUSY)
        return err;
    TC_TRY(btree_checkpoint(r->tree, &(struct btree_stamp){.index = r->at.index}));
    return btree_put(r->tree, key, value);
}

tc_err reference_snapshot_item(struct reference *r, struct tc_slice key, struct tc_slice value) {
    TC_ASSERT(r->at.index == 0);
    if (tc_slice_cmp(tc_buf_slice(&r->last_key), key) >= 0)
        return problem(r, TC_ECORRUPT, "the snapshot's keys are out of order");
    TC_TRY(reference__put(r, key, value));
    tc_buf_clear(&r->last_key);
    tc_buf_append_slice(&r->last_key, key);
    return TC_OK;
}

tc_err reference_snapshot_end(struct reference *r, const struct paxos_mark *at,
                              const struct btree_sums *sums) {
    TC_ASSERT(r->at.index == 0);
    struct btree_sums own;
    btree_sums(r->tree, &own);
    if (sums && memcmp(&own, sums, sizeof own) != 0)
        return problem(r, TC_ECORRUPT, "the snapshot's items do not have the sums it states");
    r->at = *at;
    return TC_OK;
}

static tc_err check_entry(struct reference *r, const struct paxos_entry *e, struct tc_slice body) {
    if (e->index != r->at.index + 1)
        return problem(r, TC_ECORRUPT, "entry %" PRIu64 " where %" PRIu64 " was due", e->index,
                       r->at.index + 1);
    if (e->body_len != body.len || e->body_crc != tc_crc32c(0, body.data, body.len))
        return problem(r, TC_ECORRUPT, "entry %" PRIu64 ": its body fails the checksum", e->index);
    if (e->chain != paxos_chain(r->gid, r->at.chain, e))
        return problem(r, TC_ECORRUPT, "entry %" PRIu64 " does not continue the chain", e->index);
    return TC_OK;
}

static tc_err apply_write(struct reference *r, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_write w;
    struct entry_mutation m;
    if (entry_write_decode(body, &w) != TC_OK)
        return problem(r, TC_ECORRUPT, "entry %" PRIu64 ": not a write", e->index);
    for (struct entry_iter it = entry_iter(&w); entry_next(&it, &m);) {
        tc_err err =
            m.op == ENTRY_PUT ? reference__put(r, m.key, m.item) : btree_delete(r->tree, m.key);
        if (err == TC_EINVAL || err == TC_ELIMIT)
            return problem(r, TC_ECORRUPT, "entry %" PRIu64 ": a key or item out of bounds",
                           e->index);
        if (err != TC_OK && err != TC_ENOTFOUND)
            return err;
    }
    return TC_OK;
}

static tc_err apply_split(struct reference *r, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_split split;
    if (entry_split_decode(body, &split) != TC_OK)
        return problem(r, TC_ECORRUPT, "entry %" PRIu64 ": not a split", e->index);
    memcpy(r->seal_gids, split.gids, sizeof r->seal_gids);
    tc_buf_clear(&r->split_key);
    tc_buf_append_slice(&r->split_key, split.key);
    return TC_OK;
}

static tc_err apply_seal(struct reference *r, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_seal seal;
    if (entry_seal_decode(body, &seal) != TC_OK)
        return problem(r, TC_ECORRUPT, "entry %" PRIu64 ": not a seal", e->index);
    r->seal_gids[0] = seal.merged_gid;
    r->seal_gids[1] = 0;
    return TC_OK;
}

static tc_err apply_merge(struct reference *r, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_merge m;
    if (entry_merge_decode(body, &m) != TC_OK)
        return problem(r, TC_ECORRUPT, "entry %" PRIu64 ": not a merge", e->index);
    r->seal_gids[0] = m.merged_gid;
    r->seal_gids[1] = 0;
    r->right_gid = m.right_gid;
    r->right_at = (struct paxos_mark){.index = m.right_index, .chain = m.right_chain};
    return TC_OK;
}

static tc_err apply_sealing(struct reference *r, const struct paxos_entry *e,
                            struct tc_slice body) {
    TC_TRY(e->type == PAXOS_SPLIT  ? apply_split(r, e, body)
           : e->type == PAXOS_SEAL ? apply_seal(r, e, body)
                                   : apply_merge(r, e, body));
    r->seal_index = e->index;
    r->seal_type = e->type;
    return TC_OK;
}

static tc_err apply_body(struct reference *r, const struct paxos_entry *e, struct tc_slice body) {
    if (r->seal_index && e->type != PAXOS_LEAD)
        return problem(r, TC_ECORRUPT, "entry %" PRIu64 " stands behind the log's end", e->index);
    switch (e->type) {
    case PAXOS_WRITE:
        return apply_write(r, e, body);
    case PAXOS_SPLIT:
    case PAXOS_SEAL:
    case PAXOS_MERGE:
        return apply_sealing(r, e, body);
    case PAXOS_LEAD:
    case PAXOS_CONF:
    case PAXOS_GENESIS:
    case PAXOS_ARCHIVED:
    case PAXOS_SCRUB:
        return TC_OK;
    default:
        return problem(r, TC_EUNSUPPORTED, "entry %" PRIu64 " is of kind %u", e->index,
                       (unsigned)e->type);
    }
}

tc_err reference_apply(struct reference *r, const struct paxos_entry *e, struct tc_slice body) {
    TC_TRY(check_entry(r, e, body));
    TC_TRY(apply_body(r, e, body));
    r->at = (struct paxos_mark){.index = e->index, .ballot = e->ballot, .chain = e->chain};
    return TC_OK;
}

tc_err reference_copy(struct reference *from, const char *path, struct reference **ret_ref) {
    struct reference_opts opts = {.gid = from->gid};
    struct reference *r = NULL;
    TC_TRY(reference_new(from->fs, path, &opts, &r));
    tc_err err = reference__take_in(r, from, /* backfills= */ true);
    if (err != TC_OK) {
        reference_free(r);
        return err;
    }
    r->at = from->at;
    r->seal_index = from->seal_index;
    r->seal_type = from->seal_type;
    memcpy(r->seal_gids, from->seal_gids, sizeof r->seal_gids);
    tc_buf_append_slice(&r->split_key, tc_buf_slice(&from->split_key));
    r->right_gid = from->right_gid;
    r->right_at = from->right_at;
    *ret_ref = r;
    return TC_OK;
}

const char *reference_problem(const struct reference *r) {
    return r->problem;
}

struct paxos_mark reference_mark(const struct reference *r) {
    return r->at;
}

void reference_sums(const struct reference *r, struct btree_sums *ret_sums) {
    btree_sums(r->tree, ret_sums);
}

uint64_t reference_item_count(const struct reference *r) {
    return btree_stats(r->tree).item_count;
}

tc_err reference_bucket(struct reference *r, uint32_t bucket,
                        void (*visit)(void *user, struct tc_slice key,
                                      const struct btree_item_hash *hash),
                        void *user) {
    struct tc_buf start = {0}, next = {0};
    tc_err err = TC_OK;
    while (err == TC_OK) {
        err = btree_bucket_scan(r->tree, bucket, tc_buf_slice(&start), SCAN_ITEMS, visit, user,
                                &next);
        struct tc_buf swap = start;
        start = next;
        next = swap;
    }
    tc_buf_deinit(&start);
    tc_buf_deinit(&next);
    return err == TC_EEND ? TC_OK : err;
}

tc_err reference_get(struct reference *r, struct tc_slice key, struct tc_slice *ret_value) {
    return btree_get(r->tree, key, ret_value);
}
