/* shell: the threads around the store, and what they say to each other.
 *
 *   rpc threads --decode--> [mailbox] --> store thread <--> WAL thread   (one batch in flight)
 *                                           |    <--------> disk thread  (checkpoints, snapshots)
 *                                           +--> rpc: replies, peers, memds, archiver
 *
 * The store thread owns struct store and everything here that has no lock of its own. A post is one
 * entry of its mailbox; it belongs to the store thread once it was taken.
 */
#ifndef TC_SERVICES_STORAGE_SHELL_H
#define TC_SERVICES_STORAGE_SHELL_H

#include "base/list.h"
#include "base/map.h"
#include "daemon/daemon.h"
#include "daemon/worker.h"
#include "engine/store/store.h"
#include "env/posix/posix.h"
#include "metrics.h"
#include "options.h"
#include "rpc/message.h"
#include "rpc/unary.h"

#include <pthread.h>

enum {
    SHELL_POSTS_MAX = 8192,
    SHELL_RESERVE = 4096, /* completions of what is in flight */
    SHELL_OFFERS_MAX = 4, /* offers to the archiver without an answer */
    SHELL_TICK_MS = 5,    /* at least between two ticks, at most while something is out */
    SHELL_WAIT_MS = 50,   /* at most, in any case */
};

#define SHELL_MS_NS UINT64_C(1000000)

enum shell_post_kind {
    SHELL_FRAMES,  /* decoded frames of one batch */
    SHELL_CALL,    /* a unary control call */
    SHELL_BATCH,   /* the WAL thread wrote a batch */
    SHELL_JOB,     /* the disk thread ran a job */
    SHELL_ARCHIVE, /* an offer was answered, or lost */
    SHELL_INDEX,   /* rows of indexes were answered */
    SHELL_CALLED,  /* a call to another node was answered, or failed */
    SHELL_MEMDS,   /* a memds node is connected again */
    SHELL_START,   /* everything around the store is there: begin */
    SHELL_STATUS,  /* the admin thread waits for the status */
    SHELL_STOP,    /* hand leaderships over and come to rest */
};

/* One decoded message; NULL message: it was not well formed. */
struct shell_work {
    uint32_t kind; /* FRAME_... */
    uint64_t id;
    ProtobufCMessage *message;
};

struct shell_post {
    enum shell_post_kind kind;
    /* FRAMES */
    struct rpc_conn *conn; /* one reference */
    struct shell_work *work;
    size_t work_count;
    /* CALL */
    struct rpc_call *call;
    const struct shell_method *method;
    ProtobufCMessage *request;
    /* BATCH */
    struct store_batch *batch;
    tc_err err;
    /* JOB */
    struct store_job *job;
    /* CALLED; err too */
    uint64_t token;
    struct tc_buf answer;
    /* INDEX */
    struct shell_shipment *shipment;
    /* ARCHIVE */
    uint64_t gid;
    Tercet__Pb__SegmentReply *reply;
    /* STATUS: the waiting admin thread's */
    struct shell_status *status;
};

/* Who waits for an answer of the store; its address is the token. */
struct shell_pending {
    struct tc_list link;
    struct rpc_conn *conn; /* one reference, or NULL: call */
    uint64_t id;
    uint32_t kind;
    struct rpc_call *call;
};

struct shell {
    struct daemon *daemon;
    const struct storage_options *options;
    struct storage_metrics *metrics;
    struct rpc *rpc;
    struct rpc_server *server;
    struct shell_binding *bindings; /* of its methods to this shell */
    struct posix_fs fs;
    struct posix_clock clock;
    struct store *store;
    struct daemon_worker *worker; /* the store thread */
    struct daemon_worker *wal;
    struct daemon_worker *disk;

    /* the store thread's */
    struct tc_list pendings;
    struct tc_map peers; /* address -> struct shell_peer */
    struct rpc_peer *memds[16];
    struct rpc_peer *archivers[16];
    size_t offers_out;
    size_t jobs_out;
    size_t calls_out;     /* to other nodes */
    size_t shipments_out; /* rows of indexes */
    struct route *route;  /* to the groups of indexes; NULL until rows leave */
    bool batch_out;
    bool started;
    bool stopping;
    bool resting; /* nothing is taken from the store any more */
    uint64_t stop_ns;
    uint64_t push_ns;
    uint64_t ticked_ns;
    uint64_t metrics_ns;
    uint64_t census_ns;         /* when replicas are counted next */
    struct store_counters last; /* as exported */

    pthread_mutex_t rest_lock;
    pthread_cond_t rest_changed;
    bool rested; /* the store thread uses nothing of rpc any more */
    bool closed; /* the store thread takes no posts any more */
};

/* ---- shell_open.c: the store, before any thread runs */
TC_MUST_USE tc_err shell_open_store(struct shell *s);
/* HOST:PORT that this node tells the others of itself; the options' own memory. */
const char *shell_address(const struct storage_options *o, const struct daemon_common_options *c);

/* ---- shell_store.c: the store thread */
TC_MUST_USE tc_err shell_start_threads(struct shell *s);
/* Let the store thread begin: peers are open. */
void shell_begin(struct shell *s);
/* Hand leaderships over and finish what is at other threads. Blocks. */
void shell_rest(struct shell *s);
/* Join the threads, close the store; peers are closed and the server is stopped. */
void shell_stop_threads(struct shell *s);
void shell_post_free(struct shell_post *post);
struct shell_post *shell_post_new(enum shell_post_kind kind);

/* ---- shell_status.c: the status page */
/* On the admin thread: ask the store thread and wait for its answer. */
void shell_status(void *user, struct tc_buf *ret_json);
/* On the store thread. */
void shell_take_status(struct shell *s, struct shell_status *status);

/* ---- shell_disk.c: the WAL thread and the disk thread */
uint64_t shell_wal_run(void *user, void **entries, size_t count, uint64_t now_ns);
uint64_t shell_disk_run(void *user, void **entries, size_t count, uint64_t now_ns);

/* ---- shell_requests.c: frames, from rpc threads to posts, and posts into the store */
void shell_on_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames);
void shell_take_frames(struct shell *s, struct shell_post *post);
/* Of these frames only the nodes' beats: they must not wait behind thousands of groups' messages.
 */
void shell_take_beats(struct shell *s, struct shell_post *post);

/* ---- shell_methods.c: control calls, likewise */
size_t shell_methods(struct shell *s, struct rpc_method *methods, size_t max);
void shell_take_call(struct shell *s, struct shell_post *post);

/* ---- shell_effects.c: what the store wants done */
void shell_effects(struct shell *s);
void shell_pendings_drop(struct shell *s);
uint64_t shell_pending_new(struct shell *s, struct rpc_conn *conn, const struct shell_work *work,
                           struct rpc_call *call);

void shell_pending_answer(struct shell *s, uint64_t token, tc_err err, struct tc_slice payload);

/* ---- shell_peers.c: streams to other nodes */
TC_MUST_USE tc_err shell_peers_open(struct shell *s);
void shell_peer_send(struct shell *s, const struct store_effect *e);
void shell_memds_send(struct shell *s, const struct store_effect *e);
void shell_archive(struct shell *s);
void shell_take_archive(struct shell *s, struct shell_post *post);
/* A unary call that the store wants made, and its answer. */
void shell_call(struct shell *s, const struct store_effect *e);
void shell_take_called(struct shell *s, struct shell_post *post);
/* Their callbacks run before it returns. Blocks. */
void shell_peers_close(struct shell *s);

/* ---- shell_index.c: rows of global indexes */
void shell_index_send(struct shell *s, const struct store_effect *e);
void shell_take_index(struct shell *s, struct shell_post *post);
void shell_shipment_free(struct shell_shipment *h);

/* ---- shell_files.c */
/* Let this process open as many files as it may; how many replicas that allows. */
size_t shell_replicas_max(const struct shell *s);

/* ---- shell_metrics.c */
void shell_metrics(struct shell *s, uint64_t now_ns);

#endif
