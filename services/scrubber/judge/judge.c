#include "scrubber/judge/judge.h"

#include "base/assert.h"

/* How many of the votes equal vote i; votes are compared by the caller's function. */
struct ballot {
    size_t count;
    bool same[JUDGE_COPIES_MAX][JUDGE_COPIES_MAX];
};

/* The copy that more than half agree with, or count if there is none. */
static size_t majority(const struct ballot *b) {
    for (size_t i = 0; i < b->count; i++) {
        size_t votes = 0;
        for (size_t k = 0; k < b->count; k++)
            votes += b->same[i][k];
        if (2 * votes > b->count)
            return i;
    }
    return b->count;
}

static bool same_copy(const struct judge_copy *a, const struct judge_copy *b) {
    return a->chain == b->chain && a->item_count == b->item_count &&
           memcmp(&a->sums, &b->sums, sizeof a->sums) == 0;
}

static void mark_buckets(const struct judge_copy *const *copies, size_t count,
                         struct judge_verdict *v) {
    for (uint32_t b = 0; b < BTREE_BUCKET_COUNT; b++) {
        const uint64_t *first = &copies[0]->sums.sum[2 * b];
        for (size_t i = 1; i < count && !v->bucket[b]; i++)
            v->bucket[b] = memcmp(first, &copies[i]->sums.sum[2 * b], 2 * sizeof *first) != 0;
        v->bucket_count += v->bucket[b];
    }
}

void judge_copies(const struct judge_copy *const *copies, size_t count,
                  struct judge_verdict *ret_verdict) {
    TC_ASSERT(count <= JUDGE_COPIES_MAX);
    *ret_verdict = (struct judge_verdict){.equal = true, .decided = true};
    struct ballot b = {.count = count};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            b.same[i][k] = same_copy(copies[i], copies[k]);
            ret_verdict->equal &= b.same[i][k];
        }
    if (ret_verdict->equal)
        return;
    size_t truth = majority(&b);
    ret_verdict->decided = truth < count;
    for (size_t i = 0; i < count && truth < count; i++) {
        ret_verdict->bad[i] = !b.same[truth][i];
        ret_verdict->other_log[i] = copies[i]->chain != copies[truth]->chain;
    }
    mark_buckets(copies, count, ret_verdict);
}

/* The lowest key that some copy stands on; false at the end of all. */
static bool lowest(const struct judge_keys *copies, size_t count, const size_t *at,
                   struct tc_slice *ret_key) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (at[i] >= copies[i].count)
            continue;
        struct tc_slice key = copies[i].keys[at[i]];
        if (!any || tc_slice_cmp(key, *ret_key) < 0)
            *ret_key = key;
        any = true;
    }
    return any;
}

/* Compare the copies at one key and step past it; true if they are not all the same. */
static bool judge_one(const struct judge_keys *copies, size_t count, size_t *at,
                      struct judge_key *k) {
    uint64_t hash[JUDGE_COPIES_MAX] = {0};
    struct ballot b = {.count = count};
    bool equal = true;
    for (size_t i = 0; i < count; i++) {
        k->absent[i] = at[i] >= copies[i].count || !tc_slice_eq(copies[i].keys[at[i]], k->key);
        if (!k->absent[i])
            hash[i] = copies[i].hashes[at[i]++];
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            b.same[i][j] = k->absent[i] == k->absent[j] && hash[i] == hash[j];
            equal &= b.same[i][j];
        }
    size_t truth = majority(&b);
    k->decided = truth < count;
    for (size_t i = 0; i < count; i++)
        k->bad[i] = truth < count && !b.same[truth][i];
    return !equal;
}

void judge_bucket(const struct judge_keys *copies, size_t count,
                  void (*visit)(void *user, const struct judge_key *key), void *user) {
    TC_ASSERT(count <= JUDGE_COPIES_MAX);
    size_t at[JUDGE_COPIES_MAX] = {0};
    struct judge_key k = {.decided = false};
    while (lowest(copies, count, at, &k.key))
        if (judge_one(copies, count, at, &k))
            visit(user, &k);
}
