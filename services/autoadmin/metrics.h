/* Metrics of tercet-autoadmin (see daemon/metrics.h for the columns). */
#ifndef TC_SERVICES_AUTOADMIN_METRICS_H
#define TC_SERVICES_AUTOADMIN_METRICS_H

#include "daemon/metrics.h"

#define AUTOADMIN_METRICS(X)                                                                       \
    X(COUNTER, rounds_total, "", "", "snapshots taken and planned over")                           \
    X(COUNTER, actions_total, "", "action", "actions carried out")                                 \
    X(COUNTER, failures_total, "", "action", "actions that failed and are planned again")          \
    X(GAUGE, halted, "", "", "1 while a safety rule keeps it from acting; /status says which")     \
    X(GAUGE, holder, "", "", "1 while this autoadmin holds the lease")                             \
    X(GAUGE, nodes_silent, "", "", "configured storage nodes that did not answer the last round")  \
    X(GAUGE, tables, "", "", "tables on record")                                                   \
    X(GAUGE, groups_unhealthy, "", "", "groups without three storage replicas that answer")        \
    X(GAUGE, groups_changing, "", "", "groups whose members change, or that are being copied")     \
    X(GAUGE, groups_waiting, "", "", "groups that need a change and wait for their turn")          \
    X(GAUGE, groups_blocked, "", "", "1 while a group needs a person; /status says which and why") \
    X(GAUGE, heal_halted, "", "", "1 while a safety rule forbids every change of membership")      \
    X(GAUGE, orders_open, "", "", "orders to split or merge groups that are under way")            \
    X(GAUGE, directory_refused, "", "", "nodes that did not take the last directory")

DAEMON_METRICS(autoadmin_metrics, "autoadmin", AUTOADMIN_METRICS)

#endif
