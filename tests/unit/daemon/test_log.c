#include "tests.h"

#include "daemon/log.h"

#include <string.h>
#include <unistd.h>

/* Everything written so far. */
static const char *drain(int fd) {
    static char text[65536];
    ssize_t len = read(fd, text, sizeof text - 1);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void ends_with(const char *text, const char *end) {
    size_t len = strlen(text), want = strlen(end);
    if (len < want || strcmp(text + len - want, end) != 0)
        fail_msg("'%s' does not end with '%s'", text, end);
}

void test_log_lines(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct daemon_log *log = daemon_log_new(fds[1], false, DAEMON_LOG_INFO);
    DAEMON_INFO(log, "replica created: gid=%d node=%s", 7, "storage-a");
    ends_with(drain(fds[0]), " level=info msg=\"replica created\" gid=7 node=storage-a\n");
    DAEMON_WARN(log, "odd: why=\"%s\" n=%d", "it said \"no\"\nand left", 1);
    ends_with(drain(fds[0]), " why=\"it said \\\"no\\\"\\u000aand left\" n=1\n");
    DAEMON_DEBUG(log, "quiet");
    daemon_log_set_level(log, DAEMON_LOG_DEBUG);
    DAEMON_DEBUG(log, "loud");
    ends_with(drain(fds[0]), " level=debug msg=\"loud\"\n");
    char lots[4000];
    memset(lots, 'x', sizeof lots - 1);
    lots[sizeof lots - 1] = '\0';
    DAEMON_ERROR(log, "long: text=%s", lots);
    const char *text = drain(fds[0]);
    assert_true(strlen(text) <= DAEMON_LOG_LINE_BYTES_MAX && text[strlen(text) - 1] == '\n');
    assert_int_equal(daemon_log_error_count(log), 1);
    daemon_log_free(log);
    log = daemon_log_new(fds[1], true, DAEMON_LOG_INFO);
    DAEMON_INFO(log, "a \"b\": k=%s q=\"%s\"", "v", "x y");
    ends_with(drain(fds[0]),
              "\"level\":\"info\",\"msg\":\"a \\\"b\\\"\",\"k\":\"v\",\"q\":\"x y\"}\n");
    daemon_log_rpc(log, TC_EUNAVAILABLE, "peer down: target=h:1 why=\"refused it\"");
    ends_with(drain(fds[0]), "\"event\":\"peer down\",\"err\":\"EUNAVAILABLE\",\"target\":\"h:1\","
                             "\"why\":\"refused it\"}\n");
    daemon_log_free(log);
    daemon_log_write(NULL, DAEMON_LOG_ERROR, "nothing");
    close(fds[0]);
    close(fds[1]);
}

void test_log_limits(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct daemon_log *log = daemon_log_new(fds[1], false, DAEMON_LOG_INFO);
    for (int i = 0; i < 100; i++)
        DAEMON_WARN(log, "again: i=%d", i);
    const char *text = drain(fds[0]);
    int lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, DAEMON_LOG_BURST);
    DAEMON_WARN(log, "another site");
    assert_non_null(strstr(drain(fds[0]), "another site"));
    daemon_log_free(log);
    close(fds[0]);
    close(fds[1]);
}
