/* Metrics of tercet-archiver (see daemon/metrics.h for the columns). */
#ifndef TC_SERVICES_ARCHIVER_METRICS_H
#define TC_SERVICES_ARCHIVER_METRICS_H

#include "daemon/metrics.h"

#define ARCHIVER_METRICS(X)                                                                        \
    X(COUNTER, offers_total, "", "", "offers of replicas taken")                                   \
    X(COUNTER, segments_total, "", "", "segments archived")                                        \
    X(COUNTER, segment_bytes_total, "bytes", "", "segment objects written")                        \
    X(COUNTER, entries_total, "", "", "log entries archived")                                      \
    X(COUNTER, entries_read_total, "", "",                                                         \
      "archived entries given back to replicas that nobody else could help")                       \
    X(COUNTER, ranges_verified_total, "", "",                                                      \
      "ranges in which a replica's log equals the archive")                                        \
    X(COUNTER, replicas_differ_total, "", "",                                                      \
      "ranges in which a replica's log differs from an intact archive: never normal")              \
    X(COUNTER, archive_damaged_total, "", "", "archived objects found damaged: never normal")      \
    X(COUNTER, entries_refused_total, "", "", "offers with an entry that failed its check")        \
    X(COUNTER, holes_refused_total, "", "", "offers that did not continue the archive's end")      \
    X(COUNTER, races_lost_total, "", "", "manifests that another archiver stored first")           \
    X(COUNTER, refused_total, "", "", "offers refused: malformed, or the queue was full")          \
    X(COUNTER, failed_total, "", "", "offers not archived because the object store failed")        \
    X(GAUGE, queued_bytes, "bytes", "", "offers waiting")                                          \
    X(HISTOGRAM, offer_seconds, "seconds", "", "time to answer one offer")

DAEMON_METRICS(archiver_metrics, "archiver", ARCHIVER_METRICS)

#endif
