/* Key conditions on an index. */
#include "core/index/index_range.h"

#include "core/key/key.h"
#include "fixture.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct item_value number(struct tc_buf *t, const char *text) {
    tc_buf_clear(t);
    assert_int_equal(item_put_number(t, tc_slice_str(text)), TC_OK);
    return item_value_at(tc_buf_slice(t));
}

static struct item_value string(struct tc_buf *t, struct tc_slice text) {
    tc_buf_clear(t);
    item_put_string(t, text);
    return item_value_at(tc_buf_slice(t));
}

static bool holds(enum index_compare how, int v, int low, int high) {
    switch (how) {
    case INDEX_ANY:
        return true;
    case INDEX_EQ:
        return v == low;
    case INDEX_LT:
        return v < low;
    case INDEX_LE:
        return v <= low;
    case INDEX_GT:
        return v > low;
    case INDEX_GE:
        return v >= low;
    case INDEX_BETWEEN:
        return v >= low && v <= high;
    case INDEX_BEGINS_WITH:
        break;
    }
    return false;
}

static void number_ranges_hold_what_they_say(const struct index_schema *s,
                                             const struct index_def *def) {
    struct text_item t = {0};
    struct tc_buf hash = {0}, low = {0}, high = {0};
    const struct item_value hv = string(&hash, NAME("q"));
    for (int v = -3; v <= 3; v++) {
        char json[256], text[16];
        snprintf(json, sizeof json,
                 "{\"pk\":{\"S\":\"q\"},\"sk\":{\"N\":\"1\"},\"l\":{\"N\":\"%d\"},"
                 "\"g\":{\"S\":\"q\"},\"h\":{\"N\":\"%d\"}}",
                 v, v);
        const struct tc_slice item = item_of(&t, json);
        struct tc_buf base = {0}, key = {0};
        base_key_of(s, item, &base);
        assert_true(index_row_key(def, item, tc_buf_slice(&base), &key));
        for (int how = INDEX_ANY; how < INDEX_BEGINS_WITH; how++) {
            for (int at = -3; at <= 3; at++) {
                struct tc_buf start = {0}, end = {0};
                snprintf(text, sizeof text, "%d", at);
                struct index_condition c = {.hash = &hv, .compare = (enum index_compare)how};
                c.low = number(&low, text);
                c.high = number(&high, "2");
                index_range(def, &c, &start, &end);
                const bool in =
                    key_in_range(tc_buf_slice(&key), tc_buf_slice(&start), tc_buf_slice(&end));
                assert_int_equal(in, holds(c.compare, v, at, 2));
                tc_buf_deinit(&start);
                tc_buf_deinit(&end);
            }
        }
        tc_buf_deinit(&base);
        tc_buf_deinit(&key);
    }
    tc_buf_deinit(&t.bytes);
    tc_buf_deinit(&hash);
    tc_buf_deinit(&low);
    tc_buf_deinit(&high);
}

static void ranges_hold_what_they_say(void **state) {
    (void)state;
    const struct index_schema s = music();
    number_ranges_hold_what_they_say(&s, &s.defs[0]);
    number_ranges_hold_what_they_say(&s, &s.defs[1]);
}

static void a_prefix_holds_strings_with_zero_bytes(void **state) {
    (void)state;
    struct index_def def = music().defs[1];
    def.range[0].type = ITEM_S;
    struct tc_buf hash = {0}, prefix = {0}, sort = {0};
    const struct item_value hv = string(&hash, NAME("q"));
    const struct tc_slice sorts[] = {TC_SLICE_LIT("a"), TC_SLICE_LIT("a\0"), TC_SLICE_LIT("a\0b"),
                                     TC_SLICE_LIT("a\1"), TC_SLICE_LIT("b")};
    const bool in[] = {false, true, true, false, false};
    for (size_t i = 0; i < 5; i++) {
        struct tc_buf key = {0}, start = {0}, end = {0};
        index_append_hash(&def, &hv, &key);
        index_append_range(string(&sort, sorts[i]), &key);
        tc_buf_append_str(&key, "the item's own key");
        struct index_condition c = {.hash = &hv, .compare = INDEX_BEGINS_WITH};
        c.low = string(&prefix, TC_SLICE_LIT("a\0"));
        index_range(&def, &c, &start, &end);
        assert_int_equal(key_in_range(tc_buf_slice(&key), tc_buf_slice(&start), tc_buf_slice(&end)),
                         in[i]);
        tc_buf_deinit(&key);
        tc_buf_deinit(&start);
        tc_buf_deinit(&end);
    }
    tc_buf_deinit(&hash);
    tc_buf_deinit(&prefix);
    tc_buf_deinit(&sort);
}

int range_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_hold_what_they_say),
        cmocka_unit_test(a_prefix_holds_strings_with_zero_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
