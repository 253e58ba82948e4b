#include "rpc/message.h"
#include "rpc/server_private.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>

/* A unary call as the server sees it. References: the core's until every batch has returned, the
 * handler's from its start until rpc_call_reply. */
struct rpc_call {
    struct tc_list link;       /* server->calls */
    struct rpc_server *server; /* valid while call is */
    const struct rpc_method *method;
    pthread_mutex_t lock;
    grpc_call *call; /* NULL: the core is done with it */
    uint32_t ops, refs;
    struct rpc__tag received, closed, sent;
    grpc_byte_buffer *request, *response;
    grpc_slice payload;
    bool has_payload;
    grpc_metadata trailing;
    int cancelled;
    uint32_t deadline_ms;
};

static void unref(struct rpc_call *c) {
    pthread_mutex_lock(&c->lock);
    TC_ASSERT(c->refs > 0);
    bool last = --c->refs == 0;
    pthread_mutex_unlock(&c->lock);
    if (!last)
        return;
    if (c->has_payload)
        grpc_slice_unref(c->payload);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void op_done(struct rpc_call *c) {
    pthread_mutex_lock(&c->lock);
    TC_ASSERT(c->ops > 0);
    bool gone = --c->ops == 0;
    grpc_call *call = c->call;
    if (gone)
        c->call = NULL;
    pthread_mutex_unlock(&c->lock);
    if (!gone)
        return;
    grpc_call_unref(call);
    struct rpc_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    tc_list_remove(&c->link);
    s->call_count--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    unref(c);
}

static void start(struct rpc_call *c, const grpc_op *ops, size_t count, struct rpc__tag *tag) {
    grpc_call *call = c->call; /* once the tag is given, c may go at any time */
    grpc_call_error e = grpc_call_start_batch(call, ops, count, rpc__tag_give(tag), NULL);
    TC_ASSERT(e == GRPC_CALL_OK);
}

static void on_sent(struct rpc__tag *tag, bool ok) {
    struct rpc_call *c = TC_CONTAINER(tag, struct rpc_call, sent);
    (void)ok;
    if (c->response)
        grpc_byte_buffer_destroy(c->response);
    grpc_slice_unref(c->trailing.value);
    op_done(c);
}

static void on_closed(struct rpc__tag *tag, bool ok) {
    (void)ok;
    op_done(TC_CONTAINER(tag, struct rpc_call, closed));
}

/* Send the one answer, unless the client has gone. payload NULL: a bare status. */
static void answer(struct rpc_call *c, grpc_status_code status, tc_err err, const char *why,
                   const struct rpc__payload *payload) {
    pthread_mutex_lock(&c->lock);
    bool live = c->call != NULL;
    c->ops += live;
    pthread_mutex_unlock(&c->lock);
    if (!live)
        return;
    char text[16];
    snprintf(text, sizeof text, "%d", (int)err);
    c->trailing.key = rpc__slice_static(RPC__ERR_KEY);
    c->trailing.value = grpc_slice_from_copied_string(text);
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
                      {.op = GRPC_OP_SEND_MESSAGE}};
    grpc_slice details = grpc_slice_from_copied_string(why);
    ops[1].data.send_status_from_server.status = status;
    ops[1].data.send_status_from_server.status_details = &details;
    ops[1].data.send_status_from_server.trailing_metadata = &c->trailing;
    ops[1].data.send_status_from_server.trailing_metadata_count = 1;
    if (payload) {
        grpc_slice bytes = grpc_slice_malloc(payload->len);
        rpc__payload_write(payload, GRPC_SLICE_START_PTR(bytes));
        c->response = grpc_raw_byte_buffer_create(&bytes, 1);
        grpc_slice_unref(bytes);
        ops[2].data.send_message.send_message = c->response;
    }
    start(c, ops, payload ? 3 : 2, &c->sent);
    grpc_slice_unref(details);
}

static void on_received(struct rpc__tag *tag, bool ok) {
    struct rpc_call *c = TC_CONTAINER(tag, struct rpc_call, received);
    bool whole = ok && c->request != NULL && rpc__flatten(c->request, &c->payload) == TC_OK;
    if (c->request)
        grpc_byte_buffer_destroy(c->request);
    c->has_payload = whole;
    if (whole) {
        pthread_mutex_lock(&c->lock);
        c->refs++;
        pthread_mutex_unlock(&c->lock);
        c->method->fn(c->method->user, c,
                      tc_slice(GRPC_SLICE_START_PTR(c->payload), GRPC_SLICE_LENGTH(c->payload)));
    } else { /* the core may deliver no message at all: the client left, or misbehaves */
        answer(c, GRPC_STATUS_INVALID_ARGUMENT, TC_EINVAL, "no message", NULL);
    }
    op_done(c);
}

static struct rpc_call *create(struct rpc_server *server, grpc_call *call) {
    struct rpc_call *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    c->server = server;
    c->call = call;
    c->refs = 1;
    c->received.fn = on_received;
    c->closed.fn = on_closed;
    c->sent.fn = on_sent;
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_lock(&server->lock);
    tc_list_push_back(&server->calls, &c->link);
    pthread_mutex_unlock(&server->lock);
    return c;
}

static void watch_close(struct rpc_call *c) {
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &c->cancelled;
    start(c, &op, 1, &c->closed);
}

static uint32_t left_ms(gpr_timespec deadline) {
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
        return 0;
    gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    int32_t ms = gpr_time_to_millis(left);
    return ms < 1 ? 1 : (uint32_t)ms;
}

void rpc__call_accept(struct rpc_server *server, grpc_call *call, const struct rpc_method *method,
                      gpr_timespec deadline) {
    struct rpc_call *c = create(server, call);
    c->method = method;
    c->deadline_ms = left_ms(deadline);
    c->ops = 2;
    watch_close(c);
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &c->request;
    start(c, &op, 1, &c->received);
}

void rpc__call_refuse(struct rpc_server *server, grpc_call *call, grpc_status_code status,
                      tc_err err, const char *why) {
    struct rpc_call *c = create(server, call);
    struct rpc__payload none = rpc__payload_bytes(TC_SLICE_EMPTY);
    c->ops = 2; /* one for the watch, one for this function */
    watch_close(c);
    answer(c, status, err, why, status == GRPC_STATUS_OK ? &none : NULL);
    op_done(c);
}

static void reply(struct rpc_call *call, tc_err err, struct rpc__payload p) {
    if (p.len > RPC_PAYLOAD_BYTES_MAX) {
        err = TC_ELIMIT;
        p = rpc__payload_bytes(TC_SLICE_EMPTY);
    }
    answer(call, GRPC_STATUS_OK, err, "", &p);
    unref(call);
}

void rpc_call_reply(struct rpc_call *call, tc_err err, struct tc_slice payload) {
    reply(call, err, rpc__payload_bytes(payload));
}

void rpc_call_reply_message(struct rpc_call *call, tc_err err, const ProtobufCMessage *message) {
    reply(call, err, rpc__payload_message(message));
}

uint32_t rpc_call_deadline_ms(const struct rpc_call *call) {
    return call->deadline_ms;
}
