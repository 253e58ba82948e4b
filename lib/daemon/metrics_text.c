#include "daemon/metrics_private.h"

#include <inttypes.h>

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

static void append_name(const struct daemon_family *f, struct tc_buf *text) {
    tc_buf_printf(text, "tercet_%s_%s", f->module, f->row->name);
}

/* Escapes of the exposition format: backslash, quote, newline. */
static void append_label(struct tc_buf *text, const char *value) {
    for (const char *c = value; *c; c++) {
        if (*c == '\n')
            tc_buf_append_str(text, "\\n");
        else {
            if (*c == '"' || *c == '\\')
                tc_buf_append_u8(text, '\\');
            tc_buf_append_u8(text, (uint8_t)*c);
        }
    }
}

/* name_suffix{a="x",b="y",le="z"} and a space. */
static void append_series(const struct daemon_metric *s, const char *suffix, const char *le,
                          struct tc_buf *text) {
    append_name(s->family, text);
    tc_buf_append_str(text, suffix);
    char sep = '{';
    const char *name = s->row->labels;
    for (size_t i = 0; i < s->family->label_count && s->labels[i]; i++) {
        size_t len = strcspn(name, ",");
        tc_buf_printf(text, "%c%.*s=\"", sep, (int)len, name);
        append_label(text, s->labels[i]);
        tc_buf_append_str(text, "\"");
        sep = ',';
        name += len + (name[len] == ',');
    }
    if (le) {
        tc_buf_printf(text, "%cle=\"%s\"", sep, le);
        sep = ',';
    }
    tc_buf_append_str(text, sep == '{' ? " " : "} ");
}

static bool in_seconds(const struct daemon_metric *s) {
    return strcmp(s->row->unit, "seconds") == 0;
}

/* Nanoseconds as seconds, without floating point. */
static void append_value(const struct daemon_metric *s, uint64_t v, struct tc_buf *text) {
    if (in_seconds(s))
        tc_buf_printf(text, "%" PRIu64 ".%09" PRIu64, v / 1000000000U, v % 1000000000U);
    else
        tc_buf_printf(text, "%" PRIu64, v);
}

/* Every second power of two: 1 us to 69 s for times, 1 to 2^32 otherwise. */
static void append_histogram(const struct daemon_metric *s, struct tc_buf *text) {
    uint64_t seen = 0;
    size_t b = 0;
    for (unsigned top = in_seconds(s) ? 10 : 0; top <= (in_seconds(s) ? 36U : 32U); top += 2) {
        for (; b < DAEMON_HISTOGRAM_BUCKETS && daemon__bucket_end(b) <= UINT64_C(1) << top; b++)
            seen += __atomic_load_n(&s->buckets[b], __ATOMIC_RELAXED);
        struct tc_buf le = {0};
        append_value(s, UINT64_C(1) << top, &le);
        tc_buf_append_u8(&le, 0);
        append_series(s, "_bucket", (const char *)le.data, text);
        tc_buf_printf(text, "%" PRIu64 "\n", seen);
        tc_buf_deinit(&le);
    }
    for (; b < DAEMON_HISTOGRAM_BUCKETS; b++)
        seen += __atomic_load_n(&s->buckets[b], __ATOMIC_RELAXED);
    append_series(s, "_bucket", "+Inf", text);
    tc_buf_printf(text, "%" PRIu64 "\n", seen);
    append_series(s, "_sum", NULL, text);
    append_value(s, daemon_metric_value(s), text);
    tc_buf_append_str(text, "\n");
    append_series(s, "_count", NULL, text);
    tc_buf_printf(text, "%" PRIu64 "\n", seen);
}

static void append_one(const struct daemon_metric *s, struct tc_buf *text) {
    if (s->row->kind == DAEMON_METRIC_HISTOGRAM) {
        append_histogram(s, text);
        return;
    }
    append_series(s, "", NULL, text);
    int64_t (*read)(void *user) = __atomic_load_n(&s->read, __ATOMIC_ACQUIRE);
    int64_t v = read ? read(s->read_user) : (int64_t)daemon_metric_value(s);
    if (s->row->kind == DAEMON_METRIC_GAUGE && v < 0)
        tc_buf_append_str(text, "-");
    append_value(s, s->row->kind == DAEMON_METRIC_GAUGE && v < 0 ? 0 - (uint64_t)v : (uint64_t)v,
                 text);
    tc_buf_append_str(text, "\n");
}

static void append_family(struct daemon_family *f, struct tc_buf *text) {
    tc_buf_append_str(text, "# HELP ");
    append_name(f, text);
    tc_buf_printf(text, " %s\n# TYPE ", f->row->help);
    append_name(f, text);
    tc_buf_printf(text, " %s\n", kind_names[f->row->kind]);
    if (f->label_count == 0) {
        append_one(f->plain, text);
        return;
    }
    pthread_mutex_lock(&f->lock);
    for (const struct daemon_metric *s = f->first; s; s = s->next)
        append_one(s, text);
    pthread_mutex_unlock(&f->lock);
}

void daemon_metrics_text(struct daemon_metrics *m, struct tc_buf *ret_text) {
    for (struct daemon_family *f = m->first; f; f = f->next)
        append_family(f, ret_text);
}

void daemon_metrics_list(struct daemon_metrics *m, struct tc_buf *ret_text) {
    tc_buf_append_str(ret_text, "name\tkind\tunit\tlabels\thelp\n");
    for (struct daemon_family *f = m->first; f; f = f->next) {
        append_name(f, ret_text);
        tc_buf_printf(ret_text, "\t%s\t%s\t%s\t%s\n", kind_names[f->row->kind], f->row->unit,
                      f->row->labels, f->row->help);
    }
}
