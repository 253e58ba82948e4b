/* What daemons ask of POSIX threads, answered by fibers. The linker sends their calls here
 * (--wrap); objects that daemons keep (mutexes, conditions) are only addresses and an owner. */
#include "sim/suite/suite.h"

#include "base/assert.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_join(pthread_t thread, void **result);
pthread_t __wrap_pthread_self(void);
int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);
int __wrap_pthread_condattr_init(pthread_condattr_t *a);
int __wrap_pthread_condattr_destroy(pthread_condattr_t *a);
int __wrap_pthread_condattr_setclock(pthread_condattr_t *a, clockid_t clock);
int __wrap_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr);
int __wrap_pthread_cond_destroy(pthread_cond_t *c);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                  const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *c);
int __wrap_pthread_cond_broadcast(pthread_cond_t *c);

_Static_assert(sizeof(pthread_t) == sizeof(struct suite_fiber *), "a thread is a fiber's address");
_Static_assert(sizeof(pthread_mutex_t) >= sizeof(struct suite_fiber *), "a mutex is its owner");

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg) {
    struct suite_fiber *f = suite_fiber_new(suite_proc_self(), "thread", fn, arg);
    TC_ASSERT(attr == NULL);
    memcpy(thread, &f, sizeof f);
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result) {
    struct suite_fiber *f;
    memcpy(&f, &thread, sizeof f);
    void *r = suite_fiber_join(f);
    if (result)
        *result = r;
    return 0;
}

pthread_t __wrap_pthread_self(void) {
    struct suite_fiber *f = suite_fiber_self();
    pthread_t self;
    memcpy(&self, &f, sizeof f);
    return self;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name) {
    (void)thread, (void)name;
    return 0;
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    (void)how, (void)set, (void)old;
    return 0;
}

/* ---- mutexes: the first bytes are the owner */

static struct suite_fiber *owner(const pthread_mutex_t *m) {
    struct suite_fiber *f;
    memcpy(&f, m, sizeof f);
    return f;
}

static void set_owner(pthread_mutex_t *m, struct suite_fiber *f) {
    memcpy(m, &f, sizeof f);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr) {
    TC_ASSERT(attr == NULL);
    memset(m, 0, sizeof *m);
    return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *m) {
    TC_ASSERT(owner(m) == NULL);
    return 0;
}

/* Callbacks that run on the scheduler's stack take no locks: there they find them free. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *m) {
    struct suite_fiber *self = suite_fiber_self();
    TC_ASSERT(self != NULL && owner(m) != self);
    while (owner(m) != NULL)
        (void)suite_park(m, UINT64_MAX);
    set_owner(m, self);
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *m) {
    TC_ASSERT(owner(m) == suite_fiber_self());
    set_owner(m, NULL);
    suite_wake(suite_proc_self(), m, /* all= */ false);
    return 0;
}

/* ---- conditions: nothing but an address */

int __wrap_pthread_condattr_init(pthread_condattr_t *a) {
    memset(a, 0, sizeof *a);
    return 0;
}

int __wrap_pthread_condattr_destroy(pthread_condattr_t *a) {
    (void)a;
    return 0;
}

int __wrap_pthread_condattr_setclock(pthread_condattr_t *a, clockid_t clock) {
    (void)a;
    TC_ASSERT(clock == CLOCK_MONOTONIC); /* the only one that timed waits here mean */
    return 0;
}

int __wrap_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr) {
    (void)attr;
    memset(c, 0, sizeof *c);
    return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *c) {
    (void)c;
    return 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) {
    (void)__wrap_pthread_mutex_unlock(m);
    (void)suite_park(c, UINT64_MAX);
    return __wrap_pthread_mutex_lock(m);
}

/* until is a time of the node's monotonic clock. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                  const struct timespec *until) {
    struct suite_proc *p = suite_proc_self();
    uint64_t at_ns = (uint64_t)until->tv_sec * SUITE_S + (uint64_t)until->tv_nsec;
    uint64_t now_ns = suite_proc_mono_ns(p);
    uint64_t left_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    (void)__wrap_pthread_mutex_unlock(m);
    bool woken = suite_park(c, p->suite->now_ns + left_ns);
    (void)__wrap_pthread_mutex_lock(m);
    return woken ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_signal(pthread_cond_t *c) {
    suite_wake(suite_proc_self(), c, /* all= */ false);
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *c) {
    suite_wake(suite_proc_self(), c, /* all= */ true);
    return 0;
}
