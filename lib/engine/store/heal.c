#include "engine/store/heal.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/directory.h"
#include "engine/store/group.h"
#include "engine/store/learner.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"
#include "engine/store/split.h"

#include <stdlib.h>

enum {
    ASK_AGAIN_MS = 500,
    CONFIRMED_MS = 5000, /* so long a second opinion counts that it is lost */
    SHIP_AGAIN_MS = 1000,
    AVOID_MS = 5000,
    PATIENCE_MS = 10000, /* silence after which a learner is given up */
    RESTIVE_MS = 5000,   /* silence after which the sweep is enough */
};

static uint64_t after_ms(const struct replica *r, uint64_t ms) {
    return store__now_ns(r->store) + ms * STORE_MS_NS;
}

/* ---- life */

static struct store_heal *heal_of(struct replica *r) {
    if (r->heal == NULL)
        r->heal = calloc(1, sizeof *r->heal);
    TC_ASSERT(r->heal != NULL);
    return r->heal;
}

static void forget_change(struct store_heal *h) {
    if (h->newcomer)
        tercet__pb__member__free_unpacked(h->newcomer, NULL);
    h->newcomer = NULL;
    h->change = (struct heal_change){0};
    h->create_call = 0;
}

static void note_short(struct replica *r, bool is_short) {
    if (is_short && !r->is_short)
        r->store->due.shorts++;
    if (!is_short && r->is_short)
        r->store->due.shorts--;
    r->is_short = is_short;
}

bool store__heal_is_calm(const struct replica *r) {
    return !r->restive && (r->heal == NULL || r->heal->newcomer == NULL);
}

void store__heal_reset(struct replica *r) {
    note_short(r, false);
    r->restive = false;
    if (r->heal == NULL)
        return;
    forget_change(r->heal);
    *r->heal = (struct store_heal){0};
}

void store__heal_free(struct replica *r) {
    store__heal_reset(r);
    free(r->heal);
    r->heal = NULL;
}

/* ---- what the leader knows */

/* Whole copies that this node sends into one store, over all its groups. */
static uint32_t copies_into(const struct store *s, struct tc_slice uuid) {
    uint32_t count = 0;
    for (size_t i = 0; i < s->replica_count; i++)
        count += store__snapshot_sends_into(s->replicas[i], uuid);
    return count;
}

size_t store__heal_peers(const struct replica *r, uint64_t now_ns,
                         struct heal_peer peers[HEAL_PEERS_MAX]) {
    struct paxos_peer_status status[HEAL_PEERS_MAX];
    size_t count = paxos_peers(r->paxos, status, HEAL_PEERS_MAX);
    const struct store_heal *h = r->heal;
    for (size_t i = 0; i < count; i++) {
        const struct paxos_peer_status *p = &status[i];
        bool asked = h && h->asked_rid == p->rid && now_ns < h->opinion_until_ns;
        peers[i] = (struct heal_peer){
            .rid = p->rid,
            .learner = p->learner,
            .has_tree = p->has_tree,
            .below_base = p->below_base,
            .match = p->match,
            .silent_ns = now_ns > p->heard_ns ? now_ns - p->heard_ns : 0,
            .opinion = asked ? h->opinion : HEAL_UNASKED,
            .copying = store__snapshot_sends_to(r, p->rid),
        };
    }
    return count;
}

/* Only where it matters: walking all groups for each group would be dear. */
static void count_copies(const struct replica *r, struct heal_peer *peers, size_t count) {
    const struct quorum_config *c = paxos_config(r->paxos);
    for (size_t i = 0; i < count; i++) {
        const struct quorum_member *m = quorum_find(c, peers[i].rid);
        if (m && m->role == QUORUM_LOG && !peers[i].has_tree)
            peers[i].copies = copies_into(r->store, tc_slice(m->store, sizeof m->store));
    }
}

/* ---- a change begins */

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
    struct store_heal *h = heal_of(r);
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
static void give_up(struct replica *r, bool avoid) {
    struct store_heal *h = r->heal;
    struct paxos_event ev = {.type = PAXOS_EV_UNLEARN, .target = h->change.rid};
    TC_IGNORE(store__group_step(r, &ev)); /* who does not lead any more feeds nobody */
    if (h->newcomer == NULL)
        return; /* the step ended the term */
    take_back(r->store, r->gid, h->newcomer);
    if (avoid)
        store__directory_avoid(r->store, proto_slice(h->newcomer->store_uuid),
                               after_ms(r, AVOID_MS));
    forget_change(h);
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
    give_up(r, /* avoid= */ true);
}

/* ---- a second opinion */

static void confirm(struct replica *r, uint32_t rid, uint32_t via) {
    struct store_heal *h = heal_of(r);
    const Tercet__Pb__Member *about = store__members_find(r, rid);
    const Tercet__Pb__Member *other = store__members_find(r, via);
    h->asked_rid = rid;
    h->opinion = HEAL_ASKED;
    h->opinion_until_ns = after_ms(r, ASK_AGAIN_MS);
    if (about == NULL || other == NULL)
        return;
    Tercet__Pb__ReplicaAliveRequest req = TERCET__PB__REPLICA_ALIVE_REQUEST__INIT;
    struct store_call call = {.kind = STORE_CALL_ALIVE, .gid = r->gid, .rid = rid};
    uint64_t id = 0;
    req.gid = r->gid;
    req.rid = rid;
    req.store_uuid = about->store_uuid;
    req.addr = about->addr;
    TC_IGNORE(store__call(r->store, &call, other->addr, &req.base, &id)); /* asked again */
}

void store__heal_confirmed(struct replica *r, const struct store_call *c, tc_err err,
                           enum heal_opinion opinion) {
    struct store_heal *h = r->heal;
    if (h == NULL || h->asked_rid != c->rid || err != TC_OK)
        return;
    if (opinion == HEAL_REACHED)
        TC_PROBE("store: another member still reaches who is silent here");
    if (opinion == HEAL_ABSENT)
        TC_PROBE("store: the store of a silent member holds none of the group");
    h->opinion = opinion;
    if (opinion != HEAL_REACHED)
        h->opinion_until_ns = after_ms(r, CONFIRMED_MS);
}

/* ---- configurations */

static void configure(struct replica *r, const struct quorum_config *next) {
    struct tc_buf driver = {0};
    struct paxos_event ev = {.type = PAXOS_EV_CONFIGURE};
    store__members_driver(r, next, proto_slice(r->desc->partition->schema), &driver);
    ev.configure.config = next;
    ev.configure.driver = tc_buf_slice(&driver);
    tc_err err = store__group_step(r, &ev);
    if (err != TC_OK)
        TC_TRACE(&r->store->env.trace, "configuration %llu is refused: %s -> tried again",
                 (unsigned long long)next->version, tc_err_name(err));
    tc_buf_deinit(&driver);
}

static void join(struct replica *r) {
    const struct store_heal *h = r->heal;
    struct quorum_config next;
    struct quorum_member m = {.rid = h->change.rid, .role = QUORUM_LOG};
    TC_ASSERT(h->newcomer && h->newcomer->store_uuid.len == sizeof m.store);
    memcpy(m.store, h->newcomer->store_uuid.data, sizeof m.store);
    size_t zone = strlen(h->newcomer->zone);
    memcpy(m.zone, h->newcomer->zone, zone < sizeof m.zone ? zone : sizeof m.zone - 1);
    if (heal_joint(paxos_config(r->paxos), h->change.remove_rid, &m, &next) == TC_OK)
        configure(r, &next);
    else
        give_up(r, /* avoid= */ false);
}

static void promote(struct replica *r, uint32_t rid) {
    struct quorum_config next;
    if (heal_promoted(paxos_config(r->paxos), rid, &next) != TC_OK)
        return;
    uint64_t before = r->status.last.index;
    configure(r, &next);
    if (r->status.last.index > before)
        r->store->counters.heals_done++;
}

/* The newcomer of the change is a member of a settled configuration. */
static void note_joined(struct replica *r) {
    struct store_heal *h = r->heal;
    if (h == NULL || h->newcomer == NULL || !r->status.config_settled ||
        !quorum_find(paxos_config(r->paxos), h->change.rid))
        return;
    TC_PROBE("store: a log replica joined");
    r->store->counters.log_replicas_added++;
    forget_change(h);
}

/* ---- copies */

void store__heal_below_base(struct replica *r, uint32_t rid) {
    struct paxos_peer_status status[HEAL_PEERS_MAX];
    size_t count = paxos_peers(r->paxos, status, HEAL_PEERS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (status[i].rid != rid)
            continue;
        if (status[i].has_tree)
            store__snapshot_send(r, rid);
        else
            store__learner_send_base(r, rid);
    }
}

static void ship(struct replica *r, uint32_t rid, uint64_t now_ns) {
    struct store_heal *h = heal_of(r);
    if (now_ns < h->ship_ns)
        return;
    h->ship_ns = now_ns + (uint64_t)SHIP_AGAIN_MS * STORE_MS_NS / 4;
    store__snapshot_send(r, rid);
}

void store__heal_copy_refused(struct replica *r) {
    TC_PROBE("store: a store took enough copies already");
    heal_of(r)->ship_ns = after_ms(r, SHIP_AGAIN_MS);
}

/* ---- one look */

static void carry_out(struct replica *r, const struct heal_action *a, uint64_t now_ns) {
    const struct heal_change *c = &heal_of(r)->change;
    switch (a->type) {
    case HEAL_NOTHING:
        break;
    case HEAL_CONFIRM:
        confirm(r, a->rid, a->via);
        break;
    case HEAL_LEARN:
        TC_IGNORE(store__heal_begin(r, r->store->directory->pb->nodes[a->store], a->rid,
                                    /* wished= */ false)); /* the next look tries again */
        break;
    case HEAL_JOINT:
        join(r);
        break;
    case HEAL_UNLEARN:
        TC_PROBE("store: a learner is not wanted any more");
        give_up(r, /* avoid= */ c->created);
        break;
    case HEAL_SHIP:
        ship(r, a->rid, now_ns);
        break;
    case HEAL_PROMOTE:
        promote(r, a->rid);
        break;
    }
}

static struct heal_input look(struct replica *r, struct heal_peer peers[HEAL_PEERS_MAX],
                              uint64_t now_ns) {
    size_t peer_count = store__heal_peers(r, now_ns, peers), store_count = 0;
    const struct heal_store *stores = store__directory_look(r->store, now_ns, &store_count);
    count_copies(r, peers, peer_count);
    uint64_t dead_ms = r->store->options.dead_ms; /* 0: silence alone replaces nobody */
    return (struct heal_input){
        .config = paxos_config(r->paxos),
        .settled = r->status.config_settled,
        .self = r->rid,
        .commit = r->status.commit,
        .peers = peers,
        .peer_count = (uint32_t)peer_count,
        .stores = stores,
        .store_count = (uint32_t)store_count,
        .change = r->heal ? r->heal->change : (struct heal_change){0},
        .copies_max = store__directory_copies_max(r->store),
        .dead_ns = dead_ms > 0 ? dead_ms * STORE_MS_NS : UINT64_MAX,
        .patience_ns = (uint64_t)PATIENCE_MS * STORE_MS_NS,
    };
}

/* While it is open whether a silent member comes back, a second too late counts. */
static void note_members(struct replica *r, const struct heal_input *in) {
    uint64_t silent_ns = 0;
    bool whole = r->live_logs >= STORE_DURABLE_LOGS && in->settled;
    for (uint32_t i = 0; i < in->peer_count; i++)
        if (in->peers[i].silent_ns > silent_ns)
            silent_ns = in->peers[i].silent_ns;
    for (uint32_t i = 0; i < in->config->sets[0].count; i++)
        whole = whole && in->config->sets[0].members[i].role != QUORUM_LOG;
    r->restive = silent_ns > r->store->options.lease_ms * STORE_MS_NS / 2 &&
                 silent_ns < in->dead_ns + (uint64_t)RESTIVE_MS * STORE_MS_NS;
    note_short(r, !whole);
}

void store__heal_tick(struct replica *r, uint64_t now_ns) {
    struct heal_peer peers[HEAL_PEERS_MAX];
    if (r->paxos == NULL || !store__group_leads(r))
        return;
    note_joined(r);
    struct heal_input in = look(r, peers, now_ns);
    r->live_logs = heal_live_logs(&in);
    note_members(r, &in);
    if (store__seal_keeps_members(r))
        return;
    struct heal_action a = heal_next(&in);
    if (a.type != HEAL_NOTHING)
        TC_TRACE(&r->store->env.trace, "g%llu heal: %s (%u)", (unsigned long long)r->gid, a.why,
                 a.rid);
    carry_out(r, &a, now_ns);
}

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
