/* Metrics of tercet-router (see daemon/metrics.h for the columns). */
#ifndef TC_SERVICES_ROUTER_METRICS_H
#define TC_SERVICES_ROUTER_METRICS_H

#include "daemon/metrics.h"

#define ROUTER_METRICS(X)                                                                          \
    X(HISTOGRAM, request_seconds, "seconds", "op", "time from the whole request to its answer")    \
    X(COUNTER, requests_total, "", "op,outcome",                                                   \
      "requests by operation and exception name, or ok")                                           \
    X(GAUGE, connections, "", "", "clients connected now")                                         \
    X(GAUGE, requests_in_flight, "", "", "requests being served now")                              \
    X(GAUGE, http_faults, "", "", "requests refused by the HTTP parser since the start")           \
    X(GAUGE, route_finds, "", "", "uses of a table record")                                        \
    X(GAUGE, route_find_misses, "", "", "of those, not in the cache")                              \
    X(GAUGE, route_calls, "", "", "storage requests")                                              \
    X(GAUGE, route_call_misses, "", "", "of those, partition not in the cache")                    \
    X(GAUGE, memds_lookups, "", "", "questions to memds: one for each use, hit or miss")           \
    X(GAUGE, memds_dropped, "", "", "refreshes dropped because memds did not keep up")             \
    X(GAUGE, storage_retries, "", "", "storage requests tried again")                              \
    X(GAUGE, storage_moved, "", "", "routes corrected by a storage node")                          \
    X(GAUGE, route_tables, "", "", "table records in the cache")                                   \
    X(GAUGE, route_partitions, "", "", "partitions in the cache; those of dropped tables leave it")

DAEMON_METRICS(router_metrics, "router", ROUTER_METRICS)

#endif
