#include "archiver/shell_offers.h"

#include "base/assert.h"
#include "proto/archive.pb-c.h"
#include "proto/bytes.h"
#include "proto/common.pb-c.h"
#include "rpc/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

static bool encode_entries(const Tercet__Pb__SegmentOffer *m, struct tc_buf *entries) {
    for (size_t i = 0; i < m->n_entries; i++) {
        const Tercet__Pb__LogEntry *e = m->entries[i];
        if (e->type == 0 || e->type > UINT16_MAX || e->flags > UINT16_MAX)
            return false;
        struct archive_entry entry = {
            .index = e->index,
            .ballot = e->ballot,
            .chain = e->chain,
            .body_crc = e->body_crc,
            .type = (uint16_t)e->type,
            .flags = (uint16_t)e->flags,
            .body = proto_slice(e->body),
        };
        archive_entry_encode(&entry, entries);
    }
    return true;
}

static tc_err take(struct offers *o, const Tercet__Pb__SegmentOffer *m, struct intake_reply *ret) {
    struct tc_buf entries = {0};
    if (!encode_entries(m, &entries)) {
        tc_buf_deinit(&entries);
        return TC_EINVAL;
    }
    struct intake_offer offer = {
        .segment = {.gid = m->gid,
                    .table_id = m->table_id,
                    .table = tc_slice_str(m->table),
                    .start = proto_slice(m->start),
                    .end = proto_slice(m->end),
                    .first = m->first,
                    .last = m->last,
                    .chain_before = m->chain_before,
                    .chain_after = m->chain_after,
                    .first_ms = m->first_ms,
                    .last_ms = m->last_ms,
                    .entries = tc_buf_slice(&entries)},
        .node = tc_slice_str(m->node),
        .rid = m->rid,
        .parent_gid = m->parent_gid,
        .base_index = m->base_index,
        .base_chain = m->base_chain,
        .parent_index = m->parent_index,
        .right_gid = m->right_gid,
        .right_index = m->right_index,
    };
    tc_err err = intake_take(o->intake, &offer, ret);
    tc_buf_deinit(&entries);
    return err;
}

static void answer(struct rpc_conn *conn, uint64_t id, const struct intake_reply *r) {
    Tercet__Pb__SegmentRange range = TERCET__PB__SEGMENT_RANGE__INIT;
    Tercet__Pb__SegmentRange *ranges[1] = {&range};
    Tercet__Pb__SegmentReply reply = TERCET__PB__SEGMENT_REPLY__INIT;
    range.first = r->verify_first;
    range.last = r->verify_last;
    reply.archived = r->archived;
    reply.archived_chain = r->archived_chain;
    reply.verify = ranges;
    reply.n_verify = r->verify_first != 0;
    reply.problem = (char *)(uintptr_t)r->problem;
    rpc_conn_reply_message(conn, id, TERCET__PB__FRAME_KIND__FRAME_SEGMENT, TC_OK, &reply.base);
}

static void set_healthy(struct offers *o, bool healthy) {
    (void)pthread_mutex_lock(&o->lock);
    o->healthy = healthy;
    (void)pthread_mutex_unlock(&o->lock);
}

static void one_offer(struct offers *o, struct rpc_conn *conn, const struct rpc_frame *f,
                      const Tercet__Pb__SegmentOffer *m) {
    struct intake_reply reply;
    uint64_t start_ns = daemon_now_ns();
    tc_err err = take(o, m, &reply);
    daemon_metric_observe(o->metrics->offer_seconds, daemon_now_ns() - start_ns);
    bool at_fault = err == TC_EINVAL || err == TC_ELIMIT;
    if (!at_fault)
        set_healthy(o, err == TC_OK || err == TC_ESTALE);
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
    answer(conn, f->id, &reply);
}

/* ---- entries that are asked for */

enum {
    PAGE_ENTRIES_MAX = INTAKE_READ_ENTRIES_MAX,
};

static void answer_page(struct rpc_conn *conn, uint64_t id, struct tc_slice entries) {
    Tercet__Pb__SegmentReply reply = TERCET__PB__SEGMENT_REPLY__INIT;
    Tercet__Pb__LogEntry *all = calloc(PAGE_ENTRIES_MAX, sizeof *all);
    Tercet__Pb__LogEntry **pointers = calloc(PAGE_ENTRIES_MAX, sizeof(Tercet__Pb__LogEntry *));
    struct archive_entry e;
    TC_ASSERT(all != NULL && pointers != NULL);
    while (reply.n_entries < PAGE_ENTRIES_MAX && archive_entry_next(&entries, &e)) {
        Tercet__Pb__LogEntry *to = &all[reply.n_entries];
        tercet__pb__log_entry__init(to);
        to->index = e.index;
        to->ballot = e.ballot;
        to->chain = e.chain;
        to->type = e.type;
        to->flags = e.flags;
        to->body_crc = e.body_crc;
        to->body_len = (uint32_t)e.body.len;
        to->body = proto_bytes(e.body);
        pointers[reply.n_entries++] = to;
    }
    reply.entries = pointers;
    rpc_conn_reply_message(conn, id, TERCET__PB__FRAME_KIND__FRAME_SEGMENT, TC_OK, &reply.base);
    free((void *)pointers);
    free(all);
}

/* What the archive cannot give is an answer in words, for the node's status to tell. */
static void answer_nothing(struct rpc_conn *conn, uint64_t id, const Tercet__Pb__SegmentOffer *m,
                           const char *why) {
    Tercet__Pb__SegmentReply reply = TERCET__PB__SEGMENT_REPLY__INIT;
    char text[96];
    (void)snprintf(text, sizeof text, "%s at %" PRIu64, why, m->read_first);
    reply.problem = text;
    rpc_conn_reply_message(conn, id, TERCET__PB__FRAME_KIND__FRAME_SEGMENT, TC_OK, &reply.base);
}

static void one_read(struct offers *o, struct rpc_conn *conn, const struct rpc_frame *f,
                     const Tercet__Pb__SegmentOffer *m) {
    struct tc_buf entries = {0};
    tc_err err = intake_read(o->intake, m->gid, m->read_first, m->read_last, &entries);
    if (err == TC_OK)
        answer_page(conn, f->id, tc_buf_slice(&entries));
    else if (err == TC_ENOTFOUND)
        answer_nothing(conn, f->id, m, "nothing is archived");
    else if (err == TC_ECORRUPT)
        answer_nothing(conn, f->id, m, "the archive is damaged");
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

static void tell_metrics(struct offers *o) {
    const struct intake_counters *now = intake_counters(o->intake);
#define X(name, text) daemon_metric_add(o->metrics->name##_total, now->name - o->told.name);
    INTAKE_COUNTERS(X)
#undef X
    o->told = *now;
    daemon_metric_set(o->metrics->queued_bytes,
                      (int64_t)__atomic_load_n(&o->queued_bytes, __ATOMIC_RELAXED));
}

struct listing {
    struct tc_buf *json;
    size_t count;
};

static void list_group(void *user, const struct intake_group_status *g) {
    struct listing *l = user;
    if (l->count >= OFFERS_STATUS_GROUPS_MAX)
        return;
    /* problem is our own text: node names are checked identities without quotes or controls. */
    tc_buf_printf(l->json,
                  "%s{\"gid\":%" PRIu64 ",\"archived\":%" PRIu64 ",\"segments\":%" PRIu64
                  ",\"last_ms\":%" PRIu64 ",\"problem\":\"",
                  l->count++ ? "," : "", g->gid, g->archived, g->segment_count, g->last_ms);
    for (const char *c = g->problem; *c; c++)
        tc_buf_append_u8(l->json, *c < ' ' || *c == '"' || *c == '\\' ? (uint8_t)'?' : (uint8_t)*c);
    tc_buf_append_str(l->json, "\"}");
}

static void renew_status(struct offers *o, uint64_t now_ns) {
    if (o->status_ns != 0 && now_ns - o->status_ns < UINT64_C(1000000000))
        return;
    o->status_ns = now_ns;
    struct tc_buf json = {0};
    struct listing l = {.json = &json};
    tc_buf_append_str(&json, "{\"groups\":[");
    intake_each_group(o->intake, list_group, &l);
    tc_buf_append_str(&json, "]}");
    (void)pthread_mutex_lock(&o->lock);
    struct tc_buf old = o->status;
    o->status = json;
    (void)pthread_mutex_unlock(&o->lock);
    tc_buf_deinit(&old);
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
        tell_metrics(o);
    }
    renew_status(o, now_ns);
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

void offers_status(struct offers *o, struct tc_buf *ret_json) {
    (void)pthread_mutex_lock(&o->lock);
    if (o->status.len > 0)
        tc_buf_append_slice(ret_json, tc_buf_slice(&o->status));
    else
        tc_buf_append_str(ret_json, "{\"groups\":[]}");
    (void)pthread_mutex_unlock(&o->lock);
}

bool offers_ready(struct offers *o, struct tc_buf *ret_why) {
    (void)pthread_mutex_lock(&o->lock);
    bool healthy = o->healthy;
    (void)pthread_mutex_unlock(&o->lock);
    if (!healthy)
        tc_buf_append_str(ret_why, "the object store failed the last offer");
    return healthy;
}
