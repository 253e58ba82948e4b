#include "tests.h"

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(range_of_strings),  cmocka_unit_test(range_of_binaries),
        cmocka_unit_test(range_of_numbers),  cmocka_unit_test(range_without_sort_key),
        cmocka_unit_test(key_of_item),       cmocka_unit_test(key_of_item_refusals),
        cmocka_unit_test(key_of_key),        cmocka_unit_test(key_projected),
        cmocka_unit_test(capacity_of_reads), cmocka_unit_test(capacity_of_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
