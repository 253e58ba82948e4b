/* The canary against a router of a few lines: a table that must be made first, answers that are
 * right, refused, late, or lie. */
#include "shell_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum fake_mode {
    FAKE_HONEST,
    FAKE_REFUSES, /* every write is throttled */
    FAKE_FORGETS, /* acknowledges writes and drops them */
    FAKE_LATE,    /* applies a write, then lets the client time out */
};

struct fake {
    struct MHD_Daemon *http;
    uint16_t port;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum fake_mode mode;
    bool has_table;
    unsigned long long counter;
    int creates, gets, puts, unsigned_count;
};

struct upload {
    char text[2048];
    size_t len;
};

static enum MHD_Result respond(struct MHD_Connection *c, unsigned status, const char *text) {
    struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                                             MHD_RESPMEM_MUST_COPY);
    enum MHD_Result ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

static const char throttled[] =
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ThrottlingException\",\"message\":\"slow "
    "\\\"down\\\"\"}";
static const char no_table[] =
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException\"}";

/* Lock held. The answer's text, or NULL to stay silent until the client has gone. */
static const char *serve(struct fake *f, const char *target, const char *body, unsigned *status,
                         char *text, size_t text_bytes) {
    *status = 200;
    if (strstr(target, "CreateTable")) {
        f->creates++;
        f->has_table = true;
        return "{}";
    }
    *status = 400;
    if (!f->has_table)
        return no_table;
    if (strstr(target, "GetItem")) {
        f->gets++;
        *status = 200;
        snprintf(text, text_bytes, "{\"Item\":{\"pk\":{\"S\":\"x\"},\"n\":{\"N\":\"%llu\"}}}",
                 f->counter);
        return f->counter ? text : "{}";
    }
    f->puts++;
    if (f->mode == FAKE_REFUSES)
        return throttled;
    const char *n = strstr(body, "\"n\":{\"N\":\"");
    if (f->mode != FAKE_FORGETS && n)
        f->counter = strtoull(n + 10, NULL, 10);
    *status = 200;
    return f->mode == FAKE_LATE ? NULL : "{}";
}

static enum MHD_Result handle(void *user, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_bytes, void **state) {
    struct fake *f = user;
    struct upload *u = *state;
    (void)url, (void)method, (void)version;
    if (u == NULL) {
        *state = calloc(1, sizeof *u);
        return MHD_YES;
    }
    if (*data_bytes > 0) {
        size_t len = *data_bytes < sizeof u->text - 1 - u->len ? *data_bytes : 0;
        memcpy(u->text + u->len, data, len);
        u->len += len;
        *data_bytes = 0;
        return MHD_YES;
    }
    const char *target = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "X-Amz-Target");
    const char *auth = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
    char text[256];
    unsigned status = 0;
    pthread_mutex_lock(&f->lock);
    f->unsigned_count += auth == NULL || strncmp(auth, "AWS4-HMAC-SHA256 ", 17) != 0;
    const char *answer = serve(f, target ? target : "", u->text, &status, text, sizeof text);
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    if (answer == NULL) {
        struct timespec late = {.tv_nsec = 150000000}; /* three times the client's patience */
        nanosleep(&late, NULL);
        answer = "{}";
    }
    return respond(c, status, answer);
}

static void completed(void *user, struct MHD_Connection *c, void **state,
                      enum MHD_RequestTerminationCode why) {
    (void)user, (void)c, (void)why;
    free(*state);
    *state = NULL;
}

static struct canary_options options;
static struct canary_metrics metrics;

struct fixture {
    struct fake fake;
    struct daemon_metrics *metrics;
    struct probe probe;
    char router[64];
};

static void fixture_start(struct fixture *x, enum fake_mode mode, bool has_table) {
    *x = (struct fixture){.fake = {.mode = mode, .has_table = has_table}};
    pthread_mutex_init(&x->fake.lock, NULL);
    pthread_cond_init(&x->fake.changed, NULL);
    x->fake.http = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD,
                                    0, NULL, NULL, handle, &x->fake, MHD_OPTION_NOTIFY_COMPLETED,
                                    completed, NULL, MHD_OPTION_END);
    assert_non_null(x->fake.http);
    x->fake.port = MHD_get_daemon_info(x->fake.http, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(x->router, sizeof x->router, "127.0.0.1:%u", x->fake.port);
    x->metrics = daemon_metrics_new();
    daemon_metrics_add(x->metrics, canary_metrics_table(), &metrics);
    options = (struct canary_options){.interval_ms = 10,
                                      .timeout_ms = mode == FAKE_LATE ? 50 : 10000,
                                      .window_ms = 100,
                                      .https_ca = "",
                                      .region = "us-east-1",
                                      .access_key = "id",
                                      .secret_key = "secret"};
    struct probe_config c = {.options = &options,
                             .metrics = &metrics,
                             .router = x->router,
                             .node = "canary-a",
                             .zone = "a"};
    assert_int_equal(probe_start(&x->probe, &c), TC_OK);
}

static void wait_for(struct fixture *x, const int *value, int least) {
    pthread_mutex_lock(&x->fake.lock);
    while (*value < least)
        pthread_cond_wait(&x->fake.changed, &x->fake.lock);
    pthread_mutex_unlock(&x->fake.lock);
}

static struct probe_state fixture_stop(struct fixture *x) {
    daemon_mailbox_close(daemon_worker_mailbox(x->probe.worker));
    struct probe_state s = {0};
    do
        s = probe_state(&x->probe);
    while (s.ok_count + s.failed_count == 0);
    probe_stop(&x->probe);
    MHD_stop_daemon(x->fake.http);
    pthread_mutex_destroy(&x->fake.lock);
    pthread_cond_destroy(&x->fake.changed);
    return s;
}

static uint64_t outcome(struct fixture *x, const char *name) {
    return daemon_metric_value(daemon_metric_with(metrics.requests_total, x->router, name));
}

static void test_honest(void **state) {
    (void)state;
    struct fixture x;
    fixture_start(&x, FAKE_HONEST, /* has_table= */ false);
    wait_for(&x, &x.fake.puts, 12);
    struct probe_state s = fixture_stop(&x);
    assert_int_equal(x.fake.creates, 1);
    assert_int_equal(x.fake.unsigned_count, 0);
    assert_int_equal(s.failed_count, 0);
    assert_int_equal(s.inconsistent_count, 0);
    assert_true(s.ok_count >= 20 && outcome(&x, "ok") >= 20);
    assert_true(x.fake.counter >= 12);
    struct daemon_metric *ppm = daemon_metric_with(metrics.availability_ppm, x.router, NULL);
    assert_int_equal(daemon_metric_value(ppm), 1000000);
    daemon_metrics_free(x.metrics);
}

static void test_refused(void **state) {
    (void)state;
    struct fixture x;
    fixture_start(&x, FAKE_REFUSES, /* has_table= */ true);
    wait_for(&x, &x.fake.puts, 3);
    struct probe_state s = fixture_stop(&x);
    assert_true(outcome(&x, "ThrottlingException") >= 2);
    assert_int_equal(s.inconsistent_count, 0);
    assert_string_equal(s.last_error, "PutItem ThrottlingException: slow 'down'");
    daemon_metrics_free(x.metrics);
}

static void test_lost_writes(void **state) {
    (void)state;
    struct fixture x;
    fixture_start(&x, FAKE_FORGETS, /* has_table= */ true);
    wait_for(&x, &x.fake.gets, 6);
    struct probe_state s = fixture_stop(&x);
    assert_true(s.inconsistent_count >= 1);
    assert_int_equal(s.failed_count, 0);
    assert_non_null(strstr(s.last_error, "out of bounds"));
    daemon_metrics_free(x.metrics);
}

/* A write of unknown outcome may or may not be there: both are fine, and it counts as failed. */
static void test_unknown_outcome(void **state) {
    (void)state;
    struct fixture x;
    fixture_start(&x, FAKE_LATE, /* has_table= */ true);
    wait_for(&x, &x.fake.puts, 4);
    struct probe_state s = fixture_stop(&x);
    assert_true(outcome(&x, "timeout") >= 3);
    assert_int_equal(s.inconsistent_count, 0);
    daemon_metrics_free(x.metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lost_writes),
        cmocka_unit_test(test_unknown_outcome),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
