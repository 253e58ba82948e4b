/* tc_prng: a small seeded generator (xoshiro256**, Blackman and Vigna 2018), the only randomness
 * that pure code and simulations see. Not for secrets. */
#ifndef TC_BASE_PRNG_H
#define TC_BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct tc_prng {
    uint64_t s[4];
};

struct tc_prng tc_prng(uint64_t seed);
uint64_t tc_prng_u64(struct tc_prng *p);
/* Uniform in [0, bound); bound > 0. */
uint64_t tc_prng_below(struct tc_prng *p, uint64_t bound);
/* Uniform in [lo, hi]. */
uint64_t tc_prng_between(struct tc_prng *p, uint64_t lo, uint64_t hi);
/* True with probability parts / of. */
bool tc_prng_chance(struct tc_prng *p, uint64_t parts, uint64_t of);

#endif
