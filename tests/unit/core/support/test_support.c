/* Two machines, 1 and 2, by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/support/support.h"

#include <string.h>

#define MS UINT64_C(1000000)

struct pair {
    struct support *one;
    struct support *two;
    uint32_t two_at_one; /* slots */
    uint32_t one_at_two;
};

static const uint8_t store_one[SUPPORT_UUID_BYTES] = {1};
static const uint8_t store_two[SUPPORT_UUID_BYTES] = {2};

static struct support *make(const uint8_t *store, uint64_t boot) {
    struct support_params p = {
        .boot = boot, .lease_ns = 1000 * MS, .beat_ns = 150 * MS, .suspect_ns = 500 * MS};
    struct support *s = NULL;
    memcpy(p.store, store, sizeof p.store);
    assert_int_equal(support_new(&p, &s), TC_OK);
    return s;
}

static int setup(void **state) {
    static struct pair p;
    p.one = make(store_one, 7);
    p.two = make(store_two, 9);
    p.two_at_one = support_hold(p.one, store_two);
    p.one_at_two = support_hold(p.two, store_one);
    *state = &p;
    return 0;
}

static int teardown(void **state) {
    struct pair *p = *state;
    support_free(p->one);
    support_free(p->two);
    return 0;
}

static struct support_beat next(struct support *s, uint64_t now_ns) {
    struct support_beat b;
    assert_true(support_next_beat(s, now_ns, &b));
    return b;
}

static struct support_ack heard(struct pair *p, uint64_t now_ns, const struct support_beat *b) {
    struct support_ack a;
    assert_int_equal(support_recv_beat(p->two, now_ns, b, &a), TC_OK);
    return a;
}

static void a_beat_supports_for_a_lease(void **state) {
    struct pair *p = *state;
    struct support_beat b = next(p->one, 200 * MS);
    struct support_ack a = heard(p, 5000 * MS, &b);
    assert_int_equal(support_until_ns(p->two, p->one_at_two, 7), 6000 * MS);
    assert_int_equal(support_until_ns(p->two, p->one_at_two, 6), 0);
    assert_true(support_hears(p->two, p->one_at_two, 7, 5499 * MS));
    assert_false(support_hears(p->two, p->one_at_two, 7, 5500 * MS));
    support_recv_ack(p->one, 210 * MS, &a);
    assert_int_equal(support_echo_ns(p->one, p->two_at_one), 200 * MS);
    assert_int_equal(support_acker_boot(p->one, p->two_at_one), 9);
    assert_true(support_take_changed(p->one));
    assert_false(support_take_changed(p->one));
}

static void an_older_beat_is_dropped(void **state) {
    struct pair *p = *state;
    struct support_ack a;
    struct support_beat first = next(p->one, 200 * MS);
    struct support_beat second = next(p->one, 400 * MS);
    (void)heard(p, 1000 * MS, &second);
    assert_int_equal(support_recv_beat(p->two, 1001 * MS, &first, &a), TC_EINVAL);
    assert_int_equal(support_recv_beat(p->two, 1001 * MS, &second, &a), TC_EINVAL);
    second.to[0] = 3;
    second.sent_ns++;
    assert_int_equal(support_recv_beat(p->two, 1001 * MS, &second, &a), TC_EINVAL);
    assert_int_equal(support_until_ns(p->two, p->one_at_two, 7), 2000 * MS);
}

/* A member that lags behind a change of members does not know its leader's store yet: were it
 * silent, a quiet leader would wait for it for ever (the store simulator, seed 20406). */
static void a_stranger_is_answered(void **state) {
    struct pair *p = *state;
    struct support_ack a;
    struct support_beat b = next(p->one, 200 * MS);
    b.from[0] ^= 0x55;
    assert_int_equal(support_find(p->two, b.from), 0);
    assert_int_equal(support_recv_beat(p->two, 1000 * MS, &b, &a), TC_OK);
    assert_true(a.to_boot == b.boot && a.echo_ns == b.sent_ns && a.epoch == 1);
    assert_int_not_equal(support_find(p->two, b.from), 0);
    struct support_beat none;
    while (support_next_beat(p->two, 5000 * MS, &none))
        assert_memory_not_equal(none.to, b.from, sizeof b.from); /* it is not held */
}

static void a_new_process_inherits_nothing(void **state) {
    struct pair *p = *state;
    struct support_beat b = next(p->one, 200 * MS);
    (void)heard(p, 1000 * MS, &b);
    b.boot = 8;
    b.sent_ns = 1;
    (void)heard(p, 1100 * MS, &b);
    assert_int_equal(support_until_ns(p->two, p->one_at_two, 7), 0);
    assert_int_equal(support_until_ns(p->two, p->one_at_two, 8), 2100 * MS);
    assert_int_equal(support_fresh_ns(p->two, p->one_at_two, 7), 0);
}

static void a_raised_epoch_voids_what_was_acknowledged(void **state) {
    struct pair *p = *state;
    struct support_beat b = next(p->one, 200 * MS);
    struct support_ack before = heard(p, 1000 * MS, &b);
    support_recv_ack(p->one, 210 * MS, &before);
    support_raise(p->two, p->one_at_two, 1);
    support_raise(p->two, p->one_at_two, 1); /* a second group of the same lapse */
    assert_int_equal(support_epoch(p->two, p->one_at_two), 2);
    b = next(p->one, 400 * MS);
    struct support_ack after = heard(p, 1200 * MS, &b);
    support_recv_ack(p->one, 410 * MS, &after);
    assert_int_equal(support_acker_epoch(p->one, p->two_at_one), 2);
    support_recv_ack(p->one, 411 * MS, &before); /* late */
    assert_int_equal(support_acker_epoch(p->one, p->two_at_one), 2);
    assert_int_equal(support_echo_ns(p->one, p->two_at_one), 400 * MS);
}

static void a_clock_jump_voids_older_echoes(void **state) {
    struct pair *p = *state;
    struct support_beat b = next(p->one, 200 * MS);
    struct support_ack a = heard(p, 1000 * MS, &b);
    support_void(p->one, 300 * MS);
    support_recv_ack(p->one, 310 * MS, &a);
    assert_int_equal(support_echo_ns(p->one, p->two_at_one), 0);
}

static void wakes_are_listed_until_acknowledged(void **state) {
    struct pair *p = *state;
    struct support_beat first = next(p->one, 200 * MS);
    struct support_ack old = heard(p, 1000 * MS, &first);
    support_wake(p->one, p->two_at_one, (struct support_wake){.gid = 5, .number = 3});
    struct support_beat b = next(p->one, 400 * MS);
    assert_int_equal(b.wake_count, 1);
    assert_int_equal(b.wakes[0].gid, 5);
    support_recv_ack(p->one, 410 * MS, &old); /* of a beat that did not list it */
    b = next(p->one, 500 * MS);
    assert_int_equal(b.wake_count, 1);
    struct support_ack a = heard(p, 1300 * MS, &b);
    support_recv_ack(p->one, 510 * MS, &a);
    b = next(p->one, 700 * MS);
    assert_int_equal(b.wake_count, 0);
}

static void too_many_wakes_vouch_for_nothing(void **state) {
    struct pair *p = *state;
    for (uint64_t i = 0; i <= SUPPORT_WAKES_MAX; i++)
        support_wake(p->one, p->two_at_one, (struct support_wake){.gid = i, .number = 1});
    struct support_beat b = next(p->one, 200 * MS);
    assert_true(b.partial);
    assert_int_equal(b.wake_count, SUPPORT_WAKES_MAX);
    struct support_ack a = heard(p, 1000 * MS, &b);
    assert_int_equal(support_fresh_ns(p->two, p->one_at_two, 7), 0);
    support_recv_ack(p->one, 210 * MS, &a);
    b = next(p->one, 400 * MS);
    assert_false(b.partial);
    assert_int_equal(b.wake_count, 1);
    assert_int_equal(b.wakes[0].gid, SUPPORT_WAKES_MAX);
}

static void silence_is_told_once(void **state) {
    struct pair *p = *state;
    struct support_beat b = next(p->one, 200 * MS);
    (void)heard(p, 1000 * MS, &b);
    assert_true(support_take_changed(p->two));
    assert_int_equal(support_deadline_ns(p->two), 0); /* its own beat is due */
    (void)next(p->two, 1000 * MS);
    support_drop(p->two, p->one_at_two);
    assert_int_equal(support_deadline_ns(p->two), 1500 * MS);
    support_tick(p->two, 1500 * MS);
    assert_true(support_take_changed(p->two));
    support_tick(p->two, 1600 * MS);
    assert_false(support_take_changed(p->two));
    assert_int_equal(support_deadline_ns(p->two), UINT64_MAX);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_beat_supports_for_a_lease),
        T(an_older_beat_is_dropped),
        T(a_stranger_is_answered),
        T(a_new_process_inherits_nothing),
        T(a_raised_epoch_voids_what_was_acknowledged),
        T(a_clock_jump_voids_older_echoes),
        T(wakes_are_listed_until_acknowledged),
        T(too_many_wakes_vouch_for_nothing),
        T(silence_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
