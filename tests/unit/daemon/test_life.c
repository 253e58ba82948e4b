#include "tests.h"

#include "daemon/daemon.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LIFE_METRICS(X) X(COUNTER, beats_total, "", "", "heart beats")
DAEMON_METRICS(life_metrics, "life", LIFE_METRICS)

static bool not_ready(void *user, struct tc_buf *ret_why) {
    tc_buf_append_str(ret_why, "no leader yet");
    return *(bool *)user;
}

static void status(void *user, struct tc_buf *ret_json) {
    (void)user;
    tc_buf_append_str(ret_json, "{\"answer\":42}");
}

/* One HTTP exchange; the whole answer. */
static const char *ask(uint16_t port, const char *request_line) {
    static char text[65536];
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    char request[256];
    int len = snprintf(request, sizeof request,
                       "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", request_line);
    assert_int_equal(write(fd, request, (size_t)len), len);
    size_t got = 0;
    for (ssize_t n = 1; n > 0 && got < sizeof text - 1; got += (size_t)(n > 0 ? n : 0))
        n = read(fd, text + got, sizeof text - 1 - got);
    text[got] = '\0';
    close(fd);
    return text;
}

static void answers(uint16_t port, const char *request, const char *code, const char *says) {
    const char *text = ask(port, request);
    if (strncmp(text, "HTTP/1.1 ", 9) != 0 || strncmp(text + 9, code, 3) != 0 ||
        strstr(text, says) == NULL)
        fail_msg("%s: expected %s with '%s', got:\n%s", request, code, says, text);
}

void test_admin(void **state) {
    (void)state;
    struct daemon_metrics *m = daemon_metrics_new();
    struct life_metrics metrics;
    daemon_metrics_add(m, life_metrics_table(), &metrics);
    daemon_metric_add(metrics.beats_total, 5);
    struct daemon_log *log = daemon_log_new(2, false, DAEMON_LOG_WARN);
    bool ready = false;
    struct daemon_admin_config c = {.listen = "127.0.0.1:0",
                                    .metrics = m,
                                    .log = log,
                                    .ready = not_ready,
                                    .status = status,
                                    .user = &ready};
    struct daemon_admin *a = NULL;
    assert_int_equal(daemon_admin_start(&c, &a), TC_OK);
    uint16_t port = daemon_admin_port(a);
    answers(port, "GET /livez", "200", "ok");
    answers(port, "GET /readyz", "503", "no leader yet");
    ready = true;
    answers(port, "GET /readyz", "200", "ready");
    answers(port, "GET /metrics", "200", "tercet_life_beats_total 5\n");
    answers(port, "GET /status", "200", "{\"answer\":42}");
    answers(port, "GET /log-level", "200", "warn");
    answers(port, "PUT /log-level?level=debug", "200", "debug");
    assert_int_equal(daemon_log_level(log), DAEMON_LOG_DEBUG);
    answers(port, "PUT /log-level?level=shout", "400", "error, warn, info or debug");
    answers(port, "DELETE /metrics", "405", "GET");
    answers(port, "GET /", "404", "/metrics");
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", port);
    c.listen = taken;
    struct daemon_admin *second = NULL;
    assert_int_equal(daemon_admin_start(&c, &second), TC_EUNAVAILABLE);
    c.listen = "nowhere:1";
    assert_int_equal(daemon_admin_start(&c, &second), TC_EINVAL);
    daemon_admin_stop(a);
    daemon_log_free(log);
    daemon_metrics_free(m);
}

static int reloads;

static void reload(void *user) {
    (void)user;
    reloads++;
    kill(getpid(), SIGTERM);
}

static bool setup(struct daemon *d, const struct daemon_spec *spec, const char *arg, int *code) {
    char *argv[] = {(char *)(uintptr_t) "x", (char *)(uintptr_t)arg, NULL};
    return daemon_setup(d, spec, arg ? 2 : 1, argv, code);
}

void test_life(void **state) {
    (void)state;
    struct life_metrics metrics;
    struct daemon_spec spec = {.name = "life",
                               .summary = "lives",
                               .metrics = life_metrics_table(),
                               .metrics_values = &metrics,
                               .reload = reload};
    struct daemon d;
    int code = 9;
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_false(setup(&d, &spec, "--help", &code));
    assert_int_equal(code, 0);
    assert_false(setup(&d, &spec, "--list-metrics", &code));
    assert_int_equal(code, 0);
    assert_false(setup(&d, &spec, "--check-config", &code));
    assert_int_equal(code, 0);
    assert_false(setup(&d, &spec, "--tls-cert=/x", &code));
    assert_int_equal(code, 2);
    assert_true(setup(&d, &spec, "--log-level=error", &code));
    assert_string_equal(d.node, "life-a");
    assert_int_equal(daemon_serve(&d), TC_OK);
    uint16_t port = daemon_admin_port(d.admin);
    answers(port, "GET /readyz", "200", "ready");
    answers(port, "GET /status", "200", "{}");
    kill(getpid(), SIGHUP); /* the reload then asks for the end */
    daemon_wait(&d);
    assert_int_equal(reloads, 1);
    daemon_drain(&d);
    answers(port, "GET /readyz", "503", "draining");
    daemon_request_stop(&d);
    daemon_wait(&d);
    assert_int_equal(daemon_teardown(&d), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void test_notify(void **state) {
    (void)state;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "/tmp/tercet-notify-%d", getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    daemon_notify("READY=1"); /* without the variable: nothing */
    setenv("NOTIFY_SOCKET", addr.sun_path, 1);
    daemon_notify("STOPPING=1");
    unsetenv("NOTIFY_SOCKET");
    char text[64] = "";
    assert_int_equal(recv(fd, text, sizeof text, 0), 10);
    assert_string_equal(text, "STOPPING=1");
    close(fd);
    unlink(addr.sun_path);
}
