#include "daemon/daemon.h"
#include "daemon/rpc/daemon_rpc.h"
#include "daemon/worker.h"
#include "metrics.h"
#include "options.h"
#include "router/exec/exec.h"
#include "shell_credentials.h"

#include <stdio.h>
#include <stdlib.h>

struct router {
    struct daemon daemon;
    struct router_options options;
    struct router_metrics metrics;
    struct credentials credentials;
    struct daemon_rpc rpc;
    struct exec exec;
    struct api *api;
    struct http_server *http;
};

static bool ready(void *user, struct tc_buf *ret_why) {
    struct router *r = user;
    if (r->exec.route && route_ready(r->exec.route))
        return true;
    tc_buf_append_str(ret_why, "no metadata node knows the system group yet");
    return false;
}

static void observed(void *user, const struct api_request *req, enum api_error error) {
    struct router *r = user;
    const char *outcome = error == API_OK ? "ok" : api_error_name(error);
    uint64_t took_ns = daemon_now_ns() - req->started_ns;
    daemon_metric_observe(
        daemon_metric_with(r->metrics.request_seconds, req->op ? req->op->name : "unknown", NULL),
        took_ns);
    daemon_metric_add(
        daemon_metric_with(r->metrics.requests_total, req->op ? req->op->name : "unknown", outcome),
        1);
}

/* Gauges are read when they are exported, each from one field of the parts' own counters. */
struct gauge {
    struct router *router;
    bool http;
    size_t offset;
};

static int64_t read_gauge(void *user) {
    const struct gauge *g = user;
    struct route_stats route = {0};
    struct http_stats http = {0};
    if (g->router->exec.route)
        route_stats(g->router->exec.route, &route);
    if (g->router->http)
        http = http_server_stats(g->router->http);
    const char *base = g->http ? (const char *)&http : (const char *)&route;
    uint64_t value;
    memcpy(&value, base + g->offset, sizeof value);
    return (int64_t)value;
}

static void bind_gauges(struct router *r) {
    static struct gauge gauges[16];
    const struct {
        struct daemon_metric *metric;
        bool http;
        size_t offset;
    } rows[] = {
        {r->metrics.connections, true, offsetof(struct http_stats, open_count)},
        {r->metrics.requests_in_flight, true, offsetof(struct http_stats, in_flight_count)},
        {r->metrics.http_faults, true, offsetof(struct http_stats, fault_count)},
        {r->metrics.route_finds, false, offsetof(struct route_stats, finds)},
        {r->metrics.route_find_misses, false, offsetof(struct route_stats, find_misses)},
        {r->metrics.route_calls, false, offsetof(struct route_stats, calls)},
        {r->metrics.route_call_misses, false, offsetof(struct route_stats, call_misses)},
        {r->metrics.memds_lookups, false, offsetof(struct route_stats, lookups)},
        {r->metrics.memds_dropped, false, offsetof(struct route_stats, dropped)},
        {r->metrics.storage_retries, false, offsetof(struct route_stats, retries)},
        {r->metrics.storage_moved, false, offsetof(struct route_stats, moved)},
        {r->metrics.route_tables, false, offsetof(struct route_stats, tables)},
        {r->metrics.route_partitions, false, offsetof(struct route_stats, partitions)},
    };
    _Static_assert(sizeof rows / sizeof rows[0] <= 16, "one gauge a row");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gauges[i] = (struct gauge){r, rows[i].http, rows[i].offset};
        daemon_metric_set_read(rows[i].metric, read_gauge, &gauges[i]);
    }
}

static void status(void *user, struct tc_buf *ret_json) {
    struct router *r = user;
    struct route_stats s;
    route_stats(r->exec.route, &s);
    tc_buf_printf(ret_json,
                  "{\"node\":\"%s\",\"zone\":\"%s\",\"finds\":%llu,\"calls\":%llu,\"lookups\":%llu,"
                  "\"dropped\":%llu,\"retries\":%llu,\"moved\":%llu,\"confirms\":%llu}",
                  r->daemon.node, r->daemon.common.zone, (unsigned long long)s.finds,
                  (unsigned long long)s.calls, (unsigned long long)s.lookups,
                  (unsigned long long)s.dropped, (unsigned long long)s.retries,
                  (unsigned long long)s.moved, (unsigned long long)s.confirms);
}

/* SIGHUP forgets every cached route, to see the system with cold caches. */
static void reload(void *user) {
    struct router *r = user;
    if (r->exec.route)
        route_flush(r->exec.route);
    DAEMON_INFO(r->daemon.log, "route caches flushed");
}

static tc_err check(void *user, struct tc_buf *ret_problem) {
    struct router *r = user;
    tc_err err =
        credentials_load(&r->credentials, r->options.credentials, r->options.credentials_file);
    if (err == TC_EAUTH)
        tc_buf_append_str(ret_problem, "credentials-file: others may read it; chmod 600");
    else if (err == TC_ENOTFOUND)
        tc_buf_append_str(ret_problem, "credentials-file: cannot be opened");
    else if (err != TC_OK)
        tc_buf_append_str(ret_problem, "credentials: each must be ID:SECRET");
    else if (strcmp(r->options.auth, "local") != 0 && strcmp(r->options.auth, "strict") != 0) {
        tc_buf_append_str(ret_problem, "auth: local or strict");
        err = TC_EINVAL;
    }
    return err;
}

static tc_err start_clients(struct router *r) {
    struct daemon *d = &r->daemon;
    TC_TRY(daemon_rpc_start(&r->rpc, d));
    struct route_config route = {
        .rpc = r->rpc.rpc, .memds = &r->options.memds, .zone = d->common.zone};
    struct admit_config admit = {r->rpc.rpc, &r->options.gac, d->node};
    r->exec.endpoint = r->options.http_listen.items[0];
    r->exec.limits = (struct exec_limits){r->options.table_units_max, r->options.account_units_max,
                                          r->options.tables_max};
    TC_TRY(route_new(&route, &r->exec.route));
    return admit_new(&admit, &r->exec.admit);
}

/* What one turn of an HTTP loop asks of other nodes leaves together. */
static void turn_begin(void *user) {
    rpc_hold(user);
}

static void turn_end(void *user) {
    rpc_release(user);
}

static tc_err start_front(struct router *r) {
    struct api_config api = {
        .credentials = r->credentials.list,
        .credential_count = r->credentials.count,
        .accept_unknown_keys = strcmp(r->options.auth, "local") == 0,
        .region = r->options.region,
        .loop_count = (unsigned)r->options.http_loops,
        .executor = {exec_execute, ready, &r->exec},
        .observer = {observed, r},
    };
    static char host[128];
    api.executor.ready = NULL; /* readiness is the admin endpoint's, and GET / is liveness */
    r->api = api_new(&api);
    struct http_options http = http_options_default();
    const char *listen = r->options.http_listen.items[0], *colon = strrchr(listen, ':');
    snprintf(host, sizeof host, "%.*s", (int)(colon - listen), listen);
    http.host = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    http.port = (uint16_t)strtoul(colon + 1, NULL, 10);
    http.loop_count = (unsigned)r->options.http_loops;
    http.connection_count_max = (unsigned)r->options.connections_max;
    http.cert_file = r->options.https_cert[0] ? r->options.https_cert : NULL;
    http.key_file = r->options.https_key[0] ? r->options.https_key : NULL;
    http.handler = api_handle;
    http.user = r->api;
    http.turn_begin = turn_begin;
    http.turn_end = turn_end;
    http.turn_user = r->rpc.rpc;
    return http_server_start(&http, &r->http);
}

static int serve(struct router *r) {
    struct daemon *d = &r->daemon;
    bind_gauges(r);
    tc_err err = start_clients(r);
    if (err == TC_OK)
        err = start_front(r);
    if (err != TC_OK)
        DAEMON_ERROR(d->log, "cannot start: http_listen=%s err=%s", r->options.http_listen.items[0],
                     tc_err_name(err));
    if (err == TC_OK && (err = daemon_serve(d)) == TC_OK)
        daemon_wait(d);
    daemon_drain(d);
    if (r->http)
        http_server_drain(r->http);
    route_stop(r->exec.route); /* waits for what is under way; its loops may still ask */
    http_server_free(r->http);
    api_free(r->api);
    daemon_serve_end(d); /* status and gauges read route */
    route_free(r->exec.route);
    admit_free(r->exec.admit);
    daemon_rpc_stop(&r->rpc);
    credentials_deinit(&r->credentials);
    return err == TC_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    static struct router r;
    struct daemon_spec spec = {
        .name = "router",
        .summary = "Front door: serves the DynamoDB API over HTTP and routes to storage.",
        .example =
            "--http-listen 0.0.0.0:8000 --memds 10.0.0.3:7103,10.0.1.3:7103 --gac 10.0.0.4:7105",
        .options = router_options_table(),
        .options_values = &r.options,
        .metrics = router_metrics_table(),
        .metrics_values = &r.metrics,
        .shared_metrics = daemon_rpc_metrics_table(),
        .shared_metrics_values = &r.rpc.metrics,
        .check = check,
        .ready = ready,
        .status = status,
        .reload = reload,
        .user = &r,
    };
    int code = 0;
    if (!daemon_setup(&r.daemon, &spec, argc, argv, &code))
        return code;
    code = serve(&r);
    int left = daemon_teardown(&r.daemon);
    return code != 0 ? code : left;
}
