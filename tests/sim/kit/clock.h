/* sim_clock: one node's monotonic clock: virtual time, seen at a rate that is a little wrong and
 * from an origin of its own. Both mappings are exact inverses up to rounding down.
 */
#ifndef TC_SIM_CLOCK_H
#define TC_SIM_CLOCK_H

#include <stdint.h>

struct sim_clock {
    uint64_t origin_ns; /* what it shows at virtual time 0 */
    int32_t rate_ppm;   /* +10000: runs 1 % fast */
};

static inline uint64_t sim_clock_local(const struct sim_clock *c, uint64_t global_ns) {
    int64_t skew = (int64_t)(global_ns / 1000000) * c->rate_ppm;
    return c->origin_ns + global_ns + (uint64_t)skew;
}

/* The first virtual time, to within a microsecond, at which the clock shows at least local_ns. */
static inline uint64_t sim_clock_global(const struct sim_clock *c, uint64_t local_ns) {
    uint64_t shown = local_ns > c->origin_ns ? local_ns - c->origin_ns : 0;
    uint64_t rate = (uint64_t)(1000000 + c->rate_ppm);
    uint64_t at = shown / rate * 1000000 + shown % rate * 1000000 / rate;
    while (sim_clock_local(c, at) < local_ns)
        at += 1000;
    return at;
}

#endif
