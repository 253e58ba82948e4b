/* Options of tercet-scrubber (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_SCRUBBER_OPTIONS_H
#define TC_SERVICES_SCRUBBER_OPTIONS_H

#include "daemon/options.h"

#define SCRUBBER_OPTIONS(X)                                                                        \
    X(ADDRS, storage, "", 0, 64, "host:port,...", "every storage node")                            \
    X(STRING, archive, "", 0, 1024, "URL",                                                         \
      "dir:PATH or s3://BUCKET/PREFIX?endpoint=URL; empty: the archive is not checked")            \
    X(DURATION, quick_interval_ms, "1m", 100, 86400000, "ms",                                      \
      "time between comparisons of the replicas' content sums")                                    \
    X(DURATION, deep_interval_ms, "10m", 100, 2592000000, "ms",                                    \
      "time between full scrubs: every page, the archive, the reference")                          \
    X(DURATION, idle_interval_ms, "24h", 100, 2592000000, "ms",                                    \
      "... of a group to which nothing was written since its last clean one")                      \
    X(DURATION, apply_wait_ms, "10s", 100, 600000, "ms", "for replicas to apply the mark")         \
    X(DURATION, archive_wait_ms, "1m", 0, 3600000, "ms", "for the archive to reach the mark")      \
    X(DURATION, pages_deadline_ms, "10m", 1000, 86400000, "ms", "for one replica's pages")         \
    X(DURATION, pace_ms, "5ms", 0, 60000, "ms", "rest between two archive objects")

DAEMON_OPTIONS(scrubber_options, "Scrubber", SCRUBBER_OPTIONS)

#endif
