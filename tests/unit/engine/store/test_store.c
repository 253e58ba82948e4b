#include "cluster.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

#define PUT TERCET__PB__ITEM_OP__ITEM_PUT
#define GET TERCET__PB__ITEM_OP__ITEM_GET
#define DEL TERCET__PB__ITEM_OP__ITEM_DELETE

static struct store_options small(void) {
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.cache_bytes = 4u << 20;
    o.checkpoint_ms = 500;
    o.archive_required = false;
    return o;
}

static struct cluster *start(uint64_t seed) {
    static struct cluster c;
    struct store_options o = small();
    cluster_init(&c, seed, &o);
    cluster_create_group(&c);
    cluster_wait_leader(&c);
    return &c;
}

static void a_group_elects_writes_and_reads(void **state) {
    (void)state;
    struct cluster *c = start(1);
    int leader = cluster_leader(c);
    assert_true(c->pushes > 0);
    struct op put = {.op = PUT, .key = 1, .value = "one"};
    assert_int_equal(cluster_do(c, leader, &put), TC_OK);
    assert_string_equal(cluster_get(c, 1), "one");
    assert_null(cluster_get(c, 2));
    int other = (leader + 1) % NODES;
    assert_int_equal(cluster_do(c, other, &put), TC_ENOTLEADER);
    struct op strong = {.op = GET, .key = 1, .consistent = true};
    assert_int_equal(cluster_do(c, other, &strong), TC_ENOTLEADER);
    cluster_run(c, 400);
    struct op eventual = {.op = GET, .key = 1};
    assert_int_equal(cluster_do(c, other, &eventual), TC_OK);
    cluster_assert_equal(c);
    cluster_deinit(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_elects_writes_and_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
