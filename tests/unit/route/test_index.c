/* Rows of an index on their way to the group that holds them. */
#include "route/route_private.h"
#include "test_route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct answer {
    int count;
    tc_err err;
};

static void answered(struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                     const Tercet__Pb__Partition *partition) {
    struct answer *a = c->user;
    (void)reply;
    (void)partition;
    a->count++;
    a->err = err;
}

static Tercet__Pb__Partition *partition(char *start, char *end, uint64_t gid) {
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    p.gid = gid;
    p.table_id = 7;
    p.epoch = 1;
    p.start = (ProtobufCBinaryData){strlen(start), (uint8_t *)start};
    p.end = (ProtobufCBinaryData){strlen(end), (uint8_t *)end};
    return route__partition_dup(&p);
}

static void put_both(struct route *r) {
    char none[] = "", middle[] = "m";
    pthread_mutex_lock(&r->lock);
    route__partition_put(r, partition(none, middle, 1));
    route__partition_put(r, partition(middle, none, 2));
    pthread_mutex_unlock(&r->lock);
}

static struct route *start(struct rpc **ret_rpc) {
    static struct daemon_addrs addrs = {.items = {"127.0.0.1:1"}, .count = 1};
    struct rpc_config rpc = {.self = {.cluster = "test", .daemon = "t", .node = "n"}};
    struct route_config config = {.memds = &addrs, .zone = "a"};
    struct route *route = NULL;
    assert_int_equal(rpc_start(&rpc, &config.rpc), TC_OK);
    assert_int_equal(route_new(&config, &route), TC_OK);
    *ret_rpc = config.rpc;
    return route;
}

void rows_astride_are_given_back(void **state) {
    (void)state;
    struct rpc *rpc = NULL;
    struct route *route = start(&rpc);
    put_both(route);
    char first[] = "a", last[] = "z";
    Tercet__Pb__IndexRow rows[2], *list[] = {&rows[0], &rows[1]};
    struct answer a = {0};
    struct route_call c = {.kind = ROUTE_INDEX, .table_id = 7, .done = answered, .user = &a};
    tercet__pb__index_row__init(&rows[0]);
    tercet__pb__index_row__init(&rows[1]);
    tercet__pb__index_request__init(&c.request.index);
    rows[0].key = (ProtobufCBinaryData){1, (uint8_t *)first};
    rows[1].key = (ProtobufCBinaryData){1, (uint8_t *)last};
    c.request.index.rows = list;
    c.request.index.n_rows = 2;
    c.key = tc_slice_str(first);
    c.deadline_ns = daemon_now_ns() + UINT64_C(20000000000);
    route_call(route, &c); /* within the call: nothing is sent anywhere */
    assert_int_equal(a.count, 1);
    assert_int_equal(a.err, TC_EMOVED);
    route_free(route);
    rpc_stop(rpc);
}

void partition_end_is_told(void **state) {
    (void)state;
    struct rpc *rpc = NULL;
    struct route *route = start(&rpc);
    struct tc_buf end = {0};
    assert_false(route_partition_end(route, 7, TC_SLICE_LIT("a"), &end));
    put_both(route);
    assert_true(route_partition_end(route, 7, TC_SLICE_LIT("a"), &end));
    assert_true(tc_slice_eq(tc_buf_slice(&end), TC_SLICE_LIT("m")));
    tc_buf_clear(&end);
    assert_true(route_partition_end(route, 7, TC_SLICE_LIT("m"), &end));
    assert_int_equal(end.len, 0);
    tc_buf_deinit(&end);
    route_free(route);
    rpc_stop(rpc);
}
