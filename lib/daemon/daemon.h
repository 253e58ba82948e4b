/* daemon: what every daemon's main does the same way; services/canary is the worked example.
 *
 *   struct daemon d = {0};
 *   int code = 0;
 *   if (!daemon_setup(&d, &spec, argc, argv, &code))   options, log, signals, metrics; no threads
 *       return code;                                   (--help and its like end here, too)
 *   ... start the daemon's own parts ...
 *   if (daemon_serve(&d) == TC_OK)                     admin endpoint, READY=1 to systemd
 *       daemon_wait(&d);                               until SIGTERM or SIGINT
 *   daemon_drain(&d);                                  /readyz says no, STOPPING=1
 *   ... stop the daemon's own parts ...
 *   return daemon_teardown(&d);
 *
 * Verbs: --help --version --check-config --list-options --list-metrics.
 * Threads: setup blocks the signals before any thread exists; wait is for the main thread.
 */
#ifndef TC_DAEMON_DAEMON_H
#define TC_DAEMON_DAEMON_H

#include "daemon/admin.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/options.h"

#define DAEMON_COMMON_OPTIONS(X)                                                                   \
    X(STRING, config, "", 0, 4096, "file", "read further options from here, key = value")          \
    X(STRING, cluster, "local", 1, 64, "name", "cluster to belong to; other clusters are refused") \
    X(STRING, node, "", 0, 64, "name", "this node's unique name (default DAEMON-ZONE)")            \
    X(STRING, zone, "a", 1, 32, "name", "failure domain this node stands in")                      \
    X(ADDRS, rpc_listen, "127.0.0.1:0", 1, 1, "host:port", "where other daemons connect")          \
    X(ADDRS, admin_listen, "127.0.0.1:0", 1, 1, "host:port",                                       \
      "HTTP: /livez /readyz /metrics /status /log-level")                                          \
    X(STRING, data, "", 0, 4096, "folder", "where this node keeps its files")                      \
    X(STRING, log_level, "info", 4, 5, "level", "error, warn, info or debug")                      \
    X(STRING, log_format, "logfmt", 4, 6, "format", "logfmt or json")

#define DAEMON_TLS_OPTIONS(X)                                                                      \
    X(STRING, tls_cert, "", 0, 4096, "PEM file",                                                   \
      "certificate of this node, shown both as server and client")                                 \
    X(STRING, tls_key, "", 0, 4096, "PEM file", "its private key")                                 \
    X(STRING, tls_ca, "", 0, 4096, "PEM file", "authority that signs every node; all three or none")

DAEMON_OPTIONS(daemon_common_options, "Common", DAEMON_COMMON_OPTIONS)
DAEMON_OPTIONS(daemon_tls_options, "TLS between daemons", DAEMON_TLS_OPTIONS)

struct daemon_spec {
    const char *name;    /* "canary": the binary is tercet-canary */
    const char *summary; /* one sentence for --help */
    const char *example; /* one command line for --help, without the binary; or NULL */
    struct daemon_option_table options; /* the daemon's own; count 0: none */
    void *options_values;
    struct daemon_metric_table metrics; /* count 0: none */
    void *metrics_values;
    struct daemon_metric_table shared_metrics; /* of a linked part (daemon/rpc); count 0: none */
    void *shared_metrics_values;
    /* Rules that one row cannot state, after parsing; append one line of what to change. */
    tc_err (*check)(void *user, struct tc_buf *ret_problem);
    bool (*ready)(void *user, struct tc_buf *ret_why);
    void (*status)(void *user, struct tc_buf *ret_json);
    void (*reload)(void *user); /* SIGHUP, on the main thread; or NULL */
    void *user;
};

struct daemon {
    struct daemon_spec spec;
    struct daemon_common_options common;
    struct daemon_tls_options tls;
    struct daemon_options options;
    struct daemon_log *log;
    struct daemon_metrics *metrics;
    struct daemon_admin *admin;
    char node[128]; /* common.node, or the default */
    int draining;   /* atomic */
    int wake_fd;    /* daemon_request_stop */
};

/* False: *ret_code is the process's exit code (a verb was served, or 2: a bad option was told). */
bool daemon_setup(struct daemon *d, const struct daemon_spec *spec, int argc, char **argv,
                  int *ret_code);
/* Start the admin endpoint and tell systemd READY=1. Logs its own failure. */
TC_MUST_USE tc_err daemon_serve(struct daemon *d);
void daemon_wait(struct daemon *d);
/* Make daemon_wait return, from any thread: a part failed for good. */
void daemon_request_stop(struct daemon *d);
void daemon_drain(struct daemon *d);
/* Stop the admin endpoint: what its callbacks read may be freed. daemon_teardown does it too. */
void daemon_serve_end(struct daemon *d);
/* Stop the admin endpoint, free everything; returns the exit code (0). */
int daemon_teardown(struct daemon *d);

/* sd_notify(3) protocol: one datagram to $NOTIFY_SOCKET; without it nothing happens. */
void daemon_notify(const char *state);

#endif
