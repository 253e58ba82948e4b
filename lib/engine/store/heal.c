/* A leader looks at its group and carries out what core/heal says; heal_change.c brings newcomers,
 * heal_opinion.c asks others about a silent member, heal_config.c changes who counts. */
#include "engine/store/heal_private.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/directory.h"
#include "engine/store/group.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"
#include "engine/store/split.h"

#include <stdlib.h>

enum {
    PATIENCE_MS = 10000, /* silence after which a learner is given up */
    RESTIVE_MS = 5000,   /* silence after which the sweep is enough */
};

uint64_t store__heal_after_ms(const struct replica *r, uint64_t ms) {
    return store__now_ns(r->store) + ms * STORE_MS_NS;
}

/* ---- life */

struct store_heal *store__heal_of(struct replica *r) {
    if (r->heal == NULL)
        r->heal = calloc(1, sizeof *r->heal);
    TC_ASSERT(r->heal != NULL);
    return r->heal;
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
    store__heal_forget(r->heal);
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

/* ---- one look */

static void carry_out(struct replica *r, const struct heal_action *a, uint64_t now_ns) {
    const struct heal_change *c = &store__heal_of(r)->change;
    switch (a->type) {
    case HEAL_NOTHING:
        break;
    case HEAL_CONFIRM:
        store__heal_confirm(r, a->rid, a->via);
        break;
    case HEAL_LEARN:
        TC_IGNORE(store__heal_begin(r, r->store->directory->pb->nodes[a->store], a->rid,
                                    /* wished= */ false)); /* the next look tries again */
        break;
    case HEAL_JOINT:
        store__heal_join(r);
        break;
    case HEAL_UNLEARN:
        TC_PROBE("store: a learner is not wanted any more");
        store__heal_give_up(r, /* avoid= */ c->created);
        break;
    case HEAL_SHIP:
        store__heal_ship(r, a->rid, now_ns);
        break;
    case HEAL_PROMOTE:
        store__heal_promote(r, a->rid);
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
    store__heal_note_joined(r);
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
