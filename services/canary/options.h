/* Options of tercet-canary (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_CANARY_OPTIONS_H
#define TC_SERVICES_CANARY_OPTIONS_H

#include "daemon/options.h"

enum {
    CANARY_ROUTERS_MAX = 16,
};

#define CANARY_OPTIONS(X)                                                                          \
    X(ADDRS, routers, "127.0.0.1:8000", 1, CANARY_ROUTERS_MAX, "host:port,...",                    \
      "routers to probe, each on its own")                                                         \
    X(DURATION, interval_ms, "1s", 10, 3600000, "ms", "time between two probes of one router")     \
    X(DURATION, timeout_ms, "2s", 10, 60000, "ms", "a request that takes longer has failed")       \
    X(DURATION, window_ms, "5m", 100, 86400000, "ms", "availability is the success ratio of this") \
    X(BOOL, https, "false", 0, 0, "", "speak TLS with the routers")                                \
    X(STRING, https_ca, "", 0, 4096, "PEM file",                                                   \
      "authority of their certificates (or the system's)")                                         \
    X(STRING, region, "us-east-1", 1, 64, "name", "region to sign for")                            \
    X(STRING, access_key, "tercet", 1, 128, "id", "access key to sign with")                       \
    X(STRING, secret_key, "tercet-local-secret", 1, 128, "secret",                                 \
      "its secret; prefer the environment or the file over the command line")

DAEMON_OPTIONS(canary_options, "Probes", CANARY_OPTIONS)

#endif
