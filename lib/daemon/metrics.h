/* Metrics of a daemon, from one X-macro table per module; Prometheus text.
 *
 * Each row: X(kind, name, unit, labels, help). Kinds COUNTER, GAUGE, HISTOGRAM. The exported name
 * is tercet_<module>_<name>; counters end in _total. unit: "seconds" (values are recorded in ns and
 * exported in seconds), "bytes", "mu", or "" for plain numbers. labels: "" or up to two names,
 * "table,op"; never keys or other unbounded values. help: one line, what it means when it moves.
 *
 *   #define CANARY_METRICS(X) X(COUNTER, probes_total, "", "router", "probes started")
 *   DAEMON_METRICS(canary_metrics, "canary", CANARY_METRICS) -> struct canary_metrics of pointers
 *                                                               and canary_metrics_table()
 *
 * Threads: recording is a relaxed atomic add, any thread. A labelled row is a family:
 * daemon_metric_with gives the series of label values (lock and hash; cache the pointer on hot
 * paths). At most DAEMON_SERIES_MAX series a family; further ones fall into label value "other".
 * Memory: series live until daemon_metrics_free.
 */
#ifndef TC_DAEMON_METRICS_H
#define TC_DAEMON_METRICS_H

#include "base/buf.h"
#include "base/err.h"

enum {
    DAEMON_SERIES_MAX = 512,
    DAEMON_LABELS_MAX = 2,
    DAEMON_LABEL_BYTES_MAX = 256,
    DAEMON_HISTOGRAM_BUCKETS = 192, /* 4 per power of two, up to 2^48 */
};

enum daemon_metric_kind {
    DAEMON_METRIC_COUNTER,
    DAEMON_METRIC_GAUGE,
    DAEMON_METRIC_HISTOGRAM,
};

struct daemon_metric_row {
    enum daemon_metric_kind kind;
    const char *name;
    const char *unit;
    const char *labels;
    const char *help;
    size_t offset; /* of the pointer in the module's struct */
};

struct daemon_metric_table {
    const char *module;
    const struct daemon_metric_row *rows;
    size_t count;
};

/* One series, or a family (labels not empty) that only daemon_metric_with may touch. */
struct daemon_metric {
    const struct daemon_metric_row *row;
    struct daemon_family *family;
    uint64_t value;              /* counter; gauge as two's complement; histogram: sum */
    uint64_t *buckets;           /* histogram */
    int64_t (*read)(void *user); /* computed when it is exported; or NULL */
    void *read_user;
    const char *labels[DAEMON_LABELS_MAX];
    struct daemon_metric *next;
};

#define DAEMON_METRIC_FIELD(kind, name, unit, labels, help) struct daemon_metric *name;
#define DAEMON_METRIC_ROW(kind, name, unit, labels, help)                                          \
    {DAEMON_METRIC_##kind, #name, unit, labels, help, offsetof(daemon_metric_self, name)},
#define DAEMON_METRICS(type, module_text, TABLE)                                                   \
    struct type {                                                                                  \
        TABLE(DAEMON_METRIC_FIELD)                                                                 \
    };                                                                                             \
    static inline struct daemon_metric_table type##_table(void) {                                  \
        typedef struct type daemon_metric_self;                                                    \
        static const struct daemon_metric_row rows[] = {TABLE(DAEMON_METRIC_ROW)};                 \
        return (struct daemon_metric_table){module_text, rows, sizeof rows / sizeof rows[0]};      \
    }

struct daemon_metrics;

struct daemon_metrics *daemon_metrics_new(void);
void daemon_metrics_free(struct daemon_metrics *m);
/* Create the rows' metrics and store their pointers in values (the table's struct). */
void daemon_metrics_add(struct daemon_metrics *m, struct daemon_metric_table table, void *values);
/* The series of these label values; the second is ignored for one-label rows. */
struct daemon_metric *daemon_metric_with(struct daemon_metric *family, const char *first,
                                         const char *second);
/* Prometheus text format 0.0.4. */
void daemon_metrics_text(struct daemon_metrics *m, struct tc_buf *ret_text);
/* --list-metrics: name, kind, unit, labels, help; tab separated. */
void daemon_metrics_list(struct daemon_metrics *m, struct tc_buf *ret_text);

static inline void daemon_metric_add(struct daemon_metric *m, uint64_t count) {
    __atomic_fetch_add(&m->value, count, __ATOMIC_RELAXED);
}

static inline void daemon_metric_set(struct daemon_metric *m, int64_t value) {
    __atomic_store_n(&m->value, (uint64_t)value, __ATOMIC_RELAXED);
}

static inline uint64_t daemon_metric_value(const struct daemon_metric *m) {
    return __atomic_load_n(&m->value, __ATOMIC_RELAXED);
}

/* A gauge or counter whose value is asked for at each export, on the admin thread. */
void daemon_metric_set_read(struct daemon_metric *m, int64_t (*read)(void *user), void *user);
/* Record one observation (ns for "seconds"). */
void daemon_metric_observe(struct daemon_metric *histogram, uint64_t value);
uint64_t daemon_metric_count(const struct daemon_metric *histogram);
/* Upper bound of the bucket that holds the given share (990 = p99); 0 without observations. */
uint64_t daemon_metric_quantile(const struct daemon_metric *histogram, uint32_t permille);

#endif
