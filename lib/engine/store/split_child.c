/* What a child of a split inherits: range, members, where its log begins, request ids and time. */
#include "base/assert.h"
#include "base/mutant.h"
#include "core/entry/entry.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <stdlib.h>

/* Requests are repeated for at most 10 s; twice that covers clocks of successive leaders apart. */
#define LOOKBACK_NS 20000000000u

tc_err store__split_child_base(struct replica *r, struct store_base *ret_base,
                               uint64_t *ret_promised) {
    const Tercet__Pb__CreateReplicaRequest *desc = r->desc;
    if (desc->parent_gid == 0)
        return TC_OK;
    TC_TRY(quorum_decode(store__bytes(desc->base_config), &ret_base->config));
    ret_base->mark = (struct paxos_mark){desc->base_index, desc->base_ballot, desc->base_chain};
    *ret_promised = desc->begin_ballot;
    r->hlc_ns = desc->hlc_ns;
    return TC_OK;
}

static void set_bytes(ProtobufCBinaryData *to, struct tc_slice from) {
    free(to->data);
    *to = (ProtobufCBinaryData){.len = from.len};
    if (from.len == 0)
        return;
    to->data = malloc(from.len);
    TC_ASSERT(to->data != NULL);
    memcpy(to->data, from.data, from.len);
}

static Tercet__Pb__CreateReplicaRequest *desc_copy(const struct replica *r) {
    struct tc_buf b = {0};
    proto_append(&b, &r->desc->base);
    Tercet__Pb__CreateReplicaRequest *copy =
        tercet__pb__create_replica_request__unpack(NULL, b.len, b.data);
    TC_ASSERT(copy != NULL);
    tc_buf_deinit(&b);
    return copy;
}

/* The same members on the same stores under the same rids: a child is a group of its own, so the
 * rids are new in it. */
Tercet__Pb__CreateReplicaRequest *store__split_child_desc(struct replica *parent,
                                                          const struct paxos_entry *e,
                                                          const struct entry_split *split,
                                                          int side) {
    Tercet__Pb__CreateReplicaRequest *d = desc_copy(parent);
    const struct quorum_config *config = paxos_config_at(parent->paxos, e->index);
    struct paxos_mark at = {e->index, e->ballot, e->chain};
    struct paxos_mark base = paxos_child_base(&at, split->gids[side]);
    struct tc_buf encoded = {0};
    TC_ASSERT(config != NULL);
    quorum_encode(config, &encoded);
    d->partition->gid = split->gids[side];
    d->partition->epoch++;
    d->partition->leader_rid = 0;
    d->partition->leader_round = 0;
    set_bytes(side == 0 ? &d->partition->end : &d->partition->start, split->key);
    d->learner = false;
    d->parent_gid = parent->gid;
    d->parent_chain = e->chain;
    d->base_index = TC_MUTANT(43) ? 0 : base.index;
    d->base_ballot = base.ballot;
    d->base_chain = base.chain;
    d->begin_ballot = paxos_child_ballot(e->ballot);
    d->hlc_ns = split->hlc_ns;
    set_bytes(&d->base_config, tc_buf_slice(&encoded));
    tc_buf_deinit(&encoded);
    return d;
}

uint64_t store__split_log_gid(const struct replica *r, uint64_t index) {
    bool inherited = r->desc->parent_gid != 0 && index <= r->desc->base_index;
    return inherited ? r->desc->parent_gid : r->gid;
}

static bool has_inherited(const struct replica *child) {
    return store_dedup_oldest_index(&child->dedup) <= child->desc->base_index;
}

/* Ids of all keys go to both children: one that belongs to the other is never asked for here. */
void store__split_inherit(struct replica *child, const struct replica *parent) {
    struct store_dedup older = {0};
    if (has_inherited(child))
        return;
    store_dedup_copy(&parent->dedup, child->desc->base_index, &older);
    store_dedup_prepend_take(&child->dedup, &older);
}

/* ---- at start */

/* Everything below the SPLIT is committed, for this store applied it once: the child is the proof.
 * Returns the entry's time; 0: it is no write that can be read. */
static uint64_t read_entry(struct replica *parent, const struct paxos_entry *e,
                           struct store_dedup *ids) {
    struct tc_blob *body = NULL;
    struct entry_write w = {.hlc_ns = 0};
    if (e == NULL || e->type != PAXOS_WRITE || (e->flags & PAXOS_FAULTY) ||
        wal_read(parent->store->wal, parent->gid, e->index, &body) != TC_OK)
        return 0;
    if (entry_write_decode(tc_blob_slice(body), &w) == TC_OK && ids)
        store_dedup_add(ids, w.request_id, e->index, store__now_ns(parent->store));
    tc_blob_unref(body);
    return w.hlc_ns;
}

/* The first entry whose id may still be repeated. */
static uint64_t first_recent(struct replica *parent, uint64_t last) {
    uint64_t newest_ns = 0, at = last;
    for (; at > parent->status.base.index; at--) {
        uint64_t hlc_ns = read_entry(parent, paxos_entry_at(parent->paxos, at), NULL);
        if (newest_ns == 0)
            newest_ns = hlc_ns;
        if (hlc_ns != 0 && hlc_ns + LOOKBACK_NS < newest_ns)
            break;
    }
    return at + 1;
}

static void inherit_from_log(struct replica *child, struct replica *parent) {
    struct store_dedup older = {0};
    uint64_t last = child->desc->base_index;
    if (last > parent->status.last.index)
        return; /* its tail was not durable: applying the SPLIT again brings the ids */
    for (uint64_t at = first_recent(parent, last); at <= last; at++)
        (void)read_entry(parent, paxos_entry_at(parent->paxos, at), &older);
    store_dedup_prepend_take(&child->dedup, &older);
}

/* Deliberate fault 40: a start takes the first ballot of a child once more. */
static void begin_again(struct replica *child) {
    struct paxos_event ev = {.type = PAXOS_EV_BEGIN};
    if (child->may_begin && child->state == REPLICA_OK)
        TC_IGNORE(store__group_step(child, &ev));
}

void store__split_recovered(struct store *s) {
    for (size_t i = 0; i < s->replica_count; i++) {
        struct replica *child = s->replicas[i];
        if (child->paxos == NULL || child->desc->parent_gid == 0)
            continue;
        struct replica *parent = store__find(s, child->desc->parent_gid);
        if (parent && parent->paxos)
            inherit_from_log(child, parent);
        if (child->state == REPLICA_BUILDING && (parent == NULL || parent->paxos == NULL)) {
            child->state = REPLICA_OK;
            store__replica_damaged(child, "the B-tree was never made, and the parent is gone");
        }
        begin_again(child);
    }
}
