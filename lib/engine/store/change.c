/* What the control plane asks of a group's leader: moves, heals, transfers. Every call may be
 * repeated: it begins what it names, or says how far that is. */
#include "engine/store/directory.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"

static void answer(struct tc_buf *out, const Tercet__Pb__ChangeReplicaReply *reply) {
    proto_append(out, &reply->base);
}

/* The replica, if it leads; else the answer that says who does. */
static tc_err find_leader(struct store *s, uint64_t gid, struct tc_buf *out, struct replica **ret) {
    Tercet__Pb__ChangeReplicaReply reply = TERCET__PB__CHANGE_REPLICA_REPLY__INIT;
    struct replica *r = store__find(s, gid);
    if (r == NULL)
        return TC_ENOTFOUND;
    if (store__group_leads(r)) {
        *ret = r;
        return TC_OK;
    }
    reply.moved = store__group_partition(r);
    answer(out, &reply);
    return TC_ENOTLEADER;
}

/* The member that lives on this store. */
static const struct quorum_member *member_on(const struct quorum_config *c, struct tc_slice uuid) {
    struct quorum_rids rids = quorum_voters(c);
    for (uint32_t i = 0; i < rids.count; i++) {
        const struct quorum_member *m = quorum_find(c, rids.rids[i]);
        if (tc_slice_eq(tc_slice(m->store, sizeof m->store), uuid))
            return m;
    }
    return NULL;
}

static tc_err check_change(const Tercet__Pb__ChangeReplicaRequest *req) {
    Tercet__Pb__Member m = TERCET__PB__MEMBER__INIT;
    if (req->add == NULL || req->add->addr[0] == 0)
        return TC_EINVAL;
    m.rid = 1;
    m.node = req->add->node;
    m.zone = req->add->zone;
    m.addr = req->add->addr;
    m.store_uuid = req->add->store_uuid;
    return store__members_sound(&m) ? TC_OK : TC_EINVAL;
}

/* A place that puts two members in one zone although a free zone is usable. */
static bool crowds(struct replica *r, const Tercet__Pb__ChangeReplicaRequest *req) {
    size_t count = 0, at = 0;
    const struct heal_store *stores =
        store__directory_look(r->store, store__now_ns(r->store), &count);
    struct tc_slice uuid = proto_slice(req->add->store_uuid);
    while (at < count && !tc_slice_eq(tc_slice(stores[at].uuid, STORE_UUID_BYTES), uuid))
        at++;
    return heal_crowds(paxos_config(r->paxos), req->remove_rid, stores, (uint32_t)count,
                       (uint32_t)at);
}

/* Another voter is silent: its replacement comes first. */
static bool another_is_silent(const struct replica *r, uint32_t remove_rid) {
    struct heal_peer peers[QUORUM_VOTERS_MAX + PAXOS_LEARNERS_MAX];
    size_t count = store__heal_peers(r, store__now_ns(r->store), peers);
    uint64_t dead_ns = r->store->options.dead_ms * STORE_MS_NS;
    for (size_t i = 0; i < count && dead_ns > 0; i++)
        if (!peers[i].learner && peers[i].rid != remove_rid && peers[i].silent_ns > dead_ns)
            return true;
    return false;
}

/* Nothing of the kind goes on: may it begin? */
static tc_err begin_change(struct replica *r, const Tercet__Pb__ChangeReplicaRequest *req) {
    const struct quorum_config *c = paxos_config(r->paxos);
    if (!r->status.config_settled || (r->heal && r->heal->newcomer) ||
        another_is_silent(r, req->remove_rid))
        return TC_EBUSY;
    if (req->remove_rid != 0 && !quorum_find(c, req->remove_rid))
        return TC_ENOTFOUND;
    if (req->remove_rid == 0 && c->sets[0].count == QUORUM_MEMBERS_MAX)
        return TC_ELIMIT;
    for (uint32_t i = 0; i < c->sets[0].count; i++)
        if (c->sets[0].members[i].role == QUORUM_LOG &&
            c->sets[0].members[i].rid != req->remove_rid)
            return TC_EBUSY; /* never two of a group without a B-tree because of a move */
    if (crowds(r, req))
        return TC_EINVAL;
    return store__heal_begin(r, req->add, req->remove_rid, /* wished= */ true);
}

tc_err store_change_replica(struct store *s, const Tercet__Pb__ChangeReplicaRequest *req,
                            struct tc_buf *out) {
    Tercet__Pb__ChangeReplicaReply reply = TERCET__PB__CHANGE_REPLICA_REPLY__INIT;
    struct replica *r = NULL;
    TC_TRY(check_change(req));
    TC_TRY(find_leader(s, req->gid, out, &r));
    struct tc_slice uuid = proto_slice(req->add->store_uuid);
    const struct store_heal *h = r->heal;
    bool same = h && h->newcomer && tc_slice_eq(proto_slice(h->newcomer->store_uuid), uuid);
    const struct quorum_member *m = same ? NULL : member_on(paxos_config(r->paxos), uuid);
    if (m && m->role == QUORUM_STORAGE && r->status.config_settled) {
        reply.rid = m->rid;
        reply.state = TERCET__PB__CHANGE_STATE__CHANGE_DONE;
    } else if (same || m) {
        store__heal_progress(r, &reply);
    } else {
        TC_TRY(begin_change(r, req));
        store__heal_progress(r, &reply);
    }
    answer(out, &reply);
    return TC_OK;
}

tc_err store_heal_replica(struct store *s, const Tercet__Pb__HealReplicaRequest *req,
                          struct tc_buf *out) {
    Tercet__Pb__ChangeReplicaReply reply = TERCET__PB__CHANGE_REPLICA_REPLY__INIT;
    struct replica *r = NULL;
    TC_TRY(find_leader(s, req->gid, out, &r));
    const struct quorum_member *m = quorum_find(paxos_config(r->paxos), req->rid);
    if (m == NULL)
        return TC_ENOTFOUND;
    if (m->role == QUORUM_LOG)
        store__heal_tick(r, store__now_ns(s));
    m = quorum_find(paxos_config(r->paxos), req->rid);
    if (m && m->role == QUORUM_LOG)
        store__heal_progress(r, &reply);
    else
        reply.state = TERCET__PB__CHANGE_STATE__CHANGE_DONE;
    reply.rid = req->rid;
    answer(out, &reply);
    return TC_OK;
}

tc_err store_transfer(struct store *s, const Tercet__Pb__TransferRequest *req, struct tc_buf *out) {
    Tercet__Pb__ChangeReplicaReply reply = TERCET__PB__CHANGE_REPLICA_REPLY__INIT;
    struct replica *r = NULL;
    TC_TRY(find_leader(s, req->gid, out, &r));
    if (req->rid == r->rid)
        return TC_EINVAL;
    struct paxos_event ev = {.type = PAXOS_EV_RESIGN, .resign.target = req->rid};
    TC_TRY(store__group_step(r, &ev));
    reply.rid = req->rid;
    answer(out, &reply);
    return TC_OK;
}

void store_heal_counts(const struct store *s, struct store_heal_counts *ret) {
    *ret = (struct store_heal_counts){0};
    for (size_t i = 0; i < s->replica_count; i++) {
        const struct replica *r = s->replicas[i];
        Tercet__Pb__ChangeReplicaReply reply = TERCET__PB__CHANGE_REPLICA_REPLY__INIT;
        ret->log_replicas += r->state == REPLICA_LOG;
        if (r->paxos == NULL || !store__group_leads(r))
            continue;
        store__heal_progress(r, &reply);
        ret->running += reply.state != TERCET__PB__CHANGE_STATE__CHANGE_NONE;
        ret->short_groups += r->live_logs < STORE_DURABLE_LOGS;
    }
}
