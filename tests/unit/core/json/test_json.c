/* The reader and the writing helpers. */
#include "base/prng.h"
#include "base/utf8.h"
#include "core/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    DEPTH = 16
};

/* Whole text must be one value. */
static tc_err accept(struct tc_slice text, size_t *ret_error_offset) {
    struct tc_arena arena;
    tc_arena_init(&arena, 1 << 20);
    struct json_reader r = json_reader(text, &arena, DEPTH);
    tc_err err = json_skip(&r);
    if (err == TC_OK)
        err = json_end(&r);
    *ret_error_offset = r.error_offset;
    tc_arena_deinit(&arena);
    return err;
}

static void accepts_json(void **state) {
    (void)state;
    static const char *const texts[] = {
        "null",
        " true ",
        "false",
        "0",
        "-0.5e+10",
        "1E5",
        "\"\"",
        "[]",
        "{}",
        "[1,[2]]",
        "{\"a\":{\"b\":[]}}",
        "\"\\u0000\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\xf4\x8f\xbf\xbf\x7f\"",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t at;
        assert_int_equal(accept(tc_slice_str(texts[i]), &at), TC_OK);
    }
}

static void refuses_what_is_not_json(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"", 0},
        {"nul", 0},
        {"True", 0},
        {"01", 0},
        {"-", 1},
        {"1.", 2},
        {".5", 0},
        {"1e", 2},
        {"+1", 0},
        {"NaN", 0},
        {"1 2", 2},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"{\"a\"}", 4},
        {"{\"a\":1,}", 7},
        {"{a:1}", 1},
        {"{1:1}", 1},
        {"[1}", 2},
        {"{\"a\":1]", 6},
        {"\"", 1},
        {"\"\n\"", 1},
        {"\"\\x\"", 1},
        {"\"\\u12\"", 1},
        {"\"\\ud800\"", 1},
        {"\"\\ud800\\u0041\"", 1},
        {"\"\\udc00\"", 1},
        {"\"\x80\"", 1},
        {"\"\xc0\x80\"", 1},
        {"\"\xed\xa0\x80\"", 1},
        {"\"\xf5\x80\x80\x80\"", 1},
        {"//x\n1", 0},
        {"'a'", 0},
        {"[1", 2},
        {"{\"a\":", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = 99;
        assert_int_equal(accept(tc_slice_str(cases[i].text), &at), TC_EINVAL);
        if (at != cases[i].at)
            fail_msg("%s: error at %zu, not %zu", cases[i].text, at, cases[i].at);
    }
    size_t at;
    assert_int_equal(accept(tc_slice_str("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"), &at), TC_ELIMIT);
    assert_int_equal(at, DEPTH);
}

static void pulls_values(void **state) {
    (void)state;
    struct tc_arena arena;
    tc_arena_init(&arena, 4096);
    struct json_reader r = json_reader(
        TC_SLICE_LIT("{\"a\": [-42, \"x\\u00e9\\n\"], \"b\":{\"c\" : null}, \"d\":false}x"), &arena,
        DEPTH);
    bool more;
    struct tc_slice s;
    int64_t n = 0;
    assert_int_equal(json_string(&r, &s), TC_ETYPE);
    assert_int_equal(json_peek(&r), JSON_OBJECT);
    assert_int_equal(json_object_begin(&r), TC_OK);
    assert_int_equal(json_object_next(&r, &more, &s), TC_OK);
    assert_true(more && tc_slice_eq(s, TC_SLICE_LIT("a")));
    assert_int_equal(json_array_begin(&r), TC_OK);
    assert_int_equal(json_array_next(&r, &more), TC_OK);
    assert_int_equal(json_integer(&r, -42, 0, &n), TC_OK);
    assert_true(more && n == -42);
    assert_int_equal(json_array_next(&r, &more), TC_OK);
    assert_int_equal(json_string(&r, &s), TC_OK);
    assert_true(tc_slice_eq(s, TC_SLICE_LIT("x\xc3\xa9\n")));
    assert_int_equal(json_array_next(&r, &more), TC_OK);
    assert_false(more);
    assert_int_equal(json_object_next(&r, &more, &s), TC_OK);
    assert_int_equal(json_raw(&r, &s), TC_OK);
    assert_true(tc_slice_eq(s, TC_SLICE_LIT("{\"c\" : null}")));
    assert_int_equal(json_object_next(&r, &more, &s), TC_OK);
    bool value = true;
    assert_int_equal(json_bool(&r, &value), TC_OK);
    assert_false(value);
    assert_int_equal(json_object_next(&r, &more, &s), TC_OK);
    assert_false(more);
    assert_int_equal(json_end(&r), TC_EINVAL);
    assert_int_equal(json_null(&r), TC_EINVAL);
    tc_arena_deinit(&arena);
}

static void integers_have_bounds(void **state) {
    (void)state;
    struct tc_arena arena;
    tc_arena_init(&arena, 64);
    static const char *const bad[] = {"1.0", "1e2", "9223372036854775808", "11", "-1"};
    for (size_t i = 0; i < 5; i++) {
        struct json_reader r = json_reader(tc_slice_str(bad[i]), &arena, DEPTH);
        int64_t n = 7;
        assert_int_equal(json_integer(&r, 0, 10, &n), TC_ELIMIT);
        assert_int_equal(json_end(&r), TC_OK);
        assert_true(n == 7);
    }
    struct json_reader r = json_reader(TC_SLICE_LIT("-9223372036854775808"), &arena, DEPTH);
    int64_t n = 0;
    assert_int_equal(json_integer(&r, INT64_MIN, INT64_MAX, &n), TC_OK);
    assert_true(n == INT64_MIN);
    tc_arena_deinit(&arena);
}

static void a_full_arena_is_told(void **state) {
    (void)state;
    struct tc_arena arena;
    tc_arena_init(&arena, 32);
    struct json_reader r =
        json_reader(TC_SLICE_LIT("\"0123456789012345678901234567890123456789\\n\""), &arena, DEPTH);
    struct tc_slice s;
    assert_int_equal(json_string(&r, &s), TC_ENOMEM);
    tc_arena_deinit(&arena);
}

static uint32_t random_char(struct tc_prng *p) {
    switch (tc_prng_below(p, 5)) {
    case 0:
        return (uint32_t)tc_prng_below(p, 0x20);
    case 1:
        return (uint32_t)tc_prng_below(p, 0x800);
    case 2:
        return (uint32_t)tc_prng_between(p, 0xe000, 0x10ffff);
    default:
        return (uint32_t)tc_prng_between(p, 0x20, 0x7f);
    }
}

static size_t utf8_of(uint32_t c, uint8_t *to) {
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    const size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        to[i] = (uint8_t)(0x80 | (c & 0x3f));
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    to[0] = (uint8_t)(lead[len] | c);
    return len;
}

static void append_random_escape(struct tc_buf *json, struct tc_prng *p, uint32_t c,
                                 const uint8_t *utf8, size_t len) {
    const bool must = c < 0x20 || c == '"' || c == '\\';
    if (!must && !tc_prng_chance(p, 1, 4))
        tc_buf_append(json, utf8, len);
    else if (c < 0x10000)
        tc_buf_printf(json, tc_prng_chance(p, 1, 2) ? "\\u%04x" : "\\u%04X", c);
    else
        tc_buf_printf(json, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                      0xdc00 + ((c - 0x10000) & 0x3ff));
}

static void strings_round_trip(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(9);
    for (int i = 0; i < 3000; i++) {
        struct tc_buf text = {0};
        struct tc_buf json = {0};
        struct tc_arena arena;
        tc_arena_init(&arena, 0);
        tc_buf_append_u8(&json, '"');
        for (uint64_t n = tc_prng_below(&p, 40); n > 0; n--) {
            uint8_t utf8[4];
            const uint32_t c = random_char(&p);
            const size_t len = utf8_of(c, utf8);
            tc_buf_append(&text, utf8, len);
            append_random_escape(&json, &p, c, utf8, len);
        }
        tc_buf_append_u8(&json, '"');
        assert_true(tc_utf8_valid(tc_buf_slice(&text)));
        for (int pass = 0; pass < 2; pass++) {
            struct json_reader r = json_reader(tc_buf_slice(&json), &arena, DEPTH);
            struct tc_slice got;
            assert_int_equal(json_string(&r, &got), TC_OK);
            assert_int_equal(json_end(&r), TC_OK);
            assert_true(tc_slice_eq(got, tc_buf_slice(&text)));
            tc_buf_clear(&json);
            json_put_string(&json, tc_buf_slice(&text));
        }
        tc_arena_deinit(&arena);
        tc_buf_deinit(&text);
        tc_buf_deinit(&json);
    }
}

static void numbers_and_names_are_written(void **state) {
    (void)state;
    struct tc_buf b = {0};
    json_put_key(&b, "a");
    json_put_u64(&b, UINT64_MAX);
    tc_buf_append_u8(&b, ' ');
    json_put_i64(&b, INT64_MIN);
    tc_buf_append_u8(&b, ' ');
    json_put_milli(&b, 500);
    tc_buf_append_u8(&b, ' ');
    json_put_milli(&b, 12000);
    tc_buf_append_u8(&b, ' ');
    json_put_milli(&b, 1025);
    json_put_bool(&b, true);
    json_put_string(&b, TC_SLICE_LIT("\x01\"\n/"));
    const char *want =
        "\"a\":18446744073709551615 -9223372036854775808 0.5 12 1.025true\"\\u0001\\\"\\n/\"";
    assert_int_equal(b.len, strlen(want));
    assert_memory_equal(b.data, want, b.len);
    tc_buf_deinit(&b);
}

static void base64_round_trips(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(4);
    for (size_t len = 0; len < 200; len++) {
        uint8_t bytes[200];
        uint8_t back[200];
        size_t back_len = 99;
        size_t bad_at = 0;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)tc_prng_u64(&p);
        struct tc_buf b = {0};
        json_put_base64(&b, tc_slice(bytes, len));
        const struct tc_slice text = tc_slice(b.data + 1, b.len - 2);
        assert_int_equal(json_base64_decode(text, back, &back_len, &bad_at), JSON_BASE64_OK);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
        tc_buf_deinit(&b);
    }
}

static void base64_faults(void **state) {
    (void)state;
    uint8_t to[16];
    size_t len = 5;
    size_t at = 0;
    assert_int_equal(json_base64_decode(TC_SLICE_LIT("abc"), to, &len, &at), JSON_BASE64_LENGTH);
    assert_int_equal(json_base64_decode(TC_SLICE_LIT("ab*d"), to, &len, &at),
                     JSON_BASE64_CHARACTER);
    assert_int_equal(at, 2);
    assert_int_equal(json_base64_decode(TC_SLICE_LIT("a==="), to, &len, &at),
                     JSON_BASE64_CHARACTER);
    assert_int_equal(json_base64_decode(TC_SLICE_LIT("ab==abcd"), to, &len, &at),
                     JSON_BASE64_CHARACTER);
    assert_int_equal(json_base64_decode(TC_SLICE_LIT("aB=="), to, &len, &at), JSON_BASE64_LAST);
    assert_int_equal(json_base64_decode(TC_SLICE_LIT("aaa="), to, &len, &at), JSON_BASE64_LAST);
    assert_int_equal(len, 5);
    assert_int_equal(json_base64_decode(TC_SLICE_LIT("YWI="), to, &len, &at), JSON_BASE64_OK);
    assert_int_equal(len, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_json),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(pulls_values),
        cmocka_unit_test(integers_have_bounds),
        cmocka_unit_test(a_full_arena_is_told),
        cmocka_unit_test(strings_round_trip),
        cmocka_unit_test(numbers_and_names_are_written),
        cmocka_unit_test(base64_round_trips),
        cmocka_unit_test(base64_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
