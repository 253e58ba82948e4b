#include "core/disk/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS       UINT64_C(1000000)
#define S        (1000 * MS)
#define GIB      (UINT64_C(1) << 30)
#define WALL     (UINT64_C(1700000000) * S)
#define START_NS (5 * S)

static struct disk make(void) {
    struct disk d;
    struct disk_options o = disk_options_default();
    disk_init(&d, &o);
    return d;
}

static enum disk_fill fill_at(struct disk *d, uint64_t used_percent) {
    d->options.ample_bytes = UINT64_MAX;
    disk_space(d, 100 * GIB, (100 - used_percent) * GIB);
    assert_true(disk_check(d));
    return d->fill;
}

static void test_steps_of_fullness(void **state) {
    (void)state;
    struct disk d = make();
    assert_int_equal(fill_at(&d, 80), DISK_ROOMY);
    assert_int_equal(fill_at(&d, 85), DISK_NO_REPLICAS);
    assert_false(disk_takes_replicas(&d, START_NS, WALL));
    assert_true(disk_may_lead(&d, START_NS, WALL));
    assert_int_equal(fill_at(&d, 91), DISK_NO_LEADERS);
    assert_false(disk_may_lead(&d, START_NS, WALL));
    assert_true(disk_takes_writes(&d));
    assert_int_equal(fill_at(&d, 99), DISK_NO_WRITES);
    assert_false(disk_takes_writes(&d));
}

static void test_a_step_is_left_below_its_limit(void **state) {
    (void)state;
    struct disk d = make();
    assert_int_equal(fill_at(&d, 95), DISK_NO_WRITES);
    assert_int_equal(fill_at(&d, 94), DISK_NO_WRITES);
    assert_int_equal(fill_at(&d, 92), DISK_NO_LEADERS);
    assert_int_equal(fill_at(&d, 84), DISK_NO_REPLICAS);
    assert_int_equal(fill_at(&d, 10), DISK_ROOMY);
}

static void test_five_percent_of_a_large_disk_is_ample(void **state) {
    (void)state;
    struct disk d = make();
    disk_space(&d, 20000 * GIB, 200 * GIB);
    assert_int_equal(d.fill, DISK_ROOMY);
    disk_space(&d, 20000 * GIB, 15 * GIB);
    assert_int_equal(d.fill, DISK_NO_WRITES);
    disk_space(&d, UINT64_MAX, 1);
    assert_int_equal(d.used_permille, 1000);
    disk_space(&d, 0, 0);
    assert_int_equal(d.fill, DISK_NO_WRITES);
    disk_space(&d, 7, 7);
    assert_true(disk_check(&d));
}

/* Writes of ms each, back to back, for seconds. */
static uint64_t write_for(struct disk *d, uint64_t now_ns, uint64_t ms, uint64_t seconds) {
    uint64_t end_ns = now_ns + seconds * S;
    while (now_ns < end_ns) {
        disk_write_began(d, now_ns);
        now_ns += ms * MS;
        disk_write_ended(d, now_ns);
        disk_tick(d, now_ns);
    }
    return now_ns;
}

static void test_slow_is_treated_as_failed(void **state) {
    (void)state;
    struct disk d = make();
    uint64_t now_ns = write_for(&d, START_NS, 5, 60);
    assert_false(d.slow);
    now_ns = write_for(&d, now_ns, 300, 21);
    assert_true(d.slow);
    assert_false(disk_may_lead(&d, now_ns, WALL));
    assert_false(disk_takes_replicas(&d, now_ns, WALL));
    assert_null(disk_drain(&d, now_ns, WALL));
    now_ns = write_for(&d, now_ns, 300, 601);
    assert_non_null(disk_drain(&d, now_ns, WALL));
    now_ns = write_for(&d, now_ns, 5, 30);
    assert_true(disk_may_lead(&d, now_ns, WALL));
    assert_null(disk_drain(&d, now_ns, WALL));
}

static void test_one_write_that_never_ends_is_slow(void **state) {
    (void)state;
    struct disk d = make();
    disk_write_began(&d, START_NS);
    for (uint64_t s = 1; s <= 21; s++)
        disk_tick(&d, START_NS + s * S);
    assert_true(d.slow);
    assert_int_equal(disk_outstanding_ns(&d, START_NS + 21 * S), 21 * S);
    disk_write_ended(&d, START_NS + 22 * S);
    assert_int_equal(disk_outstanding_ns(&d, START_NS + 23 * S), 0);
}

/* A slow write now and then is what disks do. */
static void test_a_few_slow_writes_are_not_a_slow_disk(void **state) {
    (void)state;
    struct disk d = make();
    uint64_t now_ns = START_NS;
    for (int i = 0; i < 20; i++) {
        now_ns = write_for(&d, now_ns, 1000, 1);
        now_ns = write_for(&d, now_ns, 2, 4);
    }
    assert_false(d.slow);
}

static void test_second_error_within_a_day_drains(void **state) {
    (void)state;
    struct disk d = make();
    disk_error(&d, WALL);
    assert_null(disk_drain(&d, START_NS, WALL));
    disk_error(&d, WALL); /* the same one, read from two places */
    assert_int_equal(disk_errors(&d, WALL), 1);
    disk_error(&d, WALL + 3600 * S);
    assert_non_null(disk_drain(&d, START_NS, WALL + 3601 * S));
    assert_null(disk_drain(&d, START_NS, WALL + 86400 * S));
    assert_int_equal(disk_errors(&d, WALL + 90001 * S), 0);
    assert_int_equal(disk_errors(&d, WALL - 50 * S), 2);
}

static void test_record_survives_a_restart(void **state) {
    (void)state;
    struct disk d = make(), again = make();
    uint8_t bytes[DISK_RECORD_BYTES_MAX];
    for (uint64_t i = 0; i < 3 * DISK_ERRORS_MAX; i++) {
        disk_error(&d, WALL + (i * 7 % 11) * S);
        assert_true(disk_check(&d));
    }
    size_t len = disk_record_encode(&d, bytes);
    assert_int_equal(len, DISK_RECORD_BYTES_MAX);
    assert_int_equal(disk_record_decode(&again, tc_slice(bytes, len)), TC_OK);
    assert_memory_equal(again.errors, d.errors, sizeof d.errors);
    assert_int_equal(disk_record_decode(&again, tc_slice(bytes, len - 1)), TC_ECORRUPT);
    bytes[0] = 2;
    assert_int_equal(disk_record_decode(&again, tc_slice(bytes, len)), TC_ECORRUPT);
    bytes[0] = 1;
    bytes[1] = 200;
    assert_int_equal(disk_record_decode(&again, tc_slice(bytes, len)), TC_ECORRUPT);
}

static void test_options_that_cannot_be(void **state) {
    (void)state;
    struct disk_options o = disk_options_default();
    assert_true(disk_options_sound(&o));
    o.no_leaders_permille = 840;
    assert_false(disk_options_sound(&o));
    o = disk_options_default();
    o.no_writes_permille = 1001;
    assert_false(disk_options_sound(&o));
    assert_string_equal(disk_fill_name(DISK_NO_WRITES), "no writes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_of_fullness),
        cmocka_unit_test(test_a_step_is_left_below_its_limit),
        cmocka_unit_test(test_five_percent_of_a_large_disk_is_ample),
        cmocka_unit_test(test_slow_is_treated_as_failed),
        cmocka_unit_test(test_one_write_that_never_ends_is_slow),
        cmocka_unit_test(test_a_few_slow_writes_are_not_a_slow_disk),
        cmocka_unit_test(test_second_error_within_a_day_drains),
        cmocka_unit_test(test_record_survives_a_restart),
        cmocka_unit_test(test_options_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
