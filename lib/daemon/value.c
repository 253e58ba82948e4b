#include "daemon/options_private.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void *field(struct daemon__found f) {
    return (char *)f.values + f.row->offset;
}

const char **daemon__field_string(struct daemon__found f) {
    TC_ASSERT(f.row->type == DAEMON_OPTION_STRING);
    return field(f);
}

void daemon__option_clear(struct daemon__found f) {
    switch (f.row->type) {
    case DAEMON_OPTION_U64:
    case DAEMON_OPTION_DURATION:
        *(uint64_t *)field(f) = 0;
        break;
    case DAEMON_OPTION_BOOL:
        *(bool *)field(f) = false;
        break;
    case DAEMON_OPTION_STRING:
        *daemon__field_string(f) = "";
        break;
    case DAEMON_OPTION_ADDRS:
        ((struct daemon_addrs *)field(f))->count = 0;
        break;
    }
}

static char *own(struct daemon_options *o, const char *text, size_t len) {
    char **owned = realloc(o->owned, (o->owned_count + 1) * sizeof owned[0]);
    char *copy = malloc(len + 1);
    TC_ASSERT(owned != NULL && copy != NULL);
    memcpy(copy, text, len);
    copy[len] = '\0';
    o->owned = owned;
    o->owned[o->owned_count++] = copy;
    return copy;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit sizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
static const struct unit times[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};

/* Digits, then one of the units; no sign, no space, no overflow. */
static bool parse_number(const char *text, const struct unit *units, size_t unit_count,
                         uint64_t *ret_value) {
    uint64_t v = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(v, 10U, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*at - '0'), &v))
            return false;
    if (at == text)
        return false;
    for (size_t i = 0; i < unit_count; i++)
        if (strcmp(at, units[i].name) == 0)
            return !__builtin_mul_overflow(v, units[i].factor, ret_value);
    return false;
}

static tc_err set_number(struct daemon__found f, const char *text, char *why, size_t why_bytes) {
    bool time = f.row->type == DAEMON_OPTION_DURATION;
    uint64_t v = 0;
    bool ok = time ? parse_number(text, times, sizeof times / sizeof times[0], &v)
                   : parse_number(text, sizes, sizeof sizes / sizeof sizes[0], &v);
    if (!ok || v < f.row->min || v > f.row->max) {
        snprintf(why, why_bytes, "must be %s from %" PRIu64 " to %" PRIu64 "%s",
                 time ? "a duration (ms, s, m, h)" : "a number", f.row->min, f.row->max,
                 time ? " ms" : "");
        return TC_EINVAL;
    }
    *(uint64_t *)field(f) = v;
    return TC_OK;
}

static tc_err set_bool(struct daemon__found f, const char *text, char *why, size_t why_bytes) {
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcmp(text, "yes") == 0;
    bool no = strcmp(text, "false") == 0 || strcmp(text, "0") == 0 || strcmp(text, "no") == 0;
    if (!yes && !no) {
        snprintf(why, why_bytes, "must be true or false");
        return TC_EINVAL;
    }
    *(bool *)field(f) = yes;
    return TC_OK;
}

static tc_err set_string(struct daemon_options *o, struct daemon__found f, const char *text,
                         char *why, size_t why_bytes) {
    size_t len = strlen(text);
    if (len < f.row->min || len > f.row->max) {
        snprintf(why, why_bytes, "must have %" PRIu64 " to %" PRIu64 " bytes", f.row->min,
                 f.row->max);
        return TC_EINVAL;
    }
    *daemon__field_string(f) = own(o, text, len);
    return TC_OK;
}

/* HOST:PORT with a port up to 65535. */
static bool addr_ok(const char *text, size_t len) {
    size_t colon = len;
    while (colon > 0 && text[colon - 1] != ':')
        colon--;
    if (colon < 2 || colon == len || len - colon > 5)
        return false;
    uint32_t port = 0;
    for (size_t i = colon; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    for (size_t i = 0; i + 1 < colon; i++)
        if (text[i] <= ' ' || text[i] == ',' || text[i] == '/')
            return false;
    return port <= 65535;
}

static tc_err set_addrs(struct daemon_options *o, struct daemon__found f, const char *text,
                        char *why, size_t why_bytes) {
    struct daemon_addrs got = {0};
    snprintf(why, why_bytes, "must be %" PRIu64 " to %" PRIu64 " of HOST:PORT, with commas between",
             f.row->min, f.row->max);
    TC_ASSERT(f.row->max <= DAEMON_ADDRS_MAX);
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (got.count == f.row->max || !addr_ok(at, len))
            return TC_EINVAL;
        got.items[got.count++] = own(o, at, len);
        at += len;
        if (*at == ',' && *++at == '\0')
            return TC_EINVAL;
    }
    if (got.count < f.row->min)
        return TC_EINVAL;
    *(struct daemon_addrs *)field(f) = got;
    return TC_OK;
}

tc_err daemon__option_set(struct daemon_options *o, struct daemon__found f, const char *text,
                          char *why, size_t why_bytes) {
    switch (f.row->type) {
    case DAEMON_OPTION_U64:
    case DAEMON_OPTION_DURATION:
        return set_number(f, text, why, why_bytes);
    case DAEMON_OPTION_BOOL:
        return set_bool(f, text, why, why_bytes);
    case DAEMON_OPTION_STRING:
        return set_string(o, f, text, why, why_bytes);
    case DAEMON_OPTION_ADDRS:
        return set_addrs(o, f, text, why, why_bytes);
    }
    return TC_EINTERNAL;
}
