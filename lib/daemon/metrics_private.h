/* What metrics.c (recording) and metrics_text.c (export) share. */
#ifndef TC_DAEMON_METRICS_PRIVATE_H
#define TC_DAEMON_METRICS_PRIVATE_H

#include "base/map.h"
#include "daemon/metrics.h"

#include <pthread.h>

struct daemon_family {
    const struct daemon_metric_row *row;
    const char *module;
    size_t label_count;
    struct daemon_metric *plain; /* the one series without labels, or the family's handle */
    pthread_mutex_t lock;        /* the labelled series */
    struct daemon_metric *first;
    size_t series_count;
    struct tc_map by_labels;
    struct daemon_family *next;
};

struct daemon_metrics {
    struct daemon_family *first, *last;
};

size_t daemon__bucket_of(uint64_t v);
/* The least value beyond bucket b. */
uint64_t daemon__bucket_end(size_t b);

#endif
