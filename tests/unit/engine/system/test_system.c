#include "core/expr/expr.h"
#include "core/item/item.h"
#include "core/key/key.h"
#include "engine/system/system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct system_record sample(uint64_t version) {
    return (struct system_record){.kind = TC_SLICE_LIT("table"),
                                  .name = TC_SLICE_LIT("Music"),
                                  .version = version,
                                  .data = TC_SLICE_LIT("\x01\x00\xff")};
}

static void record_round_trips(void **state) {
    (void)state;
    struct tc_buf item = {0};
    struct system_record r = sample(7), back;
    system_item(&item, &r);
    assert_int_equal(item_check(tc_buf_slice(&item)), TC_OK);
    assert_int_equal(system_decode(tc_buf_slice(&item), &back), TC_OK);
    assert_true(tc_slice_eq(back.name, r.name) && tc_slice_eq(back.data, r.data));
    assert_int_equal(back.version, 7);
    tc_buf_deinit(&item);
}

static void condition_is_on_the_version(void **state) {
    (void)state;
    struct tc_buf item = {0}, absent = {0}, seven = {0};
    struct system_record r = sample(7);
    system_item(&item, &r);
    system_condition(&absent, 0);
    system_condition(&seven, 7);
    assert_true(expr_match(tc_buf_slice(&absent), TC_SLICE_EMPTY));
    assert_false(expr_match(tc_buf_slice(&absent), tc_buf_slice(&item)));
    assert_true(expr_match(tc_buf_slice(&seven), tc_buf_slice(&item)));
    tc_buf_clear(&item);
    r.version = 8;
    system_item(&item, &r);
    assert_false(expr_match(tc_buf_slice(&seven), tc_buf_slice(&item)));
    tc_buf_deinit(&item);
    tc_buf_deinit(&absent);
    tc_buf_deinit(&seven);
}

static void kinds_are_ranges_of_their_own(void **state) {
    (void)state;
    struct tc_buf start = {0}, end = {0}, in = {0}, out = {0};
    system_kind_range("table", &start, &end);
    system_key(&in, "table", TC_SLICE_LIT("x"));
    system_key(&out, "partition", TC_SLICE_LIT("x"));
    assert_true(key_in_range(tc_buf_slice(&in), tc_buf_slice(&start), tc_buf_slice(&end)));
    assert_false(key_in_range(tc_buf_slice(&out), tc_buf_slice(&start), tc_buf_slice(&end)));
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
    tc_buf_deinit(&in);
    tc_buf_deinit(&out);
}

static void foreign_item_is_refused(void **state) {
    (void)state;
    struct tc_buf item = {0};
    struct item_builder b = {0};
    struct system_record back;
    assert_int_equal(item_builder_finish(&b, &item), TC_OK);
    assert_int_equal(system_decode(tc_buf_slice(&item), &back), TC_ECORRUPT);
    item_builder_deinit(&b);
    tc_buf_deinit(&item);
}

/* A page that says there is more must get on, or its reader would ask for ever. */
static void pages_get_on(void **state) {
    (void)state;
    struct tc_buf after = {0};
    assert_int_equal(system_page_next(&after, TC_SLICE_EMPTY), TC_ECORRUPT);
    assert_int_equal(system_page_next(&after, TC_SLICE_LIT("b")), TC_OK);
    assert_int_equal(system_page_next(&after, TC_SLICE_LIT("b")), TC_ECORRUPT);
    assert_int_equal(system_page_next(&after, TC_SLICE_LIT("a")), TC_ECORRUPT);
    assert_int_equal(system_page_next(&after, TC_SLICE_EMPTY), TC_ECORRUPT);
    assert_true(tc_slice_eq(tc_buf_slice(&after), TC_SLICE_LIT("b")));
    assert_int_equal(system_page_next(&after, TC_SLICE_LIT("ba")), TC_OK);
    assert_true(tc_slice_eq(tc_buf_slice(&after), TC_SLICE_LIT("ba")));
    tc_buf_deinit(&after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_round_trips),
        cmocka_unit_test(condition_is_on_the_version),
        cmocka_unit_test(kinds_are_ranges_of_their_own),
        cmocka_unit_test(foreign_item_is_refused),
        cmocka_unit_test(pages_get_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
