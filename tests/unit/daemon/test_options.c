#include "tests.h"

#include "daemon/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEST_OPTIONS(X)                                                                            \
    X(STRING, config, "", 0, 4096, "file", "further options")                                      \
    X(U64, cache_bytes, "1M", 1024, 1 << 30, "bytes", "memory for pages")                          \
    X(BOOL, fast, "false", 0, 0, "", "skip nothing")                                               \
    X(DURATION, interval_ms, "1s", 10, 3600000, "ms", "time between probes")                       \
    X(STRING, name, "none", 1, 8, "name", "a name")                                                \
    X(ADDRS, routers, "", 1, 3, "host:port,...", "whom to ask")

DAEMON_OPTIONS(test_options, "Test", TEST_OPTIONS)

static tc_err parse(struct daemon_options *o, struct test_options *v, const char *const *args,
                    char **env) {
    char *argv[16];
    int argc = 0;
    for (; args[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)args[argc];
    *o = (struct daemon_options){0};
    daemon_options_add(o, test_options_table(), v);
    return daemon_options_parse(o, argc, argv, env, NULL);
}

#define ARGS(...) ((const char *const[]){"prog", __VA_ARGS__, NULL})

void test_options_defaults(void **state) {
    (void)state;
    struct daemon_options o;
    struct test_options v;
    assert_int_equal(parse(&o, &v, (const char *const[]){"prog", NULL}, NULL), TC_OK);
    assert_int_equal(v.cache_bytes, 1 << 20);
    assert_int_equal(v.interval_ms, 1000);
    assert_false(v.fast);
    assert_string_equal(v.name, "none");
    assert_int_equal(v.routers.count, 0);
    daemon_options_deinit(&o);
}

void test_options_order(void **state) {
    (void)state;
    char path[] = "/tmp/tercet-options-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "# a comment\nname = file\ninterval-ms = 2m\r\n\n"
                               "routers=a:1, \ncache_bytes = 2K";
    assert_true(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(fd);
    char env_name[] = "TERCET_NAME=env", env_cache[] = "TERCET_CACHE_BYTES=3K";
    char env_other[] = "TERCET_UNKNOWN=1";
    char *env[] = {env_name, env_cache, env_other, NULL};
    struct daemon_options o;
    struct test_options v;
    /* The file's "a:1," is refused: a comma wants another address. */
    assert_int_equal(parse(&o, &v, ARGS("--config", path), env), TC_EINVAL);
    assert_non_null(strstr((const char *)o.problem.data, "HOST:PORT"));
    daemon_options_deinit(&o);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("name = file\ninterval-ms = 2m\nfast = yes\ncache_bytes = 2K\n", f);
    fclose(f);
    assert_int_equal(parse(&o, &v, ARGS("--cache-bytes=4K", "--config", path), env), TC_OK);
    assert_int_equal(v.cache_bytes, 4096);   /* flag */
    assert_string_equal(v.name, "env");      /* environment over file */
    assert_int_equal(v.interval_ms, 120000); /* file over default */
    assert_true(v.fast);
    daemon_options_deinit(&o);
    assert_int_equal(parse(&o, &v, ARGS("--no-fast", "--config", path), NULL), TC_OK);
    assert_false(v.fast);
    assert_string_equal(v.name, "file");
    daemon_options_deinit(&o);
    unlink(path);
}

static void refused(const char *const *args, const char *says) {
    struct daemon_options o;
    struct test_options v;
    assert_int_equal(parse(&o, &v, args, NULL), TC_EINVAL);
    tc_buf_append_u8(&o.problem, 0);
    if (strstr((const char *)o.problem.data, says) == NULL)
        fail_msg("'%s' does not say '%s'", (const char *)o.problem.data, says);
    daemon_options_deinit(&o);
}

void test_options_refusals(void **state) {
    (void)state;
    refused(ARGS("--nonsense"), "no option '--nonsense'");
    refused(ARGS("stray"), "no option 'stray'");
    refused(ARGS("--name"), "wants a value");
    refused(ARGS("--name", "123456789"), "1 to 8 bytes");
    refused(ARGS("--name="), "1 to 8 bytes");
    refused(ARGS("--cache-bytes", "1"), "1024 to 1073741824");
    refused(ARGS("--cache-bytes", "2G"), "1024 to 1073741824");
    refused(ARGS("--cache-bytes", "99999999999999999999"), "must be a number");
    refused(ARGS("--cache-bytes", "-5"), "must be a number");
    refused(ARGS("--interval-ms", "5 s"), "duration");
    refused(ARGS("--interval-ms", "2h"), "10 to 3600000 ms");
    refused(ARGS("--fast=maybe"), "true or false");
    refused(ARGS("--routers", "a"), "HOST:PORT");
    refused(ARGS("--routers", "a:1,b:2,c:3,d:4"), "HOST:PORT");
    refused(ARGS("--routers", "a:65536"), "HOST:PORT");
    refused(ARGS("--routers", ":1"), "HOST:PORT");
    refused(ARGS("--routers", ""), "HOST:PORT");
    refused(ARGS("--config", "/nonexistent/x"), "cannot read");
}

void test_options_texts(void **state) {
    (void)state;
    struct daemon_options o;
    struct test_options v;
    assert_int_equal(parse(&o, &v, ARGS("--routers", "a:1,[::1]:2"), NULL), TC_OK);
    assert_int_equal(v.routers.count, 2);
    assert_string_equal(v.routers.items[1], "[::1]:2");
    struct tc_buf text = {0};
    daemon_options_help(&o, &text);
    daemon_options_list(&o, &text);
    tc_buf_append_u8(&text, 0);
    assert_non_null(strstr((const char *)text.data, "--cache-bytes bytes"));
    assert_non_null(strstr((const char *)text.data, "default 1s; 10 to 3600000 ms"));
    assert_non_null(
        strstr((const char *)text.data, "interval-ms\tduration\t1s\t10\t3600000\tms\t"));
    tc_buf_deinit(&text);
    daemon_options_deinit(&o);
}
