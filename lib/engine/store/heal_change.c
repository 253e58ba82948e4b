/* A newcomer: its store is asked to make it, it is fed, and taken back if nobody wants it any more.
 */
#include "engine/store/heal_private.h"

#include "base/probe.h"
#include "engine/store/directory.h"
#include "engine/store/group.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"

enum {
    AVOID_MS = 5000, /* a store that failed gets no newcomer */
};

void store__heal_forget(struct store_heal *h) {
    if (h->newcomer)
        tercet__pb__member__free_unpacked(h->newcomer, NULL);
    h->newcomer = NULL;
    h->change = (struct heal_change){0};
    h->create_call = 0;
}

static tc_err ask_create(struct replica *r, const Tercet__Pb__DirectoryNode *node, uint32_t rid) {
    struct paxos_mark base = store__snapshot_base(r, r->status.commit);
    const struct quorum_config *config = paxos_config_at(r->paxos, base.index);
    struct tc_buf encoded = {0};
    if (config == NULL)
        return TC_EBUSY;
    quorum_encode(config, &encoded);
    Tercet__Pb__CreateReplicaRequest req = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
    req.partition = r->desc->partition;
    req.table_name = r->desc->table_name;
    req.rid = rid;
    req.learner = true;
    req.store_uuid = node->store_uuid;
    req.base_index = base.index;
    req.base_ballot = base.ballot;
    req.base_chain = base.chain;
    req.base_config = proto_bytes(tc_buf_slice(&encoded));
    req.archived = r->status.archived;
    req.config_version = store__members_version(r);
    struct store_call call = {.kind = STORE_CALL_CREATE, .gid = r->gid, .rid = rid};
    tc_err err = store__call(r->store, &call, node->addr, &req.base, &r->heal->create_call);
    r->heal->base_index = base.index;
    tc_buf_deinit(&encoded);
    return err;
}

static uint32_t rid_highest(const struct replica *r) {
    uint32_t highest = r->heal->rid_highest;
    for (size_t i = 0; i < r->members.count; i++)
        if (r->members.items[i]->rid > highest)
            highest = r->members.items[i]->rid;
    return highest;
}

tc_err store__heal_begin(struct replica *r, const Tercet__Pb__DirectoryNode *node,
                         uint32_t remove_rid, bool wished) {
    struct store *s = r->store;
    struct store_heal *h = store__heal_of(r);
    uint32_t rid = 0;
    if (h->newcomer || !r->status.config_settled)
        return TC_EBUSY;
    TC_TRY(heal_rid(paxos_config(r->paxos), rid_highest(r), s->env.random(s->env.user), &rid));
    TC_TRY(ask_create(r, node, rid));
    Tercet__Pb__Member m = TERCET__PB__MEMBER__INIT;
    m.rid = h->rid_highest = rid;
    m.node = node->node;
    m.zone = node->zone;
    m.addr = node->addr;
    m.role = 1;
    m.store_uuid = node->store_uuid;
    h->newcomer = (Tercet__Pb__Member *)proto_dup(&m.base);
    h->change = (struct heal_change){.rid = rid, .remove_rid = remove_rid, .wished = wished};
    store__directory_placed(s, proto_slice(node->store_uuid));
    TC_TRACE(&s->env.trace, "replica %u on %s in the place of %u -> asked for", rid, node->node,
             remove_rid);
    return TC_OK;
}

static void take_back(struct store *s, uint64_t gid, const Tercet__Pb__Member *m) {
    Tercet__Pb__DeleteReplicaRequest req = TERCET__PB__DELETE_REPLICA_REQUEST__INIT;
    struct store_call call = {.kind = STORE_CALL_DELETE, .gid = gid, .rid = m->rid};
    uint64_t id = 0;
    req.gid = gid;
    req.rid = m->rid;
    req.store_uuid = m->store_uuid;
    /* If it cannot be told now, it deletes itself when nobody feeds it. */
    TC_IGNORE(store__call(s, &call, m->addr, &req.base, &id));
}

/* The learner, if there is one, is not wanted any more. */
void store__heal_give_up(struct replica *r, bool avoid) {
    struct store_heal *h = r->heal;
    struct paxos_event ev = {.type = PAXOS_EV_UNLEARN, .target = h->change.rid};
    TC_IGNORE(store__group_step(r, &ev)); /* who does not lead any more feeds nobody */
    if (h->newcomer == NULL)
        return; /* the step ended the term */
    take_back(r->store, r->gid, h->newcomer);
    if (avoid)
        store__directory_avoid(r->store, proto_slice(h->newcomer->store_uuid),
                               store__heal_after_ms(r, AVOID_MS));
    store__heal_forget(h);
}

static tc_err learn(struct replica *r) {
    struct store_heal *h = r->heal;
    struct paxos_event ev = {.type = PAXOS_EV_LEARN, .target = h->change.rid};
    store__members_learn(r, h->newcomer, /* logged= */ true);
    h->change.created = true;
    return store__group_step(r, &ev);
}

void store__heal_created(struct store *s, struct replica *r, const struct store_call *c,
                         tc_err err) {
    struct store_heal *h = r ? r->heal : NULL;
    (void)s;
    if (h == NULL || h->create_call != c->id || h->change.rid != c->rid)
        return; /* of a term that ended: what was made deletes itself */
    h->create_call = 0;
    if (err == TC_OK)
        err = learn(r);
    if (err == TC_OK || h->newcomer == NULL)
        return;
    TC_PROBE("store: a learner could not be made");
    TC_TRACE(&r->store->env.trace, "replica %u cannot be made on %s: %s -> another store", c->rid,
             h->newcomer->node, tc_err_name(err));
    store__heal_give_up(r, /* avoid= */ true);
}

/* ---- how far it is */

void store__heal_progress(const struct replica *r, Tercet__Pb__ChangeReplicaReply *ret) {
    const struct store_heal *h = r->heal;
    const struct quorum_config *c = paxos_config(r->paxos);
    if (h && h->newcomer) {
        struct paxos_peer_status status[HEAL_PEERS_MAX];
        size_t count = paxos_peers(r->paxos, status, HEAL_PEERS_MAX);
        ret->rid = h->change.rid;
        ret->state = quorum_find(c, ret->rid) ? TERCET__PB__CHANGE_STATE__CHANGE_JOINT
                                              : TERCET__PB__CHANGE_STATE__CHANGE_LEARNING;
        ret->total = r->status.commit - h->base_index;
        for (size_t i = 0; i < count; i++)
            if (status[i].rid == ret->rid && status[i].match > h->base_index)
                ret->done = status[i].match - h->base_index;
        return;
    }
    if (quorum_is_joint(c)) {
        ret->state = TERCET__PB__CHANGE_STATE__CHANGE_JOINT;
        return;
    }
    for (uint32_t i = 0; i < c->sets[0].count; i++) {
        const struct quorum_member *m = &c->sets[0].members[i];
        if (m->role != QUORUM_LOG)
            continue;
        ret->rid = m->rid;
        ret->state = store__snapshot_progress(r, m->rid, &ret->done, &ret->total)
                         ? TERCET__PB__CHANGE_STATE__CHANGE_COPYING
                         : TERCET__PB__CHANGE_STATE__CHANGE_LOG;
        return;
    }
}
