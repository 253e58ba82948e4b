#include "env/sim/sim.h"

#include "base/assert.h"

static uint64_t mono_ns(struct tc_clock *c) {
    return TC_CONTAINER(c, struct sim_clock, clock)->now_ns;
}

static struct tc_wall wall(struct tc_clock *c) {
    struct sim_clock *s = TC_CONTAINER(c, struct sim_clock, clock);
    return (struct tc_wall){.unix_ns = s->now_ns + s->wall_offset_ns};
}

void sim_clock_init(struct sim_clock *c, uint64_t now_ns, uint64_t wall_unix_ns) {
    *c = (struct sim_clock){
        .clock = {.mono_ns = mono_ns, .wall = wall},
        .now_ns = now_ns,
        .wall_offset_ns = wall_unix_ns - now_ns,
    };
}
