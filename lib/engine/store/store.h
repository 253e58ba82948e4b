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
#include "engine/store/store_control.h"
#include "engine/store/store_figures.h"

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
    uint64_t index_wait_ms;   /* that an answer waits for rows of an index at most; 0: none waits */
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

#endif
