/* Log of a daemon: one line per event to stderr, as logfmt or JSON.
 *
 *   DAEMON_INFO(log, "replica created: gid=%" PRIu64 " node=%s", gid, node);
 *   ts=2026-01-02T03:04:05.678Z mono=12.345678 level=info msg="replica created" gid=7
 * node=storage-a
 *
 * The format's text before ": " is the message (constant, no conversions); after it stand key=value
 * pairs, values with spaces as key=\"%s\". No item data, keys or secrets.
 * A call site that repeats more than DAEMON_LOG_BURST times in DAEMON_LOG_WINDOW_MS is silenced for
 * the rest of the window; its next line says suppressed=N. Debug lines are never silenced.
 * Threads: any; one write(2) per line, lines never mix. NULL log: nothing happens.
 */
#ifndef TC_DAEMON_LOG_H
#define TC_DAEMON_LOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DAEMON_LOG_BURST = 10,
    DAEMON_LOG_WINDOW_MS = 10000,
    DAEMON_LOG_LINE_BYTES_MAX = 2048,
};

enum daemon_log_level {
    DAEMON_LOG_ERROR, /* someone must act */
    DAEMON_LOG_WARN,  /* degraded, heals by itself */
    DAEMON_LOG_INFO,  /* state changes */
    DAEMON_LOG_DEBUG,
};

struct daemon_log;

/* Lines go to fd (2 in daemons), borrowed. */
struct daemon_log *daemon_log_new(int fd, bool json, enum daemon_log_level level);
void daemon_log_free(struct daemon_log *log);
void daemon_log_set_level(struct daemon_log *log, enum daemon_log_level level);
enum daemon_log_level daemon_log_level(const struct daemon_log *log);
/* "error", "warn", "info", "debug". TC_EINVAL: another text. */
TC_MUST_USE tc_err daemon_log_parse_level(const char *text, enum daemon_log_level *ret_level);
const char *daemon_log_level_name(enum daemon_log_level level);
/* Lines of level ERROR so far; tests and readiness may look at it. */
uint64_t daemon_log_error_count(const struct daemon_log *log);

void daemon_log_write(struct daemon_log *log, enum daemon_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Matches rpc_config.log: an rpc line as warning (err) or information. user: struct daemon_log. */
void daemon_log_rpc(void *user, tc_err err, const char *text);

#define DAEMON_ERROR(log, ...) daemon_log_write((log), DAEMON_LOG_ERROR, __VA_ARGS__)
#define DAEMON_WARN(log, ...)  daemon_log_write((log), DAEMON_LOG_WARN, __VA_ARGS__)
#define DAEMON_INFO(log, ...)  daemon_log_write((log), DAEMON_LOG_INFO, __VA_ARGS__)
#define DAEMON_DEBUG(log, ...) daemon_log_write((log), DAEMON_LOG_DEBUG, __VA_ARGS__)

#endif
