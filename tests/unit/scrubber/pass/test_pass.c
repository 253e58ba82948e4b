#include "cluster.h"

#include <stdio.h>

#define CLEAN   TERCET__PB__SCRUB_STATE__SCRUB_CLEAN
#define DAMAGED TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED
#define NOT_RUN TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN

static void done(struct cluster *c, Tercet__Pb__ScrubGroup *g) {
    tercet__pb__scrub_group__free_unpacked(g, NULL);
    cluster_deinit(c);
}

static void healthy_group_is_clean(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    cluster_checkpoint(&c);
    c.node[2].busy = 3;
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, CLEAN);
    assert_int_equal(cluster_check(g, "pages")->state, CLEAN);
    assert_int_equal(g->n_findings, 0);
    assert_int_equal(g->index, 500);
    assert_int_equal(g->items, 500);
    assert_int_equal(g->table_id, 3);
    assert_true(g->pages > 3 && c.paused_ms == 300);
    done(&c, g);
}

static void a_wrong_item_is_named(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    uint32_t wrong = 77, lost = 300;
    assert_int_equal(btree_put(c.node[2].tree, tc_slice(&wrong, 4), TC_SLICE_LIT("?")), TC_OK);
    assert_int_equal(btree_delete(c.node[2].tree, tc_slice(&lost, 4)), TC_OK);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, DAMAGED);
    assert_int_equal(g->n_findings, 3); /* the copy, and the two keys */
    bool found_wrong = false, found_lost = false;
    for (size_t i = 0; i < g->n_findings; i++) {
        assert_string_equal(g->findings[i]->copy, "node-c rid 3");
        struct tc_slice key = tc_slice(g->findings[i]->key.data, g->findings[i]->key.len);
        found_wrong |= tc_slice_eq(key, tc_slice(&wrong, 4));
        found_lost |= tc_slice_eq(key, tc_slice(&lost, 4)) &&
                      strcmp(g->findings[i]->what, "this item is missing") == 0;
    }
    assert_true(found_wrong && found_lost);
    assert_int_equal(pass_group_state(g), DAMAGED);
    done(&c, g);
}

static void a_bad_page_is_named(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    cluster_checkpoint(&c);
    cluster_rot(&c, 0, 5);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, CLEAN); /* memory is still right */
    assert_int_equal(cluster_check(g, "pages")->state, DAMAGED);
    assert_int_equal(g->n_findings, 1);
    assert_string_equal(g->findings[0]->copy, "node-a rid 1");
    assert_int_equal(g->findings[0]->page, 5);
    done(&c, g);
}

static void a_silent_node_is_no_success(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    c.node[0].silent = true;
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, NOT_RUN);
    assert_int_equal(cluster_check(g, "pages")->state, NOT_RUN);
    assert_non_null(strstr(cluster_check(g, "vectors")->why, "node-a rid 1"));
    assert_int_equal(pass_group_state(g), NOT_RUN);
    tercet__pb__scrub_group__free_unpacked(g, NULL);
    /* What the others hold is compared all the same; between two there is no majority. */
    uint32_t key = 5;
    assert_int_equal(btree_delete(c.node[1].tree, tc_slice(&key, 4)), TC_OK);
    g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, DAMAGED);
    assert_string_equal(g->findings[0]->copy, "?");
    assert_int_equal(g->findings[1]->key.len, 4);
    done(&c, g);
}

static void without_a_leader_nothing_is_compared(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    c.node[1].leads = false;
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, NOT_RUN);
    assert_int_equal(g->index, 0);
    done(&c, g);
}

/* A long pass comes to a group that was split, merged or dropped since it asked who holds what. */
static void a_group_that_ended_meanwhile_has_no_result(void **state) {
    (void)state;
    struct cluster c;
    struct pass_nodes nodes;
    cluster_init(&c);
    cluster_archive(&c, 480, 0, 0);
    pass_nodes_ask(&c.env, c.addrs, CLUSTER_NODES, &nodes);
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        c.node[i].gone = true;
    c.node[2].silent = true;
    Tercet__Pb__ScrubGroup *g = pass_group_now(&c.env, &nodes, CLUSTER_GID, PASS_DEEP);
    assert_non_null(g); /* the silent one may know better */
    assert_int_equal(pass_group_state(g), NOT_RUN);
    c.node[2].silent = false;
    assert_null(pass_group_now(&c.env, &nodes, CLUSTER_GID, PASS_DEEP));
    assert_int_equal(c.paused_ms, 0); /* without a mark nothing is waited for */
    pass_nodes_deinit(&nodes);
    done(&c, g);
}

static void a_replica_that_never_applies_is_told(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    c.node[2].busy = 1000;
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, NOT_RUN);
    assert_non_null(strstr(cluster_check(g, "vectors")->why, "node-c rid 3"));
    assert_string_equal(c.waited_for, "node-c rid 3 to apply index 500, 1000 ms");
    assert_false(c.waits);
    assert_true(c.paused_ms >= 1000 && c.paused_ms <= 1200);
    done(&c, g);
}

static void another_log_is_damage(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    c.node[0].chain++;
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, DAMAGED);
    assert_string_equal(g->findings[0]->copy, "node-a rid 1");
    assert_non_null(strstr(g->findings[0]->what, "another log"));
    done(&c, g);
}

/* ---- with an archive */

static void archive_and_reference_agree(void **state) {
    (void)state;
    for (uint64_t snapshot = 0; snapshot <= 500; snapshot += 250) {
        struct cluster c;
        cluster_init(&c);
        cluster_checkpoint(&c);
        cluster_archive(&c, c.index, snapshot, 0);
        Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
        assert_int_equal(g->n_findings, 0);
        for (size_t i = 0; i < g->n_checks; i++)
            assert_int_equal(g->checks[i]->state, CLEAN);
        assert_int_equal(g->n_checks, 4);
        assert_int_equal(g->archive_index, 500);
        assert_int_equal(g->archive_entries, 500);
        done(&c, g);
    }
}

/* Any bit of any segment: the object is named, and the reference is not pretended to. */
static void a_rotten_segment_is_named(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    cluster_archive(&c, c.index, 0, 0);
    for (size_t n = 0; n < 10; n++) {
        char path[256];
        const char *key = NULL;
        cluster_segment_path(&c, n % 5, path, &key);
        assert_int_equal(sim_fs_flip(c.fs, path, 40 + 97 * n, n % 8), TC_OK);
        Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
        assert_int_equal(cluster_check(g, "archive")->state, DAMAGED);
        assert_int_equal(cluster_check(g, "reference")->state, NOT_RUN);
        assert_int_equal(cluster_check(g, "vectors")->state, CLEAN);
        assert_int_equal(g->n_findings, 1);
        assert_string_equal(g->findings[0]->copy, key);
        tercet__pb__scrub_group__free_unpacked(g, NULL);
        assert_int_equal(sim_fs_flip(c.fs, path, 40 + 97 * n, n % 8), TC_OK);
    }
    cluster_deinit(&c);
}

/* Rot below a sound snapshot is found too, and the reference does not need that segment. */
static void rot_below_a_snapshot_is_found(void **state) {
    (void)state;
    struct cluster c;
    char path[256];
    const char *key = NULL;
    cluster_init(&c);
    cluster_archive(&c, c.index, 300, 0);
    cluster_segment_path(&c, 1, path, &key);
    assert_int_equal(sim_fs_flip(c.fs, path, 500, 1), TC_OK);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "archive")->state, DAMAGED);
    assert_int_equal(cluster_check(g, "reference")->state, CLEAN);
    assert_string_equal(g->findings[0]->copy, key);
    done(&c, g);
}

/* A rotten snapshot is named, and the reference is built from the log's beginning instead. */
static void a_rotten_snapshot_is_named(void **state) {
    (void)state;
    struct cluster c;
    char path[256], name[ARCHIVE_OBJECT_KEY_BYTES];
    cluster_init(&c);
    cluster_archive(&c, c.index, 300, 0);
    archive_part_key(CLUSTER_GID, 300, 0, name);
    snprintf(path, sizeof path, "d/archive/%s", name);
    assert_int_equal(sim_fs_flip(c.fs, path, 300, 1), TC_OK);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "archive")->state, DAMAGED);
    assert_int_equal(cluster_check(g, "reference")->state, CLEAN);
    assert_string_equal(g->findings[0]->copy, name);
    done(&c, g);
}

static void a_missing_object_is_named(void **state) {
    (void)state;
    struct cluster c;
    char path[256];
    const char *key = NULL;
    cluster_init(&c);
    cluster_archive(&c, c.index, 0, 0);
    cluster_segment_path(&c, 2, path, &key);
    assert_int_equal(objstore_remove(c.store, key), TC_OK);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_string_equal(g->findings[0]->copy, key);
    assert_string_equal(g->findings[0]->what, "the object is missing");
    done(&c, g);
}

/* What was archived is not what the replicas hold, although every checksum in it is right. */
static void a_wrong_archive_is_told_from_wrong_replicas(void **state) {
    (void)state;
    struct cluster c;
    uint32_t wrong = 123;
    cluster_init(&c);
    cluster_archive(&c, c.index, 400, wrong);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, CLEAN);
    assert_int_equal(cluster_check(g, "archive")->state, CLEAN);
    assert_int_equal(cluster_check(g, "reference")->state, DAMAGED);
    assert_int_equal(g->n_findings, 2);
    assert_string_equal(g->findings[0]->copy, "archive");
    assert_true(tc_slice_eq(tc_slice(g->findings[1]->key.data, g->findings[1]->key.len),
                            tc_slice(&wrong, 4)));
    done(&c, g);
}

/* With one node down, the archive's copy decides between the two that are left. */
static void the_reference_decides_between_two(void **state) {
    (void)state;
    struct cluster c;
    uint32_t key = 9;
    cluster_init(&c);
    cluster_archive(&c, c.index, 0, 0);
    c.node[2].silent = true;
    assert_int_equal(btree_delete(c.node[1].tree, tc_slice(&key, 4)), TC_OK);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, DAMAGED);
    assert_string_equal(g->findings[0]->copy, "node-b rid 2");
    assert_string_equal(g->findings[1]->copy, "node-b rid 2");
    assert_string_equal(g->findings[1]->what, "this item is missing");
    done(&c, g);
}

static void a_lagging_archive_is_no_success(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    cluster_archive(&c, 480, 0, 0);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "archive")->state, CLEAN);
    assert_int_equal(cluster_check(g, "reference")->state, NOT_RUN);
    assert_string_equal(cluster_check(g, "reference")->why, "archived to 480, the mark is at 500");
    assert_true(c.paused_ms >= 1000);
    assert_string_equal(c.waited_for, "the archive to reach index 500 (it has 480), 1000 ms");
    assert_false(c.waits);
    tercet__pb__scrub_group__free_unpacked(g, NULL);
    c.env.archive_wait_ms = 0;
    for (int k = 0; k < 5; k++) { /* no manifest at all */
        char key[ARCHIVE_OBJECT_KEY_BYTES];
        archive_manifest_key(CLUSTER_GID, (uint64_t)k, key);
        assert_int_equal(objstore_remove(c.store, key), TC_OK);
    }
    g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "archive")->state, NOT_RUN);
    assert_string_equal(cluster_check(g, "archive")->why, "nothing is archived yet");
    done(&c, g);
}

static void a_rotten_manifest_is_damage(void **state) {
    (void)state;
    struct cluster c;
    char path[256], key[ARCHIVE_OBJECT_KEY_BYTES];
    cluster_init(&c);
    cluster_archive(&c, c.index, 0, 0);
    archive_manifest_key(CLUSTER_GID, 1, key);
    snprintf(path, sizeof path, "d/archive/%s", key);
    assert_int_equal(sim_fs_flip(c.fs, path, 90, 1), TC_OK);
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "archive")->state, DAMAGED);
    assert_int_equal(cluster_check(g, "reference")->state, NOT_RUN);
    done(&c, g);
}

int index_tests(void); /* test_index.c */

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_group_is_clean),
        cmocka_unit_test(a_wrong_item_is_named),
        cmocka_unit_test(a_bad_page_is_named),
        cmocka_unit_test(a_silent_node_is_no_success),
        cmocka_unit_test(without_a_leader_nothing_is_compared),
        cmocka_unit_test(a_group_that_ended_meanwhile_has_no_result),
        cmocka_unit_test(a_replica_that_never_applies_is_told),
        cmocka_unit_test(another_log_is_damage),
        cmocka_unit_test(archive_and_reference_agree),
        cmocka_unit_test(a_rotten_segment_is_named),
        cmocka_unit_test(rot_below_a_snapshot_is_found),
        cmocka_unit_test(a_rotten_snapshot_is_named),
        cmocka_unit_test(a_missing_object_is_named),
        cmocka_unit_test(a_wrong_archive_is_told_from_wrong_replicas),
        cmocka_unit_test(the_reference_decides_between_two),
        cmocka_unit_test(a_lagging_archive_is_no_success),
        cmocka_unit_test(a_rotten_manifest_is_damage),
    };
    return cmocka_run_group_tests_name("pass", tests, NULL, NULL) + index_tests();
}
