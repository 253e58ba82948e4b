/* One replica starts: paxos over what its log and its B-tree hold (REPLICATION.md B11). */
#include "base/mutant.h"
#include "base/probe.h"
#include "base/reader.h"
#include "engine/store/aux.h"
#include "engine/store/group.h"
#include "engine/store/log.h"
#include "engine/store/members.h"
#include "engine/store/recover_log.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

#include <stdio.h>

/* ---- its first configuration */

/* The first configuration of a group is the one its members were created with. */
static tc_err config_of(const Tercet__Pb__Partition *p, struct quorum_config *ret) {
    struct quorum_config c = {.version = 1};
    if (p->n_members > QUORUM_MEMBERS_MAX)
        return TC_EINVAL;
    c.sets[0].count = (uint32_t)p->n_members;
    for (size_t i = 0; i < p->n_members; i++) {
        struct quorum_member *m = &c.sets[0].members[i];
        m->rid = p->members[i]->rid;
        m->role = p->members[i]->role == 0 ? QUORUM_STORAGE : QUORUM_LOG;
        if (p->members[i]->store_uuid.len != QUORUM_UUID_BYTES)
            return TC_EINVAL;
        memcpy(m->store, p->members[i]->store_uuid.data, QUORUM_UUID_BYTES);
        size_t zone = strlen(p->members[i]->zone);
        memcpy(m->zone, p->members[i]->zone,
               zone < QUORUM_ZONE_BYTES_MAX ? zone : QUORUM_ZONE_BYTES_MAX);
    }
    if (!quorum_valid(&c))
        return TC_EINVAL;
    *ret = c;
    return TC_OK;
}

tc_err store__replica_first_config(const Tercet__Pb__CreateReplicaRequest *desc,
                                   struct quorum_config *ret_config) {
    if (desc->base_config.len > 0)
        return quorum_decode(proto_slice(desc->base_config), ret_config);
    return config_of(desc->partition, ret_config);
}

/* ---- where its log begins */

static tc_err read_states(const struct replica *r, struct store_base *base, uint64_t *promised) {
    struct wal *w = r->store->wal;
    struct tc_slice body;
    if (wal_state(w, r->gid, WAL_HARDSTATE, &body)) {
        struct tc_reader reader = tc_reader(body);
        *promised = tc_reader_u64(&reader);
        if (!tc_reader_at_end(&reader))
            return TC_ECORRUPT;
    }
    if (wal_state(w, r->gid, WAL_BASE, &body))
        return store__log_base_decode(body, base);
    return TC_OK;
}

/* Entries from before a restart of the log, and entries that were trimmed but not forgotten yet. */
static void drop_leftovers(const struct replica *r, const struct store_base *base) {
    struct wal *w = r->store->wal;
    struct wal_group g;
    struct wal_entry e;
    if (!wal_group(w, r->gid, &g) || g.last_idx == 0)
        return;
    bool stale =
        base->cut_lsn != 0 && wal_entry(w, r->gid, g.last_idx, &e) && e.lsn <= base->cut_lsn;
    wal_trim(w, r->gid, stale ? g.last_idx : base->mark.index);
}

static bool log_holds(const struct replica *r, const struct paxos_mark *at) {
    struct wal_entry e;
    return wal_entry(r->store->wal, r->gid, at->index, &e) && e.chain == at->chain &&
           e.ballot == at->ballot;
}

static void count_locals(struct replica *r) {
    if (r->tree && r->aux.uncounted && store__aux_recount(r) != TC_OK)
        store__replica_damaged(r, "a page of rows that are counted is damaged");
}

/* The crash came after a snapshot was installed and before the log was restarted above it. */
static void finish_install(struct replica *r, struct btree_stamp stamp, struct store_base *base) {
    struct paxos_mark mark;
    struct quorum_config config;
    if (stamp.index == 0 ||
        store__replica_blob_decode(stamp.blob, &mark, &config, &r->aux) != TC_OK)
        return;
    if (r->aux.outbox_count > 0)
        TC_PROBE("index: a start found rows that are owed in its checkpoint");
    if (TC_MUTANT(77)) /* and nobody tells that there are any */
        r->aux.outbox_count = 0;
    count_locals(r);
    if (mark.index <= base->mark.index || log_holds(r, &mark))
        return;
    TC_PROBE("store: recovery finishes an install");
    store__log_restart(r, &mark, &config);
    *base = (struct store_base){.mark = mark, .config = config};
}

/* ---- start */

static tc_err make_paxos(struct replica *r, const struct paxos_recovery *recovery) {
    struct store *s = r->store;
    struct paxos_params params = {
        .gid = r->gid,
        .rid = r->rid,
        .seed = s->env.random(s->env.user),
        .now_ns = store__now_ns(s),
        .options = store__group_timers(s),
        .trace = &s->env.trace,
        .recovery = recovery,
        .support = s->support,
    };
    return paxos_new(&params, &r->paxos);
}

/* What the log says of it: where it begins, in which configuration, and what was promised. */
static tc_err find_base(struct replica *r, struct btree_stamp stamp, struct store_base *ret_base,
                        uint64_t *ret_promised) {
    const Tercet__Pb__CreateReplicaRequest *d = r->desc;
    *ret_promised = 0;
    *ret_base = (struct store_base){.mark = {d->base_index, d->base_ballot, d->base_chain}};
    TC_TRY(store__replica_first_config(d, &ret_base->config));
    TC_TRY(store__split_child_base(r, ret_base, ret_promised));
    TC_TRY(read_states(r, ret_base, ret_promised));
    if (r->tree)
        finish_install(r, stamp, ret_base);
    drop_leftovers(r, ret_base);
    if (r->tree && stamp.index < ret_base->mark.index)
        store__replica_damaged(r, "the B-tree is older than the log's base");
    bool trusted = r->tree && r->state == REPLICA_OK;
    r->applied =
        trusted ? (struct paxos_mark){stamp.index, stamp.ballot, stamp.chain} : ret_base->mark;
    return TC_OK;
}

static tc_err start(struct replica *r, struct btree_stamp stamp) {
    struct store_base base;
    uint64_t promised = 0;
    struct paxos_entry *entries = NULL;
    size_t count = 0;
    TC_TRY(find_base(r, stamp, &base, &promised));
    TC_TRY(store__recover_entries(r, base.mark.index, &entries, &count));
    struct paxos_recovery recovery = {.promised = promised,
                                      .base = base.mark,
                                      .config = &base.config,
                                      .entries = entries,
                                      .entry_count = count,
                                      .checkpoint_index = r->applied.index,
                                      .checkpoint_chain = r->applied.chain,
                                      .archived = base.mark.index,
                                      .log_only =
                                          r->state == REPLICA_LOG || r->state == REPLICA_BUILDING,
                                      .newborn = r->may_begin};
    store__members_logged(r, entries, count);
    tc_err err = make_paxos(r, &recovery);
    if (err == TC_OK) {
        /* Not beyond what is certain: a log that does not hold its checkpoint's place may end in
         * entries that were never chosen. */
        r->committed = r->noted = paxos_status(r->paxos).commit;
        store__recover_ids(r, entries, count);
    }
    store__recover_entries_free(entries, count);
    r->reported = r->applied.index;
    r->checkpoint.durable = r->checkpoint.reported = r->applied.index;
    return err;
}

/* A replica that cannot vouch for what it promised is lost: it stays as a tombstone that says so,
 * and the others replace it. The other replicas of the store go on. */
tc_err store__replica_start(struct replica *r, struct btree_stamp stamp) {
    struct wal_group g;
    bool lost = wal_group(r->store->wal, r->gid, &g) && g.state_lost;
    tc_err err = lost ? TC_ECORRUPT : start(r, stamp);
    if (err == TC_ECORRUPT) {
        TC_PROBE("store: replica lost its promises");
        paxos_free(r->paxos);
        r->paxos = NULL;
        r->state = REPLICA_LOST;
        (void)snprintf(r->damage, sizeof r->damage, "its part of the log is damaged");
        store__replica_notice(r, r->damage, /* bad= */ NULL);
        return TC_OK;
    }
    TC_TRY(err);
    struct paxos_event tick = {.type = PAXOS_EV_TICK};
    (void)store__group_step(r, &tick);
    return TC_OK;
}
