/* judge: given what several copies of one group say about themselves, which of them is wrong?
 *
 * Pure. The copies are the storage replicas and, when it could be built, the reference rebuilt from
 * the archive; all at one log index. What more than half of the copies say is the truth, and the
 * others are wrong. Without such a majority nobody is accused: the copies differ, undecided, and a
 * person must look.
 * Limits: JUDGE_COPIES_MAX copies.
 */
#ifndef TC_SERVICES_SCRUBBER_JUDGE_H
#define TC_SERVICES_SCRUBBER_JUDGE_H

#include "engine/btree/btree.h"

enum {
    JUDGE_COPIES_MAX = 8,
};

struct judge_copy {
    struct btree_sums sums;
    uint64_t item_count;
    uint64_t chain; /* of the log at the index */
};

struct judge_verdict {
    bool equal;
    bool decided; /* a majority agrees; bad[] names the others */
    bool bad[JUDGE_COPIES_MAX];
    bool other_log[JUDGE_COPIES_MAX]; /* bad, and already its log differs */
    bool bucket[BTREE_BUCKET_COUNT];  /* copies differ there */
    uint32_t bucket_count;
};

void judge_copies(const struct judge_copy *const *copies, size_t count,
                  struct judge_verdict *ret_verdict);

/* The items of one bucket in one copy, in ascending key order. */
struct judge_keys {
    size_t count;
    const struct tc_slice *keys;
    const uint64_t *hashes;
};

struct judge_key {
    struct tc_slice key;
    bool decided;
    bool bad[JUDGE_COPIES_MAX];    /* decided: not what the majority has */
    bool absent[JUDGE_COPIES_MAX]; /* this copy does not have the key */
};

/* Visit every key that is not the same in all copies, in key order. */
void judge_bucket(const struct judge_keys *copies, size_t count,
                  void (*visit)(void *user, const struct judge_key *key), void *user);

#endif
