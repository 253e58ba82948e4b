/* store, in figures: what it counts, for metrics; and how its disk does. Part of store.h. */
#ifndef TC_ENGINE_STORE_FIGURES_H
#define TC_ENGINE_STORE_FIGURES_H

#include "core/disk/disk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* ---- counters */

#define STORE_COUNTERS(X)                                                                          \
    X(gets, "item reads answered")                                                                 \
    X(writes, "writes proposed")                                                                   \
    X(applied, "log entries applied")                                                              \
    X(expired, "items deleted because their expiry time had come")                                 \
    X(conditions_failed, "writes refused by their condition")                                      \
    X(repeats, "request ids answered from the log")                                                \
    X(ranges, "range requests answered")                                                           \
    X(throttled, "requests refused by a partition bucket")                                         \
    X(refused_full, "writes refused for lack of log space")                                        \
    X(refused_disk, "writes refused because the disk is full")                                     \
    X(disk_leaders_given, "leaderships given away because the disk is full, slow or failing")      \
    X(messages_in, "messages from peers taken")                                                    \
    X(messages_dropped, "messages from peers that failed a check")                                 \
    X(messages_out, "messages to peers sent")                                                      \
    X(beats_in, "beats of other stores taken")                                                     \
    X(beats_out, "beats sent to other stores")                                                     \
    X(batches, "log batches written")                                                              \
    X(checkpoints, "checkpoints completed")                                                        \
    X(snapshots_sent, "snapshots sent whole")                                                      \
    X(snapshots_installed, "snapshots installed")                                                  \
    X(copy_bytes_out, "bytes of whole copies sent")                                                \
    X(copy_bytes_in, "bytes of whole copies taken")                                                \
    X(log_replicas_added, "log replicas taken into a group led here")                              \
    X(heals_done, "log replicas made storage replicas in a group led here")                        \
    X(replicas_left, "replicas that deleted themselves: removed, or not wanted any more")          \
    X(restored, "log entries taken back from the archive")                                         \
    X(log_rot, "log entries found unreadable while running")                                       \
    X(damage_found, "replicas found damaged")                                                      \
    X(index_rows_sent, "rows of global indexes sent to their groups")                              \
    X(index_rows_taken, "rows of global indexes written here as leader")                           \
    X(index_refused, "batches of rows of which an index took some not")                            \
    X(outbox_paid, "outbox rows deleted: their items' index rows are there")                       \
    X(elections, "campaigns begun here because no leader was heard")                               \
    X(elections_by_choice, "campaigns begun here on a leader's resignation, or at a split")

struct store_counters {
#define X(name, text) uint64_t name;
    STORE_COUNTERS(X)
#undef X
};

const struct store_counters *store_counters(const struct store *s);

/* ---- levels */

struct store_heal_counts {
    size_t short_groups; /* led here, with fewer than STORE_DURABLE_LOGS members that answer */
    size_t running;      /* led here, with a change of members or a log replica to be healed */
    size_t log_replicas; /* on this node */
};
void store_heal_counts(const struct store *s, struct store_heal_counts *ret);
/* What groups led here owe to global indexes. */
struct store_outbox_counts {
    uint64_t rows;
    uint64_t age_ms; /* of the oldest that is known */
};
void store_outbox_counts(const struct store *s, struct store_outbox_counts *ret);
/* Replicas that this node leads, of all it has. */
void store_replica_counts(const struct store *s, size_t *ret_led, size_t *ret_all);
/* Replicas of quiet groups, which send nothing, for the nodes' beats stand for them; and replicas
 * that are looked at in every tick. */
void store_quiet_counts(const struct store *s, size_t *ret_quiet, size_t *ret_active);

/* ---- the disk */

/* How the disk does, and what follows (core/disk, docs/runbooks). */
struct store_disk {
    enum disk_fill fill;
    uint64_t used_permille;
    bool slow;
    uint64_t outstanding_ns; /* the log write that is out began so long ago; 0: none */
    size_t errors;           /* failed writes and syncs within a day */
    const char *drain;       /* not NULL: this store had better be emptied, and why */
};
struct store_disk store_disk(const struct store *s);

#endif
