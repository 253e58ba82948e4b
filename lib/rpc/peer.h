/* rpc_peer: one long-lived stream to one target, kept open for good.
 *
 *   CONNECTING --Hello checked--> UP --lost, silent 3 s--> BACKOFF --50, 200, 500 ms--> CONNECTING
 *
 * Requests and one-way frames are queued in CONNECTING and UP and leave in order; in BACKOFF they
 * are refused at once, so that a caller may try another node. Every peer has a connection of its
 * own: open a second peer to a target for bulk data.
 *
 * Window: at most frames_max requests outstanding and bytes_max payload bytes outstanding or queued
 * (one frame always fits); beyond, TC_EBUSY at once.
 * Heartbeats queue behind a message that is being written: a payload that takes the link longer
 * than silence_ms ends the stream, so send bulk data in pieces. A request for which
 * rpc_peer_request returned TC_OK gets exactly one callback: the reply        err and payload as
 * the server gave them, from_peer is true TC_ETIMEOUT      the deadline passed; outcome unknown
 *   TC_ECLOSED       it was sent and the stream was lost; outcome unknown
 *   TC_EUNAVAILABLE  it was never sent; nothing happened
 */
#ifndef TC_RPC_PEER_H
#define TC_RPC_PEER_H

#include "rpc/frames.h"
#include "rpc/rpc.h"

enum {
    RPC_PEER_FRAMES_MAX = 65536, /* upper bound of frames_max */
};

enum rpc_peer_state {
    RPC_PEER_CONNECTING,
    RPC_PEER_UP,
    RPC_PEER_BACKOFF,
    RPC_PEER_CLOSED,
};

struct rpc_reply {
    tc_err err;
    bool from_peer;
    struct tc_slice payload;   /* valid during the callback, or as long as a reference to frames */
    struct rpc_frames *frames; /* NULL unless from_peer; rpc_frames_ref keeps the payload */
};

typedef void (*rpc_reply_fn)(void *user, const struct rpc_reply *reply);

struct rpc_peer_config {
    const char *target;  /* HOST:PORT */
    const char *node;    /* expected node name in its Hello; NULL or "": any */
    uint32_t frames_max; /* 0: 4096 */
    uint64_t bytes_max;  /* 0: 16 MiB */
    /* Frames that answer nothing; one reference that now belongs to the receiver. May be NULL. */
    void (*on_frames)(void *user, struct rpc_peer *peer, struct rpc_frames *frames);
    /* After each change between UP and not UP; may be NULL. */
    void (*on_state)(void *user, struct rpc_peer *peer, enum rpc_peer_state state);
    void *user;
    uint32_t heartbeat_ms; /* 0: 1000 */
    uint32_t silence_ms;   /* 0: 3000; nothing received for so long: the stream is given up */
};

struct rpc_peer_stats {
    enum rpc_peer_state state;
    uint32_t outstanding_count; /* requests without an answer yet */
    uint64_t outbox_bytes;      /* queued, not handed to gRPC yet */
    uint64_t window_bytes;      /* counted against bytes_max */
    uint64_t rtt_us;            /* of the last heartbeat; 0: none yet */
    char problem[128];          /* why it is not UP; "" */
};

/* Start connecting. Errors: TC_EINVAL (target, limits) */
TC_MUST_USE tc_err rpc_peer_open(struct rpc *rpc, const struct rpc_peer_config *config,
                                 struct rpc_peer **ret_peer);
/* Give every outstanding request its callback, close the stream, free. No callback of this peer
 * runs after it returns. Blocks. NULL is a no-op; rpc_stop does it for peers still open. */
void rpc_peer_close(struct rpc_peer *peer);

/* Send a request. deadline_ms 0: no deadline (it still ends when the stream is lost).
 * Errors (no callback then): TC_EBUSY (window full), TC_EUNAVAILABLE (in BACKOFF), TC_ELIMIT,
 * TC_ECLOSED (closing) */
TC_MUST_USE tc_err rpc_peer_request(struct rpc_peer *peer, uint32_t kind, struct tc_slice payload,
                                    uint32_t deadline_ms, rpc_reply_fn done, void *user);
/* Send one-way; may be lost without notice when the stream breaks. Errors as above. */
TC_MUST_USE tc_err rpc_peer_send(struct rpc_peer *peer, uint32_t kind, struct tc_slice payload);
enum rpc_peer_state rpc_peer_state(const struct rpc_peer *peer);
const char *rpc_peer_target(const struct rpc_peer *peer);
void rpc_peer_stats(struct rpc_peer *peer, struct rpc_peer_stats *ret_stats);

#endif
