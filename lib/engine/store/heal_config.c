/* Who counts: newcomers join, log replicas become storage replicas where they stand, and for that
 * get their copies. */
#include "engine/store/heal_private.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/group.h"
#include "engine/store/learner.h"
#include "engine/store/members.h"
#include "engine/store/snapshot.h"

enum {
    SHIP_AGAIN_MS = 1000,
};

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

void store__heal_join(struct replica *r) {
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
        store__heal_give_up(r, /* avoid= */ false);
}

void store__heal_promote(struct replica *r, uint32_t rid) {
    struct quorum_config next;
    if (heal_promoted(paxos_config(r->paxos), rid, &next) != TC_OK)
        return;
    uint64_t before = r->status.last.index;
    configure(r, &next);
    if (r->status.last.index > before)
        r->store->counters.heals_done++;
}

/* The newcomer of the change is a member of a settled configuration. */
void store__heal_note_joined(struct replica *r) {
    struct store_heal *h = r->heal;
    if (h == NULL || h->newcomer == NULL || !r->status.config_settled ||
        !quorum_find(paxos_config(r->paxos), h->change.rid))
        return;
    TC_PROBE("store: a log replica joined");
    r->store->counters.log_replicas_added++;
    store__heal_forget(h);
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

void store__heal_ship(struct replica *r, uint32_t rid, uint64_t now_ns) {
    struct store_heal *h = store__heal_of(r);
    if (now_ns < h->ship_ns)
        return;
    h->ship_ns = now_ns + (uint64_t)SHIP_AGAIN_MS * STORE_MS_NS / 4;
    store__snapshot_send(r, rid);
}

void store__heal_copy_refused(struct replica *r) {
    TC_PROBE("store: a store took enough copies already");
    store__heal_of(r)->ship_ns = store__heal_after_ms(r, SHIP_AGAIN_MS);
}
