/* process: start, find and end the daemons of a local cluster.
 *
 * A daemon is known by DIR/run/NODE.pid and counts as running only if that process's command line
 * names this cluster's data folder, so that a recycled pid is never mistaken for it or signalled.
 */
#ifndef TC_TOOLS_CTL_PROCESS_H
#define TC_TOOLS_CTL_PROCESS_H

#include "layout.h"

#include <sys/types.h>

/* 0: not running. */
pid_t process_find(const struct layout *l, const struct layout_daemon *d);
/* Start in the background, output appended to DIR/log/NODE.log, detached from this terminal. */
TC_MUST_USE tc_err process_start(const struct layout *l, const struct layout_daemon *d);
/* True if it runs with the arguments that the layout gives it now (false: not running, or started
 * when the cluster was another). */
bool process_is_current(const struct layout *l, const struct layout_daemon *d);
/* Send sig; TC_ENOTFOUND: not running. */
TC_MUST_USE tc_err process_signal(const struct layout *l, const struct layout_daemon *d, int sig);
/* Wait until it is gone. TC_ETIMEOUT after timeout_ms. */
TC_MUST_USE tc_err process_wait_gone(const struct layout *l, const struct layout_daemon *d,
                                     uint64_t timeout_ms);

/* True if GET path on 127.0.0.1:port answers 200 within a second. */
bool process_http_ok(uint16_t port, const char *path);
/* True if something listens on the port. */
bool process_port_taken(uint16_t port);
void process_sleep_ms(uint64_t ms);
uint64_t process_now_ms(void);

#endif
