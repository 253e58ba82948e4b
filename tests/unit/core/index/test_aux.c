/* Keys and values of auxiliary rows. */
#include "core/index/index_aux.h"

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char some_item[] = "{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"}}";

static void rows_without_a_hash_belong_to_their_item(void **state) {
    (void)state;
    const struct index_schema s = music();
    struct text_item t = {0};
    struct tc_buf base = {0}, outbox = {0}, expiry = {0}, backfill = {0};
    base_key_of(&s, item_of(&t, some_item), &base);
    index_outbox_key(tc_buf_slice(&base), &outbox);
    index_expiry_key(77, tc_buf_slice(&base), &expiry);
    index_backfill_key(9, &backfill);
    struct tc_slice got;
    uint64_t seconds = 0;
    uint8_t id = 0;
    assert_int_equal(index_key_kind(tc_buf_slice(&base)), INDEX_KIND_ITEM);
    assert_int_equal(index_key_kind(tc_buf_slice(&outbox)), INDEX_KIND_OUTBOX);
    assert_int_equal(index_key_kind(tc_buf_slice(&expiry)), INDEX_KIND_EXPIRY);
    assert_int_equal(index_key_kind(tc_buf_slice(&backfill)), INDEX_KIND_BACKFILL);
    assert_true(tc_slice_eq(index_key_home(tc_buf_slice(&base)), tc_buf_slice(&base)));
    assert_true(tc_slice_eq(index_key_home(tc_buf_slice(&outbox)), tc_buf_slice(&base)));
    assert_true(tc_slice_eq(index_key_home(tc_buf_slice(&expiry)), tc_buf_slice(&base)));
    assert_int_equal(index_key_home(tc_buf_slice(&backfill)).len, 0);
    assert_int_equal(index_outbox_key_decode(tc_buf_slice(&outbox), &got), TC_OK);
    assert_true(tc_slice_eq(got, tc_buf_slice(&base)));
    assert_int_equal(index_expiry_key_decode(tc_buf_slice(&expiry), &seconds, &got), TC_OK);
    assert_int_equal(seconds, 77);
    assert_int_equal(index_backfill_key_decode(tc_buf_slice(&backfill), &id), TC_OK);
    assert_int_equal(id, 9);
    assert_int_equal(index_backfill_key_decode(tc_buf_slice(&outbox), &id), TC_ECORRUPT);
    assert_true(tc_slice_cmp(tc_buf_slice(&expiry), index_key_after_homeless()) < 0);
    tc_buf_deinit(&base);
    tc_buf_deinit(&outbox);
    tc_buf_deinit(&expiry);
    tc_buf_deinit(&backfill);
    tc_buf_deinit(&t.bytes);
}

static void kinds_have_ranges(void **state) {
    (void)state;
    struct tc_buf start = {0}, end = {0}, key = {0};
    index_kind_range(INDEX_KIND_BACKFILL, &start, &end);
    index_backfill_key(0, &key);
    assert_true(tc_slice_cmp(tc_buf_slice(&start), tc_buf_slice(&key)) < 0);
    tc_buf_clear(&key);
    index_backfill_key(255, &key);
    assert_true(tc_slice_cmp(tc_buf_slice(&key), tc_buf_slice(&end)) < 0);
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
    tc_buf_deinit(&key);
}

static void an_outbox_holds_64_keys_each_once(void **state) {
    (void)state;
    struct index_outbox o = {.hlc_ns = 5}, got;
    static uint8_t keys[INDEX_OUTBOX_KEYS_MAX + 1];
    struct tc_buf out = {0};
    for (size_t i = 0; i <= INDEX_OUTBOX_KEYS_MAX; i++)
        keys[i] = (uint8_t)i;
    index_outbox_mark(&o, 1);
    index_outbox_mark(&o, 255);
    for (size_t i = 0; i < INDEX_OUTBOX_KEYS_MAX; i++)
        for (int twice = 0; twice < 2; twice++)
            assert_int_equal(
                index_outbox_add(&o, (struct index_outbox_ref){1, tc_slice(&keys[i], 1)}), TC_OK);
    assert_int_equal(o.count, INDEX_OUTBOX_KEYS_MAX);
    assert_int_equal(index_outbox_add(&o, (struct index_outbox_ref){2, tc_slice(&keys[0], 1)}),
                     TC_ETHROTTLED);
    index_outbox_encode(&o, &out);
    assert_int_equal(index_outbox_decode(tc_buf_slice(&out), &got), TC_OK);
    assert_int_equal(got.count, INDEX_OUTBOX_KEYS_MAX);
    assert_int_equal(got.hlc_ns, 5);
    for (unsigned id = 1; id < 256; id++)
        assert_int_equal(index_outbox_concerns(&got, (uint8_t)id), id == 1 || id == 255);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(index_outbox_decode(tc_slice(out.data, len), &got), TC_ECORRUPT);
    tc_buf_deinit(&out);
}

static struct index_backfill united(struct index_backfill left, struct index_backfill right,
                                    bool *ret_any, struct tc_buf *out) {
    struct tc_buf l = {0}, r = {0};
    struct index_backfill b = {0};
    index_backfill_encode(&left, &l);
    index_backfill_encode(&right, &r);
    tc_buf_clear(out);
    index_backfill_unite(tc_buf_slice(&l), tc_buf_slice(&r), out);
    *ret_any = index_backfill_decode(tc_buf_slice(out), &b) == TC_OK;
    tc_buf_deinit(&l);
    tc_buf_deinit(&r);
    return b;
}

static void two_backfills_go_on_where_less_is_done(void **state) {
    (void)state;
    const struct index_backfill at_a = {.tag = 3, .items = 2, .after = TC_SLICE_LIT("a")};
    const struct index_backfill at_m = {.tag = 3, .items = 5, .after = TC_SLICE_LIT("m")};
    const struct index_backfill done = {.tag = 3, .items = 9, .done = true};
    const struct index_backfill other = {.tag = 4, .done = true};
    struct tc_buf out = {0};
    bool any = false;
    struct index_backfill b = united(at_a, done, &any, &out);
    assert_true(any && !b.done && tc_slice_eq(b.after, at_a.after));
    assert_int_equal(b.items, 11);
    b = united(done, at_m, &any, &out);
    assert_true(any && !b.done && tc_slice_eq(b.after, at_m.after));
    b = united(at_a, at_m, &any, &out);
    assert_true(any && tc_slice_eq(b.after, at_a.after));
    b = united(done, done, &any, &out);
    assert_true(any && b.done);
    (void)united(done, other, &any, &out);
    assert_false(any);
    tc_buf_deinit(&out);
}

int aux_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_without_a_hash_belong_to_their_item),
        cmocka_unit_test(kinds_have_ranges),
        cmocka_unit_test(an_outbox_holds_64_keys_each_once),
        cmocka_unit_test(two_backfills_go_on_where_less_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
