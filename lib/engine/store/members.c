#include "engine/store/members.h"

#include "base/assert.h"
#include "engine/store/beat.h"

#include <stdlib.h>

/* ---- who is known */

static Tercet__Pb__Member *member_dup(const Tercet__Pb__Member *m) {
    return (Tercet__Pb__Member *)proto_dup(&m->base);
}

static void member_free(Tercet__Pb__Member *m) {
    tercet__pb__member__free_unpacked(m, NULL);
}

static size_t find(const struct replica *r, uint32_t rid) {
    size_t at = 0;
    while (at < r->members.count && r->members.items[at]->rid != rid)
        at++;
    return at;
}

const Tercet__Pb__Member *store__members_find(const struct replica *r, uint32_t rid) {
    size_t at = find(r, rid);
    return at < r->members.count ? r->members.items[at] : NULL;
}

bool store__members_sound(const Tercet__Pb__Member *m) {
    return m->rid != 0 && m->rid < QUORUM_RID_MAX && m->store_uuid.len == STORE_UUID_BYTES &&
           strlen(m->addr) < STORE_ADDR_BYTES_MAX && strlen(m->node) < STORE_NAME_BYTES_MAX &&
           strlen(m->zone) <= QUORUM_ZONE_BYTES_MAX;
}

bool store__members_all_sound(const Tercet__Pb__Partition *p, uint64_t gid) {
    bool sound = p->gid == gid && p->n_members > 0 && p->n_members <= QUORUM_VOTERS_MAX;
    for (size_t i = 0; i < p->n_members && sound; i++)
        sound = store__members_sound(p->members[i]);
    return sound;
}

static void forget_at(struct store_members *l, size_t at) {
    member_free(l->items[at]);
    memmove(&l->items[at], &l->items[at + 1], (l->count - at - 1) * sizeof(Tercet__Pb__Member *));
    l->count--;
}

/* Too many: the oldest one that no configuration in force names. */
static void make_room(struct replica *r) {
    const struct quorum_config *c = r->paxos ? paxos_config(r->paxos) : NULL;
    size_t at = 0;
    while (at + 1 < r->members.count && c && quorum_may_vote(c, r->members.items[at]->rid))
        at++;
    forget_at(&r->members, at);
}

void store__members_learn(struct replica *r, const Tercet__Pb__Member *m, bool logged) {
    struct store_members *l = &r->members;
    size_t at = find(r, m->rid);
    if (!store__members_sound(m) || (at < l->count && !logged))
        return;
    store__beat_learn(r->store, proto_slice(m->store_uuid), m->addr, /* newer= */ logged);
    if (at < l->count) {
        member_free(l->items[at]);
        l->items[at] = member_dup(m);
        return;
    }
    if (l->count == MEMBERS_MAX)
        make_room(r);
    l->items = realloc(l->items, (l->count + 1) * sizeof(Tercet__Pb__Member *));
    TC_ASSERT(l->items != NULL);
    l->items[l->count++] = member_dup(m);
}

void store__members_learn_all(struct replica *r, const Tercet__Pb__Partition *p, bool logged) {
    for (size_t i = 0; i < p->n_members; i++)
        store__members_learn(r, p->members[i], logged);
}

void store__members_init(struct replica *r) {
    store__members_learn_all(r, r->desc->partition, /* logged= */ true);
}

void store__members_deinit(struct replica *r) {
    while (r->members.count > 0)
        forget_at(&r->members, r->members.count - 1);
    free(r->members.items);
    r->members.items = NULL;
}

void store__members_self(const struct replica *r, Tercet__Pb__Member *m) {
    struct store *s = r->store;
    tercet__pb__member__init(m);
    m->rid = r->rid;
    m->node = s->node;
    m->zone = s->zone;
    m->addr = s->addr;
    m->role = r->status.log_only;
    m->store_uuid = proto_bytes(tc_slice(s->uuid, STORE_UUID_BYTES));
}

/* ---- what a CONF entry says beside its configuration */

void store__members_learn_driver(struct replica *r, struct tc_slice driver) {
    Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, driver.len, driver.data);
    if (p == NULL)
        return; /* not ours to judge: the entry is what was agreed on */
    store__members_learn_all(r, p, /* logged= */ true);
    tercet__pb__partition__free_unpacked(p, NULL);
}

void store__members_logged(struct replica *r, const struct paxos_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct quorum_config c;
        struct tc_slice driver;
        if (entries[i].type == PAXOS_CONF && entries[i].body &&
            paxos_conf_decode(tc_blob_slice(entries[i].body), &c, &driver) == TC_OK)
            store__members_learn_driver(r, driver);
    }
}

void store__members_driver(const struct replica *r, const struct quorum_config *c,
                           struct tc_slice schema, struct tc_buf *out) {
    Tercet__Pb__Member *members[QUORUM_VOTERS_MAX];
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    struct quorum_rids rids = quorum_voters(c);
    p.gid = r->gid;
    p.members = members;
    p.schema = proto_bytes(schema);
    for (uint32_t i = 0; i < rids.count; i++) {
        size_t at = find(r, rids.rids[i]);
        if (at < r->members.count)
            members[p.n_members++] = r->members.items[at];
    }
    proto_append(out, &p.base);
}
