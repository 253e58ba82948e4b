/* What many idle replicas must not cost: whole reports again and again, and memory. */
#include "cluster.h"

#define PUT TERCET__PB__ITEM_OP__ITEM_PUT

static struct cluster *start(uint64_t seed) {
    static struct cluster c;
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.archive_required = false;
    o.checkpoint_ms = 500;
    cluster_init(&c, seed, &o);
    cluster_create_group(&c);
    cluster_wait_leader(&c);
    cluster_run(&c, 12000); /* no node is young any more */
    return &c;
}

/* The digest of node n; *ret_replicas: how many its reply to one who knows `known` lists. */
static uint64_t ask(struct cluster *c, int n, uint64_t known, size_t *ret_replicas) {
    struct tc_buf packed = {0};
    store_node_info(c->nodes[n].store, known, &packed);
    Tercet__Pb__NodeInfoReply *r =
        tercet__pb__node_info_reply__unpack(NULL, packed.len, packed.data);
    assert_non_null(r);
    assert_int_equal(r->unchanged, r->digest == known);
    uint64_t digest = r->digest;
    *ret_replicas = r->n_replicas;
    tercet__pb__node_info_reply__free_unpacked(r, NULL);
    tc_buf_deinit(&packed);
    return digest;
}

static void a_report_that_says_nothing_new_leaves_the_replicas_out(void **state) {
    (void)state;
    struct cluster *c = start(41);
    int leader = cluster_leader(c);
    size_t replicas = 0;
    uint64_t digest = ask(c, leader, 0, &replicas);
    assert_int_equal(replicas, 1);
    assert_int_equal(ask(c, leader, digest, &replicas), digest);
    assert_int_equal(replicas, 0);
    struct op put = {.op = PUT, .key = 1, .value = "one"};
    assert_int_equal(cluster_do(c, leader, &put), TC_OK);
    cluster_run(c, 5000); /* time and writes are no news */
    assert_int_equal(ask(c, leader, digest, &replicas), digest);
    int other = (leader + 1) % NODES;
    uint64_t others = ask(c, other, 0, &replicas);
    cluster_stop(c, leader, /* power_loss= */ false);
    int next = cluster_wait_leader(c);
    assert_int_not_equal(next, leader);
    assert_int_not_equal(ask(c, other, others, &replicas), others); /* another leader is */
    assert_int_equal(replicas, 1);
    uint64_t silent = ask(c, next, 0, &replicas);
    cluster_run(c, 1500);
    assert_int_not_equal(ask(c, next, silent, &replicas), silent); /* as is lasting silence */
    cluster_start(c, leader);
    cluster_deinit(c);
}

/* A tree that rests reads its pages again: nothing but time is lost. */
static void a_group_that_rested_serves_as_before(void **state) {
    (void)state;
    struct cluster *c = start(42);
    struct op put = {.op = PUT, .key = 1, .value = "one"};
    assert_int_equal(cluster_do(c, cluster_leader(c), &put), TC_OK);
    cluster_run(c, 200000); /* three rounds of rest */
    assert_string_equal(cluster_get(c, 1), "one");
    struct op again = {.op = PUT, .key = 1, .value = "two"};
    assert_int_equal(cluster_do(c, cluster_leader(c), &again), TC_OK);
    assert_string_equal(cluster_get(c, 1), "two");
    cluster_assert_equal(c);
    cluster_deinit(c);
}

static void no_more_replicas_than_open_files_allow(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.archive_required = false;
    o.replicas_max = 1;
    cluster_init(&c, 43, &o);
    cluster_create_group(&c);
    struct store *s = c.nodes[0].store;
    struct tc_buf packed = {0};
    assert_int_equal(store_get_partition(s, GID, &packed), TC_OK);
    Tercet__Pb__CreateReplicaRequest req = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
    req.partition = tercet__pb__partition__unpack(NULL, packed.len, packed.data);
    req.partition->gid = GID + 1;
    req.rid = 1;
    req.table_name = (char *)(uintptr_t) "t";
    assert_int_equal(store_create_replica(s, &req), TC_ELIMIT);
    tercet__pb__partition__free_unpacked(req.partition, NULL);
    tc_buf_deinit(&packed);
    cluster_deinit(&c);
}

int idle_tests(void);
int idle_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_that_says_nothing_new_leaves_the_replicas_out),
        cmocka_unit_test(a_group_that_rested_serves_as_before),
        cmocka_unit_test(no_more_replicas_than_open_files_allow),
    };
    return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
