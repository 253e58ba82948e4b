#include "scrubber/shell_call.h"

#include "base/assert.h"
#include "daemon/worker.h"
#include "rpc/unary.h"

#include <stdlib.h>
#include <time.h>

/* One call: freed by whichever side, the waiter or the callback, comes last. */
struct call {
    struct bell *bell;
    bool done;
    bool abandoned;
    tc_err err;
    struct tc_buf reply;
};

struct bell *bell_new(void) {
    struct bell *b = calloc(1, sizeof *b);
    TC_ASSERT(b != NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&b->lock, NULL);
    b->refs = 1;
    return b;
}

void bell_unref(struct bell *b) {
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    bool last = --b->refs == 0;
    pthread_mutex_unlock(&b->lock);
    if (!last)
        return;
    pthread_cond_destroy(&b->cond);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

void bell_ring(struct bell *b) {
    pthread_mutex_lock(&b->lock);
    pthread_cond_broadcast(&b->cond);
    pthread_mutex_unlock(&b->lock);
}

void bell_stop(struct bell *b) {
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    pthread_cond_broadcast(&b->cond);
    pthread_mutex_unlock(&b->lock);
}

static struct timespec after(uint64_t ms) {
    uint64_t at_ns = daemon_now_ns() + ms * 1000000;
    return (struct timespec){.tv_sec = (time_t)(at_ns / 1000000000),
                             .tv_nsec = (long)(at_ns % 1000000000)};
}

bool bell_pause(struct bell *b, uint64_t ms) {
    struct timespec end = after(ms);
    int rc = 0;
    pthread_mutex_lock(&b->lock);
    while (!b->stopping && rc == 0)
        rc = pthread_cond_timedwait(&b->cond, &b->lock, &end);
    bool stopping = b->stopping;
    pthread_mutex_unlock(&b->lock);
    return !stopping;
}

static void call_free(struct call *c) {
    struct bell *b = c->bell;
    tc_buf_deinit(&c->reply);
    free(c);
    bell_unref(b);
}

static void answered(void *user, const struct rpc_reply *reply) {
    struct call *c = user;
    pthread_mutex_lock(&c->bell->lock);
    bool abandoned = c->abandoned;
    c->done = true;
    c->err = reply->err;
    tc_buf_append_slice(&c->reply, reply->payload);
    pthread_cond_broadcast(&c->bell->cond);
    pthread_mutex_unlock(&c->bell->lock);
    if (abandoned)
        call_free(c);
}

static struct call *call_new(struct bell *b) {
    struct call *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    c->bell = b;
    pthread_mutex_lock(&b->lock);
    b->refs++;
    pthread_mutex_unlock(&b->lock);
    return c;
}

tc_err bell_call(struct bell *b, struct rpc *rpc, const char *addr, const char *method,
                 struct tc_slice request, uint32_t deadline_ms, struct tc_buf *ret_reply) {
    struct call *c = call_new(b);
    tc_err err = rpc_unary(rpc, addr, method, request, deadline_ms, answered, c);
    if (err != TC_OK) {
        call_free(c);
        return err;
    }
    pthread_mutex_lock(&b->lock);
    while (!c->done && !b->stopping)
        pthread_cond_wait(&b->cond, &b->lock);
    bool done = c->done;
    c->abandoned = !done;
    pthread_mutex_unlock(&b->lock);
    if (!done)
        return TC_ECLOSED;
    err = c->err;
    tc_buf_append_slice(ret_reply, tc_buf_slice(&c->reply));
    call_free(c);
    return err;
}
