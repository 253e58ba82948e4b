/* What every user of protobuf-c messages does: bytes fields as slices, packing, copying.
 *
 * Slices and bytes fields made here borrow. Packing and copying allocate on the heap; messages are
 * of the generated types in proto/NAME.pb-c.h. No shared state.
 */
#ifndef TC_PROTO_BYTES_H
#define TC_PROTO_BYTES_H

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>

static inline struct tc_slice proto_slice(ProtobufCBinaryData b) {
    return tc_slice(b.data, b.len);
}

/* For a message that is packed or read, never freed with its fields. */
static inline ProtobufCBinaryData proto_bytes(struct tc_slice s) {
    return (ProtobufCBinaryData){.len = s.len, .data = (uint8_t *)(uintptr_t)s.data};
}

/* Append the packed message. */
void proto_append(struct tc_buf *out, const ProtobufCMessage *message);

/* A copy to be freed with protobuf_c_message_free_unpacked. */
ProtobufCMessage *proto_dup(const ProtobufCMessage *message);

#endif
