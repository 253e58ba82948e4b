#include "base/prng.h"

#include "base/assert.h"

__extension__ typedef unsigned __int128 tc_u128;

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct tc_prng tc_prng(uint64_t seed) {
    struct tc_prng p;
    for (int i = 0; i < 4; i++)
        p.s[i] = splitmix(&seed);
    return p;
}

static uint64_t rotl(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

uint64_t tc_prng_u64(struct tc_prng *p) {
    uint64_t *s = p->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t tc_prng_below(struct tc_prng *p, uint64_t bound) {
    TC_ASSERT(bound > 0);
    return (uint64_t)(((tc_u128)tc_prng_u64(p) * bound) >> 64);
}

uint64_t tc_prng_between(struct tc_prng *p, uint64_t lo, uint64_t hi) {
    TC_ASSERT(lo <= hi);
    if (hi - lo == UINT64_MAX)
        return tc_prng_u64(p);
    return lo + tc_prng_below(p, hi - lo + 1);
}

bool tc_prng_chance(struct tc_prng *p, uint64_t parts, uint64_t of) {
    return tc_prng_below(p, of) < parts;
}
