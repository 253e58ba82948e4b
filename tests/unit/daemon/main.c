#include "tests.h"

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_defaults),
        cmocka_unit_test(test_options_order),
        cmocka_unit_test(test_options_refusals),
        cmocka_unit_test(test_options_texts),
        cmocka_unit_test(test_metrics_text),
        cmocka_unit_test(test_metrics_buckets),
        cmocka_unit_test(test_metrics_bound),
        cmocka_unit_test(test_log_lines),
        cmocka_unit_test(test_log_limits),
        cmocka_unit_test(test_mailbox_bound),
        cmocka_unit_test(test_mailbox_eventfd),
        cmocka_unit_test(test_worker_order),
        cmocka_unit_test(test_worker_timer),
        cmocka_unit_test(test_admin),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_notify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
