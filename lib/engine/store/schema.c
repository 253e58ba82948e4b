#include "engine/store/schema.h"

#include "base/assert.h"
#include "engine/store/expire.h"
#include "engine/store/group.h"
#include "engine/store/members.h"
#include "engine/store/split.h"

#include <inttypes.h>
#include <stdlib.h>

void store__schema_free(struct replica *r) {
    free(r->schema);
    r->schema = NULL;
}

void store__schema_load(struct replica *r) {
    struct tc_slice bytes = proto_slice(r->desc->partition->schema);
    store__schema_free(r);
    store__expire_reset(r);
    r->schema_unknown = false;
    if (bytes.len == 0)
        return;
    r->schema = malloc(sizeof *r->schema);
    TC_ASSERT(r->schema != NULL);
    if (index_schema_decode(bytes, r->schema) == TC_OK)
        return;
    store__schema_free(r);
    r->schema_unknown = true; /* a newer version's: writes must wait for one that can read it */
}

bool store__schema_sound(struct tc_slice schema) {
    if (schema.len == 0)
        return true;
    struct index_schema *s = malloc(sizeof *s);
    TC_ASSERT(s != NULL);
    tc_err err = index_schema_decode(schema, s);
    free(s);
    return err == TC_OK;
}

void store__schema_keep_newer(Tercet__Pb__Partition *to, struct tc_slice schema) {
    if (index_schema_version(schema) > index_schema_version(proto_slice(to->schema)))
        store__split_set_bytes(&to->schema, schema);
}

bool store__schema_splits_at_hashes(const struct replica *r) {
    return r->schema && index_schema_has_local(r->schema);
}

/* ---- SetSchema */

static tc_err propose(struct replica *r, struct tc_slice schema) {
    const struct quorum_config *now = paxos_config(r->paxos);
    struct quorum_config next = *now;
    struct tc_buf driver = {0};
    struct paxos_event ev = {.type = PAXOS_EV_CONFIGURE};
    if (!r->status.config_settled)
        return TC_EBUSY;
    next.version++;
    store__members_driver(r, &next, schema, &driver);
    ev.configure.config = &next;
    ev.configure.driver = tc_buf_slice(&driver);
    tc_err err = store__group_step(r, &ev);
    TC_TRACE(&r->store->env.trace, "g%" PRIu64 " schema %" PRIu64 " -> %s", r->gid,
             index_schema_version(schema), err == TC_OK ? "proposed" : tc_err_name(err));
    tc_buf_deinit(&driver);
    return err;
}

static uint64_t version_of(const struct replica *r) {
    return index_schema_version(proto_slice(r->desc->partition->schema));
}

static tc_err set_schema(struct replica *r, struct tc_slice schema) {
    if (!store__group_leads(r))
        return TC_ENOTLEADER;
    if (index_schema_version(schema) <= version_of(r))
        return TC_OK;
    if (r->status.seal_index)
        return TC_EMOVED;
    TC_TRY(propose(r, schema));
    return version_of(r) >= index_schema_version(schema) ? TC_OK : TC_EBUSY;
}

tc_err store_set_schema(struct store *s, const Tercet__Pb__SetSchemaRequest *req,
                        struct tc_buf *out) {
    Tercet__Pb__SetSchemaReply reply = TERCET__PB__SET_SCHEMA_REPLY__INIT;
    struct replica *r = store__find(s, req->gid);
    struct tc_slice schema = proto_slice(req->schema);
    if (r == NULL || r->paxos == NULL)
        return TC_ENOTFOUND;
    if (schema.len == 0 || !store__schema_sound(schema))
        return TC_EINVAL;
    tc_err err = set_schema(r, schema);
    if (err != TC_OK && err != TC_ENOTLEADER)
        return err;
    reply.version = version_of(r);
    if (err == TC_ENOTLEADER)
        reply.moved = store__group_partition(r);
    proto_append(out, &reply.base);
    return err;
}
