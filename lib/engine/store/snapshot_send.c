/* Sending whole copies: which of them run, from where, and when one ends. */
#include "engine/store/snapshot_send.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"

#include <stdlib.h>

/* ---- lists */

static struct snapshot_send *find(const struct replica *r, uint32_t to) {
    struct snapshot_send *send = r->sends;
    while (send && send->to != to)
        send = send->next;
    return send;
}

void store__sending_free(struct snapshot_send *send) {
    btree_snapshot_unpin(send->r->tree, send->snap);
    tc_buf_deinit(&send->config);
    free(send);
}

void store__sending_drop(struct snapshot_send *send) {
    struct snapshot_send **at = &send->r->sends;
    while (*at != send)
        at = &(*at)->next;
    *at = send->next;
    send->dropped = true;
    if (!send->filling)
        store__sending_free(send);
}

void store__snapshot_sends_drop(struct replica *r) {
    while (r->sends)
        store__sending_drop(r->sends);
}

uint64_t store__snapshot_log_floor(const struct replica *r) {
    uint64_t floor = store__snapshot_take_floor(r);
    for (const struct snapshot_send *send = r->sends; send; send = send->next)
        if (send->base.index < floor)
            floor = send->base.index;
    return floor;
}

/* ---- start */

struct paxos_mark store__snapshot_base(const struct replica *r, uint64_t index) {
    uint64_t at = index;
    uint64_t oldest = store_dedup_oldest_index(&r->dedup);
    if (at > r->status.archived)
        at = r->status.archived;
    if (oldest <= at)
        at = oldest - 1;
    const struct paxos_entry *e = at > r->status.base.index ? paxos_entry_at(r->paxos, at) : NULL;
    return e ? (struct paxos_mark){e->index, e->ballot, e->chain} : r->status.base;
}

static void start(struct replica *r, uint32_t to) {
    struct btree_snapshot *snap = NULL;
    if (btree_snapshot_pin(r->tree, &snap) != TC_OK)
        return;
    struct btree_stamp stamp = btree_snapshot_stamp(snap);
    struct snapshot_send *send = calloc(1, sizeof *send);
    TC_ASSERT(send != NULL);
    send->r = r;
    send->to = to;
    send->id = r->store->env.random(r->store->env.user) | 1;
    send->snap = snap;
    send->base = store__snapshot_base(r, stamp.index);
    send->item_total = btree_stats(r->tree).item_count;
    const struct quorum_config *config = paxos_config_at(r->paxos, send->base.index);
    TC_ASSERT(config != NULL);
    quorum_encode(config, &send->config);
    send->archived = r->status.archived;
    send->progress_ns = store__now_ns(r->store);
    send->next = r->sends;
    r->sends = send;
    TC_TRACE(&r->store->env.trace, "replica %u is too far behind -> snapshot", to);
    store__sending_fill(send);
}

/* The receiver's log begins above what the copy under way would bring: it takes none of it. Were
 * that copy left to its patience, the next one would be the same again, for the receiver's wish
 * would always find one under way. */
static void drop_useless(struct replica *r, uint32_t to, uint64_t index) {
    struct snapshot_send *send = find(r, to);
    if (send == NULL || btree_snapshot_stamp(send->snap).index >= index)
        return;
    TC_PROBE("store: a copy from an older checkpoint is of no use to its receiver");
    store__sending_drop(send);
}

void store__snapshot_send_from(struct replica *r, uint32_t to, uint64_t index) {
    size_t count = 0;
    drop_useless(r, to, index);
    for (const struct snapshot_send *send = r->sends; send; send = send->next)
        count++;
    if (r->state != REPLICA_OK || count >= SNAPSHOT_SENDS_MAX || find(r, to) ||
        store__members_find(r, to) == NULL)
        return;
    uint64_t floor = index > r->status.base.index ? index : r->status.base.index;
    if (r->checkpoint.durable == 0 || r->checkpoint.durable < floor)
        r->checkpoint.wanted = true; /* asked again soon, by paxos or by the receiver */
    else
        start(r, to);
}

void store__snapshot_send(struct replica *r, uint32_t to) {
    store__snapshot_send_from(r, to, 0);
}

/* ---- progress and end */

void store__snapshot_acked(struct replica *r, const Tercet__Pb__SnapshotChunk *ack) {
    struct snapshot_send *send = find(r, ack->from);
    if (send == NULL || send->id != ack->snapshot_id || ack->seq != send->acked_count ||
        ack->seq >= send->next_seq)
        return;
    if (ack->err != TC_OK) {
        store__sending_drop(send);
        if (ack->err != TC_EEXISTS) /* the receiver had all of it but where its log begins */
            store__heal_copy_refused(r);
        return;
    }
    send->acked_count++;
    send->progress_ns = store__now_ns(r->store);
    if (send->ended && send->acked_count == send->next_seq) {
        r->store->counters.snapshots_sent++;
        store__sending_drop(send);
        return;
    }
    store__sending_fill(send);
}

void store__snapshot_sends_tick(struct replica *r, uint64_t now_ns) {
    for (struct snapshot_send *send = r->sends, *next; send; send = next) {
        next = send->next;
        if (now_ns > send->progress_ns + (uint64_t)SNAPSHOT_PATIENCE_MS * STORE_MS_NS)
            store__sending_drop(send);
    }
}

/* ---- questions */

bool store__snapshot_sends_to(const struct replica *r, uint32_t to) {
    return find(r, to) != NULL;
}

uint32_t store__snapshot_sends_into(const struct replica *r, struct tc_slice store_uuid) {
    uint32_t count = 0;
    for (const struct snapshot_send *send = r->sends; send; send = send->next) {
        const Tercet__Pb__Member *m = store__members_find(r, send->to);
        count += m && tc_slice_eq(proto_slice(m->store_uuid), store_uuid);
    }
    return count;
}

bool store__snapshot_progress(const struct replica *r, uint32_t to, uint64_t *ret_done,
                              uint64_t *ret_total) {
    const struct snapshot_send *send = find(r, to);
    if (send == NULL)
        return false;
    *ret_done = send->item_count;
    *ret_total = send->item_total > send->item_count ? send->item_total : send->item_count;
    return true;
}
