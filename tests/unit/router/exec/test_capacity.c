#include "tests.h"

/* Worked examples: half a unit for each 4 KB read eventually, one when consistent. */
void capacity_of_reads(void **state) {
    (void)state;
    assert_int_equal(exec__read_mu(0, true), 1000);
    assert_int_equal(exec__read_mu(1, true), 1000);
    assert_int_equal(exec__read_mu(4096, true), 1000);
    assert_int_equal(exec__read_mu(4097, true), 2000);
    assert_int_equal(exec__read_mu(0, false), 500);
    assert_int_equal(exec__read_mu(4096, false), 500);
    assert_int_equal(exec__read_mu(9000, false), 1500);
    assert_int_equal(exec__read_mu(1024 * 1024, true), 256000);
}

/* The larger of the old and the new item, in units of 1 KB, at least one. */
void capacity_of_writes(void **state) {
    (void)state;
    assert_int_equal(exec__write_mu(0, 0), 1000);
    assert_int_equal(exec__write_mu(0, 1024), 1000);
    assert_int_equal(exec__write_mu(1025, 3), 2000);
    assert_int_equal(exec__write_mu(3, 1025), 2000);
    assert_int_equal(exec__write_mu(0, 400 * 1024), 400000);
}
