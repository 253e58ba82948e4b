/* Options of tercet-storage (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_STORAGE_OPTIONS_H
#define TC_SERVICES_STORAGE_OPTIONS_H

#include "daemon/options.h"

#define STORAGE_OPTIONS(X)                                                                         \
    X(ADDRS, rpc_advertise, "", 0, 1, "host:port",                                                 \
      "where other storage nodes reach this one; none: at --rpc-listen")                           \
    X(ADDRS, memds, "", 0, 16, "host:port,...", "metadata nodes that are told about partitions")   \
    X(ADDRS, archiver, "", 0, 16, "host:port,...",                                                 \
      "archivers, the first that answers is used; none: the log is trimmed without an archive")    \
    X(U64, wal_segment_bytes, "64M", 16777216, 1073741824, "bytes", "size of one log segment")     \
    X(U64, wal_max_bytes, "4G", 134217728, 1099511627776, "bytes",                                 \
      "log space; writes are refused shortly before it is used up")                                \
    X(U64, wal_cache_bytes, "64M", 0, 17179869184, "bytes",                                        \
      "newest log entries kept in memory, for all replicas together")                              \
    X(U64, cache_bytes, "64M", 1048576, 1099511627776, "bytes",                                    \
      "clean B-tree pages kept in memory, per replica")                                            \
    X(U64, checkpoint_bytes, "64M", 65536, 17179869184, "bytes",                                   \
      "log of one replica between its checkpoints")                                                \
    X(DURATION, checkpoint_interval_ms, "1m", 100, 3600000, "ms",                                  \
      "longest time between checkpoints of a replica that changes")                                \
    X(DURATION, segment_age_ms, "30s", 100, 600000, "ms",                                          \
      "age at which committed log is offered to the archiver")                                     \
    X(U64, segment_bytes, "4M", 65536, 16777216, "bytes", "... or size")                           \
    X(DURATION, lease_ms, "1s", 50, 60000, "ms",                                                   \
      "leader lease; beats and suspicion follow by fixed ratios")                                  \
    X(DURATION, heal_dead_ms, "2500ms", 0, 3600000, "ms",                                          \
      "silence after which a leader replaces a member by a log replica; 0: never")                 \
    X(DURATION, learner_orphan_ms, "10s", 1000, 86400000, "ms",                                    \
      "a replica without a leader for so long asks if it was removed")                             \
    X(U64, partition_read_units, "3000", 0, 1000000, "units/s", "per partition; 0: no limit")      \
    X(U64, partition_write_units, "1000", 0, 1000000, "units/s", "per partition; 0: no limit")     \
    X(U64, outbox_rows_max, "100000", 1, 10000000, "items",                                        \
      "of one partition whose index rows are on their way; beyond, its writes are throttled")      \
    X(DURATION, index_wait_ms, "100ms", 0, 1000, "ms",                                             \
      "longest time a write's answer waits until its rows stand in global indexes; 0: not at all") \
    X(U64, collection_bytes_max, "10G", 1024, 1099511627776, "bytes",                              \
      "of all items of one partition key with their rows in local indexes; beyond, writes that "   \
      "let them grow are refused. The node that leads the partition decides")                      \
    X(DURATION, push_interval_ms, "3s", 100, 600000, "ms",                                         \
      "time between two pushes of what may have been lost to memds: tables, and partitions in "    \
      "turn")                                                                                      \
    X(U64, disk_no_replicas_permille, "850", 30, 1000, "permille",                                 \
      "disk in use at which this node takes no new replica")                                       \
    X(U64, disk_no_leaders_permille, "900", 30, 1000, "permille",                                  \
      "... gives its leaderships away")                                                            \
    X(U64, disk_no_writes_permille, "950", 30, 1000, "permille",                                   \
      "... refuses user writes; deletes and trimming go on")                                       \
    X(U64, disk_ample_bytes, "16G", 0, 1125899906842624, "bytes",                                  \
      "with so much free space none of the three applies")                                         \
    X(DURATION, disk_slow_write_ms, "200ms", 1, 60000, "ms",                                       \
      "a log write that takes so long is slow")                                                    \
    X(DURATION, disk_slow_window_ms, "10s", 100, 600000, "ms",                                     \
      "slow writes for half of this time: leaderships are given away")                             \
    X(DURATION, disk_slow_drain_ms, "10m", 1000, 86400000, "ms",                                   \
      "slow for so long: the store asks to be emptied")                                            \
    X(STRING, suspect_dir, "", 0, 400, "folder",                                                   \
      "on another disk: failures of the data's disk are noted there too, for the next start")      \
    X(DURATION, drain_ms, "5s", 0, 600000, "ms",                                                   \
      "time given to hand leaderships over before a stop")

DAEMON_OPTIONS(storage_options, "Storage", STORAGE_OPTIONS)

#endif
