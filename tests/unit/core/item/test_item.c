#include "base/prng.h"
#include "core/item/item.h"
#include "core/number/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void put_number(struct tc_buf *out, const char *text) {
    assert_int_equal(item_put_number(out, tc_slice_str(text)), TC_OK);
}

/* One attribute "x" with the value last appended to v. */
static void item_of(struct tc_buf *item, const struct tc_buf *v) {
    struct item_builder b = {0};
    item_builder_add(&b, TC_SLICE_LIT("x"), tc_buf_slice(v));
    tc_buf_clear(item);
    assert_int_equal(item_builder_finish(&b, item), TC_OK);
    assert_int_equal(item_check(tc_buf_slice(item)), TC_OK);
    item_builder_deinit(&b);
}

static void builder_sorts_and_refuses_duplicates(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(2);
    for (int round = 0; round < 200; round++) {
        struct item_builder b = {0};
        struct tc_buf value = {0};
        struct tc_buf item = {0};
        static char names[200][4];
        item_put_null(&value);
        const size_t count = (size_t)tc_prng_below(&p, round % 2 ? 200 : 8);
        bool taken[2000] = {false};
        bool duplicate = false;
        for (size_t i = 0; i < count; i++) {
            const uint64_t n = tc_prng_below(&p, round % 3 ? 2000 : 40);
            duplicate = duplicate || taken[n];
            taken[n] = true;
            names[i][0] = (char)('0' + n / 1000);
            names[i][1] = (char)('0' + n / 100 % 10);
            names[i][2] = (char)('0' + n / 10 % 10);
            names[i][3] = (char)('0' + n % 10);
            item_builder_add(&b, tc_slice(names[i], 4), tc_buf_slice(&value));
        }
        const tc_err err = item_builder_finish(&b, &item);
        assert_int_equal(err, duplicate ? TC_EEXISTS : TC_OK);
        if (err == TC_OK) {
            assert_int_equal(item_check(tc_buf_slice(&item)), TC_OK);
            struct item_value v;
            for (size_t i = 0; i < count; i++)
                assert_true(item_get(tc_buf_slice(&item), tc_slice(names[i], 4), &v));
            assert_false(item_get(tc_buf_slice(&item), TC_SLICE_LIT("zzz"), &v));
        } else
            assert_int_equal(item.len, 0);
        item_builder_deinit(&b);
        tc_buf_deinit(&item);
        tc_buf_deinit(&value);
    }
}

static void sizes_to_the_byte(void **state) {
    (void)state;
    struct tc_buf v = {0};
    struct tc_buf item = {0};
    struct tc_buf elements = {0};
    item_put_string(&v, TC_SLICE_LIT("caf\xc3\xa9"));
    item_of(&item, &v);
    assert_int_equal(item_size_bytes(tc_buf_slice(&item)), 1 + 5);
    tc_buf_clear(&v);
    put_number(&v, "-123.45");
    item_of(&item, &v);
    assert_int_equal(item_size_bytes(tc_buf_slice(&item)), 1 + 3 + 1 + 1);
    tc_buf_clear(&v);
    item_put_bool(&v, true);
    item_of(&item, &v);
    assert_int_equal(item_size_bytes(tc_buf_slice(&item)), 2);
    /* An empty list is 3; each element is itself and 1 more. */
    tc_buf_clear(&v);
    item_put_container(&v, ITEM_L, 0, TC_SLICE_EMPTY);
    item_of(&item, &v);
    assert_int_equal(item_size_bytes(tc_buf_slice(&item)), 1 + 3);
    item_put_string(&elements, TC_SLICE_LIT("xy"));
    item_put_null(&elements);
    tc_buf_clear(&v);
    item_put_container(&v, ITEM_L, 2, tc_buf_slice(&elements));
    item_of(&item, &v);
    assert_int_equal(item_size_bytes(tc_buf_slice(&item)), 1 + 3 + (2 + 1) + (1 + 1));
    /* A map adds its names; a set is the sum of its elements. */
    struct item_builder b = {0};
    tc_buf_clear(&elements);
    item_put_null(&elements);
    item_builder_add(&b, TC_SLICE_LIT("name"), tc_buf_slice(&elements));
    tc_buf_clear(&v);
    assert_int_equal(item_builder_finish_map(&b, &v), TC_OK);
    item_of(&item, &v);
    assert_int_equal(item_size_bytes(tc_buf_slice(&item)), 1 + 3 + 4 + 1 + 1);
    tc_buf_clear(&elements);
    item_put_element(&elements, ITEM_SS, TC_SLICE_LIT("a"));
    item_put_element(&elements, ITEM_SS, TC_SLICE_LIT("bc"));
    tc_buf_clear(&v);
    item_put_container(&v, ITEM_SS, 2, tc_buf_slice(&elements));
    item_of(&item, &v);
    assert_int_equal(item_size_bytes(tc_buf_slice(&item)), 1 + 3);
    struct item_value set;
    assert_true(item_get(tc_buf_slice(&item), TC_SLICE_LIT("x"), &set));
    assert_true(item_set_has(set, TC_SLICE_LIT("bc")));
    assert_false(item_set_has(set, TC_SLICE_LIT("b")));
    assert_int_equal(item_value_count(set), 2);
    item_builder_deinit(&b);
    tc_buf_deinit(&v);
    tc_buf_deinit(&item);
    tc_buf_deinit(&elements);
}

static void depth_is_bounded(void **state) {
    (void)state;
    struct tc_buf v = {0};
    item_put_null(&v);
    for (unsigned level = 2; level <= ITEM_DEPTH_MAX + 1; level++) {
        struct tc_buf outer = {0};
        item_put_container(&outer, ITEM_L, 1, tc_buf_slice(&v));
        tc_buf_deinit(&v);
        v = outer;
        assert_int_equal(item_value_check(tc_buf_slice(&v)),
                         level <= ITEM_DEPTH_MAX ? TC_OK : TC_ELIMIT);
    }
    tc_buf_deinit(&v);
}

static void refuses(const char *bytes, size_t len) {
    assert_int_equal(item_check(tc_slice(bytes, len)), TC_ECORRUPT);
}

#define REFUSES(text) refuses(text, sizeof(text) - 1)

static void check_refuses_what_is_not_canonical(void **state) {
    (void)state;
    assert_int_equal(item_check(TC_SLICE_LIT("\x00")), TC_OK);
    assert_int_equal(item_check(TC_SLICE_LIT("\x01\x01x\x05")), TC_OK);
    REFUSES("");
    REFUSES("\x00\x00");                  /* trailing byte */
    REFUSES("\x80\x00");                  /* count not minimal */
    REFUSES("\x01\x01x\x0b");             /* unknown type */
    REFUSES("\x01\x01x\x04\x02");         /* boolean 2 */
    REFUSES("\x01\x01\xff\x05");          /* name is not UTF-8 */
    REFUSES("\x01\x01x\x01\x02\xc0\x80"); /* overlong UTF-8 */
    REFUSES("\x02\x01y\x05\x01x\x05");    /* names out of order */
    REFUSES("\x02\x01x\x05\x01x\x05");    /* equal names */
    REFUSES("\x01\x01x\x08\x01\x00");     /* empty set */
    REFUSES("\x01\x01x\x08\x05\x02\x01"
            "b\x01"
            "a");                             /* elements out of order */
    REFUSES("\x01\x01x\x07\x02\x00\x05");     /* list longer than its elements */
    REFUSES("\x01\x01x\x02\x01\x00");         /* number class without digits */
    REFUSES("\x01\x01x\x02\x03\xff\x82\x01"); /* number with a leading zero */
    REFUSES("\x01\x01x\x01\x05"
            "ab"); /* shorter than it says */
}

static void walkers_find_elements(void **state) {
    (void)state;
    struct tc_buf elements = {0};
    struct tc_buf v = {0};
    put_number(&elements, "1");
    put_number(&elements, "2");
    item_put_container(&v, ITEM_L, 2, tc_buf_slice(&elements));
    const struct item_value list = item_value_at(tc_buf_slice(&v));
    struct item_value e;
    struct number two;
    assert_int_equal(number_parse(TC_SLICE_LIT("2"), &two, NULL), TC_OK);
    assert_true(item_list_get(list, 1, &e));
    assert_true(e.type == ITEM_N && tc_slice_eq(e.body, number_slice(&two)));
    assert_false(item_list_get(list, 2, &e));
    tc_buf_clear(&elements);
    item_put_value(&elements, list);
    assert_true(tc_slice_eq(tc_buf_slice(&elements), tc_buf_slice(&v)));
    assert_string_equal(item_type_name(ITEM_BOOL), "BOOL");
    assert_int_equal(item_put_number(&v, TC_SLICE_LIT("1e126")), TC_ELIMIT);
    assert_int_equal(item_put_number(&v, TC_SLICE_LIT("x")), TC_EINVAL);
    tc_buf_deinit(&elements);
    tc_buf_deinit(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builder_sorts_and_refuses_duplicates),
        cmocka_unit_test(sizes_to_the_byte),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(check_refuses_what_is_not_canonical),
        cmocka_unit_test(walkers_find_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
