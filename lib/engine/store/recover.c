/* From what disk holds to a running replica (REPLICATION.md B11). */
#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "base/reader.h"
#include "engine/store/aux.h"
#include "engine/store/group.h"
#include "engine/store/learner.h"
#include "engine/store/log.h"
#include "engine/store/members.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"
#include "env/fs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Requests are repeated for at most 10 s; twice that covers clocks of successive leaders apart. */
#define DEDUP_LOOKBACK_NS 20000000000u

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

static tc_err read_entry(const struct replica *r, uint64_t idx, struct paxos_entry *ret) {
    struct wal_entry e;
    tc_err err = TC_OK;
    if (!wal_entry(r->store->wal, r->gid, idx, &e))
        return TC_ECORRUPT;
    *ret = (struct paxos_entry){.index = idx,
                                .ballot = e.ballot,
                                .chain = e.chain,
                                .body_crc = e.body_crc,
                                .body_len = e.body_len,
                                .type = e.type,
                                .flags = e.faulty ? PAXOS_FAULTY : 0};
    if (e.type == PAXOS_CONF && !e.faulty && e.body_len > 0)
        err = wal_read(r->store->wal, r->gid, idx, &ret->body);
    if (err == TC_ECORRUPT) /* it rotted since the log was scanned */
        ret->flags = PAXOS_FAULTY;
    return err == TC_ECORRUPT ? TC_OK : err;
}

static void free_entries(struct paxos_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        tc_blob_unref(entries[i].body);
    free(entries);
}

static void notice_faulty(const struct replica *r, const struct paxos_entry *entries,
                          size_t count) {
    uint64_t first = 0, faulty = 0;
    for (size_t i = 0; i < count; i++) {
        bool bad = entries[i].flags & PAXOS_FAULTY;
        first = bad && faulty == 0 ? entries[i].index : first;
        faulty += bad;
    }
    char text[128];
    (void)snprintf(text, sizeof text,
                   "%" PRIu64 " log entries are unreadable, the first is %" PRIu64
                   "; peers are asked for them",
                   faulty, first);
    if (faulty)
        store__replica_notice(r, text, /* bad= */ NULL);
}

/* All entries above base. */
static tc_err read_entries(const struct replica *r, uint64_t base, struct paxos_entry **ret_entries,
                           size_t *ret_count) {
    struct wal_group g;
    *ret_entries = NULL;
    *ret_count = 0;
    if (!wal_group(r->store->wal, r->gid, &g) || g.last_idx <= base)
        return TC_OK;
    size_t count = (size_t)(g.last_idx - base);
    if (count > PAXOS_LOG_COUNT_MAX)
        return TC_ECORRUPT;
    struct paxos_entry *entries = calloc(count, sizeof *entries);
    TC_ASSERT(entries != NULL);
    tc_err err = TC_OK;
    for (size_t i = 0; i < count && err == TC_OK; i++)
        err = read_entry(r, base + 1 + i, &entries[i]);
    if (err != TC_OK) {
        free_entries(entries, count);
        return err;
    }
    notice_faulty(r, entries, count);
    *ret_entries = entries;
    *ret_count = count;
    return TC_OK;
}

struct recent_id {
    uint64_t index;
    uint8_t id[ENTRY_REQUEST_ID_BYTES];
};

static bool read_id(const struct replica *r, const struct paxos_entry *e, struct recent_id *ret,
                    uint64_t *ret_hlc_ns) {
    struct tc_blob *body = NULL;
    struct entry_write w;
    if (e->type != PAXOS_WRITE || (e->flags & PAXOS_FAULTY) ||
        wal_read(r->store->wal, r->gid, e->index, &body) != TC_OK)
        return false;
    bool ok = entry_write_decode(tc_blob_slice(body), &w) == TC_OK;
    if (ok) {
        ret->index = e->index;
        memcpy(ret->id, w.request_id, sizeof ret->id);
        *ret_hlc_ns = w.hlc_ns;
    }
    tc_blob_unref(body);
    return ok;
}

/* Request ids of entries that the B-tree already holds: newest first until they are too old to be
 * repeated by anyone, then entered oldest first. */
static void rebuild_dedup(struct replica *r, const struct paxos_entry *entries, size_t count) {
    struct recent_id *recent = calloc(count ? count : 1, sizeof *recent);
    TC_ASSERT(recent != NULL);
    size_t found = 0;
    for (size_t i = count; i > 0; i--) {
        uint64_t hlc_ns = 0;
        if (entries[i - 1].index > r->noted ||
            !read_id(r, &entries[i - 1], &recent[found], &hlc_ns))
            continue;
        if (hlc_ns > r->hlc_ns)
            r->hlc_ns = hlc_ns;
        if (hlc_ns + DEDUP_LOOKBACK_NS < r->hlc_ns)
            break;
        found++;
    }
    while (found-- > 0)
        store_dedup_add(&r->dedup, recent[found].id, recent[found].index, store__now_ns(r->store));
    free(recent);
}

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

static tc_err start(struct replica *r, struct btree_stamp stamp) {
    struct store_base base = {0};
    uint64_t promised = 0;
    base.mark = (struct paxos_mark){r->desc->base_index, r->desc->base_ballot, r->desc->base_chain};
    TC_TRY(store__replica_first_config(r->desc, &base.config));
    TC_TRY(store__split_child_base(r, &base, &promised));
    TC_TRY(read_states(r, &base, &promised));
    if (r->tree)
        finish_install(r, stamp, &base);
    drop_leftovers(r, &base);
    if (r->tree && stamp.index < base.mark.index)
        store__replica_damaged(r, "the B-tree is older than the log's base");
    bool trusted = r->tree && r->state == REPLICA_OK;
    r->applied = trusted ? (struct paxos_mark){stamp.index, stamp.ballot, stamp.chain} : base.mark;
    struct paxos_entry *entries = NULL;
    size_t count = 0;
    TC_TRY(read_entries(r, base.mark.index, &entries, &count));
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
        rebuild_dedup(r, entries, count);
    }
    free_entries(entries, count);
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

/* ---- all of them */

struct gid_list {
    uint64_t *gids;
    size_t count;
};

static void visit_name(void *user, const char *name) {
    struct gid_list *list = user;
    uint64_t gid = 0;
    int used = 0;
    if (sscanf(name, "replica-%16" SCNx64 ".desc%n", &gid, &used) != 1 || used == 0 ||
        name[used] != 0)
        return;
    list->gids = realloc(list->gids, (list->count + 1) * sizeof *list->gids);
    TC_ASSERT(list->gids != NULL);
    list->gids[list->count++] = gid;
}

static void open_tree(struct replica *r) {
    char path[TC_FS_PATH_MAX];
    store__replica_tree_path(r, path, sizeof path);
    struct btree_opts opts = store__replica_tree_opts(r, /* create= */ false);
    tc_err err = btree_open(r->store->env.fs, path, &opts, &r->tree);
    if (r->desc->learner && err != TC_OK)
        r->state = REPLICA_LOG; /* no copy was put in place yet, or it is sent once more */
    else if (err == TC_ENOTFOUND && r->desc->parent_gid != 0)
        r->state = REPLICA_BUILDING; /* a crash came before it was made from its parent's */
    else if (err != TC_OK)
        store__replica_damaged(r, err == TC_ENOTFOUND ? "the B-tree file is missing"
                                                      : "the B-tree file cannot be opened");
}

static tc_err recover_one(struct store *s, uint64_t gid) {
    bool live = false;
    Tercet__Pb__CreateReplicaRequest *desc = NULL;
    TC_TRY(store__replica_desc_load(s, gid, &live, &desc));
    if (!live) {
        tercet__pb__create_replica_request__free_unpacked(desc, NULL);
        return TC_OK;
    }
    struct replica *r = store__replica_new(s, desc);
    r->may_begin = TC_MUTANT(40); /* a start takes the first ballot of a child once more */
    open_tree(r);
    struct btree_stamp stamp = {0};
    if (r->tree)
        stamp = btree_durable_stamp(r->tree);
    store__replica_insert(s, r);
    if (r->tree)
        TC_TRY(store__learner_done(r)); /* the crash came after the swap */
    return store__replica_start(r, stamp);
}

/* Groups in the log that no descriptor names: a deletion that a crash cut short. */
static void note_orphan(void *user, const struct wal_group *g) {
    struct gid_list *list = user;
    list->gids = realloc(list->gids, (list->count + 1) * sizeof *list->gids);
    TC_ASSERT(list->gids != NULL);
    list->gids[list->count++] = g->gid;
}

static void forget_orphans(struct store *s) {
    struct gid_list list = {0};
    uint64_t lsn = 0;
    wal_each_group(s->wal, note_orphan, &list);
    for (size_t i = 0; i < list.count; i++)
        if (store__find(s, list.gids[i]) == NULL && wal_forget(s->wal, list.gids[i], &lsn) != TC_OK)
            store__fail(s, "the log refused to forget a group");
    free(list.gids);
}

tc_err store__replica_recover_all(struct store *s, struct tc_buf *diag) {
    struct gid_list list = {0};
    tc_err err = tc_fs_list(s->env.fs, s->dir, visit_name, &list);
    for (size_t i = 0; i < list.count && err == TC_OK; i++) {
        err = recover_one(s, list.gids[i]);
        if (err != TC_OK && diag)
            tc_buf_printf(diag, "replica of group %" PRIu64 ": %s", list.gids[i], tc_err_text(err));
    }
    free(list.gids);
    if (err != TC_OK)
        return err;
    forget_orphans(s);
    store__split_recovered(s);
    return TC_OK;
}
