/* Admin endpoint of a daemon: HTTP on its own thread and port, apart from the data plane.
 *
 *   GET /livez      200 "ok" while the process answers
 *   GET /readyz     200 "ready", or 503 and why not
 *   GET /metrics    Prometheus text
 *   GET /status     JSON of the daemon's own choice
 *   GET /log-level, PUT /log-level?level=debug
 *
 * Callbacks run on the admin thread and may take locks, but must not wait for other machines.
 */
#ifndef TC_DAEMON_ADMIN_H
#define TC_DAEMON_ADMIN_H

#include "daemon/log.h"
#include "daemon/metrics.h"

struct daemon_admin;

struct daemon_admin_config {
    const char *listen; /* HOST:PORT, an IPv4 address or localhost; port 0: any free one */
    struct daemon_metrics *metrics;
    struct daemon_log *log;
    /* Whether to send traffic here; if not, append one line of why. NULL: always. */
    bool (*ready)(void *user, struct tc_buf *ret_why);
    /* Append one JSON object. NULL: "{}". */
    void (*status)(void *user, struct tc_buf *ret_json);
    void *user;
};

/* Errors: TC_EINVAL (address), TC_EUNAVAILABLE (in use). */
TC_MUST_USE tc_err daemon_admin_start(const struct daemon_admin_config *config,
                                      struct daemon_admin **ret_admin);
uint16_t daemon_admin_port(const struct daemon_admin *a);
/* Joins the thread; no callback runs afterwards. NULL is a no-op. */
void daemon_admin_stop(struct daemon_admin *a);

#endif
