/* Preloaded into a storage daemon by tests/chaos: makes its disk slow or failing and its clocks
 * wrong, as control.h says at each moment. Without TERCET_CHAOS_CONTROL every call goes straight
 * through.
 */
#include "control.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct chaos_control *control;
static _Atomic uint64_t draws;

__attribute__((constructor)) static void attach(void) {
    const char *path = getenv("TERCET_CHAOS_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *page = mmap(NULL, CHAOS_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED)
        control = page;
}

#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

/* syscall() itself is replaced below. */
static long kernel(long number, long a, long b, long c, long d, long e, long f) {
    static __typeof__(&syscall) next;
    if (next == NULL)
        next = NEXT(syscall);
    return next(number, a, b, c, d, e, f);
}

static void true_time(clockid_t id, struct timespec *t) {
    (void)kernel(SYS_clock_gettime, id, (long)t, 0, 0, 0, 0);
}

static int64_t in_ns(const struct timespec *t) {
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static struct timespec from_ns(int64_t ns) {
    if (ns < 0)
        ns = 0;
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* splitmix64 of a counter: cheap and without a lock; which call fails need not repeat. */
static uint64_t draw(void) {
    uint64_t z = (atomic_fetch_add(&draws, 1) + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Meet the delay, then the error, if this call is one of those to suffer. True: errno is set. */
static bool suffers(const _Atomic uint64_t *delay_us, const _Atomic uint64_t *error) {
    if (control == NULL || draw() % 1000000 >= atomic_load(&control->chance_ppm))
        return false;
    uint64_t us = delay_us ? atomic_load(delay_us) : 0;
    int code = (int)atomic_load(error);
    if (us == 0 && code == 0)
        return false;
    atomic_fetch_add(&control->given, 1);
    struct timespec pause = from_ns((int64_t)us * 1000);
    (void)kernel(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
    errno = code;
    return code != 0;
}

/* ---- disk ---- */

ssize_t pwrite64(int fd, const void *from, size_t len, off64_t offset) {
    if (control && suffers(&control->write_delay_us, &control->write_errno))
        return -1;
    return kernel(SYS_pwrite64, fd, (long)from, (long)len, offset, 0, 0);
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t offset) {
    return pwrite64(fd, from, len, offset);
}

ssize_t pread64(int fd, void *to, size_t len, off64_t offset) {
    if (control && suffers(NULL, &control->read_errno))
        return -1;
    return kernel(SYS_pread64, fd, (long)to, (long)len, offset, 0, 0);
}

ssize_t pread(int fd, void *to, size_t len, off_t offset) {
    return pread64(fd, to, len, offset);
}

static bool lies(void) {
    return control && atomic_load(&control->lies) != 0;
}

int fsync(int fd) {
    if (control && suffers(&control->sync_delay_us, &control->sync_errno))
        return -1;
    if (lies())
        return 0;
    return (int)kernel(SYS_fsync, fd, 0, 0, 0, 0, 0);
}

int fdatasync(int fd) {
    if (control && suffers(&control->sync_delay_us, &control->sync_errno))
        return -1;
    if (lies())
        return 0;
    return (int)kernel(SYS_fdatasync, fd, 0, 0, 0, 0, 0);
}

/* A disk that lies is one whose cache a power cut empties: here the kernel's page cache plays it,
 * so what asks for direct or synchronous writes gets neither. */
int open64(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (lies())
        flags &= ~(O_DIRECT | O_SYNC | O_DSYNC);
    return (int)kernel(SYS_openat, AT_FDCWD, (long)path, flags, (long)mode, 0, 0);
}

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open64(path, flags, mode);
}

/* ---- clocks ---- */

static int64_t offset_of(clockid_t id) {
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return atomic_load(&control->realtime_offset_ns);
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
        return atomic_load(&control->monotonic_offset_ns);
    case CLOCK_BOOTTIME:
        return atomic_load(&control->boottime_offset_ns);
    default:
        return 0;
    }
}

/* How far the clock the daemon sees is ahead of the true one. */
static int64_t ahead_ns(clockid_t id) {
    bool steered = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC ||
                   id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW ||
                   id == CLOCK_BOOTTIME;
    if (control == NULL || !steered)
        return 0;
    for (;;) {
        uint64_t before = atomic_load(&control->sequence);
        struct timespec boot;
        true_time(CLOCK_BOOTTIME, &boot);
        int64_t run = in_ns(&boot) - atomic_load(&control->rate_base_ns);
        int64_t ahead = offset_of(id) + run / 1000000 * atomic_load(&control->rate_ppm);
        if (before % 2 == 0 && before == atomic_load(&control->sequence))
            return ahead;
    }
}

int clock_gettime(clockid_t id, struct timespec *t) {
    int rc = (int)kernel(SYS_clock_gettime, id, (long)t, 0, 0, 0, 0);
    if (rc == 0 && control)
        *t = from_ns(in_ns(t) + ahead_ns(id));
    return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    (void)zone;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    *t = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

/* Deadlines were computed from the clocks above and are waited for by the kernel's. */
static struct timespec true_deadline(clockid_t id, const struct timespec *at) {
    return from_ns(in_ns(at) - ahead_ns(id));
}

/* glibc 2.25 and later keep the clock of a condition variable in this bit. */
static clockid_t clock_of(const pthread_cond_t *cond) {
    return cond->__data.__wrefs & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict at) {
    static __typeof__(&pthread_cond_timedwait) next;
    if (next == NULL) /* without the version, dlsym finds the one of before NPTL */
        next =
            (__typeof__(next))(uintptr_t)dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    struct timespec end = true_deadline(clock_of(cond), at);
    return next(cond, lock, &end);
}

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *lock, clockid_t id,
                           const struct timespec *at) {
    static __typeof__(&pthread_cond_clockwait) next;
    if (next == NULL)
        next = NEXT(pthread_cond_clockwait);
    struct timespec end = true_deadline(id, at);
    return next(cond, lock, id, &end);
}

/* What waits without glibc does it here: abseil's mutexes, and so gRPC. */
long syscall(long number, ...) {
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    int command = (int)a[1] & FUTEX_CMD_MASK;
    if (number != SYS_futex || command != FUTEX_WAIT_BITSET || a[3] == 0)
        return kernel(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    clockid_t id = a[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    struct timespec end = true_deadline(id, (const struct timespec *)a[3]);
    return kernel(number, a[0], a[1], a[2], (long)&end, a[4], a[5]);
}
