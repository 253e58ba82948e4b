#include "daemon/metrics_private.h"

#include "base/assert.h"

#include <stdlib.h>

struct daemon_metrics *daemon_metrics_new(void) {
    struct daemon_metrics *m = calloc(1, sizeof *m);
    TC_ASSERT(m != NULL);
    return m;
}

static struct daemon_metric *series_new(struct daemon_family *f) {
    struct daemon_metric *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->row = f->row;
    s->family = f;
    if (f->row->kind == DAEMON_METRIC_HISTOGRAM) {
        s->buckets = calloc(DAEMON_HISTOGRAM_BUCKETS, sizeof s->buckets[0]);
        TC_ASSERT(s->buckets != NULL);
    }
    return s;
}

static size_t label_count(const char *labels) {
    if (labels[0] == '\0')
        return 0;
    size_t count = 1;
    for (const char *c = labels; *c; c++)
        count += *c == ',';
    return count;
}

static struct daemon_family *family_new(const char *module, const struct daemon_metric_row *row) {
    struct daemon_family *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    f->row = row;
    f->module = module;
    f->label_count = label_count(row->labels);
    TC_ASSERT(f->label_count <= DAEMON_LABELS_MAX);
    f->plain = series_new(f);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void daemon_metrics_add(struct daemon_metrics *m, struct daemon_metric_table table, void *values) {
    for (size_t i = 0; i < table.count; i++) {
        const struct daemon_metric_row *row = &table.rows[i];
        struct daemon_family *f = family_new(table.module, row);
        *(struct daemon_metric **)(void *)((char *)values + row->offset) = f->plain;
        *(m->last ? &m->last->next : &m->first) = f;
        m->last = f;
    }
}

static void series_free(struct daemon_metric *s) {
    for (size_t i = 0; i < DAEMON_LABELS_MAX; i++)
        free((char *)(uintptr_t)s->labels[i]);
    free(s->buckets);
    free(s);
}

void daemon_metrics_free(struct daemon_metrics *m) {
    struct daemon_family *next = NULL;
    for (struct daemon_family *f = m ? m->first : NULL; f; f = next) {
        next = f->next;
        struct daemon_metric *next_series = NULL;
        for (struct daemon_metric *s = f->first; s; s = next_series) {
            next_series = s->next;
            series_free(s);
        }
        series_free(f->plain);
        tc_map_deinit(&f->by_labels);
        pthread_mutex_destroy(&f->lock);
        free(f);
    }
    free(m);
}

static char *label_dup(const char *text) {
    size_t len = strnlen(text, DAEMON_LABEL_BYTES_MAX);
    char *copy = malloc(len + 1);
    TC_ASSERT(copy != NULL);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* Both values with their NULs: no two pairs give one key. */
static void make_key(const struct daemon_family *f, const char *first, const char *second,
                     struct tc_buf *key) {
    tc_buf_append(key, first, strnlen(first, DAEMON_LABEL_BYTES_MAX));
    tc_buf_append_u8(key, 0);
    if (f->label_count > 1)
        tc_buf_append(key, second, strnlen(second, DAEMON_LABEL_BYTES_MAX));
}

static struct daemon_metric *find_or_add(struct daemon_family *f, const char *first,
                                         const char *second, size_t count_max) {
    struct tc_buf key = {0};
    make_key(f, first, second, &key);
    struct daemon_metric *s = tc_map_get(&f->by_labels, tc_buf_slice(&key));
    if (s == NULL && f->series_count < count_max) {
        s = series_new(f);
        s->labels[0] = label_dup(first);
        s->labels[1] = f->label_count > 1 ? label_dup(second) : NULL;
        s->next = f->first;
        f->first = s;
        f->series_count++;
        tc_map_put(&f->by_labels, tc_buf_slice(&key), s);
    }
    tc_buf_deinit(&key);
    return s;
}

struct daemon_metric *daemon_metric_with(struct daemon_metric *family, const char *first,
                                         const char *second) {
    struct daemon_family *f = family->family;
    TC_ASSERT(f->label_count > 0 && first != NULL);
    TC_ASSERT(TC_IMPLIES(f->label_count > 1, second != NULL));
    pthread_mutex_lock(&f->lock);
    struct daemon_metric *s = find_or_add(f, first, second, DAEMON_SERIES_MAX - 1);
    if (s == NULL) /* everything beyond the bound; its place was kept */
        s = find_or_add(f, "other", "other", DAEMON_SERIES_MAX);
    TC_ASSERT(s != NULL);
    pthread_mutex_unlock(&f->lock);
    return s;
}

void daemon_metric_set_read(struct daemon_metric *m, int64_t (*read)(void *user), void *user) {
    TC_ASSERT(m->row->kind != DAEMON_METRIC_HISTOGRAM);
    m->read_user = user;
    __atomic_store_n(&m->read, read, __ATOMIC_RELEASE);
}

/* Four buckets a power of two: the top bit chooses the octave, the next two the quarter. Values 0
 * to 3 have a bucket each. */
size_t daemon__bucket_of(uint64_t v) {
    if (v < 4)
        return (size_t)v;
    unsigned top = 63 - (unsigned)__builtin_clzll(v);
    size_t b = (size_t)(top - 1) * 4 + (v >> (top - 2) & 3);
    return b < DAEMON_HISTOGRAM_BUCKETS ? b : DAEMON_HISTOGRAM_BUCKETS - 1;
}

uint64_t daemon__bucket_end(size_t b) {
    if (b < 4)
        return b + 1;
    unsigned top = (unsigned)(b / 4) + 1;
    return (UINT64_C(1) << top) + ((uint64_t)(b % 4 + 1) << (top - 2));
}

void daemon_metric_observe(struct daemon_metric *h, uint64_t value) {
    TC_ASSERT(h->buckets != NULL);
    __atomic_fetch_add(&h->buckets[daemon__bucket_of(value)], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&h->value, value, __ATOMIC_RELAXED);
}

uint64_t daemon_metric_count(const struct daemon_metric *h) {
    uint64_t count = 0;
    for (size_t i = 0; i < DAEMON_HISTOGRAM_BUCKETS; i++)
        count += __atomic_load_n(&h->buckets[i], __ATOMIC_RELAXED);
    return count;
}

uint64_t daemon_metric_quantile(const struct daemon_metric *h, uint32_t permille) {
    TC_ASSERT(permille <= 1000);
    uint64_t count = daemon_metric_count(h);
    uint64_t rank = (count * permille + 999) / 1000, seen = 0;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < DAEMON_HISTOGRAM_BUCKETS; i++) {
        seen += __atomic_load_n(&h->buckets[i], __ATOMIC_RELAXED);
        if (seen >= rank && seen > 0)
            return daemon__bucket_end(i) - 1;
    }
    return daemon__bucket_end(DAEMON_HISTOGRAM_BUCKETS - 1);
}
