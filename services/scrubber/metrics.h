/* Metrics of tercet-scrubber (see daemon/metrics.h for the columns). */
#ifndef TC_SERVICES_SCRUBBER_METRICS_H
#define TC_SERVICES_SCRUBBER_METRICS_H

#include "daemon/metrics.h"

#define SCRUBBER_METRICS(X)                                                                        \
    X(COUNTER, groups_total, "", "depth", "groups scrubbed, quick or deep")                        \
    X(COUNTER, damaged_total, "", "check", "checks that found damage")                             \
    X(COUNTER, not_run_total, "", "check", "checks that could not run; silence is not success")    \
    X(COUNTER, pages_total, "", "", "live pages read and checked at replicas")                     \
    X(COUNTER, archive_entries_total, "", "", "log entries read back from the archive")            \
    X(GAUGE, nodes_silent, "", "", "storage nodes that did not answer the last pass")              \
    X(GAUGE, groups_clean, "", "", "groups whose last results are all clean")                      \
    X(GAUGE, groups_damaged, "", "", "groups with damage in their last results")                   \
    X(GAUGE, groups_not_run, "", "", "groups not damaged, but with a check that did not run")      \
    X(GAUGE, findings, "", "", "findings in the last results of all groups")                       \
    X(HISTOGRAM, pass_seconds, "seconds", "depth", "time of a pass over all groups")

DAEMON_METRICS(scrubber_metrics, "scrubber", SCRUBBER_METRICS)

#endif
