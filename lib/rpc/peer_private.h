/* What peer.c (life, states), session.c (one stream of it) and request.c share.
 *
 * References to a peer: the caller's until rpc_peer_close, its timer's, and one of each session
 * that still has batches in the core. peer->lock guards everything, also every session's stream.
 */
#ifndef TC_RPC_PEER_PRIVATE_H
#define TC_RPC_PEER_PRIVATE_H

#include "rpc/rpc_private.h"
#include "rpc/window_private.h"

/* One attempt to have a stream. */
struct rpc__session {
    struct rpc_peer *peer;
    uint32_t number;
    bool greeted; /* the server's Hello was right */
    bool refused; /* it was not; peer->problem says why */
    grpc_channel *channel;
    struct rpc__stream stream;
    struct rpc__tag ended;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;
    uint64_t started_ns, ping_sent_ns;
};

struct rpc_peer {
    struct tc_list link; /* rpc->peers */
    struct rpc *rpc;
    struct rpc_peer_config config; /* its strings are the arrays below */
    char target[RPC_NAME_BYTES_MAX], node[RPC_NAME_BYTES_MAX];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t refs;
    enum rpc_peer_state state;
    struct rpc__session *session;      /* NULL in BACKOFF and CLOSED */
    uint32_t session_number, failures; /* failures in a row */
    struct rpc__window window;
    struct rpc__timer timer;
    uint64_t retry_ns, heartbeat_ns; /* next of each */
    uint64_t rtt_us;
    char problem[128], logged[128];
    bool was_up;
};

void rpc__peer_unref(struct rpc_peer *p);

/* session.c: begin one; the peer's state is CONNECTING. Lock not held. */
void rpc__session_start(struct rpc_peer *p);
/* The session's stream is gone: answer what it carried, plan the next. peer.c */
void rpc__peer_lost(struct rpc_peer *p, struct rpc__session *s, const char *why);
/* Its server's Hello was right. peer.c */
void rpc__peer_up(struct rpc_peer *p, struct rpc__session *s);

/* request.c: give replies their callbacks; give every request of a session its failure; give late
 * ones TC_ETIMEOUT and return when to look again. Lock not held. */
void rpc__peer_replies(struct rpc_peer *p, struct rpc_frames *frames);
void rpc__peer_fail_session(struct rpc_peer *p, uint32_t session, uint64_t sent_seq);
uint64_t rpc__peer_expire(struct rpc_peer *p, uint64_t now_ns);

#endif
