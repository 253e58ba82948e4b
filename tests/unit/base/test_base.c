#include "base/arena.h"
#include "base/blob.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/prng.h"
#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void err_table_names_and_classes(void **state) {
    (void)state;
    assert_string_equal(tc_err_name(TC_ETHROTTLED), "ETHROTTLED");
    assert_int_equal(tc_err_class(TC_EUNKNOWN), TC_CLASS_UNKNOWN);
    assert_int_equal(tc_err_from_wire(-4), TC_ETHROTTLED);
    assert_int_equal(tc_err_from_wire(77), TC_EINTERNAL);
}

static void crc32c_known_answers(void **state) {
    (void)state;
    /* RFC 3720 B.4 and the common check value. */
    assert_int_equal(tc_crc32c(0, "123456789", 9), 0xe3069283u);
    uint8_t zeros[32] = {0};
    assert_int_equal(tc_crc32c(0, zeros, 32), 0x8a9136aau);
    struct tc_prng p = tc_prng(7);
    uint8_t bytes[257];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)tc_prng_u64(&p);
    for (size_t len = 0; len <= sizeof bytes; len++)
        assert_int_equal(tc_crc32c(3, bytes, len), tc_crc32c_portable(3, bytes, len));
}

static void reader_round_trips_buf(void **state) {
    (void)state;
    struct tc_buf b = {0};
    uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < 7; i++)
        tc_buf_append_varint(&b, values[i]);
    tc_buf_append_u16(&b, 0x1234);
    tc_buf_append_u32(&b, 0x12345678);
    tc_buf_append_u64be(&b, 5);
    struct tc_reader r = tc_reader(tc_buf_slice(&b));
    for (size_t i = 0; i < 7; i++)
        assert_true(tc_reader_varint(&r) == values[i]);
    assert_int_equal(tc_reader_u16(&r), 0x1234);
    assert_int_equal(tc_reader_u32(&r), 0x12345678);
    assert_true(tc_reader_u64be(&r) == 5);
    assert_true(tc_reader_at_end(&r));
    assert_int_equal(tc_reader_u8(&r), 0);
    assert_false(tc_reader_ok(&r));
    tc_buf_deinit(&b);
}

static void reader_refuses_overlong_varint(void **state) {
    (void)state;
    uint8_t bytes[11];
    memset(bytes, 0xff, sizeof bytes);
    struct tc_reader r = tc_reader(tc_slice(bytes, sizeof bytes));
    (void)tc_reader_varint(&r);
    assert_false(tc_reader_ok(&r));
}

static void arena_honours_its_bound(void **state) {
    (void)state;
    struct tc_arena a;
    tc_arena_init(&a, 64);
    assert_non_null(tc_arena_alloc(&a, 48));
    assert_null(tc_arena_alloc(&a, 17));
    assert_non_null(tc_arena_alloc(&a, 16));
    tc_arena_reset(&a);
    assert_non_null(tc_arena_calloc(&a, 4, 16));
    assert_null(tc_arena_calloc(&a, SIZE_MAX, 2));
    tc_arena_deinit(&a);
}

static void map_agrees_with_an_array(void **state) {
    (void)state;
    enum {
        KEYS = 512
    };
    static int marks[KEYS];
    void *model[KEYS] = {0};
    struct tc_map m = {0};
    struct tc_prng p = tc_prng(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t k = tc_prng_below(&p, KEYS);
        if (tc_prng_chance(&p, 1, 2)) {
            assert_ptr_equal(tc_map_put(&m, tc_map_u64_key(&k), &marks[k]), model[k]);
            model[k] = &marks[k];
        } else {
            assert_ptr_equal(tc_map_del(&m, tc_map_u64_key(&k)), model[k]);
            model[k] = NULL;
        }
        k = tc_prng_below(&p, KEYS);
        assert_ptr_equal(tc_map_get(&m, tc_map_u64_key(&k)), model[k]);
    }
    size_t at = 0, seen = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&m, &at, &key, &value))
        seen++;
    assert_int_equal(seen, m.count);
    tc_map_deinit(&m);
}

static void blob_counts_references(void **state) {
    (void)state;
    struct tc_blob *b = tc_blob_dup(TC_SLICE_LIT("abc"));
    tc_blob_unref(tc_blob_ref(b));
    assert_true(tc_slice_eq(tc_blob_slice(b), TC_SLICE_LIT("abc")));
    tc_blob_unref(b);
}

static void slices_order_like_keys(void **state) {
    (void)state;
    assert_true(tc_slice_cmp(TC_SLICE_LIT("a"), TC_SLICE_LIT("ab")) < 0);
    assert_true(tc_slice_cmp(TC_SLICE_LIT("\xff"), TC_SLICE_LIT("ab")) > 0);
    assert_true(tc_slice_eq(TC_SLICE_EMPTY, TC_SLICE_LIT("")));
}

static void prng_stays_in_bounds(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(42);
    for (int i = 0; i < 1000; i++) {
        assert_true(tc_prng_below(&p, 10) < 10);
        uint64_t v = tc_prng_between(&p, 5, 6);
        assert_true(v == 5 || v == 6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_table_names_and_classes),
        cmocka_unit_test(crc32c_known_answers),
        cmocka_unit_test(reader_round_trips_buf),
        cmocka_unit_test(reader_refuses_overlong_varint),
        cmocka_unit_test(arena_honours_its_bound),
        cmocka_unit_test(map_agrees_with_an_array),
        cmocka_unit_test(blob_counts_references),
        cmocka_unit_test(slices_order_like_keys),
        cmocka_unit_test(prng_stays_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
