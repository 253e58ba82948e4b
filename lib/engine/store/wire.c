#include "engine/store/wire.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "proto/bytes.h"

static uint32_t crc_numbers(uint32_t crc, const uint64_t *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint8_t le[8];
        for (unsigned b = 0; b < 8; b++)
            le[b] = (uint8_t)(numbers[i] >> (8 * b));
        crc = tc_crc32c(crc, le, sizeof le);
    }
    return crc;
}

static uint32_t crc_entry(uint32_t crc, const Tercet__Pb__LogEntry *e) {
    const uint64_t numbers[] = {e->index,    e->ballot, e->chain,   e->type,
                                e->body_crc, e->flags,  e->body_len};
    return crc_numbers(crc, numbers, sizeof numbers / sizeof numbers[0]);
}

static uint32_t crc_sender(uint32_t crc, const Tercet__Pb__Member *sender) {
    struct tc_buf packed = {0};
    if (sender == NULL)
        return crc;
    proto_append(&packed, &sender->base);
    crc = tc_crc32c(crc, packed.data, packed.len);
    tc_buf_deinit(&packed);
    return crc;
}

uint32_t store__wire_crc(const Tercet__Pb__PaxosMessage *m) {
    const uint64_t numbers[] = {
        m->gid,   m->type,         m->from,        m->to,         m->ballot,    m->seen_ballot,
        m->index, m->index_ballot, m->index_chain, m->commit,     m->archived,  m->echo_ns,
        m->flags, m->last,         m->last_ballot, m->last_chain, m->n_entries,
    };
    uint32_t crc = crc_numbers(0, numbers, sizeof numbers / sizeof numbers[0]);
    crc = tc_crc32c(crc, m->from_store.data, m->from_store.len);
    crc = tc_crc32c(crc, m->to_store.data, m->to_store.len);
    for (size_t i = 0; i < m->n_entries; i++)
        crc = crc_entry(crc, m->entries[i]);
    return crc_sender(tc_crc32c(crc, m->config.data, m->config.len), m->sender);
}

/* ---- out */

static void put_entry(Tercet__Pb__LogEntry *to, const struct paxos_entry *e) {
    *to = (Tercet__Pb__LogEntry)TERCET__PB__LOG_ENTRY__INIT;
    to->index = e->index;
    to->ballot = e->ballot;
    to->chain = e->chain;
    to->type = e->type;
    to->body_crc = e->body_crc;
    to->body_len = e->body_len;
    to->flags = e->flags;
    if (e->body)
        to->body = proto_bytes(tc_blob_slice(e->body));
    TC_ASSERT(e->body || e->body_len == 0 || (e->flags & PAXOS_FAULTY));
}

static void put_fields(Tercet__Pb__PaxosMessage *pb, const struct paxos_msg *m) {
    pb->type = (uint32_t)m->type;
    pb->from = m->from;
    pb->to = m->to;
    pb->flags = m->flags;
    pb->ballot = m->ballot;
    pb->seen_ballot = m->seen_ballot;
    pb->index = m->mark.index;
    pb->index_ballot = m->mark.ballot;
    pb->index_chain = m->mark.chain;
    pb->last = m->last.index;
    pb->last_ballot = m->last.ballot;
    pb->last_chain = m->last.chain;
    pb->commit = m->commit;
    pb->archived = m->archived;
    pb->echo_ns = m->echo_ns;
}

void store__wire_out_init(struct store_wire_out *out, const struct store_wire_ends *ends,
                          const struct paxos_msg *msg) {
    TC_ASSERT(msg->entry_count <= PAXOS_MSG_ENTRIES_MAX);
    out->pb = (Tercet__Pb__PaxosMessage)TERCET__PB__PAXOS_MESSAGE__INIT;
    out->config = (struct tc_buf){0};
    out->pb.gid = ends->gid;
    out->pb.from_store = proto_bytes(tc_slice(ends->from_store, WIRE_UUID_BYTES));
    out->pb.to_store = proto_bytes(tc_slice(ends->to_store, WIRE_UUID_BYTES));
    put_fields(&out->pb, msg);
    for (size_t i = 0; i < msg->entry_count; i++) {
        put_entry(&out->entries[i], &msg->entries[i]);
        out->pointers[i] = &out->entries[i];
    }
    out->pb.entries = out->pointers;
    out->pb.n_entries = msg->entry_count;
    if (msg->config) {
        quorum_encode(msg->config, &out->config);
        out->pb.config = proto_bytes(tc_buf_slice(&out->config));
    }
    out->pb.sender = (Tercet__Pb__Member *)(uintptr_t)ends->sender;
    out->pb.crc = store__wire_crc(&out->pb);
}

void store__wire_out_deinit(struct store_wire_out *out) {
    tc_buf_deinit(&out->config);
}

/* ---- in */

static bool fields_sound(const Tercet__Pb__PaxosMessage *pb) {
    return pb->from_store.len == WIRE_UUID_BYTES && pb->to_store.len == WIRE_UUID_BYTES &&
           pb->n_entries <= PAXOS_MSG_ENTRIES_MAX && pb->type >= 1 &&
           pb->type <= PAXOS_MSG_TYPE_MAX && store__wire_crc(pb) == pb->crc;
}

static bool entry_sound(const Tercet__Pb__LogEntry *e) {
    if (e->type == 0 || e->type > PAXOS_ENTRY_TYPE_MAX || e->flags > UINT16_MAX ||
        e->body_len > PAXOS_BODY_BYTES_MAX)
        return false;
    if (e->flags & PAXOS_FAULTY)
        return e->body.len == 0;
    return e->body.len == e->body_len && tc_crc32c(0, e->body.data, e->body.len) == e->body_crc;
}

static struct paxos_entry take_entry(const Tercet__Pb__LogEntry *e) {
    struct paxos_entry to = {.index = e->index,
                             .ballot = e->ballot,
                             .chain = e->chain,
                             .body_crc = e->body_crc,
                             .body_len = e->body_len,
                             .type = (uint16_t)e->type,
                             .flags = (uint16_t)e->flags};
    if (e->body.len)
        to.body = tc_blob_dup(tc_slice(e->body.data, e->body.len));
    return to;
}

static void take_fields(struct paxos_msg *m, const Tercet__Pb__PaxosMessage *pb) {
    *m = (struct paxos_msg){
        .type = (enum paxos_msg_type)pb->type,
        .from = pb->from,
        .to = pb->to,
        .flags = pb->flags,
        .ballot = pb->ballot,
        .seen_ballot = pb->seen_ballot,
        .mark = {pb->index, pb->index_ballot, pb->index_chain},
        .last = {pb->last, pb->last_ballot, pb->last_chain},
        .commit = pb->commit,
        .archived = pb->archived,
        .echo_ns = pb->echo_ns,
    };
}

tc_err store__wire_in_init(struct store_wire_in *in, const Tercet__Pb__PaxosMessage *pb) {
    if (!fields_sound(pb))
        return TC_ECORRUPT;
    for (size_t i = 0; i < pb->n_entries; i++)
        if (!entry_sound(pb->entries[i]))
            return TC_ECORRUPT;
    take_fields(&in->msg, pb);
    if (pb->config.len) {
        TC_TRY(quorum_decode(tc_slice(pb->config.data, pb->config.len), &in->config));
        in->msg.config = &in->config;
    }
    for (size_t i = 0; i < pb->n_entries; i++)
        in->entries[i] = take_entry(pb->entries[i]);
    in->msg.entries = in->entries;
    in->msg.entry_count = pb->n_entries;
    return TC_OK;
}

void store__wire_in_deinit(struct store_wire_in *in) {
    for (size_t i = 0; i < in->msg.entry_count; i++)
        tc_blob_unref(in->entries[i].body);
    in->msg.entry_count = 0;
}
