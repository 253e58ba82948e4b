/* store: every replica of one storage node, over one shared log.
 *
 * It joins the replication groups (core/paxos), the node's write-ahead log (engine/wal), one B-tree
 * per replica (engine/btree) and the evaluation of requests (core/expr). It decides nothing about
 * transport: messages, replies, log batches and worker jobs come out as effects, and the shell (the
 * daemon, or the simulator) performs them.
 *
 * Threads: one owner thread calls everything, except store_batch_write and store_job_run, which may
 * run on another thread between the owner's take and done calls. There is no lock inside.
 * Time: read through struct store_env after the input arrived, never earlier, because a strong read
 * is only as honest as the clock reading its lease is compared with (REPLICATION.md B8).
 * Memory: heap. Inputs are borrowed for the call; effects belong to the shell until freed.
 *
 * Ordering: an effect comes out only after the log is durable up to its after_lsn. A failed log
 * write or sync makes store_batch_done answer TC_EIO: the process must end (B11).
 *
 * Limits: options.replicas_max replicas; per replica a bounded pipeline of proposals and of waiting
 * reads. At a bound requests are refused with TC_EBUSY or TC_ETHROTTLED, never queued further.
 */
#ifndef TC_ENGINE_STORE_H
#define TC_ENGINE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/trace.h"
#include "core/disk/disk.h"

#include "proto/archive.pb-c.h"
#include "proto/memds.pb-c.h"
#include "proto/storage.pb-c.h"

struct tc_clock;
struct tc_fs;
struct store;
struct store_batch;
struct store_job;

enum {
    STORE_REPLICAS_MAX = 16384,
    STORE_NAME_BYTES_MAX = 64, /* node and zone names, with the ending NUL */
    STORE_ADDR_BYTES_MAX = 128,
    STORE_UUID_BYTES = 16,
    STORE_PIPELINE_COUNT_MAX = 4096, /* proposals of one group that are not yet applied */
    STORE_WAITING_COUNT_MAX = 4096,  /* reads of one group that wait for an index */
    STORE_CHUNK_BYTES_MAX = 256 * 1024,
    STORE_PAGE_BYTES_MAX = 1024 * 1024, /* items evaluated by one range request */
    STORE_PUSH_COUNT = 256,             /* replicas looked at by one store_push_some ... */
    STORE_PUSH_TABLES = 32,             /* ... and tables told */
    STORE_DURABLE_LOGS = 3,             /* that a group should have */
    STORE_INDEX_ROWS_MAX = 32,          /* of one IndexRequest */
    STORE_INDEX_BYTES_MAX = 512 * 1024, /* ... and their keys and items, or one row alone */
};

struct store_env {
    struct tc_fs *fs;
    struct tc_clock *clock;
    uint64_t (*random)(void *user); /* 64 unpredictable (simulator: seeded) bits */
    void *user;
    struct tc_trace trace;
    /* What an operator must hear, e.g. which page of which replica is damaged; NULL: nobody. */
    void (*notice)(void *user, const char *text);
};

struct store_options {
    const char *node; /* names and address as members carry them; copied */
    const char *zone;
    const char *addr;
    uint64_t segment_bytes;       /* size of one log segment */
    uint64_t wal_max_bytes;       /* log space at which writes are refused with TC_EFULL */
    uint64_t wal_cache_bytes;     /* newest log entries kept in memory */
    uint64_t cache_bytes;         /* clean B-tree pages kept, per replica */
    uint64_t checkpoint_bytes;    /* log bytes of a replica between its checkpoints */
    uint64_t checkpoint_ms;       /* ... or this long, if anything was applied */
    uint64_t segment_age_ms;      /* committed entries are offered to the archiver when this old */
    uint64_t segment_offer_bytes; /* ... or this many */
    bool archive_required; /* false: trim without an archive (stand-alone tests, --archiver none) */
    uint64_t lease_ms;     /* others follow by the ratios of REPLICATION.md B8 */
    uint64_t dead_ms;      /* silence after which a leader replaces a member; 0: never */
    uint64_t learner_orphan_ms; /* a replica that hears no leader for so long asks whether it was
                                   removed; a learner deletes itself */
    uint64_t read_units;        /* per partition and second; 0: no limit */
    uint64_t write_units;
    uint64_t gone_ms; /* versions of gone rows of a global index are kept at least so long */
    uint64_t outbox_rows_max; /* of one group; then writes that need another one are throttled */
    uint64_t
        index_wait_ms; /* the longest that an answer waits for rows of an index; 0: none does */
    uint64_t collection_bytes_max; /* of an item collection. Only a leader asks, before it proposes,
                                      so that nodes may differ */
    struct disk_options disk;      /* when it counts as full or slow */
    size_t replicas_max;           /* at most STORE_REPLICAS_MAX; each holds a file open */
    const char *suspect_dir; /* on another disk: where failures of this one are noted; "": nowhere.
                                Kept as given, it outlives the store */
};

/* The defaults of the daemon; names and address are empty. */
struct store_options store_options_default(void);

/* Open or format the store in dir (which must exist) and recover every replica.
 *   Errors   TC_ECORRUPT  the store file is damaged: the disk must be given up (B1)
 *            TC_EIO, TC_EFULL, TC_EINVAL (options)
 *   diag     one line for people on failure; may be NULL
 */
TC_MUST_USE tc_err store_open(const struct store_env *env, const char *dir,
                              const struct store_options *options, struct tc_buf *diag,
                              struct store **ret_store);
/* Close without a last checkpoint: recovery is the normal path. No batch or job may be out. */
void store_close(struct store *s);

/* ---- inputs ---------------------------------------------------------------------------------- */

/* Timers. Call when store_deadline_ns is reached; ask for that again after every other input. */
void store_tick(struct store *s);
/* Rows owed to global indexes leave now and not only with the next tick. Costs a comparison while
 * none are owed; call it when a round of inputs is done. */
void store_deliver(struct store *s);

/* One item operation or a run of items. The answer is an effect STORE_REPLY with this token; it
 * may come during the call or much later, exactly once. */
void store_item_request(struct store *s, uint64_t token, const Tercet__Pb__ItemRequest *req);
void store_range_request(struct store *s, uint64_t token, const Tercet__Pb__RangeRequest *req);

/* Rows of a global index for a group of that index, from a group of its table: at most
 * STORE_INDEX_ROWS_MAX, in order of key. The answer is a STORE_REPLY with this token (IndexReply).
 *   Errors   TC_EINVAL   not such rows, or the group holds no index
 *            TC_ETHROTTLED, and those of a write; nothing was taken then */
void store_index_request(struct store *s, uint64_t token, const Tercet__Pb__IndexRequest *req);
/* The answer to the effect STORE_INDEX with this token: what became of each of its rows, in their
 * order. Once for each effect, whatever happens. */
void store_index_done(struct store *s, uint64_t token, const tc_err *errs, size_t count);

/* From other storage nodes. Damaged or misdirected messages are counted and dropped. */
void store_receive(struct store *s, const Tercet__Pb__PaxosMessage *msg);
void store_receive_chunk(struct store *s, const Tercet__Pb__SnapshotChunk *chunk);
void store_receive_beat(struct store *s, const Tercet__Pb__NodeBeat *beat);
void store_receive_beat_ack(struct store *s, const Tercet__Pb__NodeBeatAck *ack);

/* ---- control --------------------------------------------------------------------------------- */

/* Become a member of a new group, or of an old one as a learner. Durable when TC_OK.
 *   Errors   TC_EEXISTS   this gid already lives here
 *            TC_EINVAL    rid is not a member, or the member is not this store
 *            TC_ELIMIT    too many replicas; TC_EFULL; TC_EIO
 */
TC_MUST_USE tc_err store_create_replica(struct store *s,
                                        const Tercet__Pb__CreateReplicaRequest *req);
/* The same with rid and store as asked for: a leader takes back a learner. A retired group is kept
 * (TC_EBUSY) until the archive has its log.
 *   Errors   TC_ESTALE  another rid or store is meant; those of store_delete_replica */
TC_MUST_USE tc_err store_delete_request(struct store *s,
                                        const Tercet__Pb__DeleteReplicaRequest *req);
/*   Errors   TC_ENOTFOUND, TC_EBUSY (a job of it runs: try again), TC_EIO */
TC_MUST_USE tc_err store_delete_replica(struct store *s, uint64_t gid);
/* Drop the B-tree of a replica and take it again from another one; log and promises stay.
 *   Errors   TC_ENOTFOUND, TC_EBUSY */
TC_MUST_USE tc_err store_reinstall(struct store *s, uint64_t gid);
/* Keep the directory of nodes. Durable when TC_OK.
 *   Errors   TC_ESTALE  a newer one is kept; TC_EINVAL; TC_EIO, TC_EFULL */
TC_MUST_USE tc_err store_set_directory(struct store *s, const Tercet__Pb__Directory *directory);
/* Asked of a leader; each appends a packed ChangeReplicaReply, also with TC_ENOTLEADER (moved).
 *   Errors   TC_ENOTLEADER, TC_ENOTFOUND (group or member), TC_EINVAL
 *            TC_EBUSY   change: another change of this group goes on, or a member is silent
 *            TC_ELIMIT  change: too many members, or rids are used up */
TC_MUST_USE tc_err store_change_replica(struct store *s,
                                        const Tercet__Pb__ChangeReplicaRequest *req,
                                        struct tc_buf *out);
TC_MUST_USE tc_err store_heal_replica(struct store *s, const Tercet__Pb__HealReplicaRequest *req,
                                      struct tc_buf *out);
TC_MUST_USE tc_err store_transfer(struct store *s, const Tercet__Pb__TransferRequest *req,
                                  struct tc_buf *out);
/* The reply (packed ReplicaAliveReply) is an effect with this token, now or later. */
void store_replica_alive(struct store *s, uint64_t token,
                         const Tercet__Pb__ReplicaAliveRequest *req);
/* Append the packed Partition of a group as its replica here has applied it.
 *   Errors   TC_ENOTFOUND */
TC_MUST_USE tc_err store_get_partition(struct store *s, uint64_t gid, struct tc_buf *out);
/* The answer to the effect STORE_CALL with this token, or why there is none. */
void store_call_done(struct store *s, uint64_t token, tc_err err, struct tc_slice payload);
/* Append the packed NodeInfoReply; without the replicas if their digest is the known one (0: none
 * is known). */
void store_node_info(struct store *s, uint64_t known_digest, struct tc_buf *out);
/* Append a JSON object with the node and its replicas, for the admin endpoint. */
void store_status_json(struct store *s, struct tc_buf *out);

/* Log a SCRUB entry; the reply (packed ScrubMarkReply) is an effect with this token. */
void store_scrub_mark(struct store *s, uint64_t token, uint64_t gid);
/* Append the packed ScrubVectorReply.
 *   Errors   TC_ENOTFOUND  no such group, or the index is not (or no longer) known
 *            TC_EBUSY      not applied up to index yet */
TC_MUST_USE tc_err store_scrub_vector(struct store *s, uint64_t gid, uint64_t index,
                                      struct tc_buf *out);
/* Read and check every live page, as a job; the reply (packed ScrubPagesReply) is an effect. */
void store_scrub_pages(struct store *s, uint64_t token, uint64_t gid);
/* Append the packed ScrubBucketReply. Errors: TC_ENOTFOUND, TC_EINVAL (bucket), TC_ECORRUPT. */
TC_MUST_USE tc_err store_scrub_bucket(struct store *s, uint64_t gid, uint32_t bucket,
                                      struct tc_buf *out);

/* One page of what a table's items should be in a global index, or of what a group of the index
 * holds; appends the packed ScrubIndexReply.
 *   Errors   TC_ENOTFOUND; TC_EINVAL (no such index, no schema)
 *            TC_EBUSY  not the leader, or the log is sealed */
TC_MUST_USE tc_err store_scrub_index(struct store *s, const Tercet__Pb__ScrubIndexRequest *req,
                                     struct tc_buf *out);

/* Split a group that this node leads (REPLICATION.md B12). Idempotent; appends the packed
 * SplitReply with TC_OK and TC_ENOTLEADER. Errors   TC_ENOTFOUND   no such group here TC_ENOTLEADER
 * reply.moved says who may lead TC_EINVAL      key is not inside the group's range, or the gids are
 * not possible TC_EEXISTS     it is split otherwise already, or a child's gid was used before
 *            TC_EBUSY       not now: members are being changed, or what is in memory goes to disk
 *                           first, so that the pause will be short
 */
TC_MUST_USE tc_err store_split(struct store *s, const Tercet__Pb__SplitRequest *req,
                               struct tc_buf *out);

/* Make one group of two neighbours (docs/protocols/merge.md): seal the right one, then merge the
 * left one with it. Both idempotent; each appends its packed reply with TC_OK and TC_ENOTLEADER.
 *   Errors   TC_ENOTFOUND     no such group here
 *            TC_ENOTLEADER    reply.moved says who may lead
 *            TC_EINVAL        not neighbours, or the gids are not possible
 *            TC_EEXISTS       it was split, sealed or merged otherwise, or merged_gid was used
 *            TC_EBUSY         not now: members are being changed, a log replica is a member, what
 *                             is in memory goes to disk first, or the right one is not sealed yet
 *            TC_ENOTALIGNED   the stores of both groups are not the same: move one, or transfer */
TC_MUST_USE tc_err store_seal(struct store *s, const Tercet__Pb__SealRequest *req,
                              struct tc_buf *out);
TC_MUST_USE tc_err store_merge(struct store *s, const Tercet__Pb__MergeRequest *req,
                               struct tc_buf *out);

/* Put a schema in force in a group that this node leads: what it keeps besides items
 * (docs/protocols/index.md). Idempotent; appends the packed SetSchemaReply with TC_OK and
 * TC_ENOTLEADER.
 *   Errors   TC_ENOTFOUND   no such group here
 *            TC_ENOTLEADER  reply.moved says who may lead
 *            TC_EINVAL      not a schema
 *            TC_EBUSY       proposed, not in force yet; or members are being changed: ask again
 *            TC_EMOVED      the log is sealed: ask the children */
TC_MUST_USE tc_err store_set_schema(struct store *s, const Tercet__Pb__SetSchemaRequest *req,
                                    struct tc_buf *out);

/* Give leadership of every group to another replica that answers; true when none is led any more
 * and who took over has been heard (or a lease has passed: it needs this node's promise no more).
 * Call again after later ticks until true or until patience ends. */
bool store_drain(struct store *s);

/* ---- archive --------------------------------------------------------------------------------- */

/* The next offer that is due, packed (SegmentOffer) into out; TC_EEND when none is due now. One
 * offer per group is outstanding until store_archived or store_archive_lost is called for it. An
 * offer may also ask for archived entries, where no other replica has them any more. */
TC_MUST_USE tc_err store_segment_next(struct store *s, struct tc_buf *out, uint64_t *ret_gid);
void store_archived(struct store *s, uint64_t gid, const Tercet__Pb__SegmentReply *reply);
/* The offer was not answered: it is made again later. */
void store_archive_lost(struct store *s, uint64_t gid);

/* ---- effects --------------------------------------------------------------------------------- */

enum store_effect_type {
    STORE_REPLY,         /* to token: err, payload = packed reply message of the request */
    STORE_SEND,          /* to addr: payload = packed PaxosMessage */
    STORE_SEND_CHUNK,    /* to addr on the bulk stream: payload = packed SnapshotChunk */
    STORE_SEND_BEAT,     /* to addr: payload = packed NodeBeat */
    STORE_SEND_BEAT_ACK, /* to addr: payload = packed NodeBeatAck */
    STORE_PUSH,          /* to every memds: payload = packed PushRequest */
    STORE_INDEX,         /* rows of the index table_id, payload = packed IndexRequest without group:
                            to the leaders of the groups that hold their keys, each part together;
                            then store_index_done(token) */
    STORE_CALL,          /* unary method at addr: payload = request; then store_call_done(token) */
};

struct store_effect {
    struct tc_list link;
    enum store_effect_type type;
    uint64_t token;
    tc_err err;
    char addr[STORE_ADDR_BYTES_MAX];
    uint64_t table_id;    /* INDEX */
    const char *method;   /* CALL: "/tercet.Storage/..." */
    uint32_t deadline_ms; /* CALL */
    uint64_t after_lsn;   /* already durable when the effect comes out; for the simulator's check */
    struct tc_buf payload;
};

/* The next effect in order, or NULL; the shell frees it. After a failure (store_failed) none comes.
 */
struct store_effect *store_effect_next(struct store *s);
void store_effect_free(struct store_effect *e);
/* Queue STORE_PUSH effects that tell memds everything this node is the authority on. */
void store_push_all(struct store *s);
/* The same for the next STORE_PUSH_COUNT replicas and STORE_PUSH_TABLES tables in turn: what was
 * lost is repeated by calling this now and then, at a cost that does not grow with the number of
 * replicas. */
void store_push_some(struct store *s);

/* Everything to be logged so far as one batch, or NULL: nothing to log, or one is still out. */
struct store_batch *store_batch_take(struct store *s);
/* Write and sync it; any one thread. */
TC_MUST_USE tc_err store_batch_write(struct store_batch *b);
/* Give it back with the result.
 *   Errors   TC_EIO  err was a failure: nothing after it may be trusted; end the process */
TC_MUST_USE tc_err store_batch_done(struct store *s, struct store_batch *b, tc_err err);

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

/* Something the log or a checkpoint needs has failed for good: end the process. */
bool store_failed(const struct store *s);

/* Long I/O (checkpoints, snapshots, page scrubs) for one worker thread; NULL: none now. */
struct store_job *store_job_take(struct store *s);
void store_job_run(struct store_job *j);
void store_job_done(struct store *s, struct store_job *j);

/* The shell has more waiting for the store than it can do in time: until it says otherwise, groups
 * without a leader look for one more slowly, lest their messages be the death of all others. */
void store_press(struct store *s, bool pressed);
/* Monotonic time at which store_tick has something to do. */
uint64_t store_deadline_ns(const struct store *s);
/* Committed entries wait for a tick to be applied: do not let it wait its 10 ms. */
bool store_behind(const struct store *s);

/* ---- figures for metrics -----------------------------------------------------------------------
 */

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

#endif
