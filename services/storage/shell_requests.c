/* Requests: decoded on rpc's threads, handed over as posts, given to the store on its thread. */
#include "base/assert.h"
#include "shell.h"

#include <stdlib.h>

/* ---- frames */

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

/* ---- control calls */

struct shell_method {
    const char *name;
    const ProtobufCMessageDescriptor *descriptor;
    /* Answer at once through out, or later through the token (then *ret_later). */
    tc_err (*run)(struct shell *s, void *request, uint64_t token, struct tc_buf *out,
                  bool *ret_later);
};

struct shell_binding {
    struct shell *shell;
    const struct shell_method *method;
};

#define METHOD(fn)                                                                                 \
    static tc_err fn(struct shell *s, void *user, uint64_t token, struct tc_buf *out,              \
                     bool *ret_later)

METHOD(create_replica) {
    (void)token, (void)out, (void)ret_later;
    const Tercet__Pb__CreateReplicaRequest *req = user;
    tc_err err = store_create_replica(s->store, req);
    DAEMON_INFO(s->daemon->log, "replica created: gid=%llu rid=%u err=%s",
                (unsigned long long)(req->partition ? req->partition->gid : 0), req->rid,
                tc_err_name(err));
    return err;
}

METHOD(delete_replica) {
    (void)token, (void)out, (void)ret_later;
    const Tercet__Pb__DeleteReplicaRequest *req = user;
    tc_err err = store_delete_request(s->store, req);
    DAEMON_INFO(s->daemon->log, "replica deleted: gid=%llu err=%s", (unsigned long long)req->gid,
                tc_err_name(err));
    return err;
}

METHOD(node_info) {
    (void)token, (void)ret_later;
    const Tercet__Pb__NodeInfoRequest *req = user;
    store_node_info(s->store, req->known_digest, out);
    return TC_OK;
}

METHOD(scrub_mark) {
    (void)out;
    const Tercet__Pb__ScrubMarkRequest *req = user;
    *ret_later = true;
    store_scrub_mark(s->store, token, req->gid);
    return TC_OK;
}

METHOD(scrub_vector) {
    (void)token, (void)ret_later;
    const Tercet__Pb__ScrubVectorRequest *req = user;
    return store_scrub_vector(s->store, req->gid, req->index, out);
}

METHOD(scrub_pages) {
    (void)out;
    const Tercet__Pb__ScrubPagesRequest *req = user;
    *ret_later = true;
    store_scrub_pages(s->store, token, req->gid);
    return TC_OK;
}

METHOD(scrub_bucket) {
    (void)token, (void)ret_later;
    const Tercet__Pb__ScrubBucketRequest *req = user;
    return store_scrub_bucket(s->store, req->gid, req->bucket, out);
}

METHOD(scrub_index) {
    (void)token, (void)ret_later;
    return store_scrub_index(s->store, user, out);
}

METHOD(reinstall) {
    (void)token, (void)out, (void)ret_later;
    const Tercet__Pb__ReinstallRequest *req = user;
    DAEMON_WARN(s->daemon->log, "replica is taken anew from another: gid=%llu",
                (unsigned long long)req->gid);
    return store_reinstall(s->store, req->gid);
}

METHOD(set_directory) {
    (void)token, (void)out, (void)ret_later;
    const Tercet__Pb__Directory *req = user;
    tc_err err = store_set_directory(s->store, req);
    if (err != TC_OK)
        DAEMON_WARN(s->daemon->log, "directory refused: version=%llu err=%s",
                    (unsigned long long)req->version, tc_err_name(err));
    return err;
}

METHOD(change_replica) {
    (void)token, (void)ret_later;
    const Tercet__Pb__ChangeReplicaRequest *req = user;
    tc_err err = store_change_replica(s->store, req, out);
    DAEMON_INFO(s->daemon->log, "change of members: gid=%llu remove=%u add=%s err=%s",
                (unsigned long long)req->gid, req->remove_rid, req->add ? req->add->node : "",
                tc_err_name(err));
    return err;
}

METHOD(heal_replica) {
    (void)token, (void)ret_later;
    return store_heal_replica(s->store, user, out);
}

METHOD(transfer) {
    (void)token, (void)ret_later;
    const Tercet__Pb__TransferRequest *req = user;
    tc_err err = store_transfer(s->store, req, out);
    DAEMON_INFO(s->daemon->log, "transfer of leadership: gid=%llu to=%u err=%s",
                (unsigned long long)req->gid, req->rid, tc_err_name(err));
    return err;
}

METHOD(split) {
    (void)token, (void)ret_later;
    const Tercet__Pb__SplitRequest *req = user;
    tc_err err = store_split(s->store, req, out);
    DAEMON_INFO(s->daemon->log, "split: gid=%llu left=%llu right=%llu err=%s",
                (unsigned long long)req->gid, (unsigned long long)req->left_gid,
                (unsigned long long)req->right_gid, tc_err_name(err));
    return err;
}

METHOD(set_schema) {
    (void)token, (void)ret_later;
    const Tercet__Pb__SetSchemaRequest *req = user;
    tc_err err = store_set_schema(s->store, req, out);
    DAEMON_INFO(s->daemon->log, "schema: gid=%llu err=%s", (unsigned long long)req->gid,
                tc_err_name(err));
    return err;
}

METHOD(seal) {
    (void)token, (void)ret_later;
    const Tercet__Pb__SealRequest *req = user;
    tc_err err = store_seal(s->store, req, out);
    DAEMON_INFO(s->daemon->log, "seal: gid=%llu left=%llu merged=%llu err=%s",
                (unsigned long long)req->gid, (unsigned long long)req->left_gid,
                (unsigned long long)req->merged_gid, tc_err_name(err));
    return err;
}

METHOD(merge) {
    (void)token, (void)ret_later;
    const Tercet__Pb__MergeRequest *req = user;
    tc_err err = store_merge(s->store, req, out);
    DAEMON_INFO(s->daemon->log, "merge: gid=%llu right=%llu merged=%llu err=%s",
                (unsigned long long)req->gid, (unsigned long long)req->right_gid,
                (unsigned long long)req->merged_gid, tc_err_name(err));
    return err;
}

METHOD(replica_alive) {
    (void)out;
    *ret_later = true;
    store_replica_alive(s->store, token, user);
    return TC_OK;
}

METHOD(get_partition) {
    (void)token, (void)ret_later;
    const Tercet__Pb__GetPartitionRequest *req = user;
    return store_get_partition(s->store, req->gid, out);
}

static const struct shell_method methods[] = {
    {"/tercet.Storage/CreateReplica", &tercet__pb__create_replica_request__descriptor,
     create_replica},
    {"/tercet.Storage/DeleteReplica", &tercet__pb__delete_replica_request__descriptor,
     delete_replica},
    {"/tercet.Storage/NodeInfo", &tercet__pb__node_info_request__descriptor, node_info},
    {"/tercet.Storage/ScrubMark", &tercet__pb__scrub_mark_request__descriptor, scrub_mark},
    {"/tercet.Storage/ScrubVector", &tercet__pb__scrub_vector_request__descriptor, scrub_vector},
    {"/tercet.Storage/ScrubPages", &tercet__pb__scrub_pages_request__descriptor, scrub_pages},
    {"/tercet.Storage/ScrubBucket", &tercet__pb__scrub_bucket_request__descriptor, scrub_bucket},
    {"/tercet.Storage/ScrubIndex", &tercet__pb__scrub_index_request__descriptor, scrub_index},
    {"/tercet.Storage/Reinstall", &tercet__pb__reinstall_request__descriptor, reinstall},
    {"/tercet.Storage/SetDirectory", &tercet__pb__directory__descriptor, set_directory},
    {"/tercet.Storage/ChangeReplica", &tercet__pb__change_replica_request__descriptor,
     change_replica},
    {"/tercet.Storage/HealReplica", &tercet__pb__heal_replica_request__descriptor, heal_replica},
    {"/tercet.Storage/Transfer", &tercet__pb__transfer_request__descriptor, transfer},
    {"/tercet.Storage/Split", &tercet__pb__split_request__descriptor, split},
    {"/tercet.Storage/SetSchema", &tercet__pb__set_schema_request__descriptor, set_schema},
    {"/tercet.Storage/Seal", &tercet__pb__seal_request__descriptor, seal},
    {"/tercet.Storage/Merge", &tercet__pb__merge_request__descriptor, merge},
    {"/tercet.Storage/ReplicaAlive", &tercet__pb__replica_alive_request__descriptor, replica_alive},
    {"/tercet.Storage/GetPartition", &tercet__pb__get_partition_request__descriptor, get_partition},
};

enum {
    METHOD_COUNT = sizeof methods / sizeof methods[0],
};

static void on_call(void *user, struct rpc_call *call, struct tc_slice payload) {
    const struct shell_binding *b = user;
    ProtobufCMessage *request =
        protobuf_c_message_unpack(b->method->descriptor, NULL, payload.len, payload.data);
    if (request == NULL) {
        rpc_call_reply(call, TC_EINVAL, TC_SLICE_EMPTY);
        return;
    }
    struct shell_post *post = shell_post_new(SHELL_CALL);
    post->call = call;
    post->method = b->method;
    post->request = request;
    if (daemon_worker_post(b->shell->worker, post) != TC_OK) {
        post->call = NULL;
        shell_post_free(post);
        rpc_call_reply(call, TC_EBUSY, TC_SLICE_EMPTY);
    }
}

size_t shell_methods(struct shell *s, struct rpc_method *out, size_t max) {
    s->bindings = calloc(METHOD_COUNT, sizeof *s->bindings);
    TC_ASSERT(max >= METHOD_COUNT && s->bindings != NULL);
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        s->bindings[i] = (struct shell_binding){s, &methods[i]};
        out[i] =
            (struct rpc_method){.name = methods[i].name, .fn = on_call, .user = &s->bindings[i]};
    }
    return METHOD_COUNT;
}

void shell_take_call(struct shell *s, struct shell_post *post) {
    struct tc_buf out = {0};
    bool later = false;
    uint64_t token = shell_pending_new(s, NULL, NULL, post->call);
    tc_err err = post->method->run(s, post->request, token, &out, &later);
    if (!later)
        shell_pending_answer(s, token, err, tc_buf_slice(&out));
    post->call = NULL;
    tc_buf_deinit(&out);
}
