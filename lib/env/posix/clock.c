#include "env/posix/posix.h"

#include <time.h>

static uint64_t read_ns(clockid_t id) {
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t mono_ns(struct tc_clock *c) {
    (void)c;
    return read_ns(CLOCK_BOOTTIME);
}

static struct tc_wall wall(struct tc_clock *c) {
    (void)c;
    return (struct tc_wall){.unix_ns = read_ns(CLOCK_REALTIME)};
}

uint64_t posix_mono_ns(void) {
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t posix_wall_ms(void) {
    return tc_wall_ms(wall(NULL));
}

void posix_clock_init(struct posix_clock *p) {
    p->clock = (struct tc_clock){.mono_ns = mono_ns, .wall = wall};
}
