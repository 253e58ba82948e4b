/* A second opinion: whoever is silent here may answer another member, or its store may say that it
 * holds no such replica. */
#include "engine/store/heal_private.h"

#include "base/probe.h"
#include "engine/store/members.h"

enum {
    ASK_AGAIN_MS = 500,
    CONFIRMED_MS = 5000, /* so long it counts that somebody is lost */
};

void store__heal_confirm(struct replica *r, uint32_t rid, uint32_t via) {
    struct store_heal *h = store__heal_of(r);
    const Tercet__Pb__Member *about = store__members_find(r, rid);
    const Tercet__Pb__Member *other = store__members_find(r, via);
    h->asked_rid = rid;
    h->opinion = HEAL_ASKED;
    h->opinion_until_ns = store__heal_after_ms(r, ASK_AGAIN_MS);
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
        h->opinion_until_ns = store__heal_after_ms(r, CONFIRMED_MS);
}
