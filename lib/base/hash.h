/* XXH3 hashes. Seeds and values are part of on-disk formats: never change either. */
#ifndef TC_BASE_HASH_H
#define TC_BASE_HASH_H

#include "base/slice.h"

struct tc_hash128 {
    uint64_t lo;
    uint64_t hi;
};

uint64_t tc_hash64(struct tc_slice s, uint64_t seed);
struct tc_hash128 tc_hash128(struct tc_slice s, uint64_t seed);

#endif
