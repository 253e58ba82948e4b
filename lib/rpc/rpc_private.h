/* What the files of rpc share: the instance, completion tags, timers, the outbox and the stream
 * that both a server's connection and a client's peer are made of. */
#ifndef TC_RPC_RPC_PRIVATE_H
#define TC_RPC_RPC_PRIVATE_H

#include "base/assert.h"
#include "base/buf.h"
#include "base/list.h"
#include "rpc/batch_private.h"
#include "rpc/rpc.h"
#include "rpc/server.h"

#include <grpc/grpc.h>
#include <pthread.h>

#define RPC__STREAM_METHOD "/tercet.Stream/Open"
#define RPC__ERR_KEY       "tercet-err"

/* What a completion queue event points to; fn runs on a queue thread. Every hand-over to the core
 * goes through rpc__tag_give: the core orders it for real, but ThreadSanitizer cannot see into its
 * build, and this pair of release and acquire shows it. */
struct rpc__tag {
    void (*fn)(struct rpc__tag *tag, bool ok);
    uint32_t given;
};

static inline void *rpc__tag_give(struct rpc__tag *tag) {
    __atomic_store_n(&tag->given, 1, __ATOMIC_RELEASE);
    return tag;
}

static inline struct rpc__tag *rpc__tag_take(void *from_queue) {
    struct rpc__tag *tag = from_queue;
    uint32_t given = __atomic_load_n(&tag->given, __ATOMIC_ACQUIRE);
    TC_ASSERT(given == 1);
    return tag;
}

/* A timer of some object. fn runs on the timer thread and returns when it wants to run again; after
 * 0 the timer is unlinked and forget drops the reference that it held. Objects end their timer by
 * making it due. */
struct rpc__timer {
    struct tc_list link;
    uint64_t due_ns;
    uint64_t (*fn)(struct rpc__timer *t, uint64_t now_ns);
    void (*forget)(struct rpc__timer *t);
};

struct rpc__timers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct tc_list all;
    uint64_t wake_ns; /* when the thread will look next */
    bool stop;
    pthread_t thread;
};

struct rpc__unary_target;

/* To know a file again without reading it. */
struct rpc__stamp {
    int64_t s, ns; /* modified */
    uint64_t inode, bytes;
};

enum {
    RPC__TLS_FILES = 3, /* certificate, key, authority */
};

struct rpc__tls {
    char *paths[RPC__TLS_FILES];              /* NULL: plain text */
    pthread_mutex_t lock;                     /* what follows */
    struct tc_buf texts[RPC__TLS_FILES];      /* PEM, NUL-ended */
    struct rpc__stamp stamps[RPC__TLS_FILES]; /* of the files last tried */
    uint32_t version;                         /* atomic; of texts */
};

struct rpc {
    char cluster[RPC_NAME_BYTES_MAX], daemon[RPC_NAME_BYTES_MAX];
    char node[RPC_NAME_BYTES_MAX], zone[RPC_NAME_BYTES_MAX];
    struct rpc_identity self; /* the four above */
    void (*log)(void *user, tc_err err, const char *text);
    void *log_user;
    struct rpc__tls tls;
    char server_name[RPC_NAME_BYTES_MAX];
    struct tc_buf hello; /* the batch that opens each stream */
    grpc_completion_queue *cq;
    pthread_t threads[RPC_THREAD_COUNT_MAX];
    uint32_t thread_count;
    struct rpc__timers timers;
    struct rpc_stats stats; /* relaxed atomics */
    pthread_mutex_t lock;   /* the lists below */
    pthread_cond_t changed;
    struct tc_list servers, peers, unary_calls;
    struct rpc__unary_target *unary_targets;
    uint32_t unary_target_count, unary_call_count;
    bool stopping;
};

#define RPC__COUNT(rpc, field, n) __atomic_fetch_add(&(rpc)->stats.field, (n), __ATOMIC_RELAXED)

uint64_t rpc__now_ns(void);
__attribute__((format(printf, 3, 4))) void rpc__log(struct rpc *rpc, tc_err err, const char *fmt,
                                                    ...);
/* A grpc_slice that points at text of static or longer life. */
grpc_slice rpc__slice_static(const char *text);
/* Copy a grpc_slice's text, cut to the array. */
void rpc__slice_text(grpc_slice s, char *to, size_t to_bytes);

/* timer.c */
void rpc__timers_start(struct rpc__timers *ts);
void rpc__timers_stop(struct rpc__timers *ts); /* waits until all ended */
void rpc__timer_add(struct rpc__timers *ts, struct rpc__timer *t, uint64_t due_ns);
/* Run it at due_ns if that is before its time. */
void rpc__timer_sooner(struct rpc__timers *ts, struct rpc__timer *t, uint64_t due_ns);

/* tls.c: read and try the files; credentials of both sides, plain ones without TLS. */
TC_MUST_USE tc_err rpc__tls_load(struct rpc *rpc, const struct rpc_tls *tls);
void rpc__tls_deinit(struct rpc__tls *t);
/* Rises when other files came into force; asks no file. */
uint32_t rpc__tls_version(const struct rpc *rpc);
grpc_channel_credentials *rpc__client_creds(struct rpc *rpc);
/* What a server's handshakes have from the files; lives as long as the server. */
struct rpc__tls_served {
    struct rpc *rpc;
    uint32_t version;
};
grpc_server_credentials *rpc__server_creds(struct rpc__tls_served *served);

/* channel.c */
/* HOST:PORT, port up to 65535. */
bool rpc__target_ok(const char *target);
/* A channel with a connection of its own. */
grpc_channel *rpc__channel_new(struct rpc *rpc, const char *target);
grpc_server *rpc__server_new(uint32_t streams_max);
/* The bound port, or 0. */
int rpc__server_bind(struct rpc__tls_served *served, grpc_server *server, const char *listen);

/* frames.c: decode one received message; takes the buffer. */
TC_MUST_USE tc_err rpc__frames_new(grpc_byte_buffer *message, struct rpc_frames **ret_frames);
/* Drop the frames that keep refuses, in place. */
void rpc__frames_filter(struct rpc_frames *f,
                        bool (*keep)(void *user, const struct rpc_frame *frame), void *user);
/* A batch of the frames that keep accepts, in place of f. */
struct rpc_frames *rpc__frames_view_take(struct rpc_frames *f,
                                         bool (*keep)(void *user, const struct rpc_frame *frame),
                                         void *user);
/* Contiguous bytes of a buffer; unref the slice. */
TC_MUST_USE tc_err rpc__flatten(grpc_byte_buffer *message, grpc_slice *ret_slice);

/* hello.c: text problem says why it is refused. Views point into the frame. */
void rpc__hello_encode(const struct rpc_identity *self, struct tc_buf *ret_batch);
struct rpc__hello {
    char cluster[RPC_NAME_BYTES_MAX], daemon[RPC_NAME_BYTES_MAX];
    char node[RPC_NAME_BYTES_MAX], zone[RPC_NAME_BYTES_MAX];
};
TC_MUST_USE tc_err rpc__hello_check(const struct rpc *rpc, const struct rpc_frames *frames,
                                    struct rpc__hello *ret_hello, char *problem,
                                    size_t problem_bytes);

/* outbox.c: frames waiting to leave, grouped into the messages they will leave in. */
struct rpc__chunk {
    struct rpc__chunk *next;
    struct tc_buf bytes;
    uint64_t seq;           /* of the outbox, rising */
    uint64_t release_bytes; /* window bytes that end with this send (one-way frames) */
    uint32_t frames;
};

struct rpc__outbox {
    struct rpc__chunk *head, *tail;
    uint64_t bytes;
    uint64_t next_seq;
    size_t hint_bytes; /* size of the last message: what to reserve for the next */
};

/* Returns the seq of the chunk it went to. */
uint64_t rpc__outbox_push(struct rpc__outbox *o, const struct rpc_frame *head,
                          const struct rpc__payload *p, uint64_t release_bytes);
struct rpc__chunk *rpc__outbox_pop(struct rpc__outbox *o);
/* Drops everything; the window bytes that ended with it. */
uint64_t rpc__outbox_clear(struct rpc__outbox *o);
void rpc__chunk_free(struct rpc__chunk *c);
/* The chunk's bytes as a send buffer; the chunk keeps nothing of them. */
grpc_byte_buffer *rpc__chunk_take_buffer(struct rpc__chunk *c);

/* stream.c: one bidirectional call, either side.
 *
 * At most one receive and one send are in flight; `ops` counts batches handed to gRPC and not yet
 * returned. When the last returns after `over` was set, on_gone runs, once, and the call is
 * dropped. lock is the owner's and guards every field; the functions say whether they want it held.
 */
struct rpc__stream {
    struct rpc *rpc;
    grpc_call *call;
    pthread_mutex_t *lock;
    struct rpc__outbox outbox;
    bool open;    /* Hello done both ways: the outbox flows */
    bool sending; /* a send is in flight */
    bool over;    /* nothing new may start */
    bool owed;    /* a thread that holds will flush it soon */
    struct rpc__stream *next_owed;
    uint32_t ops;
    uint64_t sent_seq; /* highest chunk handed to gRPC */
    uint64_t last_received_ns;
    struct rpc__chunk *in_flight;
    grpc_byte_buffer *send_buffer, *receive_buffer;
    struct rpc__tag sent, received;
    grpc_metadata_array initial;
    bool receives_initial; /* client, first receive */
    /* A message came; frames is the callee's. Returns false to end the stream. */
    bool (*on_message)(struct rpc__stream *s, struct rpc_frames *frames);
    /* Window bytes that are free again: sent, or dropped with a lost stream. May be NULL. Lock
     * held.
     */
    void (*on_sent)(struct rpc__stream *s, uint64_t release_bytes);
    void (*on_gone)(struct rpc__stream *s);
};

void rpc__stream_init(struct rpc__stream *s, struct rpc *rpc, pthread_mutex_t *lock);
/* Hand a batch to gRPC; the caller counted it in ops. Not with the lock held. */
void rpc__stream_start(struct rpc__stream *s, const grpc_op *ops, size_t count,
                       struct rpc__tag *tag);
/* Post the next receive. Lock not held; no receive may be in flight. */
void rpc__stream_receive(struct rpc__stream *s);
/* Send what waits, if nothing is in flight. Lock held on entry, released on return. On a queue
 * thread the send waits until the events at hand are through (rpc__owed_flush), so that the answers
 * to many messages leave as one. */
void rpc__stream_flush_unlock(struct rpc__stream *s);
/* Whether this thread holds sends back (rpc_hold), and sending them. */
bool rpc__owed(void);
void rpc__owed_idle(bool idle); /* of a queue thread: its event was not one of many */
void rpc__owed_flush(void);
/* Nothing new may start: the call to be cancelled with rpc__cancel, or NULL if it is over already.
 * Lock held; works on a stream that may vanish as soon as the lock is released. */
grpc_call *rpc__stream_end(struct rpc__stream *s);
void rpc__cancel(grpc_call *call, grpc_status_code status, const char *why);
/* Both; on_gone follows. Lock not held. */
void rpc__stream_cancel(struct rpc__stream *s, grpc_status_code status, const char *why);
/* One of the stream's batches returned. Lock not held; may run on_gone. */
void rpc__stream_op_done(struct rpc__stream *s);

/* peer.c, unary.c: end everything; rpc->stopping is set. */
void rpc__peers_stop(struct rpc *rpc);
void rpc__unary_stop(struct rpc *rpc);

#endif
