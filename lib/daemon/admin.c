#include "daemon/admin.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECTIONS_MAX = 64,
    IDLE_SECONDS_MAX = 10,
    BODY_BYTES_MAX = 4096,
};

struct daemon_admin {
    struct daemon_admin_config config; /* listen is not kept */
    struct MHD_Daemon *http;
    uint16_t port;
};

struct answer {
    unsigned status;
    const char *type;
    struct tc_buf body;
};

struct resource {
    const char *path;
    const char *methods; /* "GET", "GET, PUT" */
    void (*fn)(struct daemon_admin *a, struct MHD_Connection *c, bool put, struct answer *out);
};

static void get_live(struct daemon_admin *a, struct MHD_Connection *c, bool put,
                     struct answer *out) {
    (void)a, (void)c, (void)put;
    tc_buf_append_str(&out->body, "ok\n");
}

static void get_ready(struct daemon_admin *a, struct MHD_Connection *c, bool put,
                      struct answer *out) {
    (void)c, (void)put;
    bool ready = a->config.ready == NULL || a->config.ready(a->config.user, &out->body);
    if (ready) {
        tc_buf_clear(&out->body);
        tc_buf_append_str(&out->body, "ready");
    } else {
        out->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    tc_buf_append_str(&out->body, "\n");
}

static void get_metrics(struct daemon_admin *a, struct MHD_Connection *c, bool put,
                        struct answer *out) {
    (void)c, (void)put;
    out->type = "text/plain; version=0.0.4; charset=utf-8";
    daemon_metrics_text(a->config.metrics, &out->body);
}

static void get_status(struct daemon_admin *a, struct MHD_Connection *c, bool put,
                       struct answer *out) {
    (void)c, (void)put;
    out->type = "application/json";
    if (a->config.status)
        a->config.status(a->config.user, &out->body);
    if (out->body.len == 0)
        tc_buf_append_str(&out->body, "{}");
    tc_buf_append_str(&out->body, "\n");
}

static void log_level(struct daemon_admin *a, struct MHD_Connection *c, bool put,
                      struct answer *out) {
    const char *text = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "level");
    enum daemon_log_level level = DAEMON_LOG_INFO;
    if (put && (text == NULL || daemon_log_parse_level(text, &level) != TC_OK)) {
        out->status = MHD_HTTP_BAD_REQUEST;
        tc_buf_append_str(&out->body, "PUT /log-level?level= error, warn, info or debug\n");
        return;
    }
    if (put)
        daemon_log_set_level(a->config.log, level);
    tc_buf_printf(&out->body, "%s\n", daemon_log_level_name(daemon_log_level(a->config.log)));
}

static const struct resource resources[] = {
    {"/livez", "GET", get_live},           {"/readyz", "GET", get_ready},
    {"/metrics", "GET", get_metrics},      {"/status", "GET", get_status},
    {"/log-level", "GET, PUT", log_level},
};

static void dispatch(struct daemon_admin *a, struct MHD_Connection *c, const char *url,
                     const char *method, struct answer *out) {
    bool put = strcmp(method, "PUT") == 0;
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        if (strcmp(url, resources[i].path) != 0)
            continue;
        if (!get && !(put && strstr(resources[i].methods, "PUT"))) {
            out->status = MHD_HTTP_METHOD_NOT_ALLOWED;
            tc_buf_printf(&out->body, "allowed: %s\n", resources[i].methods);
            return;
        }
        resources[i].fn(a, c, put, out);
        return;
    }
    out->status = MHD_HTTP_NOT_FOUND;
    tc_buf_append_str(&out->body, "here are:");
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
        tc_buf_printf(&out->body, " %s", resources[i].path);
    tc_buf_append_str(&out->body, "\n");
}

static enum MHD_Result respond(struct MHD_Connection *c, struct answer *out) {
    struct MHD_Response *r =
        MHD_create_response_from_buffer(out->body.len, out->body.data, MHD_RESPMEM_MUST_COPY);
    tc_buf_deinit(&out->body);
    if (r == NULL)
        return MHD_NO;
    enum MHD_Result ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, out->type);
    if (ok == MHD_YES)
        ok = MHD_queue_response(c, out->status, r);
    MHD_destroy_response(r);
    return ok;
}

/* Called with the head, then with each part of a body (skipped, up to a bound), then to answer. */
static enum MHD_Result handle(void *user, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_bytes, void **state) {
    (void)version, (void)data;
    uintptr_t seen = (uintptr_t)*state;
    if (seen == 0) {
        *state = (void *)1;
        return MHD_YES;
    }
    if (*data_bytes > 0) {
        seen += *data_bytes;
        *data_bytes = 0;
        *state = (void *)seen;
        return seen <= BODY_BYTES_MAX ? MHD_YES : MHD_NO;
    }
    struct answer out = {.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};
    dispatch(user, c, url, method, &out);
    return respond(c, &out);
}

static tc_err parse_listen(const char *listen, struct sockaddr_in *ret_addr) {
    char host[64];
    const char *colon = strrchr(listen, ':');
    if (colon == NULL || (size_t)(colon - listen) >= sizeof host)
        return TC_EINVAL;
    memcpy(host, listen, (size_t)(colon - listen));
    host[colon - listen] = '\0';
    char *end = NULL;
    unsigned long port = strtoul(colon + 1, &end, 10);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (*end != '\0' || port > 65535 || inet_pton(AF_INET, numeric, &addr.sin_addr) != 1)
        return TC_EINVAL;
    *ret_addr = addr;
    return TC_OK;
}

tc_err daemon_admin_start(const struct daemon_admin_config *config,
                          struct daemon_admin **ret_admin) {
    struct sockaddr_in addr;
    TC_TRY(parse_listen(config->listen, &addr));
    struct daemon_admin *a = calloc(1, sizeof *a);
    TC_ASSERT(a != NULL && config->metrics != NULL);
    a->config = *config;
    a->config.listen = NULL;
    a->http = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, a,
                               MHD_OPTION_SOCK_ADDR, &addr, MHD_OPTION_CONNECTION_LIMIT,
                               (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                               (unsigned)IDLE_SECONDS_MAX, MHD_OPTION_END);
    if (a->http == NULL) {
        free(a);
        return TC_EUNAVAILABLE;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(a->http, MHD_DAEMON_INFO_BIND_PORT);
    a->port = info ? info->port : 0;
    *ret_admin = a;
    return TC_OK;
}

uint16_t daemon_admin_port(const struct daemon_admin *a) {
    return a->port;
}

void daemon_admin_stop(struct daemon_admin *a) {
    if (a == NULL)
        return;
    MHD_stop_daemon(a->http);
    free(a);
}
