/* The tests of daemon, one file a part. */
#ifndef TC_TESTS_DAEMON_TESTS_H
#define TC_TESTS_DAEMON_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void test_options_defaults(void **state);
void test_options_order(void **state);
void test_options_refusals(void **state);
void test_options_texts(void **state);
void test_metrics_text(void **state);
void test_metrics_buckets(void **state);
void test_metrics_bound(void **state);
void test_log_lines(void **state);
void test_log_limits(void **state);
void test_mailbox_bound(void **state);
void test_mailbox_eventfd(void **state);
void test_worker_order(void **state);
void test_worker_timer(void **state);
void test_admin(void **state);
void test_life(void **state);
void test_notify(void **state);

#endif
