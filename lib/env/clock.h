/* tc_clock: the two clocks as the daemons and the simulator provide them.
 *
 * Monotonic time is a plain uint64_t in nanoseconds since an arbitrary origin; it never steps back
 * and runs while the process sleeps (CLOCK_BOOTTIME). Wall time is a struct of its own so that the
 * two never mix; it may jump.
 * Threads: both functions may be called from any thread (env/sim: one thread).
 */
#ifndef TC_ENV_CLOCK_H
#define TC_ENV_CLOCK_H

#include <stdint.h>

struct tc_wall {
    uint64_t unix_ns; /* since 1970-01-01 UTC */
};

struct tc_clock {
    uint64_t (*mono_ns)(struct tc_clock *c);
    struct tc_wall (*wall)(struct tc_clock *c);
};

static inline uint64_t tc_clock_mono_ns(struct tc_clock *c) {
    return c->mono_ns(c);
}

static inline struct tc_wall tc_clock_wall(struct tc_clock *c) {
    return c->wall(c);
}

static inline uint64_t tc_wall_ms(struct tc_wall w) {
    return w.unix_ns / 1000000;
}

#endif
