/* Options of tercet-autoadmin (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_AUTOADMIN_OPTIONS_H
#define TC_SERVICES_AUTOADMIN_OPTIONS_H

#include "daemon/options.h"

#define AUTOADMIN_OPTIONS(X)                                                                       \
    X(ADDRS, storage, "127.0.0.1:7100", 1, 64, "host:port,...",                                    \
      "every storage node of the cluster")                                                         \
    X(DURATION, busy_interval_ms, "100ms", 10, 60000, "ms",                                        \
      "time between rounds while work waits")                                                      \
    X(DURATION, idle_interval_ms, "500ms", 10, 60000, "ms", "time between rounds otherwise")       \
    X(DURATION, node_interval_ms, "2s", 100, 60000, "ms",                                          \
      "time between questions to every node while nothing is to be done")                          \
    X(U64, changes_max, "8", 1, 1024, "groups",                                                    \
      "how many groups of the cluster may change their members or take copies at once")            \
    X(U64, heals_per_node, "2", 1, 64, "groups", "how many of these one node may take in at once") \
    X(U64, node_full_bytes, "1G", 0, 1125899906842624, "bytes",                                    \
      "a node with less free space is given no replica")

DAEMON_OPTIONS(autoadmin_options, "Control plane", AUTOADMIN_OPTIONS)

#endif
