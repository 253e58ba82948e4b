/* Metrics of tercet-canary (see daemon/metrics.h for the columns). */
#ifndef TC_SERVICES_CANARY_METRICS_H
#define TC_SERVICES_CANARY_METRICS_H

#include "daemon/metrics.h"

#define CANARY_METRICS(X)                                                                          \
    X(COUNTER, requests_total, "", "router,outcome",                                               \
      "requests sent; outcome is ok, the API's exception, timeout or unreachable")                 \
    X(COUNTER, inconsistent_total, "", "router",                                                   \
      "reads that contradict an acknowledged write: data was lost or is stale; act at once")       \
    X(GAUGE, availability_ppm, "", "router",                                                       \
      "successful requests per million in the last complete window (5 minutes)")                   \
    X(HISTOGRAM, request_seconds, "seconds", "router,op", "time to a successful answer")

DAEMON_METRICS(canary_metrics, "canary", CANARY_METRICS)

#endif
