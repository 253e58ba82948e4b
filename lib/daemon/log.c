#include "daemon/log.h"

#include "base/assert.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SITES_MAX = 256, /* call sites watched for repetition; further ones share slots */
};

/* A call site is known by its format's address. */
struct site {
    const char *fmt;
    uint64_t window_ns;
    uint32_t count, suppressed;
};

struct daemon_log {
    int fd;
    bool json;
    int level;       /* atomic */
    uint64_t errors; /* atomic */
    pthread_mutex_t lock;
    struct site sites[SITES_MAX];
};

struct line {
    char text[DAEMON_LOG_LINE_BYTES_MAX];
    size_t len;
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

const char *daemon_log_level_name(enum daemon_log_level level) {
    return level_names[level];
}

tc_err daemon_log_parse_level(const char *text, enum daemon_log_level *ret_level) {
    for (int i = DAEMON_LOG_ERROR; i <= DAEMON_LOG_DEBUG; i++)
        if (strcmp(text, level_names[i]) == 0) {
            *ret_level = (enum daemon_log_level)i;
            return TC_OK;
        }
    return TC_EINVAL;
}

struct daemon_log *daemon_log_new(int fd, bool json, enum daemon_log_level level) {
    struct daemon_log *log = calloc(1, sizeof *log);
    TC_ASSERT(log != NULL);
    log->fd = fd;
    log->json = json;
    log->level = (int)level;
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void daemon_log_free(struct daemon_log *log) {
    if (log == NULL)
        return;
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void daemon_log_set_level(struct daemon_log *log, enum daemon_log_level level) {
    __atomic_store_n(&log->level, (int)level, __ATOMIC_RELAXED);
}

enum daemon_log_level daemon_log_level(const struct daemon_log *log) {
    return (enum daemon_log_level)__atomic_load_n(&log->level, __ATOMIC_RELAXED);
}

uint64_t daemon_log_error_count(const struct daemon_log *log) {
    return __atomic_load_n(&log->errors, __ATOMIC_RELAXED);
}

static uint64_t now_ns(clockid_t clock) {
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void put(struct line *l, const char *text, size_t len) {
    size_t room = sizeof l->text - 2 - l->len; /* the newline always fits */
    len = len < room ? len : room;
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

static void put_str(struct line *l, const char *text) {
    put(l, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void putf(struct line *l, const char *fmt, ...) {
    char text[128];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put(l, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

/* Quoted, as a JSON string; good for logfmt, too. */
static void put_quoted(struct line *l, const char *text, size_t len) {
    put_str(l, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            putf(l, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            putf(l, "\\u%04x", c);
        else
            put(l, &text[i], 1);
    }
    put_str(l, "\"");
}

/* key=value or key="value with spaces": the length of the pair's value at *at, quotes stripped. */
static size_t take_value(const char **at) {
    if (**at != '"') {
        size_t len = strcspn(*at, " ");
        *at += len;
        return len;
    }
    ++*at;
    const char *end = strchr(*at, '"');
    /* A quote inside a value ends it only before a space or the end. */
    while (end && end[1] != ' ' && end[1] != '\0')
        end = strchr(end + 1, '"');
    const char *last = end ? end : *at + strlen(*at);
    size_t len = (size_t)(last - *at);
    *at = *last ? last + 1 : last;
    return len;
}

static void put_pairs(struct line *l, const char *pairs, bool json) {
    for (const char *at = pairs; *at;) {
        at += strspn(at, " ");
        size_t key_len = strcspn(at, "= ");
        if (key_len == 0 || at[key_len] != '=') {
            at += key_len + (at[key_len] == '=');
            continue;
        }
        const char *key = at;
        at += key_len + 1;
        bool quoted = *at == '"';
        const char *value = at + quoted;
        size_t len = take_value(&at);
        put_str(l, json ? "," : " ");
        if (json)
            put_quoted(l, key, key_len);
        else
            put(l, key, key_len);
        put_str(l, json ? ":" : "=");
        if (json || quoted || memchr(value, '\n', len))
            put_quoted(l, value, len);
        else
            put(l, value, len);
    }
}

static void put_head(struct line *l, bool json, enum daemon_log_level level) {
    uint64_t wall_ns = now_ns(CLOCK_REALTIME), mono_ns = now_ns(CLOCK_MONOTONIC);
    time_t seconds = (time_t)(wall_ns / 1000000000U);
    struct tm tm;
    char date[32];
    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    putf(l,
         json ? "{\"ts\":\"%s.%03uZ\",\"mono\":%" PRIu64 ".%06u,\"level\":\"%s\""
              : "ts=%s.%03uZ mono=%" PRIu64 ".%06u level=%s",
         date, (unsigned)(wall_ns / 1000000 % 1000), mono_ns / 1000000000U,
         (unsigned)(mono_ns / 1000 % 1000000), level_names[level]);
}

/* Whether the site may speak now; *ret_suppressed lines were left out before this one. */
static bool may_speak(struct daemon_log *log, const char *fmt, uint32_t *ret_suppressed) {
    uint64_t now = now_ns(CLOCK_MONOTONIC);
    struct site *s = &log->sites[((uintptr_t)fmt >> 3) % SITES_MAX];
    pthread_mutex_lock(&log->lock);
    if (s->fmt != fmt || now - s->window_ns > DAEMON_LOG_WINDOW_MS * UINT64_C(1000000)) {
        *ret_suppressed = s->fmt == fmt ? s->suppressed : 0;
        *s = (struct site){.fmt = fmt, .window_ns = now};
    }
    bool speak = s->count < DAEMON_LOG_BURST;
    if (speak)
        s->count++;
    else
        s->suppressed++;
    pthread_mutex_unlock(&log->lock);
    return speak;
}

static void write_line(struct daemon_log *log, enum daemon_log_level level, const char *message,
                       size_t message_len, const char *pairs, uint32_t suppressed) {
    struct line l = {.len = 0};
    put_head(&l, log->json, level);
    put_str(&l, log->json ? ",\"msg\":" : " msg=");
    put_quoted(&l, message, message_len);
    put_pairs(&l, pairs, log->json);
    if (suppressed)
        putf(&l, log->json ? ",\"suppressed\":%u" : " suppressed=%u", suppressed);
    if (log->json && l.len < sizeof l.text - 2)
        put_str(&l, "}");
    l.text[l.len++] = '\n';
    ssize_t written = write(log->fd, l.text, l.len);
    (void)written; /* there is no other place to tell */
}

void daemon_log_write(struct daemon_log *log, enum daemon_log_level level, const char *fmt, ...) {
    if (log == NULL)
        return;
    if (level == DAEMON_LOG_ERROR)
        __atomic_fetch_add(&log->errors, 1, __ATOMIC_RELAXED);
    uint32_t suppressed = 0;
    if (level > daemon_log_level(log) ||
        (level != DAEMON_LOG_DEBUG && !may_speak(log, fmt, &suppressed)))
        return;
    const char *colon = strstr(fmt, ": ");
    size_t message_len = colon ? (size_t)(colon - fmt) : strlen(fmt);
    TC_ASSERT(memchr(fmt, '%', message_len) == NULL);
    char text[DAEMON_LOG_LINE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    write_line(log, level, fmt, message_len, colon ? text + message_len + 2 : "", suppressed);
}

void daemon_log_rpc(void *user, tc_err err, const char *text) {
    const char *colon = strstr(text, ": ");
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    char message[128];
    snprintf(message, sizeof message, "%.*s", (int)len, text);
    const char *pairs = colon ? colon + 2 : "";
    if (err == TC_OK)
        DAEMON_INFO(user, "rpc: event=\"%s\" %s", message, pairs);
    else
        DAEMON_WARN(user, "rpc: event=\"%s\" err=%s %s", message, tc_err_name(err), pairs);
}
