/* Clocks and randomness of a node, and the ways out of a process. */
#include "sim/suite/suite.h"

#include "base/assert.h"
#include "env/posix/posix.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
time_t __wrap_time(time_t *ret);
ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_sched_yield(void);
void __wrap__exit(int code) __attribute__((noreturn));
unsigned __wrap_alarm(unsigned seconds);

static uint64_t clock_ns(clockid_t clock) {
    struct suite_proc *p = suite_proc_self();
    if (p == NULL)
        return suite_now ? suite_now->now_ns : 0;
    bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    return wall ? suite_proc_wall_ns(p) : suite_proc_mono_ns(p);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
    uint64_t ns = clock_ns(clock);
    ret->tv_sec = (time_t)(ns / SUITE_S);
    ret->tv_nsec = (long)(ns % SUITE_S);
    return 0;
}

time_t __wrap_time(time_t *ret) {
    time_t s = (time_t)(clock_ns(CLOCK_REALTIME) / SUITE_S);
    if (ret)
        *ret = s;
    return s;
}

ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags) {
    struct suite_proc *p = suite_proc_self();
    uint8_t *at = bytes;
    (void)flags;
    TC_ASSERT(p != NULL);
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)tc_prng_u64(&p->prng);
    return (ssize_t)len;
}

int __wrap_nanosleep(const struct timespec *t, struct timespec *left) {
    (void)left;
    suite_sleep((uint64_t)t->tv_sec * SUITE_S + (uint64_t)t->tv_nsec);
    return 0;
}

int __wrap_sched_yield(void) {
    suite_sleep(1000);
    return 0;
}

/* The process ends itself: its log cannot be trusted any more. Its supervisor starts it again. */
void __wrap__exit(int code) {
    struct suite_proc *p = suite_proc_self();
    suite_trace(p->suite, "%s  ends itself with %d", p->name, code);
    p->stop_asked = true;
    suite_proc_kill(p, /* power= */ sim_fs_is_down(p->fs));
    for (;;)
        (void)suite_park(NULL, UINT64_MAX);
}

struct alarm {
    struct suite_proc *proc;
    uint64_t life;
};

static void ring(struct suite *s, void *arg) {
    struct alarm *a = arg;
    (void)s;
    if (a->proc->alive && a->proc->life == a->life)
        suite_proc_kill(a->proc, /* power= */ false);
    free(a);
}

/* Nobody takes one back. */
unsigned __wrap_alarm(unsigned seconds) {
    struct alarm *a = malloc(sizeof *a);
    TC_ASSERT(a != NULL);
    *a = (struct alarm){.proc = suite_proc_self(), .life = suite_proc_self()->life};
    suite_after(suite_now, seconds * SUITE_S, ring, a);
    return 0;
}

static uint64_t mono_ns(struct tc_clock *c) {
    (void)c;
    return clock_ns(CLOCK_MONOTONIC);
}

static struct tc_wall wall(struct tc_clock *c) {
    (void)c;
    return (struct tc_wall){.unix_ns = clock_ns(CLOCK_REALTIME)};
}

uint64_t posix_mono_ns(void) {
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t posix_wall_ms(void) {
    return tc_wall_ms(wall(NULL));
}

void posix_clock_init(struct posix_clock *p) {
    p->clock = (struct tc_clock){.mono_ns = mono_ns, .wall = wall};
}
