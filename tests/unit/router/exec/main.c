#include "tests.h"

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(range_of_strings),
        cmocka_unit_test(range_of_binaries),
        cmocka_unit_test(range_of_numbers),
        cmocka_unit_test(range_without_sort_key),
        cmocka_unit_test(key_of_item),
        cmocka_unit_test(key_of_item_refusals),
        cmocka_unit_test(key_of_key),
        cmocka_unit_test(key_projected),
        cmocka_unit_test(capacity_of_reads),
        cmocka_unit_test(capacity_of_writes),
        cmocka_unit_test(settings_decreases),
        cmocka_unit_test(settings_decreases_of_a_day),
        cmocka_unit_test(settings_throughput_limits),
        cmocka_unit_test(settings_billing_switches),
        cmocka_unit_test(settings_maxima),
        cmocka_unit_test(settings_warm),
        cmocka_unit_test(settings_warm_after_merge),
        cmocka_unit_test(settings_class),
        cmocka_unit_test(settings_ttl),
        cmocka_unit_test(settings_tags),
        cmocka_unit_test(index_is_recorded),
        cmocka_unit_test(index_numbers_go_round),
        cmocka_unit_test(index_has_limits),
        cmocka_unit_test(index_keeps_types),
        cmocka_unit_test(index_decreases),
        cmocka_unit_test(index_maxima_have_bounds),
        cmocka_unit_test(index_is_dropped),
        cmocka_unit_test(index_throughput_changes),
        cmocka_unit_test(index_follows_the_billing_mode),
        cmocka_unit_test(index_start_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
