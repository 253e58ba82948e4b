/* Metrics of tercet-storage (see daemon/metrics.h for the columns). */
#ifndef TC_SERVICES_STORAGE_METRICS_H
#define TC_SERVICES_STORAGE_METRICS_H

#include "daemon/metrics.h"

#define STORAGE_METRICS(X)                                                                         \
    X(COUNTER, gets_total, "", "", "item reads answered")                                          \
    X(COUNTER, writes_total, "", "", "writes proposed as leader")                                  \
    X(COUNTER, applied_total, "", "", "log entries applied, leader or not")                        \
    X(COUNTER, expired_total, "", "", "items deleted because their expiry time had come")          \
    X(COUNTER, conditions_failed_total, "", "", "writes refused by their condition")               \
    X(COUNTER, repeats_total, "", "", "request ids answered from the log: routers had to retry")   \
    X(COUNTER, ranges_total, "", "", "range requests answered")                                    \
    X(COUNTER, throttled_total, "", "", "requests refused by a partition's bucket")                \
    X(COUNTER, refused_full_total, "", "", "writes refused for lack of log space: archive behind") \
    X(COUNTER, refused_disk_total, "", "",                                                         \
      "writes refused because the disk is full: deletes go on")                                    \
    X(COUNTER, disk_leaders_given_total, "", "",                                                   \
      "leaderships given away because the disk is full, slow or failing")                          \
    X(COUNTER, restored_total, "", "",                                                             \
      "log entries taken back from the archive: no replica had them")                              \
    X(COUNTER, log_rot_total, "", "", "log entries found unreadable while running, then fetched")  \
    X(COUNTER, refused_busy_total, "", "", "batches refused because the mailbox was full")         \
    X(COUNTER, messages_in_total, "", "", "replication messages taken")                            \
    X(COUNTER, messages_dropped_total, "", "", "replication messages that failed a check")         \
    X(COUNTER, messages_out_total, "", "", "replication messages sent")                            \
    X(COUNTER, beats_in_total, "", "", "beats of other nodes taken")                               \
    X(COUNTER, beats_out_total, "", "", "beats sent to other nodes")                               \
    X(COUNTER, batches_total, "", "", "log batches made durable")                                  \
    X(COUNTER, checkpoints_total, "", "", "B-tree checkpoints completed")                          \
    X(COUNTER, snapshots_sent_total, "", "", "replicas copied to another node")                    \
    X(COUNTER, snapshots_installed_total, "", "", "replicas taken from another node")              \
    X(COUNTER, copy_bytes_out_total, "bytes", "", "whole copies sent")                             \
    X(COUNTER, copy_bytes_in_total, "bytes", "", "whole copies taken")                             \
    X(COUNTER, log_replicas_added_total, "", "", "log replicas taken into groups led here")        \
    X(COUNTER, heals_done_total, "", "", "log replicas made storage replicas by leaders here")     \
    X(COUNTER, replicas_left_total, "", "", "replicas that deleted themselves: removed elsewhere") \
    X(GAUGE, groups_short, "", "", "groups led here with fewer than three durable logs")           \
    X(GAUGE, heals_running, "", "", "groups led here whose members change or are being healed")    \
    X(GAUGE, log_replicas, "", "", "replicas on this node that hold a log only")                   \
    X(COUNTER, damage_found_total, "", "", "replicas found damaged: look at /status")              \
    X(COUNTER, index_rows_sent_total, "", "",                                                      \
      "rows of global indexes sent by groups of tables led here")                                  \
    X(COUNTER, index_rows_taken_total, "", "",                                                     \
      "rows of global indexes written by groups of indexes led here")                              \
    X(COUNTER, index_refused_total, "", "",                                                        \
      "batches of index rows of which some were refused: the index is throttled or away")          \
    X(COUNTER, outbox_paid_total, "", "", "writes whose index rows are all there")                 \
    X(GAUGE, outbox_rows, "", "", "writes whose index rows are not all there yet")                 \
    X(GAUGE, outbox_age_ms, "ms", "", "age of the oldest of them that is known")                   \
    X(COUNTER, elections_total, "", "", "campaigns begun here because no leader was heard")        \
    X(COUNTER, elections_by_choice_total, "", "",                                                  \
      "campaigns begun here on a leader's resignation, or at a split")                             \
    X(HISTOGRAM, log_write_seconds, "seconds", "", "time of one durable log batch")                \
    X(GAUGE, replicas, "", "", "replicas on this node")                                            \
    X(GAUGE, replicas_led, "", "", "replicas that serve as leader")                                \
    X(GAUGE, replicas_quiet, "", "", "replicas of quiet groups: the nodes' beats stand for them")  \
    X(GAUGE, replicas_active, "", "", "replicas looked at in every tick")                          \
    X(GAUGE, disk_used_permille, "permille", "", "how full the disk of the data is")               \
    X(GAUGE, disk_fill, "", "", "0 room, 1 no new replicas, 2 no leaders, 3 no user writes")       \
    X(GAUGE, disk_slow, "", "", "1: log writes take too long, leaderships are given away")         \
    X(GAUGE, disk_write_outstanding_ms, "ms", "", "age of the log write that is out, 0: none")     \
    X(GAUGE, disk_errors_day, "", "", "failed writes and syncs within 24 hours")                   \
    X(GAUGE, disk_draining, "", "", "1: this store asks autoadmin to be emptied")                  \
    X(GAUGE, mailbox_count, "", "", "batches waiting for the store thread")

DAEMON_METRICS(storage_metrics, "storage", STORAGE_METRICS)

#endif
