#include "rpc/rpc_private.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stdlib.h>

/* A message takes frames until it has this size; one larger frame makes a message of its own. Small
 * enough that heartbeats and other frames never wait long behind it. */
enum {
    CHUNK_BYTES_MAX = 256 << 10,
    CHUNK_BYTES_MIN = 512,
};

static struct rpc__chunk *chunk_new(struct rpc__outbox *o, size_t need_bytes) {
    struct rpc__chunk *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    size_t reserve = o->hint_bytes > need_bytes ? o->hint_bytes : need_bytes;
    tc_buf_reserve(&c->bytes, reserve < CHUNK_BYTES_MIN ? CHUNK_BYTES_MIN : reserve);
    c->seq = ++o->next_seq;
    if (o->tail)
        o->tail->next = c;
    else
        o->head = c;
    o->tail = c;
    return c;
}

uint64_t rpc__outbox_push(struct rpc__outbox *o, const struct rpc_frame *head,
                          const struct rpc__payload *p, uint64_t release_bytes) {
    size_t need = p->len + RPC__FRAME_HEAD_BYTES_MAX + 16;
    struct rpc__chunk *c = o->tail;
    if (c == NULL || c->bytes.len + need > CHUNK_BYTES_MAX)
        c = chunk_new(o, need);
    size_t before = c->bytes.len;
    rpc__batch_append(&c->bytes, head, p);
    c->frames++;
    c->release_bytes += release_bytes;
    o->bytes += c->bytes.len - before;
    return c->seq;
}

struct rpc__chunk *rpc__outbox_pop(struct rpc__outbox *o) {
    struct rpc__chunk *c = o->head;
    if (c == NULL)
        return NULL;
    o->head = c->next;
    if (o->head == NULL)
        o->tail = NULL;
    TC_ASSERT(o->bytes >= c->bytes.len);
    o->bytes -= c->bytes.len;
    o->hint_bytes = c->bytes.len < CHUNK_BYTES_MAX ? c->bytes.len : CHUNK_BYTES_MAX;
    c->next = NULL;
    return c;
}

uint64_t rpc__outbox_clear(struct rpc__outbox *o) {
    uint64_t release_bytes = 0;
    for (struct rpc__chunk *c = rpc__outbox_pop(o); c; c = rpc__outbox_pop(o)) {
        release_bytes += c->release_bytes;
        rpc__chunk_free(c);
    }
    return release_bytes;
}

void rpc__chunk_free(struct rpc__chunk *c) {
    if (c == NULL)
        return;
    tc_buf_deinit(&c->bytes);
    free(c);
}

grpc_byte_buffer *rpc__chunk_take_buffer(struct rpc__chunk *c) {
    grpc_slice slice = grpc_slice_new(c->bytes.data, c->bytes.len, free);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    c->bytes = (struct tc_buf){0};
    return buffer;
}
