#include "engine/store/learner.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/apply.h"
#include "engine/store/call.h"
#include "engine/store/directory.h"
#include "engine/store/group.h"
#include "engine/store/log.h"
#include "engine/store/members.h"
#include "engine/store/replica.h"
#include "engine/store/snapshot.h"

enum {
    LOOKUP_EVERY_MS = 1000,
};

/* ---- made */

tc_err store__learner_check(const struct store *s, const Tercet__Pb__CreateReplicaRequest *req) {
    struct quorum_config config;
    if (!tc_slice_eq(proto_slice(req->store_uuid), tc_slice(s->uuid, STORE_UUID_BYTES)) ||
        req->rid >= QUORUM_RID_MAX || req->archived < req->base_index ||
        quorum_decode(proto_slice(req->base_config), &config) != TC_OK ||
        quorum_find(&config, req->rid))
        return TC_EINVAL;
    for (size_t i = 0; i < req->partition->n_members; i++)
        if (req->partition->members[i]->rid == req->rid)
            return TC_EINVAL;
    return TC_OK;
}

/* ---- fed */

static void follow_entry(struct replica *r, const struct paxos_entry *e, bool *ret_stop) {
    struct tc_blob *body = NULL;
    if (e->type != PAXOS_CONF)
        return;
    tc_err err = store__log_body(r, e, &body);
    if (err == TC_OK)
        err = store__members_apply(r, tc_blob_slice(body));
    tc_blob_unref(body);
    *ret_stop = err != TC_OK;
}

void store__learner_follow(struct replica *r) {
    bool stop = false;
    if (!r->status.log_only)
        return;
    for (int i = 0; i < STORE_APPLY_COUNT_MAX && r->applied.index < r->committed; i++) {
        const struct paxos_entry *e = paxos_entry_at(r->paxos, r->applied.index + 1);
        if (e == NULL || (e->flags & PAXOS_FAULTY))
            return; /* repaired first, or its log is to begin anew */
        follow_entry(r, e, &stop);
        if (stop)
            return;
        r->applied = (struct paxos_mark){e->index, e->ballot, e->chain};
        r->reported = e->index;
    }
}

/* ---- a log that begins anew */

void store__learner_send_base(struct replica *r, uint32_t to) {
    struct paxos_mark base = store__snapshot_base(r, r->status.commit);
    const struct quorum_config *config = paxos_config_at(r->paxos, base.index);
    struct tc_buf encoded = {0};
    Tercet__Pb__SnapshotChunk chunk = TERCET__PB__SNAPSHOT_CHUNK__INIT;
    if (config == NULL)
        return;
    quorum_encode(config, &encoded);
    chunk.log_only = true;
    chunk.snapshot_id = r->store->env.random(r->store->env.user) | 1;
    chunk.base_index = chunk.index = base.index;
    chunk.base_ballot = chunk.ballot = base.ballot;
    chunk.base_chain = chunk.chain = base.chain;
    chunk.config = proto_bytes(tc_buf_slice(&encoded));
    chunk.archived = r->status.archived;
    chunk.partition = r->desc->partition;
    chunk.config_version = store__members_version(r);
    TC_PROBE("store: a log replica is told a new base");
    store__snapshot_post(r, to, &chunk);
    tc_buf_deinit(&encoded);
}

static bool holds(const struct replica *r, const struct paxos_mark *at) {
    const struct paxos_entry *e = paxos_entry_at(r->paxos, at->index);
    return e != NULL && e->chain == at->chain && e->ballot == at->ballot;
}

/* Whatever it held up to there is archived and committed, and beyond it nothing continued it: the
 * promises stay, the entries go. */
static void begin_anew(struct replica *r, const struct paxos_mark *base,
                       const struct quorum_config *config, uint64_t archived) {
    TC_PROBE("store: a log replica's log begins anew");
    r->restarting = true;
    store__log_restart(r, base, config);
    r->applied = *base;
    r->reported = r->checkpoint.durable = r->checkpoint.reported = base->index;
    r->noted = base->index;
    struct paxos_event ev = {.type = PAXOS_EV_INSTALLED,
                             .installed = {.base = *base,
                                           .config = config,
                                           .checkpoint_index = base->index,
                                           .archived = archived,
                                           .log_only = true}};
    tc_err err = store__group_step(r, &ev);
    r->restarting = false;
    if (err != TC_OK)
        store__fail(r->store, "paxos refused a log's new base");
}

void store__learner_take_base(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    struct quorum_config config;
    struct paxos_mark base = {c->base_index, c->base_ballot, c->base_chain};
    if (r->state != REPLICA_LOG || base.index <= r->status.base.index || holds(r, &base) ||
        base.index <= r->status.commit || c->archived < base.index ||
        quorum_decode(proto_slice(c->config), &config) != TC_OK)
        return;
    if (c->partition && (!store__members_all_sound(c->partition, r->gid) ||
                         store__members_installed(r, c->partition, c->config_version) != TC_OK))
        return; /* the leader sends it again */
    begin_anew(r, &base, &config, c->archived);
}

tc_err store__learner_done(struct replica *r) {
    if (!r->desc->learner)
        return TC_OK;
    TC_PROBE("store: a log replica became a storage replica in place");
    r->desc->learner = false;
    tc_err err = store__replica_desc_save(r->store, r->desc);
    if (err != TC_OK)
        r->desc->learner = true;
    return err;
}

/* ---- gone */

static bool is_alone(const struct replica *r, uint64_t now_ns) {
    return now_ns > r->fed_ns + r->store->options.learner_orphan_ms * STORE_MS_NS;
}

/* With leader_rid only from a leader under its lease, whose log holds no change on its way: what it
 * does not name will never be. */
tc_err store_get_partition(struct store *s, uint64_t gid, struct tc_buf *out) {
    struct replica *r = store__find(s, gid);
    if (r == NULL)
        return TC_ENOTFOUND;
    bool certain = store__group_may_read(r) == TC_OK && r->status.config_settled;
    Tercet__Pb__Partition p = *store__group_partition(r);
    p.leader_rid = certain ? r->rid : 0;
    proto_append(out, &p.base);
    return TC_OK;
}

/* The rid alone does not tell: one that was never logged may be given to another store later. */
static bool is_me(const struct replica *r, const Tercet__Pb__Member *m) {
    return m->rid == r->rid &&
           tc_slice_eq(proto_slice(m->store_uuid), tc_slice(r->store->uuid, STORE_UUID_BYTES));
}

/* What another node has applied is committed, and a rid never comes back. Whether a learner is
 * named by a change that may still be committed, in its own log or in another one's, only a leader
 * knows: silence alone is no reason to go, for such a change may need this very replica. */
void store__learner_looked_up(struct replica *r, struct tc_slice partition) {
    Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, partition.len, partition.data);
    if (p == NULL)
        return;
    uint64_t epoch = r->desc->partition->epoch;
    bool learner = r->state == REPLICA_LOG && is_alone(r, store__now_ns(r->store));
    bool named = !store__members_all_sound(p, r->gid) || p->epoch < epoch ||
                 (p->epoch == epoch && !(learner && p->leader_rid != 0));
    for (size_t i = 0; i < p->n_members; i++)
        named = named || is_me(r, p->members[i]);
    if (!named && learner)
        TC_PROBE("store: a forgotten learner deletes itself");
    r->excluded = r->excluded || !named;
    tercet__pb__partition__free_unpacked(p, NULL);
}

static void look_up(struct replica *r, uint64_t now_ns) {
    struct store *s = r->store;
    const Tercet__Pb__Directory *d = s->directory->pb;
    Tercet__Pb__GetPartitionRequest req = TERCET__PB__GET_PARTITION_REQUEST__INIT;
    struct store_call call = {.kind = STORE_CALL_LOOKUP, .gid = r->gid, .rid = r->rid};
    uint64_t id = 0;
    if (now_ns < r->lookup_ns || d == NULL || d->n_nodes == 0)
        return;
    r->lookup_ns = now_ns + (uint64_t)LOOKUP_EVERY_MS * STORE_MS_NS;
    const Tercet__Pb__DirectoryNode *n = d->nodes[(r->gid + r->lookups++) % d->n_nodes];
    req.gid = r->gid;
    if (strcmp(n->addr, s->addr) != 0)
        TC_IGNORE(store__call(s, &call, n->addr, &req.base, &id)); /* the next one is asked later */
}

static bool is_over(struct replica *r, uint64_t now_ns) {
    uint64_t quiet_ns = r->paxos ? paxos_fresh_ns(r->paxos) : 0;
    if (r->paxos && r->status.role == PAXOS_LEADER)
        r->fed_ns = now_ns;
    if (quiet_ns > r->fed_ns)
        r->fed_ns = quiet_ns; /* its leader's node spoke for it */
    if (is_alone(r, now_ns))
        look_up(r, now_ns);
    if (r->jobs_out > 0)
        return false;
    if (r->excluded || (r->paxos && r->status.role == PAXOS_OUTCAST)) {
        TC_PROBE("store: a removed replica deletes itself");
        return true;
    }
    return false;
}

void store__learner_sweep(struct replica *r, uint64_t now_ns) {
    struct store *s = r->store;
    if (!is_over(r, now_ns))
        return;
    uint64_t gid = r->gid;
    uint32_t rid = r->rid;
    tc_err err = store_delete_replica(s, gid);
    TC_TRACE(&s->env.trace, "replica %u of group %llu is of no use any more -> deleted: %s", rid,
             (unsigned long long)gid, tc_err_name(err));
    s->counters.replicas_left += err == TC_OK;
}
