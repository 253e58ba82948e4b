/* A disk that fails, fills up, slows down or rots under a running store. */
#include "cluster.h"

#include "core/index/index.h"
#include "env/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUT TERCET__PB__ITEM_OP__ITEM_PUT
#define DEL TERCET__PB__ITEM_OP__ITEM_DELETE

static struct store_options options(void) {
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.archive_required = false;
    o.disk.ample_bytes = UINT64_MAX;
    return o;
}

static void start(struct cluster *c, uint64_t seed, const struct store_options *o) {
    cluster_init(c, seed, o);
    cluster_create_group(c);
    cluster_wait_leader(c);
}

/* ---- errors */

/* One log write of a node fails; its process ends and begins again. */
static void fail_a_write(struct cluster *c, int victim) {
    struct node *n = &c->nodes[victim];
    struct sim_fault fault = {.kind = SIM_WRITE_ERROR, .path_part = "wal", .hit_count = 1};
    for (int i = 0; i < 5000 && n->batch == NULL; i++) {
        struct op put = {.op = PUT, .key = 1, .value = "v"};
        c->nodes[victim].disk_ms = 2;
        int leader = cluster_leader(c);
        if (leader >= 0)
            (void)cluster_send(c, leader, &put);
        cluster_run(c, 1);
    }
    assert_non_null(n->batch);
    assert_int_equal(sim_fs_fault(n->fs, &fault), TC_OK);
    tc_err err = store_batch_write(n->batch);
    assert_int_equal(err, TC_EIO);
    assert_int_equal(store_batch_done(n->store, n->batch, err), TC_EIO);
    n->batch = NULL;
    assert_true(store_failed(n->store));
    sim_fs_heal(n->fs);
    n->disk_ms = 0;
    cluster_stop(c, victim, false);
    cluster_start(c, victim);
}

static void the_second_failure_within_a_day_drains_the_store(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    start(&c, 51, &o);
    int victim = (cluster_wait_leader(&c) + 1) % NODES;
    fail_a_write(&c, victim);
    assert_int_equal(store_disk(c.nodes[victim].store).errors, 1);
    assert_null(store_disk(c.nodes[victim].store).drain);
    cluster_put(&c, 2, "goes on");
    cluster_assert_equal(&c);
    c.clock.now_ns += 3600000000000u;
    cluster_wait_leader(&c);
    fail_a_write(&c, victim);
    assert_int_equal(store_disk(c.nodes[victim].store).errors, 2);
    Tercet__Pb__NodeInfoReply *info = cluster_info(&c, victim);
    assert_true(strlen(info->disk_drain) > 0);
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    cluster_put(&c, 3, "goes on");
    cluster_run(&c, 3000);
    assert_int_not_equal(cluster_wait_leader(&c), victim);
    cluster_deinit(&c);
}

static void marks_stand_in_two_places(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    start(&c, 52, &o);
    int victim = (cluster_wait_leader(&c) + 1) % NODES;
    struct node *n = &c.nodes[victim];
    assert_int_equal(tc_fs_mkdir(n->env.fs, "elsewhere"), TC_OK);
    c.options.suspect_dir = "elsewhere";
    cluster_stop(&c, victim, false);
    cluster_start(&c, victim);
    fail_a_write(&c, victim);
    assert_int_equal(store_disk(n->store).errors, 1); /* two marks of one failure */
    cluster_stop(&c, victim, false);
    assert_int_equal(tc_fs_unlink(n->env.fs, "d/suspect"), TC_OK);
    cluster_start(&c, victim);
    assert_int_equal(store_disk(n->store).errors, 1); /* the other disk remembers */
    cluster_stop(&c, victim, false);
    c.options.suspect_dir = "";
    cluster_start(&c, victim);
    assert_int_equal(store_disk(n->store).errors, 0);
    cluster_deinit(&c);
}

/* What the node says of its replica. */
static const char *replica_state(struct cluster *c, int node) {
    static char text[80];
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, node);
    assert_int_equal(info->n_replicas, 1);
    snprintf(text, sizeof text, "%s", info->replicas[0]->state);
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return text;
}

/* ---- a full disk */

/* Make so much of a node's disk count as used. */
static void set_fill(struct node *n, uint64_t used_permille) {
    struct tc_fs_space space;
    sim_fs_set_capacity(n->fs, UINT64_C(1) << 60);
    assert_int_equal(tc_fs_space(n->env.fs, "d", &space), TC_OK);
    uint64_t used = space.total_bytes - space.free_bytes;
    sim_fs_set_capacity(n->fs, used * 1000 / used_permille);
}

static void a_full_disk_refuses_what_grows(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    start(&c, 53, &o);
    cluster_put(&c, 1, "before");
    cluster_run(&c, 3000);
    for (int i = 0; i < NODES; i++)
        set_fill(&c.nodes[i], 960);
    cluster_run(&c, 2000);
    int leader = cluster_wait_leader(&c);
    assert_int_equal(store_disk(c.nodes[leader].store).fill, DISK_NO_WRITES);
    struct op put = {.op = PUT, .key = 2, .value = "more"};
    struct op del = {.op = DEL, .key = 1};
    assert_int_equal(cluster_do(&c, leader, &put), TC_EFULL);
    assert_int_equal(cluster_do(&c, leader, &del), TC_OK);
    assert_true(store_counters(c.nodes[leader].store)->refused_disk > 0);
    for (int i = 0; i < NODES; i++)
        sim_fs_set_capacity(c.nodes[i].fs, 0);
    cluster_run(&c, 2000);
    cluster_put(&c, 2, "there is room again");
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

static void a_nearly_full_disk_leads_nothing_and_takes_no_replica(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    start(&c, 54, &o);
    cluster_run(&c, 3000);
    int before = cluster_wait_leader(&c);
    set_fill(&c.nodes[before], 910);
    cluster_run(&c, 3000);
    int after = cluster_wait_leader(&c);
    assert_int_not_equal(after, before);
    assert_int_equal(store_counters(c.nodes[before].store)->disk_leaders_given, 1);
    cluster_put(&c, 1, "served elsewhere");
    Tercet__Pb__NodeInfoReply *info = cluster_info(&c, before);
    Tercet__Pb__CreateReplicaRequest req = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
    char table[] = "things";
    req.partition = info->replicas[0]->partition;
    req.partition->gid = GID + 1;
    req.rid = (uint32_t)before + 1;
    req.table_name = table;
    assert_int_equal(store_create_replica(c.nodes[before].store, &req), TC_EFULL);
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    cluster_deinit(&c);
}

/* Three nearly full disks: the group must not be passed around for ever. */
static void a_leadership_without_a_better_place_stays(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    start(&c, 55, &o);
    cluster_run(&c, 3000);
    for (int i = 0; i < NODES; i++)
        set_fill(&c.nodes[i], 910);
    cluster_run(&c, 20000);
    uint64_t given = 0;
    for (int i = 0; i < NODES; i++)
        given += store_counters(c.nodes[i].store)->disk_leaders_given;
    assert_in_range(given, 1, NODES);
    cluster_put(&c, 1, "served all the same");
    cluster_deinit(&c);
}

/* The node whose disk has no room left for checkpoints and segments goes on, and recovers. */
static void no_space_for_a_checkpoint_is_not_the_end(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    o.checkpoint_ms = 200;
    start(&c, 56, &o);
    int victim = (cluster_wait_leader(&c) + 1) % NODES;
    set_fill(&c.nodes[victim], 1000);
    char value[400];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = 0;
    for (int i = 0; i < 600; i++)
        cluster_put(&c, i, value);
    cluster_run(&c, 5000);
    assert_false(store_failed(c.nodes[victim].store));
    uint64_t behind = store_counters(c.nodes[victim].store)->checkpoints;
    sim_fs_set_capacity(c.nodes[victim].fs, 0);
    cluster_run(&c, 5000);
    assert_true(store_counters(c.nodes[victim].store)->checkpoints > behind);
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

/* A schema is written down where it is applied; that fails for want of room on one disk, and is
 * done as soon as there is some, although there is nothing for a checkpoint to do. */
static void what_found_no_room_is_applied_later(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    o.checkpoint_ms = 200;
    start(&c, 60, &o);
    cluster_put(&c, 1, "before");
    cluster_run(&c, 3000);
    int leader = cluster_wait_leader(&c), victim = (leader + 1) % NODES;
    set_fill(&c.nodes[victim], 1000);
    struct index_schema s = {.version = 1,
                             .kind = INDEX_TABLE,
                             .hash = {TC_SLICE_LIT("pk"), ITEM_S},
                             .ttl = TC_SLICE_LIT("t"),
                             .ttl_tag = 1};
    Tercet__Pb__SetSchemaRequest req = TERCET__PB__SET_SCHEMA_REQUEST__INIT;
    struct tc_buf bytes = {0}, out = {0};
    assert_int_equal(index_schema_encode(&s, &bytes), TC_OK);
    req.gid = GID;
    req.schema = (ProtobufCBinaryData){.len = bytes.len, .data = bytes.data};
    tc_err err = store_set_schema(c.nodes[leader].store, &req, &out);
    assert_true(err == TC_OK || err == TC_EBUSY);
    tc_buf_deinit(&bytes);
    tc_buf_deinit(&out);
    cluster_run(&c, 5000);
    assert_string_equal(replica_state(&c, victim), "stalled: waits for a checkpoint");
    sim_fs_set_capacity(c.nodes[victim].fs, 0);
    cluster_run(&c, 5000);
    assert_string_equal(replica_state(&c, victim), "ok");
    c.epoch = 0; /* the schema raised it */
    cluster_put(&c, 2, "after");
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

/* ---- a slow disk */

static void a_slow_disk_gives_its_leaderships_away_and_drains(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    o.disk.slow_window_ns = 2000000000;
    o.disk.slow_drain_ns = 10000000000;
    start(&c, 57, &o);
    int slow = cluster_wait_leader(&c);
    c.nodes[slow].disk_ms = 700;
    for (int i = 0; i < 300; i++) {
        struct op put = {.op = PUT, .key = i, .value = "v"};
        int leader = cluster_leader(&c);
        if (leader >= 0)
            (void)cluster_send(&c, leader, &put);
        cluster_run(&c, 50);
    }
    struct store_disk disk = store_disk(c.nodes[slow].store);
    assert_true(disk.slow);
    assert_non_null(disk.drain);
    assert_int_not_equal(cluster_wait_leader(&c), slow);
    c.nodes[slow].disk_ms = 0;
    cluster_run(&c, 10000);
    assert_false(store_disk(c.nodes[slow].store).slow);
    assert_null(store_disk(c.nodes[slow].store).drain);
    cluster_put(&c, 1, "well again");
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

/* ---- rot */

/* Flip a bit of every copy of text in a node's log, under the running process. */
static void rot_text(struct node *n, const char *text) {
    struct tc_file *f = NULL;
    uint64_t size = 0;
    const char *path = "d/wal/seg-0000";
    assert_int_equal(tc_fs_open(n->env.fs, path, TC_FS_READ_ONLY, &f), TC_OK);
    assert_int_equal(tc_file_size(f, &size), TC_OK);
    uint8_t *data = malloc(size);
    assert_int_equal(tc_file_read_at(f, 0, data, size), TC_OK);
    tc_file_close(f);
    const uint8_t *at = memmem(data, size, text, strlen(text));
    assert_non_null(at);
    assert_int_equal(sim_fs_flip(n->fs, path, (uint64_t)(at - data), 3), TC_OK);
    free(data);
}

/* The leader's log rots where a follower that comes back needs it: the leader fetches what it lost
 * from the third replica, in place and without a restart, and the follower catches up by log. */
static void log_rot_is_repaired_while_running(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    o.checkpoint_ms = 600000;
    o.wal_cache_bytes = 0;
    start(&c, 58, &o);
    int behind = (cluster_wait_leader(&c) + 1) % NODES;
    cluster_stop(&c, behind, false);
    cluster_wait_leader(&c);
    for (int i = 0; i < 30; i++) {
        char value[32];
        snprintf(value, sizeof value, "value-%04d-here", i);
        cluster_put(&c, i, value);
    }
    static char large[20000];
    memset(large, 'x', sizeof large - 1);
    for (int i = 30; i < 70; i++)
        cluster_put(&c, i, large); /* what the log read last is then another piece of it */
    int leader = cluster_leader(&c);
    cluster_stop(&c, leader, false); /* its log is then on disk alone, not in memory */
    cluster_start(&c, leader);
    int third = NODES - behind - leader;
    cluster_wait_leader(&c);
    for (int i = 0; i < 100 && cluster_leader(&c) != leader; i++) {
        (void)store_drain(c.nodes[third].store);
        cluster_run(&c, 500);
    }
    assert_int_equal(cluster_leader(&c), leader);
    rot_text(&c.nodes[leader], "value-0007-here");
    rot_text(&c.nodes[leader], "value-0019-here");
    cluster_start(&c, behind);
    cluster_run(&c, 20000);
    cluster_wait_leader(&c);
    cluster_put(&c, 100, "after");
    cluster_run(&c, 5000);
    assert_true(store_counters(c.nodes[leader].store)->log_rot > 0);
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(store_counters(c.nodes[i].store)->snapshots_installed, 0);
        assert_int_equal(store_counters(c.nodes[i].store)->damage_found, 0);
    }
    cluster_assert_equal(&c);
    cluster_stop(&c, leader, true); /* the repair is durable: nothing is found now */
    cluster_start(&c, leader);
    cluster_run(&c, 5000);
    assert_int_equal(store_counters(c.nodes[leader].store)->log_rot, 0);
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

/* A sector that cannot be read is a damaged one. */
static void an_unreadable_page_is_a_damaged_page(void **state) {
    (void)state;
    static struct cluster c;
    struct store_options o = options();
    o.checkpoint_ms = 500;
    start(&c, 59, &o);
    for (int i = 0; i < 30; i++)
        cluster_put(&c, i, "value");
    cluster_run(&c, 2000);
    int victim = cluster_wait_leader(&c);
    cluster_stop(&c, victim, false); /* no page is in memory afterwards */
    cluster_start(&c, victim);
    struct sim_fault fault = {.kind = SIM_READ_ERROR, .path_part = ".tree"};
    assert_int_equal(sim_fs_fault(c.nodes[victim].fs, &fault), TC_OK);
    cluster_put(&c, 5, "another value");
    cluster_run(&c, 3000);
    assert_int_equal(store_counters(c.nodes[victim].store)->damage_found, 1);
    sim_fs_heal(c.nodes[victim].fs);
    cluster_run(&c, 10000);
    assert_int_equal(store_counters(c.nodes[victim].store)->snapshots_installed, 1);
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

int disk_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_failure_within_a_day_drains_the_store),
        cmocka_unit_test(marks_stand_in_two_places),
        cmocka_unit_test(a_full_disk_refuses_what_grows),
        cmocka_unit_test(a_nearly_full_disk_leads_nothing_and_takes_no_replica),
        cmocka_unit_test(a_leadership_without_a_better_place_stays),
        cmocka_unit_test(no_space_for_a_checkpoint_is_not_the_end),
        cmocka_unit_test(what_found_no_room_is_applied_later),
        cmocka_unit_test(a_slow_disk_gives_its_leaderships_away_and_drains),
        cmocka_unit_test(log_rot_is_repaired_while_running),
        cmocka_unit_test(an_unreadable_page_is_a_damaged_page),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
