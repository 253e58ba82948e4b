/* Metrics of tercet-memds (see daemon/metrics.h for the columns). */
#ifndef TC_SERVICES_MEMDS_METRICS_H
#define TC_SERVICES_MEMDS_METRICS_H

#include "daemon/metrics.h"

#define MEMDS_METRICS(X)                                                                           \
    X(COUNTER, lookups_total, "", "",                                                              \
      "lookups; follows the requests of all routers, cached or not, and nothing else")             \
    X(COUNTER, lookup_batches_total, "", "", "messages that carried them")                         \
    X(COUNTER, pushes_total, "", "", "messages from storage nodes")                                \
    X(COUNTER, push_records_total, "", "result", "records in them: taken, stale or refused")       \
    X(COUNTER, refused_total, "", "", "requests of a wrong kind or from a wrong daemon")           \
    X(COUNTER, sync_rounds_total, "", "peer", "comparisons that came to their end")                \
    X(COUNTER, sync_failures_total, "", "peer", "comparisons broken off: the peer is away")        \
    X(COUNTER, sync_records_total, "", "peer", "records that a peer had and this node had not")    \
    X(COUNTER, purged_total, "", "", "tombstones dropped after ten minutes")                       \
    X(COUNTER, begun_anew_total, "", "",                                                           \
      "times the map was dropped because storage was not heard for nine minutes")                  \
    X(GAUGE, records, "", "", "tables and partitions on record")                                   \
    X(GAUGE, tombstones, "", "", "removals remembered")                                            \
    X(GAUGE, warm, "", "", "1 when absence of a record is told as a fact")                         \
    X(GAUGE, root_hash, "", "",                                                                    \
      "48 bits of the map's hash; nodes that stay different do not hear each other")

DAEMON_METRICS(memds_metrics, "memds", MEMDS_METRICS)

#endif
