/* Requests of routers, pushes of storage nodes, questions of peers. */
#include "memds/shell_private.h"

#include "proto/bytes.h"
#include "proto/common.pb-c.h"
#include "proto/memds.pb-c.h"

static bool is_from(const struct rpc_frames *frames, const char *daemon) {
    const struct rpc_identity *who = rpc_conn_identity(frames->conn);
    return who->daemon != NULL && strcmp(who->daemon, daemon) == 0;
}

static tc_err serve_lookup(struct shell *s, struct tc_slice payload, uint64_t now_ns) {
    Tercet__Pb__LookupRequest *request =
        tercet__pb__lookup_request__unpack(NULL, payload.len, payload.data);
    if (request == NULL)
        return TC_EINVAL;
    const tc_err err = map_append_reply(&s->map, request, now_ns, &s->out);
    daemon_metric_add(s->config.metrics->lookups_total, request->n_lookups);
    daemon_metric_add(s->config.metrics->lookup_batches_total, 1);
    tercet__pb__lookup_request__free_unpacked(request, NULL);
    return err;
}

static void count_push(struct shell *s, const struct map_counts *counts) {
    daemon_metric_add(s->config.metrics->pushes_total, 1);
    daemon_metric_add(s->taken, counts->taken);
    daemon_metric_add(s->stale, counts->stale);
    daemon_metric_add(s->refused, counts->refused);
}

static tc_err serve_push(struct shell *s, struct tc_slice payload, struct map_time now) {
    Tercet__Pb__PushRequest *push =
        tercet__pb__push_request__unpack(NULL, payload.len, payload.data);
    if (push == NULL)
        return TC_EINVAL;
    struct map_counts counts = {0};
    map_told(&s->map, now);
    const tc_err err = map_push(&s->map, push, now.ms, &counts);
    tercet__pb__push_request__free_unpacked(push, NULL);
    count_push(s, &counts);
    if (counts.refused > 0)
        DAEMON_WARN(s->config.log, "records refused: count=%llu err=%s",
                    (unsigned long long)counts.refused, tc_err_name(err));
    struct perkle_part root;
    perkle_part(&s->map.tree, TC_SLICE_EMPTY, &root);
    Tercet__Pb__PushReply reply = TERCET__PB__PUSH_REPLY__INIT;
    reply.root_lo = root.hash.lo;
    reply.root_hi = root.hash.hi;
    proto_append(&s->out, &reply.base);
    return err;
}

static tc_err serve_sync(struct shell *s, struct tc_slice payload, struct map_time now) {
    Tercet__Pb__SyncRequest *request =
        tercet__pb__sync_request__unpack(NULL, payload.len, payload.data);
    if (request == NULL)
        return TC_EINVAL;
    const struct tc_slice prefix = tc_slice(request->prefix.data, request->prefix.len);
    const tc_err err = map_append_sync(&s->map, prefix, now, &s->out);
    tercet__pb__sync_request__free_unpacked(request, NULL);
    return err;
}

static tc_err serve(struct shell *s, const struct rpc_frames *frames, const struct rpc_frame *f,
                    struct map_time now) {
    switch (f->kind) {
    case TERCET__PB__FRAME_KIND__FRAME_LOOKUP:
        return serve_lookup(s, f->payload, now.ns);
    case TERCET__PB__FRAME_KIND__FRAME_PUSH:
        return is_from(frames, "storage") ? serve_push(s, f->payload, now) : TC_EAUTH;
    case TERCET__PB__FRAME_KIND__FRAME_SYNC:
        return is_from(frames, "memds") ? serve_sync(s, f->payload, now) : TC_EAUTH;
    default:
        return TC_EUNSUPPORTED;
    }
}

void shell__serve(struct shell *s, struct rpc_frames *frames, struct map_time now) {
    for (size_t i = 0; i < frames->count; i++) {
        const struct rpc_frame *f = &frames->frames[i];
        tc_buf_clear(&s->out);
        const tc_err err = serve(s, frames, f, now);
        if (err == TC_EAUTH || err == TC_EUNSUPPORTED || err == TC_EINVAL)
            daemon_metric_add(s->config.metrics->refused_total, 1);
        if (f->id != 0)
            rpc_conn_reply(frames->conn, f->id, f->kind, err, tc_buf_slice(&s->out));
    }
    rpc_frames_unref(frames);
}
