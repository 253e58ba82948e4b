#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/archive/url.h"
#include "env/sim/sim.h"

static struct sim_fs *fs;
static struct sim_clock sim_clock;

static tc_err try_open(const char *url, const char *secret) {
    struct archive_url_env env = {.fs = sim_fs_fs(fs),
                                  .clock = &sim_clock.clock,
                                  .key_id = secret ? "id" : NULL,
                                  .secret = secret};
    struct objstore *store = NULL;
    tc_err err = archive_url_open(url, &env, &store);
    assert_true((err == TC_OK) == (store != NULL));
    objstore_free(store);
    return err;
}

static void directories(void **state) {
    (void)state;
    assert_int_equal(try_open("dir:a", NULL), TC_OK);
    assert_int_equal(try_open("dir:a", NULL), TC_OK);
    assert_int_equal(try_open("dir:no/such/parent", NULL), TC_ENOTFOUND);
    assert_int_equal(try_open("dir:", NULL), TC_EINVAL);
    assert_int_equal(try_open("", NULL), TC_EINVAL);
    assert_int_equal(try_open("/a", NULL), TC_EINVAL);
}

static void buckets(void **state) {
    (void)state;
    const char *good = "s3://b/some/prefix?endpoint=http://127.0.0.1:9000&region=eu&virtual=1";
    assert_int_equal(try_open(good, "secret"), TC_OK);
    assert_int_equal(try_open("s3://b?endpoint=http://127.0.0.1:9000", "secret"), TC_OK);
    assert_int_equal(try_open("s3://b/?endpoint=http://127.0.0.1:9000", "secret"), TC_OK);
    assert_int_equal(try_open(good, NULL), TC_EINVAL);
    assert_int_equal(try_open(good, ""), TC_EINVAL);
    assert_int_equal(try_open("s3://b", "secret"), TC_EINVAL);
    assert_int_equal(try_open("s3://b?region=x", "secret"), TC_EINVAL);
    assert_int_equal(try_open("s3://?endpoint=http://127.0.0.1:9000", "secret"), TC_EINVAL);
    assert_int_equal(try_open("s3://b?endpoint=http://h:1&color=red", "secret"), TC_EINVAL);
    assert_int_equal(try_open("s3://b?endpoint", "secret"), TC_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories),
        cmocka_unit_test(buckets),
    };
    fs = sim_fs_new(1);
    sim_clock_init(&sim_clock, 1, 1);
    int failed = cmocka_run_group_tests_name("archive url", tests, NULL, NULL);
    sim_fs_free(fs);
    return failed;
}
