#include "rpc/batch_private.h"

#include "base/assert.h"
#include "base/reader.h"

enum {
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_32 = 5,
};

enum {
    TAG_FRAMES = (1 << 3) | WIRE_BYTES, /* Batch.frames */
    TAG_KIND = (1 << 3) | WIRE_VARINT,
    TAG_ID = (2 << 3) | WIRE_VARINT,
    TAG_REPLY = (3 << 3) | WIRE_VARINT,
    TAG_ERR = (4 << 3) | WIRE_VARINT,
    TAG_DEADLINE = (5 << 3) | WIRE_VARINT,
    TAG_PAYLOAD = (6 << 3) | WIRE_BYTES,
};

struct rpc__payload rpc__payload_bytes(struct tc_slice bytes) {
    return (struct rpc__payload){.bytes = bytes, .len = bytes.len};
}

struct rpc__payload rpc__payload_message(const ProtobufCMessage *message) {
    size_t len = message ? protobuf_c_message_get_packed_size(message) : 0;
    return (struct rpc__payload){.message = message, .len = len};
}

void rpc__payload_write(const struct rpc__payload *p, uint8_t *to) {
    if (p->len == 0)
        return;
    if (p->message == NULL) {
        memcpy(to, p->bytes.data, p->len);
        return;
    }
    size_t len = protobuf_c_message_pack(p->message, to);
    TC_ASSERT(len == p->len);
}

static uint8_t *put_varint(uint8_t *to, uint64_t v) {
    for (; v >= 0x80; v >>= 7)
        *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static uint8_t *put_field(uint8_t *to, uint8_t tag, uint64_t v) {
    if (v == 0)
        return to;
    *to++ = tag;
    return put_varint(to, v);
}

static uint64_t zigzag(int32_t v) {
    return ((uint64_t)(uint32_t)v << 1 & UINT32_MAX) ^ (v < 0 ? UINT32_MAX : 0);
}

static int32_t unzigzag(uint64_t v) {
    uint32_t u = (uint32_t)v;
    return (int32_t)((u >> 1) ^ (0U - (u & 1)));
}

void rpc__batch_append(struct tc_buf *message, const struct rpc_frame *head,
                       const struct rpc__payload *p) {
    uint8_t fields[RPC__FRAME_HEAD_BYTES_MAX];
    uint8_t *at = put_field(fields, TAG_KIND, head->kind);
    at = put_field(at, TAG_ID, head->id);
    at = put_field(at, TAG_REPLY, head->reply);
    at = put_field(at, TAG_ERR, zigzag(head->err));
    at = put_field(at, TAG_DEADLINE, head->deadline_ms);
    at = put_field(at, TAG_PAYLOAD, p->len);
    size_t fields_len = (size_t)(at - fields);
    uint8_t *to = tc_buf_reserve(message, p->len + RPC__FRAME_HEAD_BYTES_MAX + 16);
    uint8_t *start = to;
    *to++ = TAG_FRAMES;
    to = put_varint(to, fields_len + p->len);
    memcpy(to, fields, fields_len);
    to += fields_len;
    rpc__payload_write(p, to);
    message->len += (size_t)(to - start) + p->len;
    TC_ASSERT(message->len <= message->cap);
}

/* Step over a field of a later protocol version. */
static tc_err skip_field(struct tc_reader *r, uint64_t tag) {
    switch (tag & 7) {
    case WIRE_VARINT:
        (void)tc_reader_varint(r);
        break;
    case WIRE_64:
        (void)tc_reader_u64(r);
        break;
    case WIRE_BYTES:
        (void)tc_reader_lenbytes(r);
        break;
    case WIRE_32:
        (void)tc_reader_u32(r);
        break;
    default:
        return TC_ECORRUPT;
    }
    return tc_reader_ok(r) && tag >> 3 != 0 ? TC_OK : TC_ECORRUPT;
}

tc_err rpc__batch_count(struct tc_slice message, size_t *ret_count) {
    struct tc_reader r = tc_reader(message);
    size_t count = 0;
    while (!tc_reader_at_end(&r)) {
        uint64_t tag = tc_reader_varint(&r);
        TC_TRY(skip_field(&r, tag));
        count += tag == TAG_FRAMES;
        if (count > RPC__BATCH_FRAMES_MAX)
            return TC_ECORRUPT;
    }
    *ret_count = count;
    return TC_OK;
}

static tc_err decode_frame(struct tc_slice bytes, struct rpc_frame *f) {
    struct tc_reader r = tc_reader(bytes);
    *f = (struct rpc_frame){0};
    while (!tc_reader_at_end(&r)) {
        uint64_t tag = tc_reader_varint(&r);
        if (tag == TAG_KIND)
            f->kind = (uint32_t)tc_reader_varint(&r);
        else if (tag == TAG_ID)
            f->id = tc_reader_varint(&r);
        else if (tag == TAG_REPLY)
            f->reply = tc_reader_varint(&r) != 0;
        else if (tag == TAG_ERR)
            f->err = tc_err_from_wire(unzigzag(tc_reader_varint(&r)));
        else if (tag == TAG_DEADLINE)
            f->deadline_ms = (uint32_t)tc_reader_varint(&r);
        else if (tag == TAG_PAYLOAD)
            f->payload = tc_reader_lenbytes(&r);
        else
            TC_TRY(skip_field(&r, tag));
        if (!tc_reader_ok(&r))
            return TC_ECORRUPT;
    }
    return TC_OK;
}

tc_err rpc__batch_decode(struct tc_slice message, struct rpc_frame *frames, size_t count) {
    struct tc_reader r = tc_reader(message);
    size_t at = 0;
    while (!tc_reader_at_end(&r)) {
        uint64_t tag = tc_reader_varint(&r);
        if (tag != TAG_FRAMES) {
            TC_TRY(skip_field(&r, tag));
            continue;
        }
        struct tc_slice bytes = tc_reader_lenbytes(&r);
        if (!tc_reader_ok(&r))
            return TC_ECORRUPT;
        TC_ASSERT(at < count);
        TC_TRY(decode_frame(bytes, &frames[at++]));
    }
    TC_ASSERT(at == count);
    return TC_OK;
}
