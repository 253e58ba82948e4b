/* Frames of streams: decoded on rpc's threads, handed over as posts, given to the store on its
 * thread. */
#include "base/assert.h"
#include "shell.h"

#include <stdlib.h>

static const ProtobufCMessageDescriptor *descriptor_of(uint32_t kind) {
    switch (kind) {
    case TERCET__PB__FRAME_KIND__FRAME_ITEM:
        return &tercet__pb__item_request__descriptor;
    case TERCET__PB__FRAME_KIND__FRAME_RANGE:
        return &tercet__pb__range_request__descriptor;
    case TERCET__PB__FRAME_KIND__FRAME_INDEX:
        return &tercet__pb__index_request__descriptor;
    case TERCET__PB__FRAME_KIND__FRAME_PAXOS:
        return &tercet__pb__paxos_message__descriptor;
    case TERCET__PB__FRAME_KIND__FRAME_BEAT:
        return &tercet__pb__node_beat__descriptor;
    case TERCET__PB__FRAME_KIND__FRAME_BEAT_ACK:
        return &tercet__pb__node_beat_ack__descriptor;
    case TERCET__PB__FRAME_KIND__FRAME_SNAPSHOT:
        return &tercet__pb__snapshot_chunk__descriptor;
    default:
        return NULL;
    }
}

static struct shell_work decode(const struct rpc_frame *f) {
    const ProtobufCMessageDescriptor *d = f->reply ? NULL : descriptor_of(f->kind);
    struct shell_work work = {.kind = f->kind, .id = f->id};
    if (d)
        work.message = protobuf_c_message_unpack(d, NULL, f->payload.len, f->payload.data);
    return work;
}

void shell_on_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames) {
    struct shell *s = user;
    struct shell_post *post = shell_post_new(SHELL_FRAMES);
    post->work = calloc(frames->count + 1, sizeof *post->work);
    TC_ASSERT(post->work != NULL);
    for (size_t i = 0; i < frames->count; i++)
        post->work[i] = decode(&frames->frames[i]);
    post->work_count = frames->count;
    post->conn = rpc_conn_ref(conn);
    if (daemon_worker_post(s->worker, post) != TC_OK) {
        daemon_metric_add(s->metrics->refused_busy_total, 1);
        shell_post_free(post);
        rpc_frames_refuse(frames, TC_EBUSY);
        return;
    }
    rpc_frames_unref(frames);
}

static void take_work(struct shell *s, struct rpc_conn *conn, const struct shell_work *w) {
    void *m = w->message;
    if (m == NULL) {
        if (w->id != 0)
            rpc_conn_reply(conn, w->id, w->kind, TC_EINVAL, TC_SLICE_EMPTY);
        return;
    }
    if (w->kind == TERCET__PB__FRAME_KIND__FRAME_PAXOS)
        store_receive(s->store, m);
    else if (w->kind == TERCET__PB__FRAME_KIND__FRAME_SNAPSHOT)
        store_receive_chunk(s->store, m);
    else if (w->kind == TERCET__PB__FRAME_KIND__FRAME_BEAT)
        store_receive_beat(s->store, m);
    else if (w->kind == TERCET__PB__FRAME_KIND__FRAME_BEAT_ACK)
        store_receive_beat_ack(s->store, m);
    else if (w->id == 0)
        return; /* nobody would hear the answer */
    else if (w->kind == TERCET__PB__FRAME_KIND__FRAME_ITEM)
        store_item_request(s->store, shell_pending_new(s, conn, w, NULL), m);
    else if (w->kind == TERCET__PB__FRAME_KIND__FRAME_INDEX)
        store_index_request(s->store, shell_pending_new(s, conn, w, NULL), m);
    else
        store_range_request(s->store, shell_pending_new(s, conn, w, NULL), m);
}

static bool is_beat(uint32_t kind) {
    return kind == TERCET__PB__FRAME_KIND__FRAME_BEAT ||
           kind == TERCET__PB__FRAME_KIND__FRAME_BEAT_ACK;
}

void shell_take_beats(struct shell *s, struct shell_post *post) {
    for (size_t i = 0; i < post->work_count; i++) {
        struct shell_work *w = &post->work[i];
        if (!is_beat(w->kind) || w->message == NULL)
            continue;
        take_work(s, post->conn, w);
        protobuf_c_message_free_unpacked(w->message, NULL);
        w->message = NULL;
    }
}

void shell_take_frames(struct shell *s, struct shell_post *post) {
    for (size_t i = 0; i < post->work_count; i++)
        take_work(s, post->conn, &post->work[i]);
}
