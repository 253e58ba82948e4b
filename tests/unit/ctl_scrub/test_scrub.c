/* What people are told while a scrub goes on, and at its end. */
#include "ctl/scrub_wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *text(const char *literal) {
    return (char *)(uintptr_t)literal;
}

static struct scrub_teller teller;

/* The line that is told now; "": none. */
static void told(const Tercet__Pb__ScrubProgressReply *p, uint64_t now_ms, const char *want) {
    struct tc_buf out = {0};
    scrub_tell(&teller, p, now_ms, &out);
    tc_buf_append_u8(&out, 0);
    assert_string_equal((const char *)out.data, want);
    tc_buf_deinit(&out);
}

static void waiting_is_told_at_once_and_again(void **state) {
    (void)state;
    Tercet__Pb__ScrubProgressReply p = TERCET__PB__SCRUB_PROGRESS_REPLY__INIT;
    teller = (struct scrub_teller){0};
    told(&p, 250, ""); /* not begun */
    p.running = p.demanded = true;
    p.total = 17;
    told(&p, 500, "tercet: the storage nodes are asked what they hold\n");
    p.gid = 101;
    told(&p, 750, ""); /* it gets on */
    p.waits_for = text("the archive to reach index 9 (it has 5)");
    p.wait_max_ms = 60000;
    told(&p, 1000,
         "tercet: group 101, 1 of 17: waits for the archive to reach index 9 (it has 5), 0 s so "
         "far, 60 s at most\n");
    p.waited_ms = 4990;
    told(&p, 5999, "");
    told(&p, 6000,
         "tercet: group 101, 1 of 17: waits for the archive to reach index 9 (it has 5), 4 s so "
         "far, 60 s at most\n");
    p.gid = 102; /* the next one waits too */
    p.done = 1;
    p.waited_ms = 0;
    p.waits_for = text("rid 3 to apply index 9");
    p.wait_max_ms = 10000;
    told(
        &p, 6200,
        "tercet: group 102, 2 of 17: waits for rid 3 to apply index 9, 0 s so far, 10 s at most\n");
    p.waits_for = text("the archive to reach index 9 (it has 5)");
    p.wait_max_ms = 2000; /* and then for something else */
    told(&p, 6250,
         "tercet: group 102, 2 of 17: waits for the archive to reach index 9 (it has 5), 0 s so "
         "far, 2 s at most\n");
    p.waits_for = text("");
    p.gid = 103;
    p.done = 2;
    told(&p, 6500, "");
    told(&p, 11250, "tercet: group 103, 3 of 17\n");
    p.done = 17; /* a split made one more */
    p.demanded = false;
    told(&p, 16250, "tercet: the scrubber's own pass comes first: group 103, 17 of 17\n");
}

static bool has(const Tercet__Pb__ScrubRunReply *r, const char *part) {
    struct tc_buf out = {0};
    scrub_advice(r, &out);
    tc_buf_append_u8(&out, 0);
    const char *said = (const char *)out.data;
    bool found = part[0] ? strstr(said, part) != NULL : said[0] == 0;
    tc_buf_deinit(&out);
    return found;
}

static void the_end_says_what_to_do_next(void **state) {
    (void)state;
    Tercet__Pb__ScrubCheck checks[2] = {TERCET__PB__SCRUB_CHECK__INIT,
                                        TERCET__PB__SCRUB_CHECK__INIT},
                           *list[] = {&checks[0], &checks[1]};
    Tercet__Pb__ScrubGroup g = TERCET__PB__SCRUB_GROUP__INIT, *groups[] = {&g, &g};
    Tercet__Pb__ScrubRunReply r = TERCET__PB__SCRUB_RUN_REPLY__INIT;
    checks[0].name = text("vectors");
    checks[1].name = text("reference");
    checks[0].why = text("no leader took the mark");
    checks[1].why = text("archived to 5, the mark is at 9");
    checks[0].state = checks[1].state = TERCET__PB__SCRUB_STATE__SCRUB_CLEAN;
    g.checks = list;
    g.n_checks = 2;
    r.groups = groups;
    r.n_groups = 2;
    assert_true(has(&r, ""));
    checks[1].state = TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN;
    assert_true(has(&r, "2 of 2 groups were not compared with the archive (archived to 5, the mark "
                        "is at 9): see whether the archivers run"));
    assert_true(has(&r, "docs/runbooks/archive-down.md"));
    assert_false(has(&r, "tercet partitions"));
    checks[0].state = TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN;
    assert_true(has(&r, "did not run (no leader took the mark)"));
    checks[0].state = TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED;
    assert_true(has(&r, "docs/runbooks/damaged-page.md"));
    checks[1].state = TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED;
    assert_true(has(&r, "restore the object that is named"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_is_told_at_once_and_again),
        cmocka_unit_test(the_end_says_what_to_do_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
