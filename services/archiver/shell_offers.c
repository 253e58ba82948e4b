#include "archiver/shell_offers_private.h"

#include "base/assert.h"
#include "rpc/message.h"

#include <inttypes.h>

static uint64_t batch_bytes(const struct rpc_frames *frames) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < frames->count; i++)
        bytes += frames->frames[i].payload.len;
    return bytes;
}

/* On an rpc thread. */
void offers_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames) {
    (void)conn;
    struct offers *o = user;
    uint64_t bytes = batch_bytes(frames);
    uint64_t queued = __atomic_add_fetch(&o->queued_bytes, bytes, __ATOMIC_RELAXED);
    /* One batch always fits, however large, so that nothing can be refused for ever. */
    bool fits = queued <= o->queue_max_bytes || queued == bytes;
    if (fits && daemon_worker_post(o->worker, frames) == TC_OK)
        return;
    (void)__atomic_sub_fetch(&o->queued_bytes, bytes, __ATOMIC_RELAXED);
    daemon_metric_add(o->metrics->refused_total, frames->count);
    rpc_frames_refuse(frames, TC_EBUSY);
}

static void one_offer(struct offers *o, struct rpc_conn *conn, const struct rpc_frame *f,
                      const Tercet__Pb__SegmentOffer *m) {
    struct intake_reply reply;
    uint64_t start_ns = daemon_now_ns();
    tc_err err = offers__take(o, m, &reply);
    daemon_metric_observe(o->metrics->offer_seconds, daemon_now_ns() - start_ns);
    bool at_fault = err == TC_EINVAL || err == TC_ELIMIT;
    if (!at_fault)
        offers__set_healthy(o, err == TC_OK || err == TC_ESTALE);
    if (err != TC_OK) {
        daemon_metric_add(at_fault ? o->metrics->refused_total : o->metrics->failed_total, 1);
        DAEMON_WARN(o->log, "offer not archived: gid=%" PRIu64 " first=%" PRIu64 " err=%s", m->gid,
                    m->first, tc_err_name(err));
        rpc_conn_reply(conn, f->id, f->kind, err, TC_SLICE_EMPTY);
        return;
    }
    if (reply.problem[0])
        DAEMON_ERROR(o->log, "log and archive differ: gid=%" PRIu64 " problem=\"%s\"", m->gid,
                     reply.problem);
    offers__answer(conn, f->id, &reply);
}

static void one_read(struct offers *o, struct rpc_conn *conn, const struct rpc_frame *f,
                     const Tercet__Pb__SegmentOffer *m) {
    struct tc_buf entries = {0};
    tc_err err = intake_read(o->intake, m->gid, m->read_first, m->read_last, &entries);
    if (err == TC_OK)
        offers__answer_page(conn, f->id, tc_buf_slice(&entries));
    else if (err == TC_ENOTFOUND)
        offers__answer_nothing(conn, f->id, m, "nothing is archived");
    else if (err == TC_ECORRUPT)
        offers__answer_nothing(conn, f->id, m, "the archive is damaged");
    else
        rpc_conn_reply(conn, f->id, f->kind, err, TC_SLICE_EMPTY);
    if (err != TC_OK)
        DAEMON_WARN(o->log, "entries not given back: gid=%" PRIu64 " first=%" PRIu64 " err=%s",
                    m->gid, m->read_first, tc_err_name(err));
    tc_buf_deinit(&entries);
}

static void one_frame(struct offers *o, struct rpc_conn *conn, const struct rpc_frame *f) {
    const struct rpc_identity *who = rpc_conn_identity(conn);
    if (f->kind != TERCET__PB__FRAME_KIND__FRAME_SEGMENT) {
        rpc_conn_reply(conn, f->id, f->kind, TC_EUNSUPPORTED, TC_SLICE_EMPTY);
        return;
    }
    bool from_storage = who->daemon != NULL && strcmp(who->daemon, "storage") == 0;
    Tercet__Pb__SegmentOffer *m =
        from_storage ? tercet__pb__segment_offer__unpack(NULL, f->payload.len, f->payload.data)
                     : NULL;
    if (m == NULL) {
        daemon_metric_add(o->metrics->refused_total, 1);
        rpc_conn_reply(conn, f->id, f->kind, from_storage ? TC_EINVAL : TC_EAUTH, TC_SLICE_EMPTY);
        return;
    }
    if (m->read_first != 0)
        one_read(o, conn, f, m);
    else
        one_offer(o, conn, f, m);
    tercet__pb__segment_offer__free_unpacked(m, NULL);
}

static uint64_t run(void *user, void **entries, size_t count, uint64_t now_ns) {
    struct offers *o = user;
    for (size_t i = 0; i < count; i++) {
        struct rpc_frames *frames = entries[i];
        uint64_t bytes = batch_bytes(frames);
        for (size_t k = 0; k < frames->count; k++)
            one_frame(o, frames->conn, &frames->frames[k]);
        rpc_frames_unref(frames);
        (void)__atomic_sub_fetch(&o->queued_bytes, bytes, __ATOMIC_RELAXED);
        offers__tell_metrics(o);
    }
    offers__renew_status(o, now_ns);
    return now_ns + UINT64_C(1000000000);
}

tc_err offers_start(struct offers *o, const struct offers_config *config) {
    *o = (struct offers){
        .intake = intake_new(config->store, config->compress),
        .log = config->log,
        .metrics = config->metrics,
        .queue_max_bytes = config->queue_max_bytes,
        .healthy = true,
    };
    (void)pthread_mutex_init(&o->lock, NULL);
    struct daemon_worker_config worker = {
        .name = "archiver", .count_max = OFFERS_COUNT_MAX, .run = run, .user = o};
    tc_err err = daemon_worker_start(&worker, &o->worker);
    if (err != TC_OK)
        offers_stop(o);
    return err;
}

void offers_stop(struct offers *o) {
    if (o->intake == NULL)
        return;
    if (o->worker)
        daemon_worker_stop(o->worker);
    intake_free(o->intake);
    tc_buf_deinit(&o->status);
    (void)pthread_mutex_destroy(&o->lock);
    *o = (struct offers){0};
}
