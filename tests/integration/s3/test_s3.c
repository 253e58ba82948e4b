/* The S3 store against a server of somebody else's making that verifies signatures.
 *
 * Environment: TERCET_S3_ENDPOINT, _BUCKET, _KEY_ID, _SECRET; optional _VIRTUAL_ENDPOINT (bucket as
 * host name), _TLS_ENDPOINT with _CA, _FLAKY_ENDPOINT. run.sh sets them. */
#include "check_store.h"

#include "env/posix/posix.h"

#include <stdio.h>

static struct posix_clock system_clock;

static struct objstore_s3_config config(void) {
    posix_clock_init(&system_clock);
    return (struct objstore_s3_config){
        .endpoint = getenv("TERCET_S3_ENDPOINT"),
        .bucket = getenv("TERCET_S3_BUCKET"),
        .region = "us-east-1",
        .prefix = "tercet/test/",
        .key_id = getenv("TERCET_S3_KEY_ID"),
        .secret = getenv("TERCET_S3_SECRET"),
        .deadline_ms = 10000,
        .clock = &system_clock.clock,
    };
}

static void test_conformance(void **state) {
    (void)state;
    struct objstore_s3_config c = config();
    struct objstore *o = NULL;
    OK(objstore_s3_new(&c, &o));
    check_store(o);
    check_long_list(o);
    objstore_free(o);
}

static void test_virtual_host(void **state) {
    (void)state;
    struct objstore_s3_config c = config();
    c.endpoint = getenv("TERCET_S3_VIRTUAL_ENDPOINT");
    c.virtual_host = true;
    if (c.endpoint == NULL)
        skip();
    struct objstore *o = NULL;
    OK(objstore_s3_new(&c, &o));
    check_store(o);
    objstore_free(o);
}

static void test_tls(void **state) {
    (void)state;
    struct objstore_s3_config c = config();
    c.endpoint = getenv("TERCET_S3_TLS_ENDPOINT");
    if (c.endpoint == NULL)
        skip();
    struct objstore *o = NULL;
    struct tc_buf out = {0};
    OK(objstore_s3_new(&c, &o));
    assert_int_equal(objstore_get(o, "none", &out), TC_EAUTH); /* unknown authority */
    objstore_free(o);
    c.ca_file = getenv("TERCET_S3_CA");
    OK(objstore_s3_new(&c, &o));
    check_store(o);
    objstore_free(o);
}

static void refused(const struct objstore_s3_config *c) {
    struct objstore *o = NULL;
    struct tc_buf out = {0};
    uint64_t size = 0;
    bool more = false;
    OK(objstore_s3_new(c, &o));
    assert_int_equal(objstore_put(o, "a", TC_SLICE_LIT("x")), TC_EAUTH);
    assert_int_equal(objstore_get(o, "a", &out), TC_EAUTH);
    assert_int_equal(objstore_head(o, "a", &size), TC_EAUTH);
    assert_int_equal(objstore_list(o, "", NULL, NULL, NULL, &more), TC_EAUTH);
    assert_int_equal(objstore_remove(o, "a"), TC_EAUTH);
    objstore_free(o);
}

static void test_wrong_secret_is_refused(void **state) {
    (void)state;
    struct objstore_s3_config c = config();
    c.secret = "not-the-secret";
    refused(&c);
    c = config();
    c.key_id = "nobody";
    refused(&c);
}

static void count(void *user, const char *key, uint64_t size_bytes) {
    (void)key;
    *(uint64_t *)user += size_bytes;
}

/* Half of all attempts fail, some after they took effect: every call still ends well. */
static void test_flaky_server(void **state) {
    (void)state;
    struct objstore_s3_config c = config();
    c.endpoint = getenv("TERCET_S3_FLAKY_ENDPOINT");
    c.attempts_max = 20;
    c.deadline_ms = 60000;
    if (c.endpoint == NULL)
        skip();
    struct objstore *o = NULL;
    char key[32];
    OK(objstore_s3_new(&c, &o));
    for (int i = 0; i < 40; i++) {
        struct tc_buf out = {0};
        uint64_t size = 0;
        snprintf(key, sizeof key, "flaky/%02d", i);
        OK(objstore_put(o, key, tc_slice_str(key)));
        OK(objstore_get(o, key, &out));
        assert_true(tc_slice_eq(tc_buf_slice(&out), tc_slice_str(key)));
        OK(objstore_head(o, key, &size));
        assert_int_equal(size, 8);
        tc_buf_deinit(&out);
    }
    uint64_t bytes = 0;
    bool more = true;
    OK(objstore_list(o, "flaky/", NULL, count, &bytes, &more));
    assert_true(bytes == 40 * 8 && !more);
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "flaky/%02d", i);
        assert_int_equal(objstore_put(o, key, TC_SLICE_LIT("other")), TC_EEXISTS);
        OK(objstore_remove(o, key));
    }
    objstore_free(o);
}

static void test_nobody_listens(void **state) {
    (void)state;
    struct objstore_s3_config c = config();
    struct objstore *o = NULL;
    struct tc_buf out = {0};
    c.endpoint = "http://127.0.0.1:1";
    c.deadline_ms = 300;
    OK(objstore_s3_new(&c, &o));
    assert_int_equal(objstore_get(o, "a", &out), TC_EUNAVAILABLE);
    objstore_free(o);
    c.endpoint = "ftp://127.0.0.1";
    assert_int_equal(objstore_s3_new(&c, &o), TC_EINVAL);
    c.endpoint = "http://h/path";
    assert_int_equal(objstore_s3_new(&c, &o), TC_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conformance),  cmocka_unit_test(test_virtual_host),
        cmocka_unit_test(test_tls),          cmocka_unit_test(test_wrong_secret_is_refused),
        cmocka_unit_test(test_flaky_server), cmocka_unit_test(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
