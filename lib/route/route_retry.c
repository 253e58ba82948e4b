/* One thread that holds what is to be tried again later, in order of time. */
#include "route/route_private.h"

#include "base/assert.h"

#include <stdlib.h>

static void post(struct route *r, struct route__due due) {
    struct route__due *d = malloc(sizeof *d);
    TC_ASSERT(d != NULL);
    *d = due;
    /* Bounded by the requests in flight; the box is as large as their maximum. */
    tc_err err = daemon_worker_post_reserved(r->retry, d);
    TC_ASSERT(err == TC_OK);
}

void route__retry_call(struct route *r, struct route_call *c, uint64_t delay_ns) {
    post(r, (struct route__due){.at_ns = daemon_now_ns() + delay_ns, .call = c});
}

void route__retry_find(struct route *r, struct route_find *f, uint64_t delay_ns) {
    post(r, (struct route__due){.at_ns = daemon_now_ns() + delay_ns, .find = f});
}

/* With the lock held, once until it is done. */
void route__retry_flush(struct route *r, uint64_t at_ns) {
    post(r, (struct route__due){.at_ns = at_ns});
}

static void flush(struct route *r) {
    pthread_mutex_lock(&r->lock);
    r->refresh_armed = false;
    pthread_mutex_unlock(&r->lock);
    route__lookup_flush(r);
}

static void insert(struct route *r, struct route__due *d) {
    struct route__due **at = &r->due;
    while (*at && (*at)->at_ns <= d->at_ns)
        at = &(*at)->next;
    d->next = *at;
    *at = d;
}

uint64_t route__retry_run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct route *r = user;
    for (size_t i = 0; i < count; i++)
        insert(r, entries[i]);
    while (r->due && r->due->at_ns <= now_ns) {
        struct route__due *d = r->due;
        r->due = d->next;
        if (d->call)
            route__call_again(r, d->call);
        else if (d->find)
            route__find_retry(r, d->find);
        else
            flush(r);
        free(d);
    }
    return r->due ? r->due->at_ns : UINT64_MAX;
}
