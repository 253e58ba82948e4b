#include "scrubber/pass/pass_private.h"

#include "base/assert.h"

#include <stdlib.h>

/* From buckets to keys. The lists are of the replicas' present state, which may be later than the
 * mark, so they are compared only when all are of one index, and with the reference only when that
 * index is the mark's; a group under constant writes is tried a few times and then left at buckets,
 * which the finding of the whole copy already tells. */

enum {
    BUCKETS_MAX = 4,
    ATTEMPTS_MAX = 5,
    KEYS_MAX = 50,
};

struct keys {
    struct tc_slice *keys;
    uint64_t *hashes;
    size_t count, max;
    Tercet__Pb__ScrubBucketReply *reply; /* owns the bytes of a replica's keys */
    struct tc_buf bytes;                 /* owns those of the reference */
};

struct round {
    struct pass *p;
    struct keys list[JUDGE_COPIES_MAX];
    const char *name[JUDGE_COPIES_MAX];
    size_t count;
    bool has_reference; /* the last list */
    size_t told;
};

static void keys_deinit(struct keys *k) {
    free(k->keys);
    free(k->hashes);
    tc_buf_deinit(&k->bytes);
    if (k->reply)
        tercet__pb__scrub_bucket_reply__free_unpacked(k->reply, NULL);
    *k = (struct keys){.count = 0};
}

static void keys_add(struct keys *k, struct tc_slice key, uint64_t hash) {
    if (k->count == k->max) {
        k->max = k->max * 2 + 64;
        k->keys = realloc(k->keys, k->max * sizeof *k->keys);
        k->hashes = realloc(k->hashes, k->max * sizeof *k->hashes);
        TC_ASSERT(k->keys != NULL && k->hashes != NULL);
    }
    k->keys[k->count] = key;
    k->hashes[k->count++] = hash;
}

static tc_err ask_bucket(struct pass *p, const struct pass_replica *r, uint32_t bucket,
                         struct keys *k) {
    Tercet__Pb__ScrubBucketRequest request = TERCET__PB__SCRUB_BUCKET_REQUEST__INIT;
    request.gid = p->gid;
    request.bucket = bucket;
    struct tc_buf packed = {0};
    tc_err err =
        pass__ask(p, r, "/tercet.Storage/ScrubBucket", &request.base, PASS_DEADLINE_MS, &packed);
    if (err == TC_OK)
        k->reply = tercet__pb__scrub_bucket_reply__unpack(NULL, packed.len, packed.data);
    tc_buf_deinit(&packed);
    if (err != TC_OK)
        return err;
    if (k->reply == NULL || k->reply->n_keys != k->reply->n_hashes)
        return TC_ECORRUPT;
    for (size_t i = 0; i < k->reply->n_keys; i++)
        keys_add(k, tc_slice(k->reply->keys[i].data, k->reply->keys[i].len), k->reply->hashes[i]);
    return TC_OK;
}

static void note_reference(void *user, struct tc_slice key, const struct btree_item_hash *hash) {
    struct keys *k = user;
    /* The buffer may still move: remember lengths now, set the views when it is complete. */
    tc_buf_append_slice(&k->bytes, key);
    keys_add(k, tc_slice(NULL, key.len), hash->lo);
}

static void add_reference(struct round *r, uint32_t bucket) {
    struct keys *k = &r->list[r->count];
    if (reference_bucket(r->p->reference, bucket, note_reference, k) != TC_OK) {
        keys_deinit(k);
        return;
    }
    size_t at = 0;
    for (size_t i = 0; i < k->count; i++) {
        k->keys[i].data = k->bytes.data + at;
        at += k->keys[i].len;
    }
    r->name[r->count++] = "archive";
    r->has_reference = true;
}

static void round_deinit(struct round *r) {
    for (size_t i = 0; i < JUDGE_COPIES_MAX; i++)
        keys_deinit(&r->list[i]);
    r->count = 0;
    r->has_reference = false;
}

/* All lists at one index; false: a replica failed or they were not. */
static bool collect(struct round *r, uint32_t bucket) {
    struct pass *p = r->p;
    uint64_t index = 0;
    for (size_t i = 0; i < p->replica_count; i++) {
        struct keys *k = &r->list[r->count];
        if (!p->replica[i].has_vector)
            continue;
        if (ask_bucket(p, &p->replica[i], bucket, k) != TC_OK)
            return false;
        if (index != 0 && k->reply->index != index)
            return false;
        index = k->reply->index;
        r->name[r->count++] = p->replica[i].name;
    }
    if (p->reference && index == p->index)
        add_reference(r, bucket);
    return r->count > 1;
}

static void tell(struct round *r, const struct judge_key *key, size_t i) {
    bool reference = r->has_reference && i + 1 == r->count;
    Tercet__Pb__ScrubFinding *f =
        pass__finding(r->p, reference ? "reference" : "vectors", r->name[i], "this item %s",
                      key->absent[i] ? "is missing" : "is not what the majority of copies has");
    if (f)
        f->key = pass__bytes(key->key);
}

static void visit(void *user, const struct judge_key *key) {
    struct round *r = user;
    if (r->told++ >= KEYS_MAX)
        return;
    for (size_t i = 0; i < r->count && key->decided; i++)
        if (key->bad[i])
            tell(r, key, i);
    if (key->decided)
        return;
    Tercet__Pb__ScrubFinding *f = pass__finding(r->p, r->has_reference ? "reference" : "vectors",
                                                "?", "this item differs and no majority agrees");
    if (f)
        f->key = pass__bytes(key->key);
}

static void judge(struct round *r) {
    struct judge_keys lists[JUDGE_COPIES_MAX];
    for (size_t i = 0; i < r->count; i++)
        lists[i] = (struct judge_keys){r->list[i].count, r->list[i].keys, r->list[i].hashes};
    judge_bucket(lists, r->count, visit, r);
}

void pass__narrow(struct pass *p, const struct judge_verdict *v) {
    struct round r = {.p = p};
    uint32_t done = 0;
    for (uint32_t b = 0; b < BTREE_BUCKET_COUNT && done < BUCKETS_MAX; b++) {
        if (!v->bucket[b])
            continue;
        done++;
        bool ok = false;
        for (int attempt = 0; attempt < ATTEMPTS_MAX && !ok; attempt++) {
            round_deinit(&r);
            ok = (attempt == 0 || p->env->pause(p->env->user, PASS_POLL_MS)) && collect(&r, b);
        }
        if (ok)
            judge(&r);
    }
    round_deinit(&r);
}
