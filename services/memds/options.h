/* Options of tercet-memds (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_MEMDS_OPTIONS_H
#define TC_SERVICES_MEMDS_OPTIONS_H

#include "daemon/options.h"

#define MEMDS_OPTIONS(X)                                                                           \
    X(ADDRS, peers, "", 0, 16, "host:port,...",                                                    \
      "the other memds nodes; this node's own address may be among them")                          \
    X(DURATION, sync_interval_ms, "1s", 10, 60000, "ms", "time between comparisons with a peer")   \
    X(U64, records_max, "4M", 1, 1073741824, "",                                                   \
      "bound on tables and partitions kept, about 500 bytes each")

DAEMON_OPTIONS(memds_options, "Routing map", MEMDS_OPTIONS)

#endif
