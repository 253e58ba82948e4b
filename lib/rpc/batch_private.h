/* The envelope of every stream message: tercet.pb.Batch (proto/common.proto), by hand.
 *
 * Why not the generated code: a Batch is the concatenation of its frames, so each send appends
 * straight to the message that leaves next, and a received payload stays a view into the message;
 * generated code would copy every payload once more on each side. Tests hold both against the
 * generated code. Payloads themselves are packed and unpacked by generated code.
 *
 *   message  { 0x0a varint(frame length) frame }*
 *   frame    08 kind, 10 id, 18 reply, 20 zigzag(err), 28 deadline_ms, 32 varint length, payload
 *            (proto3: zero values are left out; any order and unknown fields are read)
 *
 * Pure functions over bytes. Decoding checks everything: TC_ECORRUPT.
 */
#ifndef TC_RPC_BATCH_PRIVATE_H
#define TC_RPC_BATCH_PRIVATE_H

#include "base/buf.h"
#include "rpc/frames.h"

#include <protobuf-c/protobuf-c.h>

enum {
    RPC__FRAME_HEAD_BYTES_MAX = 64, /* everything around a payload */
    RPC__BATCH_FRAMES_MAX = 1 << 20,
};

/* Bytes, or a message to be packed in place. */
struct rpc__payload {
    struct tc_slice bytes;
    const ProtobufCMessage *message;
    size_t len;
};

struct rpc__payload rpc__payload_bytes(struct tc_slice bytes);
/* NULL: empty. */
struct rpc__payload rpc__payload_message(const ProtobufCMessage *message);
void rpc__payload_write(const struct rpc__payload *p, uint8_t *to);

/* head.payload is ignored; p is the payload. */
void rpc__batch_append(struct tc_buf *message, const struct rpc_frame *head,
                       const struct rpc__payload *p);
/* How many frames; TC_ECORRUPT also for more than RPC__BATCH_FRAMES_MAX. */
TC_MUST_USE tc_err rpc__batch_count(struct tc_slice message, size_t *ret_count);
/* Decode count frames (as counted before); payloads are views into message. */
TC_MUST_USE tc_err rpc__batch_decode(struct tc_slice message, struct rpc_frame *frames,
                                     size_t count);

#endif
