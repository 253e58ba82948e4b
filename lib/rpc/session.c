#include "rpc/peer_private.h"

#include "proto/common.pb-c.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stdio.h>
#include <stdlib.h>

static struct rpc__session *session_of(struct rpc__stream *s) {
    return TC_CONTAINER(s, struct rpc__session, stream);
}

/* Why the stream ended, in words an operator can act on. */
static void explain(const struct rpc__session *s, char *to, size_t to_bytes) {
    char details[96];
    rpc__slice_text(s->details, details, sizeof details);
    for (char *c = details; *c; c++)
        if (*c < ' ' || *c == '"' || *c == 0x7f)
            *c = '\'';
    snprintf(to, to_bytes, "%s", details[0] ? details : "stream ended");
}

static void on_gone(struct rpc__stream *stream) {
    struct rpc__session *s = session_of(stream);
    char why[96];
    explain(s, why, sizeof why);
    rpc__peer_lost(s->peer, s, why);
    grpc_metadata_array_destroy(&s->trailing);
    grpc_slice_unref(s->details);
    grpc_channel_destroy(s->channel);
    struct rpc_peer *p = s->peer;
    free(s);
    rpc__peer_unref(p);
}

static void on_ended(struct rpc__tag *tag, bool ok) {
    struct rpc__session *s = TC_CONTAINER(tag, struct rpc__session, ended);
    (void)ok;
    rpc__stream_cancel(&s->stream, GRPC_STATUS_CANCELLED, "ended");
    rpc__stream_op_done(&s->stream);
}

static bool refuse(struct rpc__session *s, const char *why) {
    struct rpc_peer *p = s->peer;
    RPC__COUNT(p->rpc, hello_refused, 1);
    pthread_mutex_lock(&p->lock);
    snprintf(p->problem, sizeof p->problem, "refused: %s", why);
    s->refused = true;
    pthread_mutex_unlock(&p->lock);
    return false;
}

static bool greet(struct rpc__session *s, struct rpc_frames *frames) {
    struct rpc__hello hello = {0};
    char why[112] = "";
    tc_err err = rpc__hello_check(s->peer->rpc, frames, &hello, why, sizeof why);
    rpc_frames_unref(frames);
    if (err != TC_OK)
        return refuse(s, why);
    if (s->peer->node[0] != '\0' && strcmp(s->peer->node, hello.node) != 0) {
        snprintf(why, sizeof why, "node '%.40s', expected '%.40s'", hello.node, s->peer->node);
        return refuse(s, why);
    }
    s->greeted = true;
    rpc__peer_up(s->peer, s);
    return true;
}

static bool keep_unsolicited(void *user, const struct rpc_frame *f) {
    (void)user;
    return !f->reply && f->kind != TERCET__PB__FRAME_KIND__FRAME_PING;
}

/* Hand on what answers nothing. A callback may have kept the batch for its reply, so the receiver
 * gets a view of its own when the message carried both. */
static void deliver(struct rpc_peer *p, struct rpc_frames *frames) {
    size_t count = 0;
    for (size_t i = 0; i < frames->count; i++)
        count += keep_unsolicited(NULL, &frames->frames[i]);
    if (count == 0 || p->config.on_frames == NULL)
        rpc_frames_unref(frames);
    else if (count == frames->count)
        p->config.on_frames(p->config.user, p, frames);
    else
        p->config.on_frames(p->config.user, p,
                            rpc__frames_view_take(frames, keep_unsolicited, NULL));
}

static bool on_message(struct rpc__stream *stream, struct rpc_frames *frames) {
    struct rpc__session *s = session_of(stream);
    if (!s->greeted)
        return greet(s, frames);
    frames->peer = s->peer;
    rpc__peer_replies(s->peer, frames);
    deliver(s->peer, frames);
    return true;
}

static void on_sent(struct rpc__stream *stream, uint64_t release_bytes) {
    struct rpc_peer *p = session_of(stream)->peer;
    TC_ASSERT(p->window.bytes >= release_bytes);
    p->window.bytes -= release_bytes;
}

static struct rpc__session *create(struct rpc_peer *p) {
    struct rpc__session *s = calloc(1, sizeof *s);
    TC_ASSERT(s != NULL);
    s->peer = p;
    s->started_ns = rpc__now_ns();
    s->details = grpc_empty_slice();
    s->ended.fn = on_ended;
    grpc_metadata_array_init(&s->trailing);
    rpc__stream_init(&s->stream, p->rpc, &p->lock);
    s->stream.on_message = on_message;
    s->stream.on_sent = on_sent;
    s->stream.on_gone = on_gone;
    s->stream.receives_initial = true;
    s->stream.sending = true; /* our Hello */
    s->stream.ops = 3;        /* the two batches below, and this function */
    s->channel = rpc__channel_new(p->rpc, p->target);
    s->stream.call = grpc_channel_create_call(s->channel, NULL, GRPC_PROPAGATE_DEFAULTS, p->rpc->cq,
                                              grpc_slice_from_static_string(RPC__STREAM_METHOD),
                                              NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_slice hello =
        grpc_slice_from_copied_buffer((const char *)p->rpc->hello.data, p->rpc->hello.len);
    s->stream.send_buffer = grpc_raw_byte_buffer_create(&hello, 1);
    grpc_slice_unref(hello);
    return s;
}

static void start_batches(struct rpc__session *s) {
    grpc_op status = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    status.data.recv_status_on_client.trailing_metadata = &s->trailing;
    status.data.recv_status_on_client.status = &s->status;
    status.data.recv_status_on_client.status_details = &s->details;
    rpc__stream_start(&s->stream, &status, 1, &s->ended);
    grpc_op send[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_SEND_MESSAGE}};
    send[1].data.send_message.send_message = s->stream.send_buffer;
    rpc__stream_start(&s->stream, send, 2, &s->stream.sent);
    rpc__stream_receive(&s->stream);
}

void rpc__session_start(struct rpc_peer *p) {
    struct rpc__session *s = create(p);
    pthread_mutex_lock(&p->lock);
    bool go = p->state == RPC_PEER_CONNECTING;
    s->number = ++p->session_number;
    p->session = go ? s : NULL;
    s->stream.over = !go;
    p->refs++;
    pthread_mutex_unlock(&p->lock);
    start_batches(s);
    if (!go)
        grpc_call_cancel(s->stream.call, NULL);
    rpc__stream_op_done(&s->stream);
}
