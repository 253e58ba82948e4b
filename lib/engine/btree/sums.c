#include "engine/btree/btree.h"

#include "base/hash.h"

/* Keys of the two hashes. They are part of every stored sum: never change them. */
#define KEY_SEED 0x7465726365742d6bull

struct btree_item_hash btree_item_hash(struct tc_slice key, struct tc_slice value) {
    uint64_t k = tc_hash64(key, KEY_SEED);
    struct tc_hash128 h = tc_hash128(value, k);
    return (struct btree_item_hash){.lo = h.lo, .hi = h.hi, .bucket = (uint32_t)(k >> 56)};
}

_Static_assert(BTREE_BUCKET_COUNT == 256, "the bucket is the top byte of the key's hash");

void btree_sums_add(struct btree_sums *s, const struct btree_item_hash *h) {
    s->sum[2 * h->bucket] += h->lo;
    s->sum[2 * h->bucket + 1] += h->hi;
}

void btree_sums_remove(struct btree_sums *s, const struct btree_item_hash *h) {
    s->sum[2 * h->bucket] -= h->lo;
    s->sum[2 * h->bucket + 1] -= h->hi;
}
