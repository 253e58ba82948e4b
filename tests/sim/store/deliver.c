/* A packed message arrives at a node: unpacked, and given to its store. */
#include "sim/store/world.h"

#include "base/assert.h"

static void deliver_request(struct world_node *n, const struct world_parcel *p) {
    if (p->kind == PARCEL_ITEM) {
        Tercet__Pb__ItemRequest *r =
            tercet__pb__item_request__unpack(NULL, p->bytes.len, p->bytes.data);
        TC_ASSERT(r != NULL);
        world_disk_asked(n, p->token);
        store_item_request(n->store, p->token, r);
        tercet__pb__item_request__free_unpacked(r, NULL);
        return;
    }
    Tercet__Pb__RangeRequest *r =
        tercet__pb__range_request__unpack(NULL, p->bytes.len, p->bytes.data);
    TC_ASSERT(r != NULL);
    store_range_request(n->store, p->token, r);
    tercet__pb__range_request__free_unpacked(r, NULL);
}

static void deliver_beat(struct world_node *n, const struct world_parcel *p) {
    if (p->kind == PARCEL_BEAT_ACK) {
        Tercet__Pb__NodeBeatAck *a =
            tercet__pb__node_beat_ack__unpack(NULL, p->bytes.len, p->bytes.data);
        TC_ASSERT(a != NULL);
        store_receive_beat_ack(n->store, a);
        tercet__pb__node_beat_ack__free_unpacked(a, NULL);
        return;
    }
    Tercet__Pb__NodeBeat *b = tercet__pb__node_beat__unpack(NULL, p->bytes.len, p->bytes.data);
    TC_ASSERT(b != NULL);
    store_receive_beat(n->store, b);
    tercet__pb__node_beat__free_unpacked(b, NULL);
}

static void deliver_peer(struct world_node *n, const struct world_parcel *p) {
    if (p->kind == PARCEL_CHUNK) {
        Tercet__Pb__SnapshotChunk *m =
            tercet__pb__snapshot_chunk__unpack(NULL, p->bytes.len, p->bytes.data);
        TC_ASSERT(m != NULL);
        store_receive_chunk(n->store, m);
        tercet__pb__snapshot_chunk__free_unpacked(m, NULL);
        return;
    }
    if (p->kind == PARCEL_BEAT || p->kind == PARCEL_BEAT_ACK) {
        deliver_beat(n, p);
        return;
    }
    Tercet__Pb__PaxosMessage *m =
        tercet__pb__paxos_message__unpack(NULL, p->bytes.len, p->bytes.data);
    TC_ASSERT(m != NULL);
    store_receive(n->store, m);
    tercet__pb__paxos_message__free_unpacked(m, NULL);
}

void world_deliver_archive(struct world_node *n, const struct world_parcel *p) {
    if (p->life != n->life)
        return;
    if (p->kind == PARCEL_ARCHIVE_LOST) {
        store_archive_lost(n->store, p->gid);
        return;
    }
    Tercet__Pb__SegmentReply *r =
        tercet__pb__segment_reply__unpack(NULL, p->bytes.len, p->bytes.data);
    TC_ASSERT(r != NULL);
    store_archived(n->store, p->gid, r);
    tercet__pb__segment_reply__free_unpacked(r, NULL);
}

void world_deliver(struct world_node *n, const struct world_parcel *p) {
    bool from_peer = p->kind <= PARCEL_BEAT_ACK;
    if (p->kind == PARCEL_CALL || p->kind == PARCEL_CALLED) {
        if (p->from == n->id || sim_net_open(&n->w->net, p->from, n->id))
            world_call_deliver(n, p);
        return;
    }
    if (p->kind == PARCEL_ROWS || p->kind == PARCEL_ROWS_DONE) {
        if (p->from == n->id || sim_net_open(&n->w->net, p->from, n->id))
            world_index_deliver(n, p);
        return;
    }
    if (from_peer && sim_net_open(&n->w->net, p->from, n->id))
        deliver_peer(n, p);
    else if (p->kind == PARCEL_ITEM || p->kind == PARCEL_RANGE)
        deliver_request(n, p);
}
