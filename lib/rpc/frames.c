#include "rpc/rpc_private.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <stdlib.h>

struct frames_box {
    struct rpc_frames view;    /* first: what callers hold */
    int refs;                  /* atomic */
    grpc_slice bytes;          /* what payloads point into */
    struct rpc_frames *source; /* or whose payloads these are */
    struct rpc_frame frames[];
};

static struct frames_box *box_of(struct rpc_frames *f) {
    return TC_CONTAINER(f, struct frames_box, view);
}

tc_err rpc__flatten(grpc_byte_buffer *message, grpc_slice *ret_slice) {
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, message))
        return TC_ECORRUPT;
    *ret_slice = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return TC_OK;
}

static struct tc_slice view_of(const grpc_slice *s) {
    return tc_slice(GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
}

/* The slice moves into the box before decoding: short slices hold their bytes inline. */
static tc_err decode(grpc_slice bytes, struct rpc_frames **ret_frames) {
    size_t count = 0;
    TC_TRY(rpc__batch_count(view_of(&bytes), &count));
    struct frames_box *b = malloc(sizeof *b + count * sizeof b->frames[0]);
    TC_ASSERT(b != NULL);
    b->bytes = bytes;
    tc_err err = rpc__batch_decode(view_of(&b->bytes), b->frames, count);
    if (err != TC_OK) {
        free(b);
        return err;
    }
    b->refs = 1;
    b->source = NULL;
    b->view =
        (struct rpc_frames){.received_ns = rpc__now_ns(), .count = count, .frames = b->frames};
    *ret_frames = &b->view;
    return TC_OK;
}

tc_err rpc__frames_new(grpc_byte_buffer *message, struct rpc_frames **ret_frames) {
    grpc_slice bytes;
    tc_err err = rpc__flatten(message, &bytes);
    grpc_byte_buffer_destroy(message);
    if (err != TC_OK)
        return err;
    err = decode(bytes, ret_frames);
    if (err != TC_OK)
        grpc_slice_unref(bytes);
    return err;
}

void rpc__frames_filter(struct rpc_frames *f,
                        bool (*keep)(void *user, const struct rpc_frame *frame), void *user) {
    struct rpc_frame *frames = box_of(f)->frames;
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++)
        if (keep(user, &frames[i]))
            frames[kept++] = frames[i];
    f->count = kept;
}

struct rpc_frames *rpc__frames_view_take(struct rpc_frames *f,
                                         bool (*keep)(void *user, const struct rpc_frame *frame),
                                         void *user) {
    struct frames_box *b = malloc(sizeof *b + f->count * sizeof b->frames[0]);
    TC_ASSERT(b != NULL);
    b->refs = 1;
    b->bytes = grpc_empty_slice();
    b->source = f;
    b->view = *f;
    b->view.frames = b->frames;
    b->view.conn = NULL;
    memcpy(b->frames, f->frames, f->count * sizeof b->frames[0]);
    rpc__frames_filter(&b->view, keep, user);
    return &b->view;
}

struct rpc_frames *rpc_frames_ref(struct rpc_frames *f) {
    int before = __atomic_fetch_add(&box_of(f)->refs, 1, __ATOMIC_RELAXED);
    TC_ASSERT(before > 0);
    return f;
}

void rpc_frames_unref(struct rpc_frames *f) {
    if (f == NULL)
        return;
    struct frames_box *b = box_of(f);
    int before = __atomic_fetch_sub(&b->refs, 1, __ATOMIC_ACQ_REL);
    TC_ASSERT(before > 0);
    if (before > 1)
        return;
    if (f->conn)
        rpc_conn_unref(f->conn);
    rpc_frames_unref(b->source);
    grpc_slice_unref(b->bytes);
    free(b);
}

void rpc_frames_refuse(struct rpc_frames *f, tc_err err) {
    TC_ASSERT(f->conn != NULL && err != TC_OK);
    for (size_t i = 0; i < f->count; i++)
        if (f->frames[i].id != 0 && !f->frames[i].reply)
            rpc_conn_reply(f->conn, f->frames[i].id, f->frames[i].kind, err, TC_SLICE_EMPTY);
    rpc_frames_unref(f);
}
