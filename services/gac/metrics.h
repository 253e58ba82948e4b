/* Metrics of tercet-gac (see daemon/metrics.h for the columns). */
#ifndef TC_SERVICES_GAC_METRICS_H
#define TC_SERVICES_GAC_METRICS_H

#include "daemon/metrics.h"

#define GAC_METRICS(X)                                                                             \
    X(COUNTER, topups_total, "", "", "reports of routers answered")                                \
    X(COUNTER, shares_total, "", "", "table shares handed out")                                    \
    X(COUNTER, refused_total, "", "", "reports refused: malformed, or too many tables")            \
    X(GAUGE, tables, "", "", "tables accounted for")

DAEMON_METRICS(gac_metrics, "gac", GAC_METRICS)

#endif
