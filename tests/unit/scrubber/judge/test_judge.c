#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scrubber/judge/judge.h"

static struct judge_copy good(void) {
    struct judge_copy c = {.item_count = 10, .chain = 77};
    for (uint32_t i = 0; i < 2 * BTREE_BUCKET_COUNT; i++)
        c.sums.sum[i] = i * 1000003;
    return c;
}

static struct judge_copy bad(uint32_t bucket) {
    struct judge_copy c = good();
    c.sums.sum[2 * bucket + 1]++;
    return c;
}

static struct judge_verdict judge(struct judge_copy *a, struct judge_copy *b, struct judge_copy *c,
                                  struct judge_copy *d) {
    const struct judge_copy *list[] = {a, b, c, d};
    size_t count = 0;
    while (count < 4 && list[count])
        count++;
    struct judge_verdict v;
    judge_copies(list, count, &v);
    return v;
}

static void equal_copies_are_clean(void **state) {
    (void)state;
    struct judge_copy a = good(), b = good(), c = good();
    assert_true(judge(&a, &b, &c, NULL).equal);
    assert_true(judge(&a, NULL, NULL, NULL).equal);
}

static void one_against_three_is_named(void **state) {
    (void)state;
    struct judge_copy a = good(), b = bad(9), c = good(), d = good();
    struct judge_verdict v = judge(&a, &b, &c, &d);
    assert_true(!v.equal && v.decided);
    assert_true(!v.bad[0] && v.bad[1] && !v.bad[2] && !v.bad[3]);
    assert_true(v.bucket[9] && v.bucket_count == 1 && !v.other_log[1]);
}

static void reference_decides_between_two(void **state) {
    (void)state;
    struct judge_copy a = bad(1), b = good(), reference = good();
    struct judge_verdict v = judge(&a, &b, &reference, NULL);
    assert_true(v.decided && v.bad[0] && !v.bad[1] && !v.bad[2]);
}

static void no_majority_accuses_nobody(void **state) {
    (void)state;
    struct judge_copy a = good(), b = bad(1), c = good(), d = bad(1);
    struct judge_verdict v = judge(&a, &b, NULL, NULL);
    assert_true(!v.equal && !v.decided && !v.bad[0] && !v.bad[1] && v.bucket[1]);
    v = judge(&a, &b, &c, &d);
    assert_true(!v.equal && !v.decided && v.bucket_count == 1);
    struct judge_copy e = bad(2);
    v = judge(&a, &b, &e, NULL);
    assert_true(!v.decided && v.bucket_count == 2);
}

static void another_log_is_told_apart(void **state) {
    (void)state;
    struct judge_copy a = good(), b = good(), c = good();
    c.chain++;
    struct judge_verdict v = judge(&a, &b, &c, NULL);
    assert_true(v.decided && v.bad[2] && v.other_log[2] && v.bucket_count == 0);
}

struct seen {
    struct judge_key keys[8];
    size_t count;
};

static void note(void *user, const struct judge_key *key) {
    struct seen *s = user;
    s->keys[s->count++] = *key;
}

static void keys_are_narrowed(void **state) {
    (void)state;
    const struct tc_slice a[] = {TC_SLICE_LIT("a"), TC_SLICE_LIT("c"), TC_SLICE_LIT("d")};
    const struct tc_slice b[] = {TC_SLICE_LIT("a"), TC_SLICE_LIT("b"), TC_SLICE_LIT("c"),
                                 TC_SLICE_LIT("d")};
    const uint64_t ha[] = {1, 3, 4}, hb[] = {1, 2, 3, 5}, hc[] = {1, 3, 0};
    const struct judge_keys copies[] = {{3, a, ha}, {4, b, hb}, {3, a, hc}};
    struct seen seen = {.count = 0};
    judge_bucket(copies, 3, note, &seen);
    assert_int_equal(seen.count, 2);
    assert_true(tc_slice_eq(seen.keys[0].key, TC_SLICE_LIT("b")));
    assert_true(seen.keys[0].decided && seen.keys[0].bad[1] && !seen.keys[0].bad[0]);
    assert_true(seen.keys[0].absent[0] && !seen.keys[0].absent[1]);
    assert_true(tc_slice_eq(seen.keys[1].key, TC_SLICE_LIT("d")));
    assert_true(!seen.keys[1].decided);
    seen.count = 0;
    judge_bucket(copies, 1, note, &seen);
    assert_int_equal(seen.count, 0);
}

/* An absent key and one whose hash is 0 are different things. */
static void absence_is_no_hash(void **state) {
    (void)state;
    const struct tc_slice a[] = {TC_SLICE_LIT("a")};
    const uint64_t zero[] = {0};
    const struct judge_keys copies[] = {{1, a, zero}, {0, a, zero}, {1, a, zero}};
    struct seen seen = {.count = 0};
    judge_bucket(copies, 3, note, &seen);
    assert_int_equal(seen.count, 1);
    assert_true(seen.keys[0].decided && seen.keys[0].bad[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_copies_are_clean),
        cmocka_unit_test(one_against_three_is_named),
        cmocka_unit_test(reference_decides_between_two),
        cmocka_unit_test(no_majority_accuses_nobody),
        cmocka_unit_test(another_log_is_told_apart),
        cmocka_unit_test(keys_are_narrowed),
        cmocka_unit_test(absence_is_no_hash),
    };
    return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
