/* Merges on three stores: every refusal, a crash between seal and merge, and a store that lacks the
 * right side. What clients see under faults is the simulator's (tests/sim/store). */
#include "cluster.h"

#include <stdlib.h>

enum {
    LEFT = 20,
    RIGHT = 21,
    MERGED = 22,
    KEYS = 40,
    PATIENCE = 400, /* steps of 50 ms */
    STEP_MS = 50,
};

static struct cluster cluster;

static Tercet__Pb__ReplicaInfo *replica_of(Tercet__Pb__NodeInfoReply *info, uint64_t gid) {
    for (size_t i = 0; i < info->n_replicas; i++)
        if (info->replicas[i]->partition->gid == gid)
            return info->replicas[i];
    return NULL;
}

/* -1: nobody leads it. */
static int leader_of(struct cluster *c, uint64_t gid) {
    int leader = -1;
    for (int n = 0; n < NODES; n++) {
        if (c->nodes[n].store == NULL)
            continue;
        Tercet__Pb__NodeInfoReply *info = cluster_info(c, n);
        const Tercet__Pb__ReplicaInfo *r = replica_of(info, gid);
        if (r && r->role == 2)
            leader = n;
        tercet__pb__node_info_reply__free_unpacked(info, NULL);
    }
    return leader;
}

static bool state_is(struct cluster *c, int n, uint64_t gid, const char *state) {
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, n);
    const Tercet__Pb__ReplicaInfo *r = replica_of(info, gid);
    bool is = r && strcmp(r->state, state) == 0;
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return is;
}

static uint64_t items_of(struct cluster *c, int n, uint64_t gid) {
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, n);
    const Tercet__Pb__ReplicaInfo *r = replica_of(info, gid);
    uint64_t items = r ? r->item_count : 0;
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return items;
}

/* ---- asking */

static tc_err ask_split(struct cluster *c, int n) {
    Tercet__Pb__SplitRequest req = TERCET__PB__SPLIT_REQUEST__INIT;
    uint8_t middle[1] = {0x80};
    struct tc_buf out = {0};
    req.gid = GID;
    req.key = (ProtobufCBinaryData){.len = 1, .data = middle};
    req.left_gid = LEFT;
    req.right_gid = RIGHT;
    tc_err err = store_split(c->nodes[n].store, &req, &out);
    tc_buf_deinit(&out);
    return err;
}

static tc_err ask_seal(struct cluster *c, int n, uint64_t left, uint64_t merged,
                       Tercet__Pb__SealState *ret_state) {
    Tercet__Pb__SealRequest req = TERCET__PB__SEAL_REQUEST__INIT;
    struct tc_buf out = {0};
    req.gid = RIGHT;
    req.left_gid = left;
    req.merged_gid = merged;
    tc_err err = store_seal(c->nodes[n].store, &req, &out);
    if (err == TC_OK && ret_state) {
        Tercet__Pb__SealReply *reply = tercet__pb__seal_reply__unpack(NULL, out.len, out.data);
        *ret_state = reply->state;
        tercet__pb__seal_reply__free_unpacked(reply, NULL);
    }
    tc_buf_deinit(&out);
    return err;
}

static tc_err ask_merge(struct cluster *c, int n, uint64_t right, uint64_t merged,
                        Tercet__Pb__MergeState *ret_state) {
    Tercet__Pb__MergeRequest req = TERCET__PB__MERGE_REQUEST__INIT;
    struct tc_buf out = {0};
    req.gid = LEFT;
    req.right_gid = right;
    req.merged_gid = merged;
    tc_err err = store_merge(c->nodes[n].store, &req, &out);
    if (err == TC_OK && ret_state) {
        Tercet__Pb__MergeReply *reply = tercet__pb__merge_reply__unpack(NULL, out.len, out.data);
        *ret_state = reply->state;
        tercet__pb__merge_reply__free_unpacked(reply, NULL);
    }
    tc_buf_deinit(&out);
    return err;
}

static void wait_split(struct cluster *c) {
    bool done = false;
    for (int i = 0; i < PATIENCE && !done; i++) {
        int leader = leader_of(c, GID);
        if (leader >= 0)
            (void)ask_split(c, leader);
        cluster_run(c, STEP_MS);
        done = leader_of(c, LEFT) >= 0 && leader_of(c, RIGHT) >= 0;
        for (int n = 0; n < NODES; n++)
            done = done && state_is(c, n, LEFT, "ok") && state_is(c, n, RIGHT, "ok");
    }
    assert_true(done);
}

static void wait_sealed(struct cluster *c) {
    Tercet__Pb__SealState state = TERCET__PB__SEAL_STATE__SEAL_NONE;
    for (int i = 0; i < PATIENCE && state != TERCET__PB__SEAL_STATE__SEAL_DONE; i++) {
        int leader = leader_of(c, RIGHT);
        if (leader >= 0)
            (void)ask_seal(c, leader, LEFT, MERGED, &state);
        cluster_run(c, STEP_MS);
    }
    assert_int_equal(state, TERCET__PB__SEAL_STATE__SEAL_DONE);
}

static void wait_merged(struct cluster *c) {
    Tercet__Pb__MergeState state = TERCET__PB__MERGE_STATE__MERGE_NONE;
    for (int i = 0; i < PATIENCE && state != TERCET__PB__MERGE_STATE__MERGE_DONE; i++) {
        int leader = leader_of(c, LEFT);
        if (leader >= 0)
            (void)ask_merge(c, leader, RIGHT, MERGED, &state);
        cluster_run(c, STEP_MS);
    }
    assert_int_equal(state, TERCET__PB__MERGE_STATE__MERGE_DONE);
}

static void wait_state(struct cluster *c, int n, uint64_t gid, const char *state) {
    for (int i = 0; i < PATIENCE && !state_is(c, n, gid, state); i++)
        cluster_run(c, STEP_MS);
    assert_true(state_is(c, n, gid, state));
}

static int setup(void **state) {
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.checkpoint_ms = 300;
    o.lease_ms = 300;
    o.archive_required = false;
    cluster_init(&cluster, 23, &o);
    cluster_create_group(&cluster);
    (void)cluster_wait_leader(&cluster);
    for (int k = 0; k < KEYS; k++)
        cluster_put(&cluster, k, "v");
    wait_split(&cluster);
    *state = &cluster;
    return 0;
}

static int teardown(void **state) {
    cluster_deinit(*state);
    return 0;
}

/* ---- what is refused */

static void what_is_no_merge_is_refused(void **state) {
    struct cluster *c = *state;
    int l = leader_of(c, LEFT), r = leader_of(c, RIGHT);
    assert_int_equal(ask_seal(c, r, 0, MERGED, NULL), TC_EINVAL);
    assert_int_equal(ask_seal(c, r, LEFT, 0, NULL), TC_EINVAL);
    assert_int_equal(ask_seal(c, r, RIGHT, MERGED, NULL), TC_EINVAL);
    assert_int_equal(ask_seal(c, r, LEFT, GID, NULL), TC_EEXISTS);
    assert_int_equal(ask_seal(c, r, 99, MERGED, NULL), TC_ENOTALIGNED);
    assert_int_equal(ask_seal(c, r, GID, MERGED, NULL), TC_EINVAL); /* no neighbour */
    assert_int_equal(ask_seal(c, (r + 1) % NODES, LEFT, MERGED, NULL), TC_ENOTLEADER);
    assert_int_equal(ask_seal(c, SPARE, LEFT, MERGED, NULL), TC_ENOTFOUND);
    assert_int_equal(ask_merge(c, l, 99, MERGED, NULL), TC_ENOTALIGNED);
    assert_int_equal(ask_merge(c, l, GID, MERGED, NULL), TC_EINVAL);
    assert_int_equal(ask_merge(c, l, RIGHT, RIGHT, NULL), TC_EINVAL);
    assert_int_equal(ask_merge(c, l, RIGHT, MERGED, NULL), TC_EBUSY); /* not sealed */
    assert_int_equal(ask_merge(c, (l + 1) % NODES, RIGHT, MERGED, NULL), TC_ENOTLEADER);
}

static void what_was_sealed_is_merged_no_other_way(void **state) {
    struct cluster *c = *state;
    wait_sealed(c);
    int l = leader_of(c, LEFT), r = leader_of(c, RIGHT);
    assert_int_equal(ask_seal(c, r, LEFT, MERGED, NULL), TC_OK);
    assert_int_equal(ask_seal(c, r, LEFT, 30, NULL), TC_EEXISTS);
    assert_int_equal(ask_merge(c, l, RIGHT, 30, NULL), TC_EEXISTS);
    assert_int_equal(store_delete_replica(c->nodes[r].store, RIGHT), TC_EBUSY);
    wait_merged(c);
    l = leader_of(c, LEFT);
    assert_int_equal(ask_merge(c, l, RIGHT, MERGED, NULL), TC_OK);
    assert_int_equal(ask_merge(c, l, RIGHT, 30, NULL), TC_EEXISTS);
}

/* ---- what comes of it */

static void assert_whole(struct cluster *c) {
    for (int n = 0; n < NODES; n++) {
        wait_state(c, n, MERGED, "ok");
        assert_int_equal(items_of(c, n, MERGED), KEYS);
    }
    assert_true(leader_of(c, MERGED) >= 0);
}

/* Both stay until no request can be repeated any more. */
static void both_go_when_nothing_needs_them(void **state) {
    struct cluster *c = *state;
    wait_sealed(c);
    wait_merged(c);
    assert_whole(c);
    for (int n = 0; n < NODES; n++) {
        assert_int_equal(store_delete_replica(c->nodes[n].store, LEFT), TC_EBUSY);
        assert_int_equal(store_delete_replica(c->nodes[n].store, RIGHT), TC_EBUSY);
    }
    cluster_run(c, 31000);
    for (int n = 0; n < NODES; n++) {
        assert_int_equal(store_delete_replica(c->nodes[n].store, LEFT), TC_OK);
        assert_int_equal(store_delete_replica(c->nodes[n].store, RIGHT), TC_OK);
    }
    cluster_stop(c, 0, /* power_loss= */ true);
    cluster_start(c, 0);
    cluster_run(c, 2000);
    assert_whole(c);
}

/* Nothing was decided when everybody lost power: it is sealed still, and merged then. */
static void a_seal_outlives_everybody(void **state) {
    struct cluster *c = *state;
    wait_sealed(c);
    for (int n = 0; n < NODES; n++)
        cluster_stop(c, n, /* power_loss= */ true);
    for (int n = 0; n < NODES; n++)
        cluster_start(c, n);
    cluster_run(c, 2000);
    wait_merged(c);
    assert_whole(c);
}

/* The leader's store cannot make it; another store's can. */
static void a_leader_without_the_right_side_does_not_merge(void **state) {
    struct cluster *c = *state;
    int l = leader_of(c, LEFT);
    assert_int_equal(store_delete_replica(c->nodes[l].store, RIGHT), TC_OK);
    cluster_run(c, 2000);
    wait_sealed(c);
    assert_int_equal(ask_merge(c, leader_of(c, LEFT), RIGHT, MERGED, NULL), TC_ENOTALIGNED);
    Tercet__Pb__TransferRequest req = TERCET__PB__TRANSFER_REQUEST__INIT;
    struct tc_buf out = {0};
    req.gid = LEFT;
    assert_int_equal(store_transfer(c->nodes[l].store, &req, &out), TC_OK);
    tc_buf_deinit(&out);
    cluster_run(c, 2000);
    assert_int_not_equal(leader_of(c, LEFT), l);
    wait_merged(c);
    /* Its request ids are not known there: it takes no part until they are too old. */
    cluster_run(c, 20000);
    assert_true(state_is(c, l, MERGED, "building"));
    cluster_run(c, 12000);
    assert_whole(c);
}

int merge_tests(void);

int merge_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_no_merge_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_sealed_is_merged_no_other_way, setup, teardown),
        cmocka_unit_test_setup_teardown(both_go_when_nothing_needs_them, setup, teardown),
        cmocka_unit_test_setup_teardown(a_seal_outlives_everybody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_leader_without_the_right_side_does_not_merge, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
