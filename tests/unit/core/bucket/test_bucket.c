#include "base/prng.h"
#include "core/bucket/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t S = 1000000000u;

static void takes_what_is_there_and_no_more(void **state) {
    (void)state;
    struct bucket b;
    bucket_init(&b, &(struct bucket_config){.rate_mu_per_s = 1000, .burst_mu = 2000}, 0);
    assert_int_equal(bucket_take(&b, 1500, 0), TC_OK);
    assert_int_equal(bucket_take(&b, 501, 0), TC_ETHROTTLED);
    assert_int_equal(bucket_take(&b, 500, 0), TC_OK);
    assert_int_equal(bucket_take(&b, 1, 0), TC_ETHROTTLED);
    assert_int_equal(bucket_take(&b, 1000, S), TC_OK);
}

/* A first version dropped the fraction of each refill: called every microsecond it never filled. */
static void frequent_calls_lose_nothing(void **state) {
    (void)state;
    struct bucket b;
    bucket_init(&b, &(struct bucket_config){.rate_mu_per_s = 1234, .burst_mu = 100000}, 0);
    assert_int_equal(bucket_take(&b, 100000, 0), TC_OK);
    for (uint64_t t = 0; t <= 10 * S; t += 777777)
        (void)bucket_open(&b, t);
    (void)bucket_open(&b, 10 * S);
    assert_int_equal(b.tokens_mu, 12340);
}

static void debt_is_bounded_and_paid_first(void **state) {
    (void)state;
    struct bucket b;
    bucket_init(&b, &(struct bucket_config){1000, 1000, 3000}, 0);
    assert_true(bucket_open(&b, 0));
    bucket_debit(&b, 400000, 0);
    assert_int_equal(b.tokens_mu, -3000);
    assert_false(bucket_open(&b, 3 * S));
    assert_true(bucket_open(&b, 3 * S + S / 1000));
}

static void time_never_runs_backwards(void **state) {
    (void)state;
    struct bucket b;
    bucket_init(&b, &(struct bucket_config){1000, 1000, 0}, 5 * S);
    assert_int_equal(bucket_take(&b, 1000, 5 * S), TC_OK);
    assert_int_equal(bucket_take(&b, 1, 4 * S), TC_ETHROTTLED);
    assert_int_equal(bucket_take(&b, 1000, 6 * S), TC_OK);
}

/* However requests fall, no more than burst + rate * time is admitted. */
static void admission_stays_within_the_bound(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(3);
    for (int round = 0; round < 50; round++) {
        struct bucket_config c = {tc_prng_between(&p, 1, 5000000), tc_prng_between(&p, 0, 5000000),
                                  0};
        struct bucket b;
        uint64_t now = tc_prng_below(&p, S), start = now, taken = 0;
        bucket_init(&b, &c, now);
        for (int i = 0; i < 2000; i++) {
            uint64_t cost = tc_prng_below(&p, 100000);
            now += tc_prng_below(&p, 20000000);
            if (bucket_take(&b, cost, now) == TC_OK)
                taken += cost;
        }
        assert_true(taken <= c.burst_mu + c.rate_mu_per_s * ((now - start) / 1000) / 1000000 + 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_there_and_no_more),
        cmocka_unit_test(frequent_calls_lose_nothing),
        cmocka_unit_test(debt_is_bounded_and_paid_first),
        cmocka_unit_test(time_never_runs_backwards),
        cmocka_unit_test(admission_stays_within_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
