/* What a child of a split or merge inherits: range, members, where its log begins, request ids and
 * time. */
#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
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
    TC_TRY(quorum_decode(proto_slice(desc->base_config), &ret_base->config));
    ret_base->mark = (struct paxos_mark){desc->base_index, desc->base_ballot, desc->base_chain};
    *ret_promised = desc->begin_ballot;
    r->hlc_ns = desc->hlc_ns;
    return TC_OK;
}

void store__split_set_bytes(ProtobufCBinaryData *to, struct tc_slice from) {
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
                                                          const struct paxos_entry *e, uint64_t gid,
                                                          const struct paxos_mark *base) {
    Tercet__Pb__CreateReplicaRequest *d = desc_copy(parent);
    const struct quorum_config *config = paxos_config_at(parent->paxos, e->index);
    struct tc_buf encoded = {0};
    TC_ASSERT(config != NULL);
    quorum_encode(config, &encoded);
    d->partition->gid = gid;
    d->partition->epoch++;
    d->partition->leader_rid = 0;
    d->partition->leader_round = 0;
    d->learner = false;
    d->parent_gid = parent->gid;
    d->parent_chain = e->chain;
    d->parent_index = d->right_gid = d->right_index = d->right_chain = 0;
    d->base_index = TC_MUTANT(43) ? 0 : base->index;
    d->base_ballot = base->ballot;
    d->base_chain = base->chain;
    d->begin_ballot = paxos_child_ballot(e->ballot);
    store__split_set_bytes(&d->base_config, tc_buf_slice(&encoded));
    tc_buf_deinit(&encoded);
    return d;
}

tc_err store__split_child_known(struct store *s, uint64_t gid, struct replica **ret_child) {
    bool live = false;
    Tercet__Pb__CreateReplicaRequest *desc = NULL;
    *ret_child = store__find(s, gid);
    if (*ret_child)
        return TC_OK;
    TC_TRY(store__replica_desc_load(s, gid, &live, &desc));
    TC_PROBE("store: a child was here before");
    tercet__pb__create_replica_request__free_unpacked(desc, NULL);
    return TC_OK;
}

static bool has_inherited(const struct replica *child) {
    return store_dedup_oldest_index(&child->dedup) <= child->desc->base_index;
}

/* Where the parent's log ends for its child. */
static uint64_t end_of(const struct replica *child, const struct replica *parent) {
    const Tercet__Pb__CreateReplicaRequest *d = child->desc;
    if (parent->gid == d->right_gid)
        return d->right_index;
    return d->parent_index ? d->parent_index : d->base_index;
}

/* Ids of all keys go to every child: one that belongs to another is never asked for here. */
void store__split_inherit(struct replica *child, const struct replica *left,
                          const struct replica *right) {
    struct store_dedup older = {0}, others = {0};
    if (has_inherited(child))
        return;
    store_dedup_copy(&left->dedup, end_of(child, left), left->gid, &older);
    if (right && !TC_MUTANT(66))
        store_dedup_copy(&right->dedup, end_of(child, right), right->gid, &others);
    store_dedup_unite_take(&older, &others);
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

/* Everything that a repeated request may ask of the parent's log, and of its own parents'. */
static void collect(const struct replica *child, struct replica *parent, struct store_dedup *ids) {
    struct store_dedup own = {0};
    uint64_t last = end_of(child, parent);
    if (parent->desc->parent_gid)
        store_dedup_copy(&parent->dedup, parent->desc->base_index, parent->gid, ids);
    for (uint64_t at = first_recent(parent, last); at <= last; at++)
        (void)read_entry(parent, paxos_entry_at(parent->paxos, at), &own);
    store_dedup_copy(&own, last, parent->gid, ids);
    store_dedup_deinit(&own);
}

/* False: its tail was not durable; applying the entry that seals it again brings the ids. */
static bool is_whole(const struct replica *child, const struct replica *parent) {
    return parent && parent->paxos && end_of(child, parent) <= parent->status.last.index;
}

static void inherit_from_log(struct replica *child, struct replica *left, struct replica *right) {
    struct store_dedup older = {0}, others = {0};
    bool waits = right && child->state == REPLICA_BUILDING && !is_whole(child, right);
    if (has_inherited(child) || !is_whole(child, left) || waits)
        return;
    collect(child, left, &older);
    if (is_whole(child, right) && !TC_MUTANT(66))
        collect(child, right, &others);
    store_dedup_unite_take(&older, &others);
    store_dedup_prepend_take(&child->dedup, &older);
}

/* Deliberate fault 40: a start takes the first ballot of a child once more. */
static void begin_again(struct replica *child) {
    struct paxos_event ev = {.type = PAXOS_EV_BEGIN};
    if (child->may_begin && child->state == REPLICA_OK)
        TC_IGNORE(store__group_step(child, &ev));
}

static void recover_child(struct replica *child) {
    struct store *s = child->store;
    struct replica *left = store__find(s, child->desc->parent_gid);
    struct replica *right = child->desc->right_gid ? store__find(s, child->desc->right_gid) : NULL;
    inherit_from_log(child, left, right);
    if (child->state == REPLICA_BUILDING && (left == NULL || left->paxos == NULL)) {
        child->state = REPLICA_OK;
        store__replica_damaged(child, "the B-tree was never made, and the parent is gone");
    }
    begin_again(child);
}

static int by_base(const void *a, const void *b) {
    const struct replica *const *x = a, *const *y = b;
    uint64_t i = (*x)->desc->base_index, j = (*y)->desc->base_index;
    return i < j ? -1 : i > j;
}

/* Parents first: along every line of descent the log's base rises. */
void store__split_recovered(struct store *s) {
    struct replica **children = calloc(s->replica_count + 1, sizeof(struct replica *));
    size_t count = 0;
    TC_ASSERT(children != NULL);
    for (size_t i = 0; i < s->replica_count; i++)
        if (s->replicas[i]->paxos && s->replicas[i]->desc->parent_gid)
            children[count++] = s->replicas[i];
    qsort((void *)children, count, sizeof(struct replica *), by_base);
    for (size_t i = 0; i < count; i++)
        recover_child(children[i]);
    free((void *)children);
}
