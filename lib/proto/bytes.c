#include "proto/bytes.h"

#include "base/assert.h"

void proto_append(struct tc_buf *out, const ProtobufCMessage *message) {
    size_t len = protobuf_c_message_get_packed_size(message);
    size_t packed = protobuf_c_message_pack(message, tc_buf_extend(out, len));
    TC_ASSERT(packed == len);
}

ProtobufCMessage *proto_dup(const ProtobufCMessage *message) {
    struct tc_buf packed = {0};
    proto_append(&packed, message);
    ProtobufCMessage *copy =
        protobuf_c_message_unpack(message->descriptor, NULL, packed.len, packed.data);
    TC_ASSERT(copy != NULL);
    tc_buf_deinit(&packed);
    return copy;
}
