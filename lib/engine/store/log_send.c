/* A step's messages leave: with the bodies of their entries, and once the log covers them. */
#include "base/assert.h"
#include "engine/store/log.h"
#include "engine/store/members.h"

/* The lsn that covers every unit up to seq; 0 when all of them are durable. */
static uint64_t lsn_of(const struct replica *r, uint64_t seq) {
    for (size_t i = r->unit_count; i > 0; i--)
        if (r->units[i - 1].seq <= seq)
            return r->units[i - 1].lsn;
    return 0;
}

/* Copy the entries of a message with their bodies; false if one cannot be read here. */
static bool load_entries(struct replica *r, const struct paxos_msg *msg, struct paxos_entry *to) {
    for (size_t i = 0; i < msg->entry_count; i++) {
        to[i] = msg->entries[i];
        if (to[i].flags & PAXOS_FAULTY) {
            to[i].body = NULL;
            continue;
        }
        if (store__log_body(r, &msg->entries[i], &to[i].body) == TC_OK)
            continue;
        while (i-- > 0)
            tc_blob_unref(to[i].body);
        return false;
    }
    return true;
}

/* Where members change, a receiver may lag behind the change that made this one a member, and must
 * know where to answer. Acknowledgements go to who is known, and entries too as long as every
 * member answers: one that was away while all others were replaced has heard of none of them. */
static bool introduces(const struct replica *r, const struct paxos_msg *msg) {
    bool busy = msg->type == PAXOS_ACCEPTED || (msg->entry_count > 0 && !r->is_short);
    return !busy && paxos_config(r->paxos)->version > 1;
}

static void send(struct replica *r, const struct paxos_send *out, const Tercet__Pb__Member *to) {
    struct store *s = r->store;
    struct paxos_msg msg = out->msg;
    TC_ASSERT(msg.entry_count <= PAXOS_MSG_ENTRIES_MAX);
    if (!load_entries(r, &out->msg, s->wire_entries))
        return; /* paxos sends again; a damaged entry is repaired from elsewhere meanwhile */
    msg.entries = s->wire_entries;
    Tercet__Pb__Member self;
    struct store_wire_ends ends = {
        .gid = r->gid, .from_store = s->uuid, .to_store = to->store_uuid.data};
    if (introduces(r, &msg)) {
        store__members_self(r, &self);
        ends.sender = &self;
    }
    store__wire_out_init(s->wire_out, &ends, &msg);
    store__send(s, STORE_SEND, to->addr, lsn_of(r, out->after_seq), &s->wire_out->pb.base);
    store__wire_out_deinit(s->wire_out);
    for (size_t i = 0; i < msg.entry_count; i++)
        tc_blob_unref(s->wire_entries[i].body);
}

void store__log_sends(struct replica *r, const struct paxos_out *out) {
    for (size_t i = 0; i < out->send_count; i++) {
        const Tercet__Pb__Member *to = store__members_find(r, out->sends[i].msg.to);
        if (to && to->store_uuid.len == STORE_UUID_BYTES)
            send(r, &out->sends[i], to);
    }
}
