/* Unary calls: control traffic, one message each way (rpc/server.h has the other side).
 *
 * A call is sent only over an established connection, so that failure is told exactly:
 *   the server's answer   err and payload as given, from_peer is true
 *   TC_EUNAVAILABLE       no connection; never sent, nothing happened
 *   TC_ETIMEOUT, TC_ECLOSED   sent; outcome unknown
 *   TC_EUNSUPPORTED       the server has no such method
 * Connections are kept per target and shared by calls; at most RPC_UNARY_TARGETS_MAX targets.
 */
#ifndef TC_RPC_UNARY_H
#define TC_RPC_UNARY_H

#include "base/buf.h"
#include "rpc/peer.h"

enum {
    RPC_UNARY_TARGETS_MAX = 256,
    RPC_UNARY_CALLS_MAX = 1024, /* outstanding; then TC_EBUSY */
};

/* Start a call; done runs exactly once if and only if this returns TC_OK. deadline_ms > 0.
 * The reply's payload is valid during the callback only (frames is NULL).
 * Errors: TC_EINVAL (target, deadline), TC_ELIMIT, TC_EBUSY */
TC_MUST_USE tc_err rpc_unary(struct rpc *rpc, const char *target, const char *method,
                             struct tc_slice payload, uint32_t deadline_ms, rpc_reply_fn done,
                             void *user);
/* The same for tools: wait for the answer. ret_payload is appended to, also with a server's error.
 * Returns the answer's error or the local one. Blocks. */
TC_MUST_USE tc_err rpc_unary_wait(struct rpc *rpc, const char *target, const char *method,
                                  struct tc_slice payload, uint32_t deadline_ms,
                                  struct tc_buf *ret_payload);

#endif
