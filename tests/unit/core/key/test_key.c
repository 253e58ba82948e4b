#include "base/prng.h"
#include "core/key/key.h"
#include "core/number/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct item_value value(enum item_type type, const void *data, size_t len) {
    return (struct item_value){.type = type, .body = tc_slice(data, len)};
}

static void key_of(struct tc_buf *out, struct item_value hash, struct item_value range) {
    tc_buf_clear(out);
    key_append_hash(out, hash);
    key_append_range(out, range);
}

static void layout(void **state) {
    (void)state;
    struct tc_buf b = {0};
    key_of(&b, value(ITEM_B, "a\0b", 3), value(ITEM_S, "x\0", 2));
    static const uint8_t tail[] = {3, 'a', 0, 0xff, 'b', 0, 0, 'x', 0};
    assert_int_equal(b.len, 8 + sizeof tail);
    assert_memory_equal(b.data + 8, tail, sizeof tail);
    size_t range_at = 0;
    assert_int_equal(key_check(tc_buf_slice(&b), &range_at), TC_OK);
    assert_int_equal(range_at, 8 + 7);
    for (size_t len = 0; len < b.len - 2; len++)
        assert_int_equal(key_check(tc_slice(b.data, len), NULL), TC_ECORRUPT);
    tc_buf_deinit(&b);
}

static void checks(void **state) {
    (void)state;
    static uint8_t bytes[KEY_HASH_BYTES_MAX + 1];
    assert_int_equal(key_hash_check(value(ITEM_S, bytes, 0)), TC_EINVAL);
    assert_int_equal(key_hash_check(value(ITEM_S, bytes, KEY_HASH_BYTES_MAX)), TC_OK);
    assert_int_equal(key_hash_check(value(ITEM_S, bytes, KEY_HASH_BYTES_MAX + 1)), TC_ELIMIT);
    assert_int_equal(key_range_check(value(ITEM_B, bytes, KEY_RANGE_BYTES_MAX)), TC_OK);
    assert_int_equal(key_range_check(value(ITEM_B, bytes, KEY_RANGE_BYTES_MAX + 1)), TC_ELIMIT);
    assert_int_equal(key_range_check(value(ITEM_BOOL, bytes, 1)), TC_ETYPE);
}

/* Keys of one partition value are contiguous and ordered by sort key; different values differ. */
static void order(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(3);
    struct tc_buf a = {0};
    struct tc_buf b = {0};
    struct tc_buf end = {0};
    for (int i = 0; i < 5000; i++) {
        uint8_t h[2][4];
        uint8_t s[2][4];
        size_t hl[2];
        size_t sl[2];
        for (int k = 0; k < 2; k++) {
            hl[k] = (size_t)tc_prng_between(&p, 1, 3);
            sl[k] = (size_t)tc_prng_between(&p, 1, 4);
            for (int n = 0; n < 4; n++) {
                h[k][n] = (uint8_t)(0xff * tc_prng_below(&p, 2));
                s[k][n] = (uint8_t)(0xff * tc_prng_below(&p, 2));
            }
        }
        const struct tc_slice range[2] = {tc_slice(s[0], sl[0]), tc_slice(s[1], sl[1])};
        key_of(&a, value(ITEM_B, h[0], hl[0]), value(ITEM_B, s[0], sl[0]));
        key_of(&b, value(ITEM_B, h[1], hl[1]), value(ITEM_B, s[1], sl[1]));
        const bool same_hash = tc_slice_eq(tc_slice(h[0], hl[0]), tc_slice(h[1], hl[1]));
        const int order = tc_slice_cmp(tc_buf_slice(&a), tc_buf_slice(&b));
        if (same_hash)
            assert_int_equal((order > 0) - (order < 0), (tc_slice_cmp(range[0], range[1]) > 0) -
                                                            (tc_slice_cmp(range[0], range[1]) < 0));
        size_t range_at = 0;
        assert_int_equal(key_check(tc_buf_slice(&a), &range_at), TC_OK);
        assert_int_equal(a.len - range_at, sl[0]);
        const struct tc_slice prefix = tc_slice(a.data, range_at);
        tc_buf_clear(&end);
        key_append_prefix_end(&end, prefix);
        assert_int_equal(key_in_range(tc_buf_slice(&b), prefix, tc_buf_slice(&end)), same_hash);
    }
    tc_buf_deinit(&a);
    tc_buf_deinit(&b);
    tc_buf_deinit(&end);
}

static void prefix_end(void **state) {
    (void)state;
    struct tc_buf b = {0};
    key_append_prefix_end(&b, TC_SLICE_LIT("a\xff\xff"));
    assert_true(tc_slice_eq(tc_buf_slice(&b), TC_SLICE_LIT("b")));
    tc_buf_clear(&b);
    key_append_prefix_end(&b, TC_SLICE_LIT("\xff\xff"));
    key_append_prefix_end(&b, TC_SLICE_EMPTY);
    assert_int_equal(b.len, 0);
    tc_buf_deinit(&b);
}

static void segments_tile_the_hash_space(void **state) {
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 7, 1000, KEY_SEGMENTS_MAX};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct tc_buf last_end = {0};
        const uint32_t count = counts[c];
        for (uint32_t i = 0; i < count; i += 1 + count / 2000) {
            struct tc_buf start = {0};
            struct tc_buf end = {0};
            key_append_segment(i, count, &start, &end);
            assert_int_equal(start.len, i == 0 ? 0 : 8);
            assert_int_equal(end.len, i + 1 == count ? 0 : 8);
            if (i > 0 && count <= 2000)
                assert_true(tc_slice_eq(tc_buf_slice(&start), tc_buf_slice(&last_end)));
            if (end.len > 0)
                assert_true(tc_slice_cmp(tc_buf_slice(&start), tc_buf_slice(&end)) < 0);
            tc_buf_deinit(&last_end);
            last_end = end;
            tc_buf_deinit(&start);
        }
        tc_buf_deinit(&last_end);
    }
    struct tc_buf start = {0};
    struct tc_buf end = {0};
    key_append_segment(1, 3, &start, &end);
    assert_memory_equal(start.data, "\x55\x55\x55\x55\x55\x55\x55\x55", 8);
    assert_memory_equal(end.data, "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa", 8);
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout),
        cmocka_unit_test(checks),
        cmocka_unit_test(order),
        cmocka_unit_test(prefix_end),
        cmocka_unit_test(segments_tile_the_hash_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
