#include "rpc/message.h"
#include "rpc/server_private.h"

#include "proto/common.pb-c.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stdlib.h>

enum {
    PING = TERCET__PB__FRAME_KIND__FRAME_PING,
};

/* One stream as the server sees it. References: the stream until it is gone, the timer, users. */
struct rpc_conn {
    struct tc_list link;       /* server->conns */
    int refs;                  /* atomic */
    struct rpc_server *server; /* valid until the stream is gone */
    struct rpc__stream stream;
    struct rpc__tag closed, refused;
    struct rpc__timer timer;
    pthread_mutex_t lock;
    struct rpc__hello hello;
    struct rpc_identity identity;
    void *user;
    bool opened; /* on_open ran */
    int cancelled;
    char problem[128];
};

static struct rpc_conn *conn_of_stream(struct rpc__stream *s) {
    return TC_CONTAINER(s, struct rpc_conn, stream);
}

struct rpc_conn *rpc_conn_ref(struct rpc_conn *conn) {
    int before = __atomic_fetch_add(&conn->refs, 1, __ATOMIC_RELAXED);
    TC_ASSERT(before > 0);
    return conn;
}

void rpc_conn_unref(struct rpc_conn *conn) {
    if (conn == NULL)
        return;
    int before = __atomic_fetch_sub(&conn->refs, 1, __ATOMIC_ACQ_REL);
    TC_ASSERT(before > 0);
    if (before > 1)
        return;
    pthread_mutex_destroy(&conn->lock);
    free(conn);
}

static void on_gone(struct rpc__stream *s) {
    struct rpc_conn *c = conn_of_stream(s);
    struct rpc_server *server = c->server;
    if (c->opened) {
        RPC__COUNT(s->rpc, conns_open, (uint64_t)-1);
        if (server->config.on_close)
            server->config.on_close(server->config.user, c);
    }
    rpc__timer_sooner(&s->rpc->timers, &c->timer, 0);
    pthread_mutex_lock(&server->lock);
    tc_list_remove(&c->link);
    server->conn_count--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    rpc_conn_unref(c);
}

static void on_closed(struct rpc__tag *tag, bool ok) {
    struct rpc_conn *c = TC_CONTAINER(tag, struct rpc_conn, closed);
    (void)ok;
    rpc__stream_cancel(&c->stream, GRPC_STATUS_CANCELLED, "client left");
    rpc__stream_op_done(&c->stream);
}

static void on_refused(struct rpc__tag *tag, bool ok) {
    struct rpc_conn *c = TC_CONTAINER(tag, struct rpc_conn, refused);
    (void)ok;
    rpc__stream_op_done(&c->stream);
}

/* Tell the client why, as a status, and end. */
static void refuse(struct rpc_conn *c) {
    struct rpc__stream *s = &c->stream;
    RPC__COUNT(s->rpc, hello_refused, 1);
    rpc__log(s->rpc, TC_EAUTH, "stream refused: why=\"%s\"", c->problem);
    pthread_mutex_lock(s->lock);
    bool start = !s->over;
    s->over = true;
    s->ops += start;
    pthread_mutex_unlock(s->lock);
    if (!start)
        return;
    grpc_slice details = grpc_slice_from_copied_string(c->problem);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_STATUS_FROM_SERVER}};
    ops[1].data.send_status_from_server.status = GRPC_STATUS_FAILED_PRECONDITION;
    ops[1].data.send_status_from_server.status_details = &details;
    rpc__stream_start(s, ops, 2, &c->refused);
    grpc_slice_unref(details);
}

/* Our Hello goes out with the headers; from then on the outbox flows behind it. */
static bool greet(struct rpc_conn *c) {
    struct rpc__stream *s = &c->stream;
    grpc_slice slice =
        grpc_slice_from_copied_buffer((const char *)s->rpc->hello.data, s->rpc->hello.len);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    pthread_mutex_lock(s->lock);
    bool start = !s->over;
    s->open = s->sending = start;
    s->ops += start;
    s->send_buffer = start ? buffer : NULL;
    pthread_mutex_unlock(s->lock);
    if (!start) {
        grpc_byte_buffer_destroy(buffer);
        return false;
    }
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_SEND_MESSAGE}};
    ops[1].data.send_message.send_message = buffer;
    rpc__stream_start(s, ops, 2, &s->sent);
    return true;
}

static bool open_conn(struct rpc_conn *c, struct rpc_frames *frames) {
    tc_err err = rpc__hello_check(c->stream.rpc, frames, &c->hello, c->problem, sizeof c->problem);
    rpc_frames_unref(frames);
    if (err != TC_OK) {
        refuse(c);
        return false;
    }
    c->identity =
        (struct rpc_identity){c->hello.cluster, c->hello.daemon, c->hello.node, c->hello.zone};
    if (!greet(c))
        return false;
    RPC__COUNT(c->stream.rpc, conns_open, 1);
    c->opened = true;
    if (c->server->config.on_open)
        c->server->config.on_open(c->server->config.user, c);
    return true;
}

/* Heartbeats are answered here; everything else is the receiver's. */
static bool keep_frame(void *user, const struct rpc_frame *f) {
    if (f->kind != PING)
        return true;
    if (!f->reply)
        rpc_conn_reply(user, f->id, PING, TC_OK, TC_SLICE_EMPTY);
    return false;
}

static bool on_message(struct rpc__stream *s, struct rpc_frames *frames) {
    struct rpc_conn *c = conn_of_stream(s);
    if (!c->opened)
        return open_conn(c, frames);
    rpc__frames_filter(frames, keep_frame, c);
    if (frames->count == 0) {
        rpc_frames_unref(frames);
        return true;
    }
    frames->conn = rpc_conn_ref(c);
    c->server->config.on_frames(c->server->config.user, c, frames);
    return true;
}

static uint64_t on_timer(struct rpc__timer *t, uint64_t now_ns) {
    struct rpc_conn *c = TC_CONTAINER(t, struct rpc_conn, timer);
    uint64_t idle_ns = 0;
    pthread_mutex_lock(&c->lock);
    bool over = c->stream.over;
    if (!over)
        idle_ns = (uint64_t)c->server->config.idle_ms * 1000000U;
    uint64_t due_ns = c->stream.last_received_ns + idle_ns;
    pthread_mutex_unlock(&c->lock);
    if (over)
        return 0;
    if (now_ns < due_ns)
        return due_ns;
    rpc__stream_cancel(&c->stream, GRPC_STATUS_CANCELLED, "silent");
    return 0;
}

static void forget_timer(struct rpc__timer *t) {
    rpc_conn_unref(TC_CONTAINER(t, struct rpc_conn, timer));
}

static struct rpc_conn *create(struct rpc_server *server, grpc_call *call) {
    struct rpc_conn *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    c->refs = 2;
    c->server = server;
    pthread_mutex_init(&c->lock, NULL);
    rpc__stream_init(&c->stream, server->rpc, &c->lock);
    c->stream.call = call;
    c->stream.on_message = on_message;
    c->stream.on_gone = on_gone;
    c->closed.fn = on_closed;
    c->refused.fn = on_refused;
    c->timer.fn = on_timer;
    c->timer.forget = forget_timer;
    return c;
}

void rpc__conn_accept(struct rpc_server *server, grpc_call *call) {
    struct rpc_conn *c = create(server, call);
    pthread_mutex_lock(&server->lock);
    tc_list_push_back(&server->conns, &c->link);
    pthread_mutex_unlock(&server->lock);
    rpc_conn_ref(c); /* until this function is through */
    rpc__timer_add(&server->rpc->timers, &c->timer,
                   rpc__now_ns() + (uint64_t)server->config.idle_ms * 1000000U);
    c->stream.ops = 1;
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &c->cancelled;
    rpc__stream_start(&c->stream, &op, 1, &c->closed);
    rpc__stream_receive(&c->stream);
    rpc_conn_unref(c);
}

bool rpc__conn_idle(struct tc_list *link) {
    struct rpc_conn *c = TC_CONTAINER(link, struct rpc_conn, link);
    pthread_mutex_lock(&c->lock);
    bool idle = c->stream.over || (c->stream.outbox.head == NULL && !c->stream.sending);
    pthread_mutex_unlock(&c->lock);
    return idle;
}

void rpc__conn_cut(struct tc_list *link) {
    rpc_conn_close(TC_CONTAINER(link, struct rpc_conn, link));
}

const struct rpc_identity *rpc_conn_identity(const struct rpc_conn *conn) {
    return &conn->identity;
}

void rpc_conn_set_user(struct rpc_conn *conn, void *user) {
    conn->user = user;
}

void *rpc_conn_user(const struct rpc_conn *conn) {
    return conn->user;
}

void rpc_conn_close(struct rpc_conn *conn) {
    rpc__stream_cancel(&conn->stream, GRPC_STATUS_UNAVAILABLE, "closed by the server");
}

static tc_err push(struct rpc_conn *c, const struct rpc_frame *head, const struct rpc__payload *p,
                   uint64_t outbox_bytes_max) {
    if (p->len > RPC_PAYLOAD_BYTES_MAX)
        return TC_ELIMIT;
    pthread_mutex_lock(&c->lock);
    tc_err err = c->stream.over ? TC_ECLOSED : TC_OK;
    if (err == TC_OK && c->stream.outbox.bytes + p->len > outbox_bytes_max)
        err = TC_EBUSY;
    if (err != TC_OK) {
        pthread_mutex_unlock(&c->lock);
        return err;
    }
    rpc__outbox_push(&c->stream.outbox, head, p, 0);
    rpc__stream_flush_unlock(&c->stream);
    return TC_OK;
}

/* An answer cannot be refused. One that is too long, or that finds the outbox full, loses its
 * payload: TC_ELIMIT, or TC_EUNKNOWN, since what it answers may have been done. Such short answers
 * may use as much room again before a client that reads nothing is cut. */
static void reply(struct rpc_conn *c, struct rpc_frame head, const struct rpc__payload *p) {
    head.reply = true;
    tc_err err = push(c, &head, p, RPC_CONN_OUTBOX_BYTES_MAX);
    if (err == TC_ELIMIT || err == TC_EBUSY) {
        struct rpc__payload none = rpc__payload_bytes(TC_SLICE_EMPTY);
        if (p->len > 0)
            head.err = err == TC_EBUSY ? TC_EUNKNOWN : TC_ELIMIT;
        err = push(c, &head, &none, 2 * (uint64_t)RPC_CONN_OUTBOX_BYTES_MAX);
    }
    if (err == TC_EBUSY)
        rpc__stream_cancel(&c->stream, GRPC_STATUS_RESOURCE_EXHAUSTED, "answers are not read");
}

void rpc_conn_reply(struct rpc_conn *conn, uint64_t id, uint32_t kind, tc_err err,
                    struct tc_slice payload) {
    struct rpc__payload p = rpc__payload_bytes(payload);
    reply(conn, (struct rpc_frame){.id = id, .kind = kind, .err = err}, &p);
}

void rpc_conn_reply_message(struct rpc_conn *conn, uint64_t id, uint32_t kind, tc_err err,
                            const ProtobufCMessage *message) {
    struct rpc__payload p = rpc__payload_message(message);
    reply(conn, (struct rpc_frame){.id = id, .kind = kind, .err = err}, &p);
}

tc_err rpc_conn_send(struct rpc_conn *conn, uint32_t kind, struct tc_slice payload) {
    struct rpc__payload p = rpc__payload_bytes(payload);
    return push(conn, &(struct rpc_frame){.kind = kind}, &p, RPC_CONN_OUTBOX_BYTES_MAX);
}

tc_err rpc_conn_send_message(struct rpc_conn *conn, uint32_t kind,
                             const ProtobufCMessage *message) {
    struct rpc__payload p = rpc__payload_message(message);
    return push(conn, &(struct rpc_frame){.kind = kind}, &p, RPC_CONN_OUTBOX_BYTES_MAX);
}
