/* rpc_frames: what one received message carried, handed on as one unit.
 *
 * A receiver gets a reference with each batch and may post the pointer to its mailbox as one entry:
 * one lock and one wake per batch. Frames and payloads are views that live as long as a reference.
 * Memory: counted; ref and unref are atomic. A batch from a server's connection also holds a
 * reference to that connection, so that answers find it.
 */
#ifndef TC_RPC_FRAMES_H
#define TC_RPC_FRAMES_H

#include "base/err.h"
#include "base/slice.h"

struct rpc_conn;
struct rpc_peer;

struct rpc_frame {
    uint64_t id; /* 0: one-way */
    uint32_t kind;
    uint32_t deadline_ms; /* what was left of the caller's deadline when it was queued; 0: none */
    tc_err err;           /* of a reply */
    bool reply;
    struct tc_slice payload;
};

struct rpc_frames {
    struct rpc_conn *conn; /* received by a server here; else NULL */
    struct rpc_peer *peer; /* received by a client here (borrowed: valid while it is open) */
    uint64_t received_ns;  /* CLOCK_MONOTONIC */
    size_t count;
    const struct rpc_frame *frames;
};

struct rpc_frames *rpc_frames_ref(struct rpc_frames *f);
/* NULL is a no-op. */
void rpc_frames_unref(struct rpc_frames *f);
/* Answer every request of a server's batch with err and an empty payload (the mailbox is full:
 * TC_EBUSY), then drop the reference. */
void rpc_frames_refuse(struct rpc_frames *f, tc_err err);

#endif
