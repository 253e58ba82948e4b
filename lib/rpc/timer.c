#include "env/posix/posix.h"
#include "rpc/rpc_private.h"

/* Timers are few (peers and connections); a scan per wake is cheaper than a heap's upkeep. Wake-ups
 * are at least this far apart, so that many connections share one scan. */
enum {
    SPACING_NS = 1000000,
};

uint64_t rpc__now_ns(void) {
    return posix_mono_ns();
}

static struct rpc__timer *timer_of(struct tc_list *link) {
    return TC_CONTAINER(link, struct rpc__timer, link);
}

/* The first due timer, or NULL; *ret_next is the earliest time of any. Lock held. */
static struct rpc__timer *pick(struct rpc__timers *ts, uint64_t now_ns, uint64_t *ret_next) {
    uint64_t next = UINT64_MAX;
    for (struct tc_list *l = ts->all.next; l != &ts->all; l = l->next) {
        if (timer_of(l)->due_ns <= now_ns)
            return timer_of(l);
        if (timer_of(l)->due_ns < next)
            next = timer_of(l)->due_ns;
    }
    *ret_next = next;
    return NULL;
}

/* Run t without the lock; a concurrent rpc__timer_sooner during the run is kept. */
static void run(struct rpc__timers *ts, struct rpc__timer *t, uint64_t now_ns) {
    t->due_ns = UINT64_MAX;
    tc_list_remove(&t->link);
    tc_list_push_back(&ts->all, &t->link);
    pthread_mutex_unlock(&ts->lock);
    uint64_t due_ns = t->fn(t, now_ns);
    pthread_mutex_lock(&ts->lock);
    if (due_ns != 0) {
        t->due_ns = due_ns < t->due_ns ? due_ns : t->due_ns;
        return;
    }
    tc_list_remove(&t->link);
    pthread_mutex_unlock(&ts->lock);
    t->forget(t);
    pthread_mutex_lock(&ts->lock);
}

static void sleep_until(struct rpc__timers *ts, uint64_t due_ns, uint64_t now_ns) {
    if (due_ns < now_ns + SPACING_NS)
        due_ns = now_ns + SPACING_NS;
    ts->wake_ns = due_ns;
    if (due_ns == UINT64_MAX) {
        pthread_cond_wait(&ts->wake, &ts->lock);
        return;
    }
    struct timespec at = {.tv_sec = (time_t)(due_ns / 1000000000U),
                          .tv_nsec = (long)(due_ns % 1000000000U)};
    pthread_cond_timedwait(&ts->wake, &ts->lock, &at);
}

static void *timer_main(void *arg) {
    struct rpc__timers *ts = arg;
    pthread_setname_np(pthread_self(), "rpc-timer");
    pthread_mutex_lock(&ts->lock);
    while (!ts->stop || !tc_list_empty(&ts->all)) {
        uint64_t now_ns = rpc__now_ns();
        uint64_t next_ns = UINT64_MAX;
        ts->wake_ns = 0;
        struct rpc__timer *t = pick(ts, now_ns, &next_ns);
        if (t != NULL)
            run(ts, t, now_ns);
        else
            sleep_until(ts, next_ns, now_ns);
    }
    pthread_mutex_unlock(&ts->lock);
    return NULL;
}

void rpc__timers_start(struct rpc__timers *ts) {
    pthread_condattr_t attr;
    pthread_mutex_init(&ts->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&ts->wake, &attr);
    pthread_condattr_destroy(&attr);
    tc_list_init(&ts->all);
    ts->stop = false;
    int failed = pthread_create(&ts->thread, NULL, timer_main, ts);
    TC_ASSERT(!failed);
}

void rpc__timers_stop(struct rpc__timers *ts) {
    pthread_mutex_lock(&ts->lock);
    ts->stop = true;
    pthread_cond_signal(&ts->wake);
    pthread_mutex_unlock(&ts->lock);
    pthread_join(ts->thread, NULL);
    pthread_cond_destroy(&ts->wake);
    pthread_mutex_destroy(&ts->lock);
}

void rpc__timer_add(struct rpc__timers *ts, struct rpc__timer *t, uint64_t due_ns) {
    TC_ASSERT(t->fn != NULL && t->forget != NULL);
    pthread_mutex_lock(&ts->lock);
    t->due_ns = due_ns;
    tc_list_push_back(&ts->all, &t->link);
    if (due_ns < ts->wake_ns)
        pthread_cond_signal(&ts->wake);
    pthread_mutex_unlock(&ts->lock);
}

void rpc__timer_sooner(struct rpc__timers *ts, struct rpc__timer *t, uint64_t due_ns) {
    pthread_mutex_lock(&ts->lock);
    if (due_ns < t->due_ns)
        t->due_ns = due_ns;
    if (due_ns < ts->wake_ns)
        pthread_cond_signal(&ts->wake);
    pthread_mutex_unlock(&ts->lock);
}
