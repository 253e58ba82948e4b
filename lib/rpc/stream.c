#include "rpc/rpc_private.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>

static void on_sent(struct rpc__tag *tag, bool ok);
static void on_received(struct rpc__tag *tag, bool ok);
static void send_unlock(struct rpc__stream *s);

void rpc__stream_init(struct rpc__stream *s, struct rpc *rpc, pthread_mutex_t *lock) {
    *s = (struct rpc__stream){.rpc = rpc, .lock = lock, .last_received_ns = rpc__now_ns()};
    s->sent.fn = on_sent;
    s->received.fn = on_received;
    grpc_metadata_array_init(&s->initial);
}

void rpc__stream_start(struct rpc__stream *s, const grpc_op *ops, size_t count,
                       struct rpc__tag *tag) {
    grpc_call *call = s->call; /* once the tag is given, s may go at any time */
    grpc_call_error e = grpc_call_start_batch(call, ops, count, rpc__tag_give(tag), NULL);
    TC_ASSERT(e == GRPC_CALL_OK);
}

void rpc__stream_op_done(struct rpc__stream *s) {
    pthread_mutex_lock(s->lock);
    TC_ASSERT(s->ops > 0);
    bool gone = --s->ops == 0 && s->over;
    grpc_call *call = s->call;
    if (gone) {
        s->call = NULL;
        uint64_t release_bytes = rpc__outbox_clear(&s->outbox);
        if (s->on_sent)
            s->on_sent(s, release_bytes);
    }
    pthread_mutex_unlock(s->lock);
    if (!gone)
        return;
    grpc_metadata_array_destroy(&s->initial);
    grpc_call_unref(call);
    s->on_gone(s);
}

/* The cancelling thread holds the call by a reference of its own and not by ops: on_gone must never
 * run inside it. */
grpc_call *rpc__stream_end(struct rpc__stream *s) {
    if (s->over || s->call == NULL)
        return NULL;
    s->over = true;
    grpc_call_ref(s->call);
    return s->call;
}

void rpc__cancel(grpc_call *call, grpc_status_code status, const char *why) {
    if (call == NULL)
        return;
    grpc_call_cancel_with_status(call, status, why, NULL);
    grpc_call_unref(call);
}

void rpc__stream_cancel(struct rpc__stream *s, grpc_status_code status, const char *why) {
    pthread_mutex_lock(s->lock);
    grpc_call *call = rpc__stream_end(s);
    pthread_mutex_unlock(s->lock);
    rpc__cancel(call, status, why);
}

void rpc__stream_receive(struct rpc__stream *s) {
    pthread_mutex_lock(s->lock);
    bool start = !s->over;
    s->ops += start;
    pthread_mutex_unlock(s->lock);
    if (!start)
        return;
    grpc_op ops[2] = {{.op = GRPC_OP_RECV_MESSAGE}, {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    ops[0].data.recv_message.recv_message = &s->receive_buffer;
    ops[1].data.recv_initial_metadata.recv_initial_metadata = &s->initial;
    size_t count = s->receives_initial ? 2 : 1;
    s->receives_initial = false;
    rpc__stream_start(s, ops, count, &s->received);
}

static void count_received(struct rpc__stream *s, const grpc_byte_buffer *buffer) {
    RPC__COUNT(s->rpc, messages_received, 1);
    RPC__COUNT(s->rpc, bytes_received,
               grpc_byte_buffer_length((grpc_byte_buffer *)(uintptr_t)buffer));
    pthread_mutex_lock(s->lock);
    s->last_received_ns = rpc__now_ns();
    pthread_mutex_unlock(s->lock);
}

/* True when the stream goes on. */
static bool take_message(struct rpc__stream *s, bool ok) {
    grpc_byte_buffer *buffer = s->receive_buffer;
    s->receive_buffer = NULL;
    if (!ok || buffer == NULL) {
        if (buffer)
            grpc_byte_buffer_destroy(buffer);
        return false;
    }
    count_received(s, buffer);
    struct rpc_frames *frames = NULL;
    if (rpc__frames_new(buffer, &frames) != TC_OK) {
        rpc__log(s->rpc, TC_ECORRUPT, "message is no batch: stream cut");
        return false;
    }
    RPC__COUNT(s->rpc, frames_received, frames->count);
    return s->on_message(s, frames);
}

/* The streams that this thread owes a flush; rpc NULL on a thread that sends at once. */
static _Thread_local struct {
    const struct rpc *rpc;
    struct rpc__stream *first;
    bool idle; /* nothing else waits for this thread: send first, then ask for more */
} owed;

void rpc__owed_idle(bool idle) {
    owed.idle = idle;
}

void rpc_hold(struct rpc *rpc) {
    TC_ASSERT(owed.rpc == NULL && owed.first == NULL);
    owed.rpc = rpc;
}

void rpc_release(struct rpc *rpc) {
    TC_ASSERT(owed.rpc == rpc);
    rpc__owed_flush();
    owed.rpc = NULL;
}

bool rpc__owed(void) {
    return owed.first != NULL;
}

void rpc__owed_flush(void) {
    while (owed.first) {
        struct rpc__stream *s = owed.first;
        owed.first = s->next_owed;
        pthread_mutex_lock(s->lock);
        s->owed = false;
        send_unlock(s);
        rpc__stream_op_done(s);
    }
}

/* A new receive costs a system call of its own (a window update), which an answer need not wait for
 * when there is nothing to batch it with. */
static void on_received(struct rpc__tag *tag, bool ok) {
    struct rpc__stream *s = TC_CONTAINER(tag, struct rpc__stream, received);
    bool more = take_message(s, ok);
    if (owed.idle)
        rpc__owed_flush();
    if (more)
        rpc__stream_receive(s);
    else
        rpc__stream_cancel(s, GRPC_STATUS_CANCELLED, "stream ended");
    rpc__stream_op_done(s);
}

/* Lock held. True: a thread that holds will flush it soon. */
static bool owe(struct rpc__stream *s) {
    if (s->owed)
        return true;
    if (owed.rpc != s->rpc)
        return false;
    s->owed = true;
    s->ops++; /* keeps the stream until then */
    s->next_owed = owed.first;
    owed.first = s;
    return true;
}

/* A flush that is owed takes along what other threads queue until then. */
void rpc__stream_flush_unlock(struct rpc__stream *s) {
    if (s->open && !s->sending && !s->over && s->outbox.head && owe(s))
        pthread_mutex_unlock(s->lock);
    else
        send_unlock(s);
}

static void send_unlock(struct rpc__stream *s) {
    struct rpc__chunk *c = NULL;
    if (s->open && !s->sending && !s->over)
        c = rpc__outbox_pop(&s->outbox);
    if (c == NULL) {
        pthread_mutex_unlock(s->lock);
        return;
    }
    s->sending = true;
    s->ops++;
    s->sent_seq = c->seq;
    s->in_flight = c;
    RPC__COUNT(s->rpc, messages_sent, 1);
    RPC__COUNT(s->rpc, frames_sent, c->frames);
    RPC__COUNT(s->rpc, bytes_sent, c->bytes.len);
    s->send_buffer = rpc__chunk_take_buffer(c);
    pthread_mutex_unlock(s->lock);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
    op.data.send_message.send_message = s->send_buffer;
    rpc__stream_start(s, &op, 1, &s->sent);
}

/* The first send of a stream (its Hello) also ends here, with nothing in flight. */
static void on_sent(struct rpc__tag *tag, bool ok) {
    struct rpc__stream *s = TC_CONTAINER(tag, struct rpc__stream, sent);
    (void)ok; /* a failed send means a lost stream, which the receive reports */
    grpc_byte_buffer_destroy(s->send_buffer);
    pthread_mutex_lock(s->lock);
    struct rpc__chunk *c = s->in_flight;
    s->in_flight = NULL;
    s->send_buffer = NULL;
    s->sending = false;
    if (c && s->on_sent)
        s->on_sent(s, c->release_bytes);
    rpc__stream_flush_unlock(s);
    rpc__chunk_free(c);
    rpc__stream_op_done(s);
}
