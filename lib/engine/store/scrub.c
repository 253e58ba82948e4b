#include "engine/store/scrub.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "engine/store/answer.h"
#include "engine/store/apply.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"

#include <stdlib.h>

enum {
    VERIFY_PAGES_PER_STEP = 64,
    BAD_PAGES_MAX = 64, /* told one by one; more are counted only */
    BUCKET_ITEMS_PER_STEP = 4096,
    BUCKET_KEYS_MAX = 100000, /* of one reply */
};

void store__scrub_remember(struct replica *r, const struct paxos_entry *e) {
    if (r->marks == NULL)
        r->marks = calloc(STORE_SCRUB_MARKS_MAX, sizeof *r->marks);
    TC_ASSERT(r->marks != NULL);
    struct scrub_mark *mark = &r->marks[r->mark_next++ % STORE_SCRUB_MARKS_MAX];
    mark->index = e->index;
    mark->chain = e->chain;
    mark->item_count = btree_stats(r->tree).item_count;
    btree_sums(r->tree, &mark->sums);
}

void store_scrub_mark(struct store *s, uint64_t token, uint64_t gid) {
    struct replica *r = store__find(s, gid);
    if (r == NULL || r->waits.count >= STORE_WAITING_COUNT_MAX) {
        store__reply(s, token, r ? TC_EBUSY : TC_ENOTFOUND, NULL);
        return;
    }
    struct tc_buf body = {0};
    uint64_t index = 0;
    entry_scrub_encode(store__apply_hlc_ns(r), &body);
    struct tc_blob *blob = tc_blob_dup(tc_buf_slice(&body));
    tc_err err = store__group_propose(r, PAXOS_SCRUB, blob, &index);
    if (err == TC_OK)
        store__answer_later_index(r, token, index);
    else
        store__reply(s, token, err, NULL);
    tc_blob_unref(blob);
    tc_buf_deinit(&body);
}

static const struct scrub_mark *find_mark(const struct replica *r, uint64_t index) {
    for (size_t i = 0; r->marks && i < STORE_SCRUB_MARKS_MAX; i++)
        if (r->marks[i].index == index)
            return &r->marks[i];
    return NULL;
}

tc_err store_scrub_vector(struct store *s, uint64_t gid, uint64_t index, struct tc_buf *out) {
    struct replica *r = store__find(s, gid);
    if (r == NULL || index == 0)
        return TC_ENOTFOUND;
    const struct scrub_mark *mark = find_mark(r, index);
    if (mark == NULL)
        return r->applied.index < index ? TC_EBUSY : TC_ENOTFOUND;
    Tercet__Pb__ScrubVectorReply reply = TERCET__PB__SCRUB_VECTOR_REPLY__INIT;
    struct btree_sums sums = mark->sums;
    if (TC_MUTANT(60)) /* of whatever is applied now */
        btree_sums(r->tree, &sums);
    reply.sums = (uint64_t *)(uintptr_t)sums.sum;
    reply.n_sums = (size_t)2 * BTREE_BUCKET_COUNT;
    reply.item_count = mark->item_count;
    reply.chain = mark->chain;
    proto_append(out, &reply.base);
    return TC_OK;
}

/* ---- pages */

struct pages_job {
    struct store_job job;
    uint64_t token;
    struct btree_verify *verify;
    Tercet__Pb__ScrubPagesReply reply;
    tc_err err;
};

static ProtobufCBinaryData dup_bytes(const struct tc_buf *b) {
    ProtobufCBinaryData copy = {.len = b->len, .data = malloc(b->len ? b->len : 1)};
    TC_ASSERT(copy.data != NULL);
    if (b->len)
        memcpy(copy.data, b->data, b->len);
    return copy;
}

static void note_bad(void *user, const struct btree_damage *bad) {
    Tercet__Pb__ScrubPagesReply *reply = user;
    if (reply->n_bad >= BAD_PAGES_MAX)
        return;
    if (reply->bad == NULL)
        reply->bad = calloc(BAD_PAGES_MAX, sizeof(Tercet__Pb__BadPage *));
    Tercet__Pb__BadPage *page = calloc(1, sizeof *page);
    TC_ASSERT(page != NULL && reply->bad != NULL);
    tercet__pb__bad_page__init(page);
    page->page = bad->page;
    page->start = dup_bytes(&bad->start);
    page->end = dup_bytes(&bad->end);
    page->what = strdup(bad->what);
    reply->bad[reply->n_bad++] = page;
}

static void pages_run(struct store_job *j) {
    struct pages_job *p = TC_CONTAINER(j, struct pages_job, job);
    do {
        p->err = btree_verify_step(p->verify, VERIFY_PAGES_PER_STEP, note_bad, &p->reply);
    } while (p->err == TC_OK);
    if (p->err == TC_EEND)
        p->err = TC_OK;
}

static void free_bad(Tercet__Pb__ScrubPagesReply *reply) {
    for (size_t i = 0; i < reply->n_bad; i++) {
        free(reply->bad[i]->start.data);
        free(reply->bad[i]->end.data);
        free(reply->bad[i]->what);
        free(reply->bad[i]);
    }
    free(reply->bad);
}

static void notice_bad(const struct replica *r, const Tercet__Pb__ScrubPagesReply *reply) {
    for (size_t i = 0; i < reply->n_bad; i++) {
        const Tercet__Pb__BadPage *page = reply->bad[i];
        const struct btree_damage bad = {
            .page = page->page,
            .what = page->what,
            .start = {.data = page->start.data, .len = page->start.len},
            .end = {.data = page->end.data, .len = page->end.len},
        };
        store__replica_notice(r, "the page scrub read it", &bad);
    }
}

static void pages_done(struct store *s, struct store_job *j) {
    struct pages_job *p = TC_CONTAINER(j, struct pages_job, job);
    struct btree_verify_result result = btree_verify_result(p->verify);
    btree_verify_end(j->r->tree, p->verify);
    p->reply.pages = result.page_count;
    tc_err err = j->cancelled ? TC_ECLOSED : p->err;
    if (err == TC_OK && result.bad_count == 0 && !result.sums_equal)
        err = TC_ECORRUPT;
    store__reply(s, p->token, err, &p->reply.base);
    notice_bad(j->r, &p->reply);
    if (result.bad_count > 0 || err == TC_ECORRUPT)
        store__replica_damaged(j->r, "the page scrub found damage");
    free_bad(&p->reply);
    free(p);
}

void store_scrub_pages(struct store *s, uint64_t token, uint64_t gid) {
    struct replica *r = store__find(s, gid);
    struct btree_verify *verify = NULL;
    tc_err err = r == NULL ? TC_ENOTFOUND : r->state != REPLICA_OK ? TC_EBUSY : TC_OK;
    if (err == TC_OK)
        err = btree_verify_begin(r->tree, &verify);
    if (err != TC_OK) {
        store__reply(s, token, err, NULL);
        return;
    }
    struct pages_job *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    p->job.run = pages_run;
    p->job.done = pages_done;
    p->token = token;
    p->verify = verify;
    tercet__pb__scrub_pages_reply__init(&p->reply);
    store__job_add(s, r, &p->job);
}

/* ---- bucket */

struct bucket_keys {
    struct tc_buf keys;   /* lengths and bytes, one after another */
    struct tc_buf hashes; /* u64 pairs */
    size_t count;
};

static void note_key(void *user, struct tc_slice key, const struct btree_item_hash *hash) {
    struct bucket_keys *b = user;
    if (b->count >= BUCKET_KEYS_MAX)
        return;
    b->count++;
    tc_buf_append_u32(&b->keys, (uint32_t)key.len);
    tc_buf_append_slice(&b->keys, key);
    tc_buf_append(&b->hashes, &hash->lo, sizeof hash->lo);
}

static void pack_bucket(const struct replica *r, const struct bucket_keys *b, struct tc_buf *out) {
    Tercet__Pb__ScrubBucketReply reply = TERCET__PB__SCRUB_BUCKET_REPLY__INIT;
    reply.index = r->applied.index;
    reply.n_keys = reply.n_hashes = b->count;
    reply.hashes = (uint64_t *)(void *)b->hashes.data;
    reply.keys = calloc(b->count + 1, sizeof *reply.keys);
    TC_ASSERT(reply.keys != NULL);
    size_t at = 0;
    for (size_t i = 0; i < b->count; i++) {
        uint32_t len = 0;
        memcpy(&len, b->keys.data + at, sizeof len);
        reply.keys[i] = (ProtobufCBinaryData){.len = len, .data = b->keys.data + at + sizeof len};
        at += sizeof len + len;
    }
    proto_append(out, &reply.base);
    free(reply.keys);
}

tc_err store_scrub_bucket(struct store *s, uint64_t gid, uint32_t bucket, struct tc_buf *out) {
    struct replica *r = store__find(s, gid);
    if (r == NULL || r->state != REPLICA_OK)
        return TC_ENOTFOUND;
    if (bucket >= BTREE_BUCKET_COUNT)
        return TC_EINVAL;
    struct bucket_keys keys = {0};
    struct tc_buf start = {0}, next = {0};
    tc_err err = TC_OK;
    while (err == TC_OK) {
        tc_buf_clear(&next);
        err = btree_bucket_scan(r->tree, bucket, tc_buf_slice(&start), BUCKET_ITEMS_PER_STEP,
                                note_key, &keys, &next);
        struct tc_buf swap = start;
        start = next;
        next = swap;
    }
    if (err == TC_EEND)
        pack_bucket(r, &keys, out);
    tc_buf_deinit(&start);
    tc_buf_deinit(&next);
    tc_buf_deinit(&keys.keys);
    tc_buf_deinit(&keys.hashes);
    return err == TC_EEND ? TC_OK : err;
}
