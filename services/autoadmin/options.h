/* Options of tercet-autoadmin (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_AUTOADMIN_OPTIONS_H
#define TC_SERVICES_AUTOADMIN_OPTIONS_H

#include "daemon/options.h"

#define AUTOADMIN_OPTIONS(X)                                                                       \
    X(ADDRS, storage, "127.0.0.1:7100", 1, 64, "host:port,...",                                    \
      "every storage node of the cluster")                                                         \
    X(DURATION, busy_interval_ms, "100ms", 10, 60000, "ms",                                        \
      "time between rounds while work waits")                                                      \
    X(DURATION, idle_interval_ms, "500ms", 10, 60000, "ms", "time between rounds otherwise")

DAEMON_OPTIONS(autoadmin_options, "Control plane", AUTOADMIN_OPTIONS)

#endif
