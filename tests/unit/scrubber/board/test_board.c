/* The board of results, and the scrub thread's way of waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scrubber/shell_board.h"
#include "scrubber/shell_call.h"
#include "scrubber/shell_progress.h"

#define CLEAN   TERCET__PB__SCRUB_STATE__SCRUB_CLEAN
#define DAMAGED TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED

struct world {
    struct daemon_metrics *registry;
    struct scrubber_metrics metrics;
    struct board *board;
};

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->registry = daemon_metrics_new();
    daemon_metrics_add(w->registry, scrubber_metrics_table(), &w->metrics);
    w->board = board_new(&w->metrics);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    board_free(w->board);
    daemon_metrics_free(w->registry);
    free(w);
    return 0;
}

/* Through the wire form, so that every pointer is one that free_unpacked may free. */
static Tercet__Pb__ScrubGroup *group(uint64_t gid, uint64_t ended_ms, bool damaged) {
    Tercet__Pb__ScrubCheck check = TERCET__PB__SCRUB_CHECK__INIT, *checks[] = {&check};
    Tercet__Pb__ScrubFinding finding = TERCET__PB__SCRUB_FINDING__INIT, *findings[] = {&finding};
    Tercet__Pb__ScrubGroup g = TERCET__PB__SCRUB_GROUP__INIT;
    uint8_t packed[512], key[2] = {0xab, 0x01};
    check.name = (char *)(uintptr_t) "pages";
    check.why = (char *)(uintptr_t) "a \"quoted\" reason\n";
    check.state = damaged ? DAMAGED : CLEAN;
    finding.check = check.name;
    finding.copy = (char *)(uintptr_t) "storage-b rid 2";
    finding.key = (ProtobufCBinaryData){.len = sizeof key, .data = key};
    g.gid = gid;
    g.ended_ms = ended_ms;
    g.n_checks = 1;
    g.checks = checks;
    g.n_findings = damaged;
    g.findings = findings;
    size_t len = tercet__pb__scrub_group__pack(&g, packed);
    return tercet__pb__scrub_group__unpack(NULL, len, packed);
}

static size_t count_groups(struct board *b, uint64_t gid) {
    struct tc_buf packed = {0};
    board_pack(b, gid, &packed);
    Tercet__Pb__ScrubRunReply *r =
        tercet__pb__scrub_run_reply__unpack(NULL, packed.len, packed.data);
    assert_non_null(r);
    size_t count = r->n_groups;
    tercet__pb__scrub_run_reply__free_unpacked(r, NULL);
    tc_buf_deinit(&packed);
    return count;
}

static bool json_has(struct board *b, const char *text) {
    struct tc_buf json = {0};
    board_json(b, &json);
    bool found = memmem(json.data, json.len, text, strlen(text)) != NULL;
    tc_buf_deinit(&json);
    return found;
}

static void a_quick_result_does_not_hide_a_deep_one(void **state) {
    struct world *w = *state;
    board_post_take(w->board, group(5, 100, true), PASS_DEEP);
    board_post_take(w->board, group(5, 200, false), PASS_QUICK);
    board_post_take(w->board, group(3, 200, false), PASS_QUICK);
    assert_int_equal(daemon_metric_value(w->metrics.groups_damaged), 1);
    assert_int_equal(daemon_metric_value(w->metrics.groups_clean), 1);
    assert_int_equal(count_groups(w->board, 0), 3);
    assert_int_equal(count_groups(w->board, 5), 2);
    assert_int_equal(count_groups(w->board, 9), 0);
    board_post_take(w->board, group(5, 300, false), PASS_DEEP);
    assert_int_equal(daemon_metric_value(w->metrics.groups_damaged), 0);
    assert_int_equal(daemon_metric_value(w->metrics.findings), 0);
    assert_true(json_has(w->board, "\"recent_findings\":[{\"gid\":5,\"ms\":100,"));
}

static void json_is_escaped(void **state) {
    struct world *w = *state;
    board_post_take(w->board, group(5, 100, true), PASS_DEEP);
    board_problem(w->board, TC_SLICE_LIT("no answer from storage \"x\""));
    assert_true(json_has(w->board, "a \\\"quoted\\\" reason\\u000a"));
    assert_true(json_has(w->board, "\"problem\":\"no answer from storage \\\"x\\\"\""));
    assert_true(json_has(w->board, "\"key\":\"ab01\""));
}

/* A group that is gone is forgotten after a whole pass, and only then. */
static void groups_are_forgotten_with_care(void **state) {
    struct world *w = *state;
    board_post_take(w->board, group(1, 100, true), PASS_DEEP);
    uint64_t mark = board_pass_begins(w->board);
    board_post_take(w->board, group(2, 50, false), PASS_DEEP); /* the wall clock went back */
    board_pass_ended(w->board, PASS_DEEP, 0);
    assert_int_equal(count_groups(w->board, 0), 2);
    board_pass_ended(w->board, PASS_DEEP, mark);
    assert_int_equal(count_groups(w->board, 0), 1);
    assert_int_equal(daemon_metric_value(w->metrics.groups_damaged), 0);
}

static Tercet__Pb__ScrubGroup *group_at(uint64_t gid, uint64_t index, uint64_t ended_ms,
                                        bool damaged) {
    Tercet__Pb__ScrubGroup *g = group(gid, ended_ms, damaged);
    g->index = index;
    return g;
}

/* Nothing was written since: the result stands, is not forgotten, and at last grows too old. */
static void a_clean_result_stands_while_nothing_is_written(void **state) {
    struct world *w = *state;
    assert_false(board_keep(w->board, 1, PASS_QUICK, 7, 150, 1000));
    board_post_take(w->board, group_at(1, 7, 100, false), PASS_DEEP);
    board_post_take(w->board, group_at(2, 7, 100, true), PASS_DEEP);
    board_post_take(w->board, group_at(3, 7, 100, false), PASS_QUICK);
    uint64_t mark = board_pass_begins(w->board);
    assert_true(board_keep(w->board, 1, PASS_QUICK, 7, 150, 1000));
    assert_true(board_keep(w->board, 1, PASS_DEEP, 7, 150, 1000));
    assert_false(board_keep(w->board, 1, PASS_DEEP, 8, 150, 1000)); /* written to */
    assert_false(board_keep(w->board, 1, PASS_DEEP, 0, 150, 1000)); /* not known to be idle */
    assert_false(board_keep(w->board, 1, PASS_DEEP, 7, 1100, 1000));
    assert_false(board_keep(w->board, 2, PASS_DEEP, 7, 150, 1000)); /* damage is looked at again */
    assert_true(board_keep(w->board, 3, PASS_QUICK, 7, 150, 1000));
    assert_false(board_keep(w->board, 3, PASS_DEEP, 7, 150, 1000)); /* no deep result yet */
    board_pass_ended(w->board, PASS_DEEP, mark);
    assert_int_equal(count_groups(w->board, 1), 1);
    assert_int_equal(count_groups(w->board, 2), 0);
}

static void findings_are_bounded(void **state) {
    struct world *w = *state;
    for (uint64_t n = 0; n < 200; n++)
        board_post_take(w->board, group(1, n, true), PASS_DEEP);
    assert_true(json_has(w->board, "\"ms\":199,"));
    assert_true(json_has(w->board, "\"ms\":136,"));
    assert_false(json_has(w->board, "\"ms\":135,"));
}

static void *stop_it(void *user) {
    bell_stop(user);
    return NULL;
}

static void the_stop_ends_every_wait(void **state) {
    (void)state;
    struct bell *b = bell_new();
    pthread_t t;
    assert_true(bell_pause(b, 0));
    assert_true(bell_pause(b, 1));
    assert_int_equal(pthread_create(&t, NULL, stop_it, b), 0);
    assert_false(bell_pause(b, 3600000));
    pthread_join(t, NULL);
    assert_false(bell_pause(b, 0));
    bell_unref(b);
}

/* The answer comes after the waiter has gone: nobody leaks, nobody touches freed memory. */
static void an_abandoned_call_cleans_up(void **state) {
    (void)state;
    struct rpc *rpc = NULL;
    struct rpc_config config = {.self = {"test", "scrubber", "scrubber-t", "a"}};
    struct bell *b = bell_new();
    struct tc_buf reply = {0};
    assert_int_equal(rpc_start(&config, &rpc), TC_OK);
    assert_int_equal(bell_call(b, rpc, "not an address", "/x", TC_SLICE_EMPTY, 1000, &reply),
                     TC_EINVAL);
    bell_stop(b);
    tc_err err =
        bell_call(b, rpc, "127.0.0.1:1", "/tercet.Storage/NodeInfo", TC_SLICE_EMPTY, 60000, &reply);
    assert_true(err == TC_ECLOSED || err == TC_EUNAVAILABLE);
    bell_unref(b);
    rpc_stop(rpc);
    tc_buf_deinit(&reply);
}

/* ---- progress */

static Tercet__Pb__ScrubProgressReply *progress(struct progress *p, uint64_t now_ns) {
    struct tc_buf packed = {0};
    progress_pack(p, now_ns, &packed);
    Tercet__Pb__ScrubProgressReply *r =
        tercet__pb__scrub_progress_reply__unpack(NULL, packed.len, packed.data);
    assert_non_null(r);
    tc_buf_deinit(&packed);
    return r;
}

static void shows(struct progress *p, uint64_t done, uint64_t gid, const char *waits_for,
                  uint64_t waited_ms) {
    Tercet__Pb__ScrubProgressReply *r = progress(p, 5000000000);
    assert_true(r->running && r->demanded && r->total == 3);
    assert_int_equal(r->done, done);
    assert_int_equal(r->gid, gid);
    assert_string_equal(r->waits_for, waits_for);
    assert_int_equal(r->waited_ms, waited_ms);
    assert_int_equal(r->wait_max_ms, waits_for[0] ? 60000 : 0);
    tercet__pb__scrub_progress_reply__free_unpacked(r, NULL);
}

static void what_goes_on_is_shown(void **state) {
    (void)state;
    struct progress p;
    progress_init(&p);
    Tercet__Pb__ScrubProgressReply *r = progress(&p, 1);
    assert_false(r->running);
    tercet__pb__scrub_progress_reply__free_unpacked(r, NULL);
    progress_begin(&p, /* demanded= */ true, 2);
    progress_more(&p, 1);
    shows(&p, 0, 0, "", 0);
    progress_next(&p, 101);
    progress_waits(&p, "the archive", 60000, 3000000000);
    shows(&p, 0, 101, "the archive", 2000);
    progress_waits(&p, "", 0, 4000000000);
    shows(&p, 0, 101, "", 0);
    progress_next(&p, 102);
    shows(&p, 1, 102, "", 0);
    progress_end(&p);
    progress_begin(&p, /* demanded= */ true, 3); /* nothing of the last one is left */
    shows(&p, 0, 0, "", 0);
    progress_deinit(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_quick_result_does_not_hide_a_deep_one, setup, teardown),
        cmocka_unit_test_setup_teardown(json_is_escaped, setup, teardown),
        cmocka_unit_test_setup_teardown(groups_are_forgotten_with_care, setup, teardown),
        cmocka_unit_test_setup_teardown(findings_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clean_result_stands_while_nothing_is_written, setup,
                                        teardown),
        cmocka_unit_test(the_stop_ends_every_wait),
        cmocka_unit_test(an_abandoned_call_cleans_up),
        cmocka_unit_test(what_goes_on_is_shown),
    };
    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
