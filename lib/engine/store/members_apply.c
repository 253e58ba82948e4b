/* A committed configuration changes the descriptor, on disk first: members, roles, epoch. */
#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/group.h"
#include "engine/store/members.h"
#include "engine/store/replica.h"
#include "engine/store/schema.h"

#include <stdlib.h>

uint64_t store__members_version(const struct replica *r) {
    return r->desc->config_version ? r->desc->config_version : 1;
}

/* ---- its members */

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
    return (Tercet__Pb__Member *)proto_dup(&m.base);
}

static void replace_members(Tercet__Pb__Partition *p, Tercet__Pb__Member **members_take,
                            size_t count) {
    for (size_t i = 0; i < p->n_members; i++)
        tercet__pb__member__free_unpacked(p->members[i], NULL);
    free((void *)p->members);
    p->members = members_take;
    p->n_members = count;
}

static Tercet__Pb__Member **new_members(size_t count) {
    Tercet__Pb__Member **members = calloc(count + 1, sizeof(Tercet__Pb__Member *));
    TC_ASSERT(members != NULL);
    return members;
}

static void set_members_of(const struct replica *r, Tercet__Pb__Partition *p,
                           const struct quorum_config *c) {
    struct quorum_rids rids = quorum_voters(c);
    Tercet__Pb__Member **members = new_members(rids.count);
    for (uint32_t i = 0; i < rids.count; i++)
        members[i] = member_of(r, quorum_find(c, rids.rids[i]));
    replace_members(p, members, rids.count);
}

static void copy_members(Tercet__Pb__Partition *to, const Tercet__Pb__Partition *from) {
    Tercet__Pb__Member **members = new_members(from->n_members);
    for (size_t i = 0; i < from->n_members; i++)
        members[i] = (Tercet__Pb__Member *)proto_dup(&from->members[i]->base);
    replace_members(to, members, from->n_members);
}

/* ---- the descriptor */

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

/* A copy to be changed. A group's log began with the configuration that its first descriptor named,
 * and until the first trim nothing else says so: the copy keeps it. */
static Tercet__Pb__CreateReplicaRequest *desc_copy(const struct replica *r) {
    Tercet__Pb__CreateReplicaRequest *desc =
        (Tercet__Pb__CreateReplicaRequest *)proto_dup(&r->desc->base);
    struct tc_buf b = {0};
    struct quorum_config first;
    if (desc->base_config.len == 0 && store__replica_first_config(r->desc, &first) == TC_OK) {
        quorum_encode(&first, &b);
        desc->base_config = (ProtobufCBinaryData){.len = b.len, .data = b.data};
    }
    return desc;
}

/* ---- a configuration is in force */

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
    store__members_learn_driver(r, driver);
    uint64_t before = store__members_version(r);
    if (c.version <= before)
        return TC_OK;
    Tercet__Pb__CreateReplicaRequest *desc = desc_copy(r);
    desc->config_version = c.version;
    desc->partition->epoch += c.version - before;
    set_members_of(r, desc->partition, &c);
    take_schema(desc->partition, driver);
    TC_TRY(desc_replace(r, desc));
    store__group_announce(r);
    return TC_OK;
}

tc_err store__members_installed(struct replica *r, const Tercet__Pb__Partition *p,
                                uint64_t config_version) {
    store__members_learn_all(r, p, /* logged= */ false);
    if (config_version <= store__members_version(r))
        return TC_OK;
    Tercet__Pb__CreateReplicaRequest *desc = desc_copy(r);
    Tercet__Pb__Partition *to = desc->partition;
    copy_members(to, p);
    to->epoch = p->epoch > to->epoch ? p->epoch : to->epoch;
    store__schema_keep_newer(to, proto_slice(p->schema));
    desc->config_version = config_version;
    return desc_replace(r, desc);
}
