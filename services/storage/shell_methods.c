/* Control calls: each method unpacks on an rpc thread, becomes a post, and runs on the store
 * thread.
 *
 * A method is one function over its own request, and one row of the table below. It answers at once
 * with what it appended to out, or later, through the token. */
#include "base/assert.h"
#include "shell.h"

#include <stdlib.h>

/* Where a method puts what it answers with. */
struct answer {
    uint64_t token;
    struct tc_buf out;
    bool later; /* through the token, not with out at once */
};

struct shell_method {
    const char *name;
    const ProtobufCMessageDescriptor *descriptor;
    tc_err (*run)(struct shell *s, const void *request, struct answer *a);
};

struct shell_binding {
    struct shell *shell;
    const struct shell_method *method;
};

/* The body has the shell s, the request req as its own type, and the answer a. */
#define METHOD(fn, Request)                                                                        \
    static tc_err fn##_of(struct shell *s, const Tercet__Pb__##Request *req, struct answer *a);    \
    static tc_err fn(struct shell *s, const void *request, struct answer *a) {                     \
        return fn##_of(s, request, a);                                                             \
    }                                                                                              \
    static tc_err fn##_of(struct shell *s, const Tercet__Pb__##Request *req,                       \
                          __attribute__((unused)) struct answer *a)

METHOD(create_replica, CreateReplicaRequest) {
    tc_err err = store_create_replica(s->store, req);
    DAEMON_INFO(s->daemon->log, "replica created: gid=%llu rid=%u err=%s",
                (unsigned long long)(req->partition ? req->partition->gid : 0), req->rid,
                tc_err_name(err));
    return err;
}

METHOD(delete_replica, DeleteReplicaRequest) {
    tc_err err = store_delete_request(s->store, req);
    DAEMON_INFO(s->daemon->log, "replica deleted: gid=%llu err=%s", (unsigned long long)req->gid,
                tc_err_name(err));
    return err;
}

METHOD(node_info, NodeInfoRequest) {
    store_node_info(s->store, req->known_digest, &a->out);
    return TC_OK;
}

METHOD(scrub_mark, ScrubMarkRequest) {
    a->later = true;
    store_scrub_mark(s->store, a->token, req->gid);
    return TC_OK;
}

METHOD(scrub_vector, ScrubVectorRequest) {
    return store_scrub_vector(s->store, req->gid, req->index, &a->out);
}

METHOD(scrub_pages, ScrubPagesRequest) {
    a->later = true;
    store_scrub_pages(s->store, a->token, req->gid);
    return TC_OK;
}

METHOD(scrub_bucket, ScrubBucketRequest) {
    return store_scrub_bucket(s->store, req->gid, req->bucket, &a->out);
}

METHOD(scrub_index, ScrubIndexRequest) {
    return store_scrub_index(s->store, req, &a->out);
}

METHOD(reinstall, ReinstallRequest) {
    DAEMON_WARN(s->daemon->log, "replica is taken anew from another: gid=%llu",
                (unsigned long long)req->gid);
    return store_reinstall(s->store, req->gid);
}

METHOD(set_directory, Directory) {
    tc_err err = store_set_directory(s->store, req);
    if (err != TC_OK)
        DAEMON_WARN(s->daemon->log, "directory refused: version=%llu err=%s",
                    (unsigned long long)req->version, tc_err_name(err));
    return err;
}

METHOD(change_replica, ChangeReplicaRequest) {
    tc_err err = store_change_replica(s->store, req, &a->out);
    DAEMON_INFO(s->daemon->log, "change of members: gid=%llu remove=%u add=%s err=%s",
                (unsigned long long)req->gid, req->remove_rid, req->add ? req->add->node : "",
                tc_err_name(err));
    return err;
}

METHOD(heal_replica, HealReplicaRequest) {
    return store_heal_replica(s->store, req, &a->out);
}

METHOD(transfer, TransferRequest) {
    tc_err err = store_transfer(s->store, req, &a->out);
    DAEMON_INFO(s->daemon->log, "transfer of leadership: gid=%llu to=%u err=%s",
                (unsigned long long)req->gid, req->rid, tc_err_name(err));
    return err;
}

METHOD(split, SplitRequest) {
    tc_err err = store_split(s->store, req, &a->out);
    DAEMON_INFO(s->daemon->log, "split: gid=%llu left=%llu right=%llu err=%s",
                (unsigned long long)req->gid, (unsigned long long)req->left_gid,
                (unsigned long long)req->right_gid, tc_err_name(err));
    return err;
}

METHOD(set_schema, SetSchemaRequest) {
    tc_err err = store_set_schema(s->store, req, &a->out);
    DAEMON_INFO(s->daemon->log, "schema: gid=%llu err=%s", (unsigned long long)req->gid,
                tc_err_name(err));
    return err;
}

METHOD(seal, SealRequest) {
    tc_err err = store_seal(s->store, req, &a->out);
    DAEMON_INFO(s->daemon->log, "seal: gid=%llu left=%llu merged=%llu err=%s",
                (unsigned long long)req->gid, (unsigned long long)req->left_gid,
                (unsigned long long)req->merged_gid, tc_err_name(err));
    return err;
}

METHOD(merge, MergeRequest) {
    tc_err err = store_merge(s->store, req, &a->out);
    DAEMON_INFO(s->daemon->log, "merge: gid=%llu right=%llu merged=%llu err=%s",
                (unsigned long long)req->gid, (unsigned long long)req->right_gid,
                (unsigned long long)req->merged_gid, tc_err_name(err));
    return err;
}

METHOD(replica_alive, ReplicaAliveRequest) {
    a->later = true;
    store_replica_alive(s->store, a->token, req);
    return TC_OK;
}

METHOD(get_partition, GetPartitionRequest) {
    return store_get_partition(s->store, req->gid, &a->out);
}

#define ROW(name, request, run)                                                                    \
    { "/tercet.Storage/" name, &tercet__pb__##request##__descriptor, run }

static const struct shell_method methods[] = {
    ROW("CreateReplica", create_replica_request, create_replica),
    ROW("DeleteReplica", delete_replica_request, delete_replica),
    ROW("NodeInfo", node_info_request, node_info),
    ROW("ScrubMark", scrub_mark_request, scrub_mark),
    ROW("ScrubVector", scrub_vector_request, scrub_vector),
    ROW("ScrubPages", scrub_pages_request, scrub_pages),
    ROW("ScrubBucket", scrub_bucket_request, scrub_bucket),
    ROW("ScrubIndex", scrub_index_request, scrub_index),
    ROW("Reinstall", reinstall_request, reinstall),
    ROW("SetDirectory", directory, set_directory),
    ROW("ChangeReplica", change_replica_request, change_replica),
    ROW("HealReplica", heal_replica_request, heal_replica),
    ROW("Transfer", transfer_request, transfer),
    ROW("Split", split_request, split),
    ROW("SetSchema", set_schema_request, set_schema),
    ROW("Seal", seal_request, seal),
    ROW("Merge", merge_request, merge),
    ROW("ReplicaAlive", replica_alive_request, replica_alive),
    ROW("GetPartition", get_partition_request, get_partition),
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
    struct answer a = {.token = shell_pending_new(s, NULL, NULL, post->call)};
    tc_err err = post->method->run(s, post->request, &a);
    if (!a.later)
        shell_pending_answer(s, a.token, err, tc_buf_slice(&a.out));
    post->call = NULL;
    tc_buf_deinit(&a.out);
}
