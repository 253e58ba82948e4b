/* Options of a daemon, from one X-macro table per group.
 *
 * Each row: X(type, name, default, min, max, unit, help). `name` is the C field; the flag is
 * --name with '-' for '_' , the environment variable TERCET_NAME, the configuration file's key the
 * flag's name ("rpc-listen = 127.0.0.1:7000", '#' starts a comment). Flags win over environment,
 * environment over file, file over defaults.
 *
 *   type      field                    default     min, max
 *   U64       uint64_t                 "10"        inclusive range; K, M, G suffixes are 1024-based
 *   BOOL      bool                     "false"     unused; a flag alone means true, --no-x false
 *   STRING    const char * (never 0)   "text"      length in bytes
 *   DURATION  uint64_t milliseconds    "1s"        inclusive range in ms; units ms, s, m, h
 *   ADDRS     struct daemon_addrs      "h:p,h:p"   how many
 *
 *   #define CANARY_OPTIONS(X) X(DURATION, interval_ms, "1s", 10, 3600000, "ms", "time between ...")
 *   DAEMON_OPTIONS(canary_options, "Canary", CANARY_OPTIONS)   -> struct canary_options and
 *                                                                 canary_options_table()
 * A DURATION field's trailing _ms stays in the flag: --interval-ms 1000 (a plain number is ms).
 *
 * Memory: strings and addresses belong to struct daemon_options until its deinit.
 */
#ifndef TC_DAEMON_OPTIONS_H
#define TC_DAEMON_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"

enum {
    DAEMON_ADDRS_MAX = 64,
    DAEMON_OPTION_TABLES_MAX = 8,
};

struct daemon_addrs {
    size_t count;
    const char *items[DAEMON_ADDRS_MAX]; /* each HOST:PORT, checked */
};

enum daemon_option_type {
    DAEMON_OPTION_U64,
    DAEMON_OPTION_BOOL,
    DAEMON_OPTION_STRING,
    DAEMON_OPTION_DURATION,
    DAEMON_OPTION_ADDRS,
};

struct daemon_option {
    enum daemon_option_type type;
    const char *name;  /* the field */
    const char *value; /* default */
    uint64_t min;
    uint64_t max;
    const char *unit;
    const char *help;
    size_t offset; /* of the field */
};

struct daemon_option_table {
    const char *title;
    const struct daemon_option *rows;
    size_t count;
};

#define DAEMON_OPTION_FIELD_U64(name)      uint64_t name;
#define DAEMON_OPTION_FIELD_BOOL(name)     bool name;
#define DAEMON_OPTION_FIELD_STRING(name)   const char *name;
#define DAEMON_OPTION_FIELD_DURATION(name) uint64_t name;
#define DAEMON_OPTION_FIELD_ADDRS(name)    struct daemon_addrs name;
#define DAEMON_OPTION_FIELD(type, name, value, min, max, unit, help)                               \
    DAEMON_OPTION_FIELD_##type(name)
#define DAEMON_OPTION_ROW(type, name, value, min, max, unit, help)                                 \
    {DAEMON_OPTION_##type, #name, value, min, max, unit, help, offsetof(daemon_option_self, name)},

#define DAEMON_OPTIONS(type, title_text, TABLE)                                                    \
    struct type {                                                                                  \
        TABLE(DAEMON_OPTION_FIELD)                                                                 \
    };                                                                                             \
    static inline struct daemon_option_table type##_table(void) {                                  \
        typedef struct type daemon_option_self;                                                    \
        static const struct daemon_option rows[] = {TABLE(DAEMON_OPTION_ROW)};                     \
        return (struct daemon_option_table){title_text, rows, sizeof rows / sizeof rows[0]};       \
    }

/* One parse: tables with where their values go. Zero it, add tables, parse, deinit. */
struct daemon_options {
    struct {
        struct daemon_option_table table;
        void *values;
    } groups[DAEMON_OPTION_TABLES_MAX];
    size_t group_count;
    char **owned; /* every string handed out */
    size_t owned_count;
    struct tc_buf problem; /* one line for people after a failed parse */
};

/* values: the struct that the table describes. */
void daemon_options_add(struct daemon_options *o, struct daemon_option_table table, void *values);
/* Apply defaults, then --config's file, then environ-like env (may be NULL), then argv[1..].
 * Flags in `verbs` (NULL-ended, e.g. "--help") are skipped here. `--flag value` and `--flag=value`.
 * Errors: TC_EINVAL and o->problem says which option, what it got and what it accepts. */
TC_MUST_USE tc_err daemon_options_parse(struct daemon_options *o, int argc, char **argv, char **env,
                                        const char *const *verbs);
/* --help's middle part and the machine-readable --list-options (tab separated). */
void daemon_options_help(const struct daemon_options *o, struct tc_buf *ret_text);
void daemon_options_list(const struct daemon_options *o, struct tc_buf *ret_text);
void daemon_options_deinit(struct daemon_options *o);

#endif
