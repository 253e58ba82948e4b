/* Batches of frames: what one message carries. */
#include "sim/suite/wire.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct box {
    struct rpc_frames view; /* first: what callers hold */
    int refs;
    struct rpc_frames *source; /* whose payloads these are; NULL: own */
    struct tc_list owned;      /* wire_frame */
    struct rpc_frame frames[];
};

static struct box *box_of(struct rpc_frames *f) {
    return TC_CONTAINER(f, struct box, view);
}

struct wire_frame *wire_frame_new(struct rpc_frame head, struct tc_slice payload) {
    struct wire_frame *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    f->head = head;
    tc_buf_append_slice(&f->payload, payload);
    return f;
}

struct wire_frame *wire_frame_new_message(struct rpc_frame head, const ProtobufCMessage *message) {
    struct wire_frame *f = wire_frame_new(head, TC_SLICE_EMPTY);
    if (message)
        (void)protobuf_c_message_pack(
            message, tc_buf_extend(&f->payload, protobuf_c_message_get_packed_size(message)));
    return f;
}

static struct box *box_new(size_t count) {
    struct box *b = calloc(1, sizeof *b + count * sizeof b->frames[0]);
    TC_ASSERT(b != NULL);
    b->refs = 1;
    tc_list_init(&b->owned);
    b->view.frames = b->frames;
    return b;
}

struct rpc_frames *wire_frames_take(struct tc_list *frames) {
    size_t count = 0;
    struct tc_list *l;
    for (l = frames->next; l != frames; l = l->next)
        count++;
    struct box *b = box_new(count);
    while ((l = tc_list_pop_front(frames)) != NULL) {
        struct wire_frame *f = TC_CONTAINER(l, struct wire_frame, link);
        struct rpc_frame *to = &b->frames[b->view.count++];
        *to = f->head;
        to->payload = tc_buf_slice(&f->payload);
        tc_list_push_back(&b->owned, &f->link);
    }
    return &b->view;
}

struct rpc_frames *wire_frames_some(struct rpc_frames *f, bool replies) {
    struct box *b = box_new(f->count);
    for (size_t i = 0; i < f->count; i++)
        if (f->frames[i].reply == replies)
            b->frames[b->view.count++] = f->frames[i];
    if (b->view.count == 0) {
        free(b);
        return NULL;
    }
    b->source = rpc_frames_ref(f);
    return &b->view;
}

void wire_frames_drop(struct tc_list *frames) {
    struct tc_list *l;
    while ((l = tc_list_pop_front(frames)) != NULL) {
        struct wire_frame *f = TC_CONTAINER(l, struct wire_frame, link);
        tc_buf_deinit(&f->payload);
        free(f);
    }
}

struct rpc_frames *rpc_frames_ref(struct rpc_frames *f) {
    box_of(f)->refs++;
    return f;
}

void rpc_frames_unref(struct rpc_frames *f) {
    if (f == NULL || --box_of(f)->refs > 0)
        return;
    struct box *b = box_of(f);
    TC_ASSERT(b->refs == 0);
    if (f->conn)
        rpc_conn_unref(f->conn);
    rpc_frames_unref(b->source);
    wire_frames_drop(&b->owned);
    free(b);
}

void rpc_frames_refuse(struct rpc_frames *f, tc_err err) {
    TC_ASSERT(f->conn != NULL && err != TC_OK);
    for (size_t i = 0; i < f->count; i++)
        if (f->frames[i].id != 0 && !f->frames[i].reply)
            rpc_conn_reply(f->conn, f->frames[i].id, f->frames[i].kind, err, TC_SLICE_EMPTY);
    rpc_frames_unref(f);
}
