#include "core/entry/entry.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_write_comes_back_as_it_was(void **state) {
    (void)state;
    struct entry_mutation m[2] = {
        {.op = ENTRY_PUT, .key = TC_SLICE_LIT("key"), .item = TC_SLICE_LIT("item bytes")},
        {.op = ENTRY_DELETE, .key = TC_SLICE_LIT("gone")},
    };
    struct entry_write w = {.hlc_ns = 77, .request_id = {1, 2, 3}, .old_bytes = 9};
    struct tc_buf out = {0};
    entry_write_encode(&w, m, 2, &out);
    struct entry_write got;
    assert_int_equal(entry_write_decode(tc_buf_slice(&out), &got), TC_OK);
    assert_int_equal(got.hlc_ns, 77);
    assert_memory_equal(got.request_id, w.request_id, 16);
    assert_int_equal(got.old_bytes, 9);
    assert_false(got.has_old);
    struct entry_iter it = entry_iter(&got);
    struct entry_mutation r;
    for (int i = 0; i < 2; i++) {
        assert_true(entry_next(&it, &r));
        assert_int_equal(r.op, m[i].op);
        assert_true(tc_slice_eq(r.key, m[i].key));
        assert_true(tc_slice_eq(r.item, m[i].item));
    }
    assert_false(entry_next(&it, &r));
    tc_buf_deinit(&out);
}

static void the_old_item_is_optional_and_kept(void **state) {
    (void)state;
    struct entry_mutation m = {.op = ENTRY_DELETE, .key = TC_SLICE_LIT("k")};
    struct entry_write w = {
        .hlc_ns = 1, .old_bytes = 3, .has_old = true, .old_item = TC_SLICE_LIT("old")};
    struct tc_buf out = {0};
    entry_write_encode(&w, &m, 1, &out);
    struct entry_write got;
    assert_int_equal(entry_write_decode(tc_buf_slice(&out), &got), TC_OK);
    assert_true(got.has_old);
    assert_true(tc_slice_eq(got.old_item, w.old_item));
    tc_buf_deinit(&out);
}

static void cut_or_lengthened_bodies_are_refused(void **state) {
    (void)state;
    struct entry_mutation m = {
        .op = ENTRY_PUT, .key = TC_SLICE_LIT("k"), .item = TC_SLICE_LIT("i")};
    struct entry_write w = {.hlc_ns = 1};
    struct tc_buf out = {0};
    entry_write_encode(&w, &m, 1, &out);
    struct entry_write got;
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(entry_write_decode(tc_slice(out.data, len), &got), TC_ECORRUPT);
    tc_buf_append_u8(&out, 1);
    assert_int_equal(entry_write_decode(tc_buf_slice(&out), &got), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

static void a_delete_with_an_item_is_refused(void **state) {
    (void)state;
    struct entry_mutation m = {
        .op = ENTRY_PUT, .key = TC_SLICE_LIT("k"), .item = TC_SLICE_LIT("i")};
    struct entry_write w = {.hlc_ns = 1}, got;
    struct tc_buf out = {0};
    entry_write_encode(&w, &m, 1, &out);
    size_t op_at = 1 + 8 + 16 + 1;
    assert_int_equal(out.data[op_at], ENTRY_PUT);
    out.data[op_at] = ENTRY_DELETE;
    assert_int_equal(entry_write_decode(tc_buf_slice(&out), &got), TC_ECORRUPT);
    out.data[op_at] = 3;
    assert_int_equal(entry_write_decode(tc_buf_slice(&out), &got), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

static void scrub_bodies_round_trip(void **state) {
    (void)state;
    struct tc_buf out = {0};
    entry_scrub_encode(123456789, &out);
    uint64_t hlc_ns = 0;
    assert_int_equal(entry_scrub_decode(tc_buf_slice(&out), &hlc_ns), TC_OK);
    assert_int_equal(hlc_ns, 123456789);
    assert_int_equal(entry_scrub_decode(tc_slice(out.data, out.len - 1), &hlc_ns), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

static void split_bodies_round_trip(void **state) {
    (void)state;
    struct tc_buf out = {0};
    struct entry_split s = {.hlc_ns = 77, .gids = {12, 13}, .key = TC_SLICE_LIT("mm")}, got;
    entry_split_encode(&s, &out);
    assert_int_equal(entry_split_decode(tc_buf_slice(&out), &got), TC_OK);
    assert_int_equal(got.hlc_ns, 77);
    assert_int_equal(got.gids[0], 12);
    assert_int_equal(got.gids[1], 13);
    assert_true(tc_slice_eq(got.key, s.key));
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(entry_split_decode(tc_slice(out.data, len), &got), TC_ECORRUPT);
    tc_buf_clear(&out);
    s.gids[1] = 12;
    entry_split_encode(&s, &out);
    assert_int_equal(entry_split_decode(tc_buf_slice(&out), &got), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

static void seal_bodies_round_trip(void **state) {
    (void)state;
    struct tc_buf out = {0};
    struct entry_seal s = {.hlc_ns = 77, .left_gid = 12, .merged_gid = 13}, got;
    entry_seal_encode(&s, &out);
    assert_int_equal(entry_seal_decode(tc_buf_slice(&out), &got), TC_OK);
    assert_int_equal(got.hlc_ns, 77);
    assert_int_equal(got.left_gid, 12);
    assert_int_equal(got.merged_gid, 13);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(entry_seal_decode(tc_slice(out.data, len), &got), TC_ECORRUPT);
    tc_buf_clear(&out);
    s.merged_gid = 0;
    entry_seal_encode(&s, &out);
    assert_int_equal(entry_seal_decode(tc_buf_slice(&out), &got), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

static void merge_bodies_round_trip(void **state) {
    (void)state;
    struct tc_buf out = {0};
    struct entry_merge m = {.hlc_ns = 77,
                            .merged_gid = 12,
                            .epoch = 4,
                            .right_gid = 13,
                            .right_index = 90,
                            .right_chain = 91,
                            .end = TC_SLICE_LIT("zz")},
                       got;
    entry_merge_encode(&m, &out);
    assert_int_equal(entry_merge_decode(tc_buf_slice(&out), &got), TC_OK);
    assert_int_equal(got.merged_gid, 12);
    assert_int_equal(got.epoch, 4);
    assert_int_equal(got.right_gid, 13);
    assert_int_equal(got.right_index, 90);
    assert_int_equal(got.right_chain, 91);
    assert_true(tc_slice_eq(got.end, m.end));
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(entry_merge_decode(tc_slice(out.data, len), &got), TC_ECORRUPT);
    tc_buf_clear(&out);
    m.right_gid = 12;
    entry_merge_encode(&m, &out);
    assert_int_equal(entry_merge_decode(tc_buf_slice(&out), &got), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_comes_back_as_it_was),
        cmocka_unit_test(the_old_item_is_optional_and_kept),
        cmocka_unit_test(cut_or_lengthened_bodies_are_refused),
        cmocka_unit_test(a_delete_with_an_item_is_refused),
        cmocka_unit_test(scrub_bodies_round_trip),
        cmocka_unit_test(split_bodies_round_trip),
        cmocka_unit_test(seal_bodies_round_trip),
        cmocka_unit_test(merge_bodies_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
