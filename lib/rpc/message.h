/* The same sends with a protobuf-c message as payload: it is packed straight into the outgoing
 * batch, which saves the copy of packing into a buffer first. Contracts as in peer.h, server.h. */
#ifndef TC_RPC_MESSAGE_H
#define TC_RPC_MESSAGE_H

#include "rpc/peer.h"
#include "rpc/server.h"

#include <protobuf-c/protobuf-c.h>

TC_MUST_USE tc_err rpc_peer_request_message(struct rpc_peer *peer, uint32_t kind,
                                            const ProtobufCMessage *message, uint32_t deadline_ms,
                                            rpc_reply_fn done, void *user);
TC_MUST_USE tc_err rpc_peer_send_message(struct rpc_peer *peer, uint32_t kind,
                                         const ProtobufCMessage *message);
/* message NULL: empty payload. */
void rpc_conn_reply_message(struct rpc_conn *conn, uint64_t id, uint32_t kind, tc_err err,
                            const ProtobufCMessage *message);
TC_MUST_USE tc_err rpc_conn_send_message(struct rpc_conn *conn, uint32_t kind,
                                         const ProtobufCMessage *message);
void rpc_call_reply_message(struct rpc_call *call, tc_err err, const ProtobufCMessage *message);

#endif
