#include "tests.h"

#include "base/prng.h"
#include "daemon/metrics_private.h"

#include <stdio.h>

#define TEST_METRICS(X)                                                                            \
    X(COUNTER, requests_total, "", "", "requests seen")                                            \
    X(COUNTER, errors_total, "", "table,op", "requests refused")                                   \
    X(GAUGE, lag_seconds, "seconds", "", "how far behind")                                         \
    X(GAUGE, depth, "", "", "entries waiting")                                                     \
    X(HISTOGRAM, latency_seconds, "seconds", "op", "time to answer")

DAEMON_METRICS(test_metrics, "test", TEST_METRICS)

static int64_t read_depth(void *user) {
    return *(int64_t *)user;
}

static void contains(const struct tc_buf *text, const char *line) {
    if (strstr((const char *)text->data, line) == NULL)
        fail_msg("no line '%s' in:\n%s", line, (const char *)text->data);
}

void test_metrics_text(void **state) {
    (void)state;
    struct daemon_metrics *m = daemon_metrics_new();
    struct test_metrics t;
    int64_t depth = -7;
    daemon_metrics_add(m, test_metrics_table(), &t);
    daemon_metric_add(t.requests_total, 3);
    daemon_metric_add(daemon_metric_with(t.errors_total, "a\"b\n", "Put"), 2);
    daemon_metric_add(daemon_metric_with(t.errors_total, "a\"b\n", "Put"), 1);
    daemon_metric_set(t.lag_seconds, -1500000000);
    daemon_metric_set_read(t.depth, read_depth, &depth);
    struct daemon_metric *h = daemon_metric_with(t.latency_seconds, "Get", NULL);
    daemon_metric_observe(h, 1000);
    daemon_metric_observe(h, 5000);
    daemon_metric_observe(h, UINT64_C(100) * 1000000000);
    struct tc_buf text = {0};
    daemon_metrics_text(m, &text);
    daemon_metrics_list(m, &text);
    tc_buf_append_u8(&text, 0);
    contains(&text, "# TYPE tercet_test_requests_total counter\ntercet_test_requests_total 3\n");
    contains(&text, "tercet_test_errors_total{table=\"a\\\"b\\n\",op=\"Put\"} 3\n");
    contains(&text, "tercet_test_lag_seconds -1.500000000\n");
    contains(&text, "tercet_test_depth -7\n");
    contains(&text, "tercet_test_latency_seconds_bucket{op=\"Get\",le=\"0.000001024\"} 1\n");
    contains(&text, "tercet_test_latency_seconds_bucket{op=\"Get\",le=\"0.000016384\"} 2\n");
    contains(&text, "tercet_test_latency_seconds_bucket{op=\"Get\",le=\"+Inf\"} 3\n");
    contains(&text, "tercet_test_latency_seconds_sum{op=\"Get\"} 100.000006000\n");
    contains(&text, "tercet_test_latency_seconds_count{op=\"Get\"} 3\n");
    contains(&text, "tercet_test_errors_total\tcounter\t\ttable,op\trequests refused\n");
    tc_buf_deinit(&text);
    daemon_metrics_free(m);
}

void test_metrics_buckets(void **state) {
    (void)state;
    struct tc_prng prng = tc_prng(3);
    for (size_t b = 0; b + 1 < DAEMON_HISTOGRAM_BUCKETS; b++) {
        assert_int_equal(daemon__bucket_of(daemon__bucket_end(b)), b + 1);
        assert_int_equal(daemon__bucket_of(daemon__bucket_end(b) - 1), b);
    }
    assert_int_equal(daemon__bucket_of(UINT64_MAX), DAEMON_HISTOGRAM_BUCKETS - 1);
    struct daemon_metrics *m = daemon_metrics_new();
    struct test_metrics t;
    daemon_metrics_add(m, test_metrics_table(), &t);
    struct daemon_metric *h = daemon_metric_with(t.latency_seconds, "Get", NULL);
    assert_int_equal(daemon_metric_quantile(h, 500), 0);
    for (int i = 0; i < 1000; i++)
        daemon_metric_observe(h, tc_prng_between(&prng, 1000, 2000));
    uint64_t median = daemon_metric_quantile(h, 500), p99 = daemon_metric_quantile(h, 990);
    assert_true(median >= 1400 && median < 1800); /* a bucket is at most a quarter wide */
    assert_true(p99 >= 1980 && p99 < 2500);
    daemon_metrics_free(m);
}

void test_metrics_bound(void **state) {
    (void)state;
    struct daemon_metrics *m = daemon_metrics_new();
    struct test_metrics t;
    daemon_metrics_add(m, test_metrics_table(), &t);
    for (int i = 0; i < DAEMON_SERIES_MAX * 2; i++) {
        char table[32];
        snprintf(table, sizeof table, "t%d", i);
        daemon_metric_add(daemon_metric_with(t.errors_total, table, "Put"), 1);
    }
    struct daemon_metric *other = daemon_metric_with(t.errors_total, "new", "Get");
    assert_string_equal(other->labels[0], "other");
    assert_int_equal(daemon_metric_value(other), DAEMON_SERIES_MAX + 1);
    daemon_metrics_free(m);
}
