/* A request that comes while route stops (its HTTP loop is ended later than route) once met a retry
 * thread that was gone. Each must be answered once, whenever it comes. */
#include "route/route_private.h"
#include "test_route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum {
    CALLERS = 3,
    UNDER_WAY = 8,    /* calls of each that are out when route is told to stop */
    AFTERWARDS = 100, /* ... and that come later */
};

/* Nothing listens there: each attempt fails and the call waits for its next in the retry thread. */
static char nobody[] = "127.0.0.1:1";

struct caller {
    struct route *route;
    struct route_call calls[UNDER_WAY + AFTERWARDS];
    uint32_t answers[UNDER_WAY + AFTERWARDS]; /* atomic */
    int sent;                                 /* atomic */
    int *stopped;                             /* atomic */
};

static void answered(struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                     const Tercet__Pb__Partition *partition) {
    (void)reply;
    (void)partition;
    if (err == TC_OK)
        abort();
    __atomic_add_fetch((uint32_t *)c->user, 1, __ATOMIC_RELAXED);
}

static void call(struct caller *l, size_t i, uint64_t table_id) {
    struct route_call *c = &l->calls[i];
    c->kind = ROUTE_ITEM;
    tercet__pb__item_request__init(&c->request.item);
    c->table_id = table_id;
    c->key = TC_SLICE_LIT("key");
    c->deadline_ns = daemon_now_ns() + 200 * UINT64_C(1000000);
    c->done = answered;
    c->user = &l->answers[i];
    route_call(l->route, c);
}

static void *caller_main(void *arg) {
    struct caller *l = arg;
    for (size_t i = 0; i < UNDER_WAY; i++)
        call(l, i, i % 2 ? 7 : 8); /* 7 is cached, 8 waits for memds */
    __atomic_store_n(&l->sent, 1, __ATOMIC_RELEASE);
    for (size_t i = UNDER_WAY; i < UNDER_WAY + AFTERWARDS; i++)
        call(l, i, i % 2 ? 7 : 8);
    while (!__atomic_load_n(l->stopped, __ATOMIC_ACQUIRE))
        sched_yield();
    for (size_t i = 0; i < UNDER_WAY + AFTERWARDS; i++)
        if (__atomic_load_n(&l->answers[i], __ATOMIC_RELAXED) != 1)
            abort();
    call(l, 0, 7); /* the retry thread is still there, but nobody would wait for it */
    call(l, 1, 8);
    return NULL;
}

static void cache_a_partition(struct route *r) {
    Tercet__Pb__Member member = TERCET__PB__MEMBER__INIT, *members[] = {&member};
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    member.rid = 1;
    member.addr = nobody;
    p.gid = 70;
    p.table_id = 7;
    p.epoch = 1;
    p.leader_rid = 1;
    p.members = members;
    p.n_members = 1;
    pthread_mutex_lock(&r->lock);
    route__partition_put(r, route__partition_dup(&p));
    pthread_mutex_unlock(&r->lock);
}

void calls_while_route_stops(void **state) {
    (void)state;
    struct daemon_addrs addrs = {.items = {"127.0.0.1:1"}, .count = 1};
    struct rpc_config rpc = {.self = {.cluster = "test", .daemon = "t", .node = "n"}};
    struct route_config config = {.memds = &addrs, .zone = "a"};
    static struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    int stopped = 0;
    assert_int_equal(rpc_start(&rpc, &config.rpc), TC_OK);
    struct route *route = NULL;
    assert_int_equal(route_new(&config, &route), TC_OK);
    cache_a_partition(route);
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.route = route, .stopped = &stopped};
        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++)
        while (!__atomic_load_n(&callers[i].sent, __ATOMIC_ACQUIRE))
            sched_yield();
    route_stop(route);
    __atomic_store_n(&stopped, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].answers[0], 2);
        assert_int_equal(callers[i].answers[1], 2);
    }
    route_free(route);
    rpc_stop(config.rpc);
}
