/* Between the messages of archive.proto and what the intake takes and gives. */
#include "archiver/shell_offers_private.h"
#include "base/assert.h"
#include "proto/bytes.h"
#include "rpc/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

tc_err offers__take(struct offers *o, const Tercet__Pb__SegmentOffer *m, struct intake_reply *ret) {
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

void offers__answer(struct rpc_conn *conn, uint64_t id, const struct intake_reply *r) {
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

enum {
    PAGE_ENTRIES_MAX = INTAKE_READ_ENTRIES_MAX,
};

void offers__answer_page(struct rpc_conn *conn, uint64_t id, struct tc_slice entries) {
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

void offers__answer_nothing(struct rpc_conn *conn, uint64_t id, const Tercet__Pb__SegmentOffer *m,
                            const char *why) {
    Tercet__Pb__SegmentReply reply = TERCET__PB__SEGMENT_REPLY__INIT;
    char text[96];
    (void)snprintf(text, sizeof text, "%s at %" PRIu64, why, m->read_first);
    reply.problem = text;
    rpc_conn_reply_message(conn, id, TERCET__PB__FRAME_KIND__FRAME_SEGMENT, TC_OK, &reply.base);
}
