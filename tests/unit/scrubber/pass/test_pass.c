#include "cluster.h"

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
    assert_int_equal(g->index, 10);
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

static void a_replica_that_never_applies_is_told(void **state) {
    (void)state;
    struct cluster c;
    cluster_init(&c);
    c.node[2].busy = 1000;
    Tercet__Pb__ScrubGroup *g = cluster_scrub(&c);
    assert_int_equal(cluster_check(g, "vectors")->state, NOT_RUN);
    assert_non_null(strstr(cluster_check(g, "vectors")->why, "node-c rid 3"));
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_group_is_clean),
        cmocka_unit_test(a_wrong_item_is_named),
        cmocka_unit_test(a_bad_page_is_named),
        cmocka_unit_test(a_silent_node_is_no_success),
        cmocka_unit_test(without_a_leader_nothing_is_compared),
        cmocka_unit_test(a_replica_that_never_applies_is_told),
        cmocka_unit_test(another_log_is_damage),
    };
    return cmocka_run_group_tests_name("pass", tests, NULL, NULL);
}
