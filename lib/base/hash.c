#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t tc_hash64(struct tc_slice s, uint64_t seed) {
    return XXH3_64bits_withSeed(s.data, s.len, seed);
}

struct tc_hash128 tc_hash128(struct tc_slice s, uint64_t seed) {
    XXH128_hash_t h = XXH3_128bits_withSeed(s.data, s.len, seed);
    return (struct tc_hash128){.lo = h.low64, .hi = h.high64};
}
