#include "daemon/daemon.h"
#include "metrics.h"
#include "options.h"
#include "shell_probe.h"

#include <curl/curl.h>
#include <inttypes.h>

struct canary {
    struct daemon daemon;
    struct canary_options options;
    struct canary_metrics metrics;
    struct probe probes[CANARY_ROUTERS_MAX];
    size_t probe_count; /* started */
};

static void append_probe(struct probe *p, struct tc_buf *json) {
    struct probe_state s = probe_state(p);
    uint64_t ago_ms = s.last_ok_ns ? (daemon_now_ns() - s.last_ok_ns) / 1000000U : 0;
    tc_buf_printf(
        json,
        "{\"router\":\"%s\",\"ok\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"inconsistent\":%" PRIu64
        ",\"last_ok_ms_ago\":%" PRIu64 ",\"last_error\":\"%s\"}",
        p->config.router, s.ok_count, s.failed_count, s.inconsistent_count, ago_ms, s.last_error);
}

static void status(void *user, struct tc_buf *ret_json) {
    struct canary *c = user;
    tc_buf_printf(ret_json, "{\"node\":\"%s\",\"zone\":\"%s\",\"routers\":[", c->daemon.node,
                  c->daemon.common.zone);
    for (size_t i = 0; i < c->probe_count; i++) {
        tc_buf_append_str(ret_json, i ? "," : "");
        append_probe(&c->probes[i], ret_json);
    }
    tc_buf_append_str(ret_json, "]}");
}

static tc_err check(void *user, struct tc_buf *ret_problem) {
    struct canary *c = user;
    if (c->options.https || c->options.https_ca[0] == '\0')
        return TC_OK;
    tc_buf_append_str(ret_problem, "--https-ca has a meaning only with --https");
    return TC_EINVAL;
}

static tc_err start_probes(struct canary *c) {
    struct probe_config config = {.options = &c->options,
                                  .metrics = &c->metrics,
                                  .log = c->daemon.log,
                                  .node = c->daemon.node,
                                  .zone = c->daemon.common.zone};
    for (size_t i = 0; i < c->options.routers.count; i++) {
        config.router = c->options.routers.items[i];
        TC_TRY(probe_start(&c->probes[i], &config));
        c->probe_count++;
    }
    return TC_OK;
}

static void stop_probes(struct canary *c) {
    for (size_t i = c->probe_count; i-- > 0;)
        probe_stop(&c->probes[i]);
    c->probe_count = 0;
}

static tc_err serve(struct canary *c) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    tc_err err = start_probes(c);
    if (err != TC_OK)
        DAEMON_ERROR(c->daemon.log, "cannot start the probes: err=%s", tc_err_name(err));
    if (err == TC_OK)
        err = daemon_serve(&c->daemon);
    if (err == TC_OK)
        daemon_wait(&c->daemon);
    daemon_drain(&c->daemon);
    return err;
}

int main(int argc, char **argv) {
    static struct canary c;
    struct daemon_spec spec = {
        .name = "canary",
        .summary = "Uses Tercet through every router as a customer would, and tells how that went.",
        .example = "--zone a --routers 10.0.0.1:8000,10.0.0.2:8000",
        .options = canary_options_table(),
        .options_values = &c.options,
        .metrics = canary_metrics_table(),
        .metrics_values = &c.metrics,
        .check = check,
        .status = status,
        .user = &c,
    };
    int code = 0;
    if (!daemon_setup(&c.daemon, &spec, argc, argv, &code))
        return code;
    tc_err err = serve(&c);
    /* The admin thread reads the probes: it ends first, with the daemon. */
    daemon_admin_stop(c.daemon.admin);
    c.daemon.admin = NULL;
    stop_probes(&c);
    curl_global_cleanup();
    code = daemon_teardown(&c.daemon);
    return err == TC_OK ? code : 1;
}
