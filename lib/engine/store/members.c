#include "engine/store/members.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/beat.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/schema.h"

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

static void learn_all(struct replica *r, const Tercet__Pb__Partition *p, bool logged) {
    for (size_t i = 0; i < p->n_members; i++)
        store__members_learn(r, p->members[i], logged);
}

void store__members_init(struct replica *r) {
    learn_all(r, r->desc->partition, /* logged= */ true);
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

static void learn_driver(struct replica *r, struct tc_slice driver) {
    Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, driver.len, driver.data);
    if (p == NULL)
        return; /* not ours to judge: the entry is what was agreed on */
    learn_all(r, p, /* logged= */ true);
    tercet__pb__partition__free_unpacked(p, NULL);
}

void store__members_logged(struct replica *r, const struct paxos_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct quorum_config c;
        struct tc_slice driver;
        if (entries[i].type == PAXOS_CONF && entries[i].body &&
            paxos_conf_decode(tc_blob_slice(entries[i].body), &c, &driver) == TC_OK)
            learn_driver(r, driver);
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

/* ---- the descriptor */

uint64_t store__members_version(const struct replica *r) {
    return r->desc->config_version ? r->desc->config_version : 1;
}

/* The member as this configuration has it; its address as far as it is known. */
static Tercet__Pb__Member *member_of(const struct replica *r, const struct quorum_member *q) {
    Tercet__Pb__Member m = TERCET__PB__MEMBER__INIT;
    const Tercet__Pb__Member *known = store__members_find(r, q->rid);
    if (known)
        m = *known;
    else
        TC_PROBE("store: a member whose address is not known");
    m.rid = q->rid;
    m.role = q->role == QUORUM_LOG;
    m.zone = (char *)(uintptr_t)q->zone;
    m.store_uuid = proto_bytes(tc_slice(q->store, QUORUM_UUID_BYTES));
    return member_dup(&m);
}

static void members_set(const struct replica *r, Tercet__Pb__Partition *p,
                        const struct quorum_config *c) {
    struct quorum_rids rids = quorum_voters(c);
    for (size_t i = 0; i < p->n_members; i++)
        member_free(p->members[i]);
    free((void *)p->members);
    p->members = calloc(rids.count, sizeof(Tercet__Pb__Member *));
    TC_ASSERT(p->members != NULL);
    p->n_members = rids.count;
    for (uint32_t i = 0; i < rids.count; i++)
        p->members[i] = member_of(r, quorum_find(c, rids.rids[i]));
}

/* The new descriptor in the place of the old one, on disk first. A disk that fails here fails the
 * store, and not this replica alone. */
static tc_err desc_replace(struct replica *r, Tercet__Pb__CreateReplicaRequest *desc_take) {
    tc_err err = store__replica_desc_save(r->store, desc_take);
    Tercet__Pb__CreateReplicaRequest *old = err == TC_OK ? r->desc : desc_take;
    if (err == TC_EIO)
        store__fail(r->store, "a descriptor could not be written");
    if (err == TC_OK)
        r->desc = desc_take;
    tercet__pb__create_replica_request__free_unpacked(old, NULL);
    store__schema_load(r); /* it borrows from the descriptor */
    return err;
}

/* A group's log began with the configuration that its first descriptor named, and until the first
 * trim nothing else says so. */
static void keep_first_config(struct replica *r, Tercet__Pb__CreateReplicaRequest *desc) {
    struct tc_buf b = {0};
    struct quorum_config first;
    if (desc->base_config.len > 0 || store__replica_first_config(r->desc, &first) != TC_OK)
        return;
    quorum_encode(&first, &b);
    desc->base_config = (ProtobufCBinaryData){.len = b.len, .data = b.data};
}

static void take_schema(Tercet__Pb__Partition *to, struct tc_slice driver) {
    Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, driver.len, driver.data);
    if (p == NULL)
        return;
    store__schema_keep_newer(to, proto_slice(p->schema));
    tercet__pb__partition__free_unpacked(p, NULL);
}

tc_err store__members_apply(struct replica *r, struct tc_slice body) {
    struct quorum_config c;
    struct tc_slice driver;
    TC_TRY(paxos_conf_decode(body, &c, &driver));
    learn_driver(r, driver);
    uint64_t before = store__members_version(r);
    if (c.version <= before)
        return TC_OK;
    Tercet__Pb__CreateReplicaRequest *desc =
        (Tercet__Pb__CreateReplicaRequest *)proto_dup(&r->desc->base);
    keep_first_config(r, desc);
    desc->config_version = c.version;
    desc->partition->epoch += c.version - before;
    members_set(r, desc->partition, &c);
    take_schema(desc->partition, driver);
    TC_TRY(desc_replace(r, desc));
    store__group_announce(r);
    return TC_OK;
}

tc_err store__members_installed(struct replica *r, const Tercet__Pb__Partition *p,
                                uint64_t config_version) {
    learn_all(r, p, /* logged= */ false);
    if (config_version <= store__members_version(r))
        return TC_OK;
    Tercet__Pb__CreateReplicaRequest *desc =
        (Tercet__Pb__CreateReplicaRequest *)proto_dup(&r->desc->base);
    keep_first_config(r, desc);
    Tercet__Pb__Partition *to = desc->partition;
    for (size_t i = 0; i < to->n_members; i++)
        member_free(to->members[i]);
    free((void *)to->members);
    to->members = calloc(p->n_members + 1, sizeof(Tercet__Pb__Member *));
    TC_ASSERT(to->members != NULL);
    to->n_members = p->n_members;
    for (size_t i = 0; i < p->n_members; i++)
        to->members[i] = member_dup(p->members[i]);
    to->epoch = p->epoch > to->epoch ? p->epoch : to->epoch;
    store__schema_keep_newer(to, proto_slice(p->schema));
    desc->config_version = config_version;
    return desc_replace(r, desc);
}
