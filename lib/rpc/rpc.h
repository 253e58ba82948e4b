/* rpc: messages between daemons, over the gRPC C core. The only place that sees gRPC headers.
 *
 * One struct rpc per node: its completion-queue threads and a timer thread, its identity and its
 * TLS files. Servers (rpc/server.h), long-lived streams to other nodes (rpc/peer.h) and unary calls
 * (rpc/unary.h) hang on it. Several may live in one process.
 *
 * Threads: every function is thread-safe. Callbacks run on rpc's own threads, never inside the call
 * that caused them and never with a lock held; they must not block (post to a mailbox instead) and
 * must not call a function marked "blocks".
 * Memory: payloads given to rpc are copied before the function returns, once, into the message that
 * goes out. Received payloads are views into a struct rpc_frames (rpc/frames.h).
 * Wire: proto/common.proto. A stream carries tercet.pb.Batch messages on /tercet.Stream/Open, Hello
 * first both ways; everything queued while one message is being written leaves as the next message.
 * Limits: a message is at most RPC_MESSAGE_BYTES_MAX, else TC_ELIMIT.
 */
#ifndef TC_RPC_RPC_H
#define TC_RPC_RPC_H

#include "base/err.h"
#include "base/slice.h"

enum {
    RPC_PROTOCOL_VERSION = 1,
    RPC_MESSAGE_BYTES_MAX = 32 << 20, /* payload and envelope */
    RPC_PAYLOAD_BYTES_MAX = RPC_MESSAGE_BYTES_MAX - 4096,
    RPC_NAME_BYTES_MAX = 128, /* of each field of an identity */
    RPC_THREAD_COUNT_MAX = 16,
};

/* Who speaks; "" for what does not apply. */
struct rpc_identity {
    const char *cluster; /* peers of another cluster are refused */
    const char *daemon;  /* "storage" */
    const char *node;    /* "storage-a" */
    const char *zone;
};

/* PEM files for mutual TLS. All NULL or "": plain text. Some but not all: TC_EINVAL.
 * Files that were changed are read anew for the next connection, on either side; open connections
 * stay. Files that cannot be used, or do not fit together (yet), leave the ones before in force,
 * and config->log is told. When the authority changes, both must be in the file for a while. */
struct rpc_tls {
    const char *cert_path;
    const char *key_path;
    const char *ca_path;
    const char *server_name; /* what peers' certificates must name instead of the host; or NULL */
};

struct rpc_config {
    struct rpc_identity self;
    struct rpc_tls tls;
    uint32_t thread_count; /* completion-queue threads; 0: 1, which measured best on few cores */
    /* What an operator must know (a peer refused or lost), once per change; may be NULL.
     * err TC_OK: information. text is one line of key=value pairs without secrets. */
    void (*log)(void *user, tc_err err, const char *text);
    void *log_user;
};

/* Totals since the start; all relaxed counters, cheap to read at any time. */
struct rpc_stats {
    uint64_t messages_sent, messages_received; /* gRPC messages */
    uint64_t frames_sent, frames_received;     /* what they carried */
    uint64_t bytes_sent, bytes_received;       /* before TLS and HTTP/2 */
    uint64_t timeouts;                         /* requests that met their deadline */
    uint64_t refused_busy;                     /* requests refused because a window was full */
    uint64_t reconnects;                       /* streams opened after the first of a peer */
    uint64_t hello_refused;                    /* handshakes refused, either side */
    uint64_t peers_up, conns_open;             /* now */
};

struct rpc;

/* Start threads; reads the TLS files.
 * Errors: TC_EINVAL (identity, TLS set in part, unreadable or broken PEM; config->log told why) */
TC_MUST_USE tc_err rpc_start(const struct rpc_config *config, struct rpc **ret_rpc);
/* Stop every server and peer, answer every request that is outstanding, join the threads, free.
 * No callback runs after it returns. NULL is a no-op. Blocks. */
void rpc_stop(struct rpc *rpc);
/* Hold back what this thread sends until rpc_release, so that all that one step of a worker sends
 * leaves as one message per stream (and costs one system call). For short stretches: what other
 * threads queue on the same streams waits along. Release before calling anything that blocks.
 * Callbacks of rpc are held already and must call neither. */
void rpc_hold(struct rpc *rpc);
void rpc_release(struct rpc *rpc);
void rpc_stats(const struct rpc *rpc, struct rpc_stats *ret_stats);

#endif
