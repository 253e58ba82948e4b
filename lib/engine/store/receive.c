/* What comes from other nodes about one group: only what a member sent from its store, to this
 * replica on this store, is taken in. */
#include "base/probe.h"
#include "engine/store/fresh.h"
#include "engine/store/group.h"
#include "engine/store/learner.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"

/* The ends of a message, as its sender wrote them. */
struct ends {
    uint32_t from;
    uint32_t to;
    struct tc_slice from_store;
    struct tc_slice to_store;
};

static bool addressed(const struct replica *r, const struct ends *e) {
    const Tercet__Pb__Member *from = store__members_find(r, e->from);
    return from && e->to == r->rid &&
           tc_slice_eq(e->to_store, tc_slice(r->store->uuid, STORE_UUID_BYTES)) &&
           tc_slice_eq(e->from_store, proto_slice(from->store_uuid));
}

/* The replica that is meant, if it takes messages at all. */
static struct replica *find(const struct store *s, uint64_t gid) {
    struct replica *r = store__find(s, gid);
    return r && r->paxos ? r : NULL;
}

/* ---- messages of the protocol */

/* A member that this replica's configuration does not name yet introduces itself. */
static void meet(const struct store *s, struct replica *r, const Tercet__Pb__PaxosMessage *m) {
    if (m->sender == NULL || m->sender->rid != m->from || store__members_find(r, m->from) ||
        !tc_slice_eq(proto_slice(m->to_store), tc_slice(s->uuid, STORE_UUID_BYTES)) ||
        !tc_slice_eq(proto_slice(m->from_store), proto_slice(m->sender->store_uuid)) ||
        store__wire_crc(m) != m->crc)
        return;
    TC_PROBE("store: a member introduced itself");
    store__members_learn(r, m->sender, /* logged= */ false);
}

/* What finds no room is sent again. */
static bool has_room(const struct store *s, const Tercet__Pb__PaxosMessage *m) {
    return m->n_entries == 0 || store__log_has_room(s);
}

static void receive(struct replica *r, const struct paxos_msg *msg) {
    struct paxos_event ev = {.type = PAXOS_EV_RECEIVE, .msg = msg};
    tc_err err = store__group_step(r, &ev);
    if (err != TC_OK || msg->type != PAXOS_ACCEPT || msg->ballot != r->status.ballot)
        return;
    r->fed_ns = store__now_ns(r->store);
    store__fresh_heard(r, msg->commit);
}

void store_receive(struct store *s, const Tercet__Pb__PaxosMessage *msg) {
    struct replica *r = find(s, msg->gid);
    struct ends ends = {msg->from, msg->to, proto_slice(msg->from_store),
                        proto_slice(msg->to_store)};
    if (r)
        meet(s, r, msg);
    if (r == NULL || !addressed(r, &ends) || !has_room(s, msg) ||
        store__wire_in_init(s->wire_in, msg) != TC_OK) {
        s->counters.messages_dropped++;
        return;
    }
    s->counters.messages_in++;
    receive(r, &s->wire_in->msg);
    store__wire_in_deinit(s->wire_in);
}

/* ---- chunks of whole copies, and what their receivers answer */

static void receive_ack(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    if (c->snapshot_id != 0)
        store__snapshot_acked(r, c);
    else
        store__snapshot_send_from(r, c->from, c->index);
}

void store_receive_chunk(struct store *s, const Tercet__Pb__SnapshotChunk *c) {
    struct replica *r = find(s, c->gid);
    struct ends ends = {c->from, c->to, proto_slice(c->from_store), proto_slice(c->to_store)};
    if (r == NULL || !addressed(r, &ends))
        s->counters.messages_dropped++;
    else if (c->ack)
        receive_ack(r, c);
    else if (c->log_only)
        store__learner_take_base(r, c);
    else
        store__snapshot_taken(r, c);
}
