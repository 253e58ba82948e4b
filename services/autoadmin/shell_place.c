/* New groups: their ids, ranges and members on record, before any replica is made. */
#include "base/assert.h"
#include "proto/bytes.h"
#include "rpc/unary.h"
#include "schema/schema.h"
#include "shell_create.h"
#include "shell_execute_private.h"

#include <stdio.h>

static tc_err create_replica(struct catalog *system, uint32_t node, const Tercet__Pb__Partition *p,
                             uint32_t rid, const char *table) {
    struct tc_buf request = {0}, answer = {0};
    shell_create_pack(p, rid, table, &request);
    tc_err err = rpc_unary_wait(system->rpc, system->addrs[node], "/tercet.Storage/CreateReplica",
                                tc_buf_slice(&request), SHELL_CONTROL_DEADLINE_MS, &answer);
    tc_buf_deinit(&request);
    tc_buf_deinit(&answer);
    return err == TC_EEXISTS ? TC_OK : err;
}

/* Members of a group: nodes[] rotated by `turn`, with the stores they have right now. */
static void fill_members(const struct catalog *system, const struct shell_view *v,
                         const struct plan_action *a, uint32_t turn, Tercet__Pb__Member *members) {
    for (uint32_t i = 0; i < PLAN_REPLICAS_PER_GROUP; i++) {
        uint32_t node = a->nodes[(i + turn) % PLAN_REPLICAS_PER_GROUP];
        const Tercet__Pb__NodeInfoReply *r = v->reports[node];
        TC_ASSERT(r != NULL); /* the plan places on answering nodes only */
        tercet__pb__member__init(&members[i]);
        members[i].rid = i + 1;
        members[i].node = r->node;
        members[i].zone = r->zone;
        members[i].addr = (char *)(uintptr_t)system->addrs[node];
        members[i].store_uuid = r->store_uuid;
    }
}

static void fill_partition(Tercet__Pb__Partition *p, Tercet__Pb__Member *members,
                           Tercet__Pb__Member **list) {
    tercet__pb__partition__init(p);
    for (uint32_t i = 0; i < PLAN_REPLICAS_PER_GROUP; i++)
        list[i] = &members[i];
    p->members = list;
    p->n_members = PLAN_REPLICAS_PER_GROUP;
    p->epoch = 1;
}

tc_err shell_bootstrap(struct catalog *system, const struct shell_view *v,
                       const struct plan_action *a) {
    Tercet__Pb__Member members[PLAN_REPLICAS_PER_GROUP], *list[PLAN_REPLICAS_PER_GROUP];
    Tercet__Pb__Partition p;
    fill_members(system, v, a, 0, members);
    fill_partition(&p, members, list);
    p.gid = SYSTEM_GID;
    p.table_id = SYSTEM_TABLE_ID;
    for (uint32_t i = 0; i < PLAN_REPLICAS_PER_GROUP; i++)
        TC_TRY(create_replica(system, a->nodes[i], &p, i + 1, "system"));
    return TC_OK;
}

struct tc_slice shell_gid_name(uint64_t gid, char text[24]) {
    snprintf(text, 24, "%020llu", (unsigned long long)gid);
    return tc_slice_str(text);
}

static void put_u64be(uint8_t bytes[8], uint64_t v) {
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* Partitions of a table or an index: how many, under which ids, with what schema. */
struct run {
    uint64_t table_id; /* gids follow it */
    uint32_t count;
    const struct tc_buf *schema;
};

/* The record of partition i: hash range, members, epoch 1. */
static tc_err place_partition(struct catalog *system, const struct shell_view *v,
                              const struct plan_action *a, const struct run *run, uint32_t i) {
    Tercet__Pb__Member members[PLAN_REPLICAS_PER_GROUP], *list[PLAN_REPLICAS_PER_GROUP];
    Tercet__Pb__Partition p;
    uint8_t start[8], end[8];
    char name[24];
    fill_members(system, v, a, i, members);
    fill_partition(&p, members, list);
    p.gid = run->table_id + 1 + i;
    p.table_id = run->table_id;
    p.schema = proto_bytes(tc_buf_slice(run->schema));
    if (i > 0) {
        put_u64be(start, plan_partition_start(i, run->count));
        p.start = (ProtobufCBinaryData){sizeof start, start};
    }
    if (i + 1 < run->count) {
        put_u64be(end, plan_partition_start(i + 1, run->count));
        p.end = (ProtobufCBinaryData){sizeof end, end};
    }
    return shell_write_record(system, SYSTEM_KIND_PARTITION, shell_gid_name(p.gid, name), 1, 0,
                              &p.base);
}

/* gids: room for as many as there are partitions. */
static tc_err place_run(struct catalog *system, const struct shell_view *v,
                        const struct plan_action *a, const struct run *run, uint64_t *gids) {
    TC_ASSERT(run->count <= PLAN_PARTITIONS_PER_TABLE_MAX);
    for (uint32_t i = 0; i < run->count; i++) {
        TC_TRY(place_partition(system, v, a, run, i));
        gids[i] = run->table_id + 1 + i;
    }
    return TC_OK;
}

/* The counter's version is the next free id: after the first placement of a round it stands where
 * the second one begins. */
static uint64_t counter_version(const struct shell_view *v, const struct plan_action *a) {
    if (a->table_id != v->snapshot.next_id)
        return a->table_id;
    return v->counters.count ? v->counters.at[0].version : 0;
}

static tc_err take_ids(struct catalog *system, const struct shell_view *v,
                       const struct plan_action *a, uint64_t count) {
    return shell_write_record(system, SYSTEM_KIND_COUNTER, TC_SLICE_LIT("id"), a->table_id + count,
                              counter_version(v, a), NULL);
}

struct placement {
    struct shell_table copy;
    uint64_t gids[1 + INDEX_DEFS_MAX]
                 [PLAN_PARTITIONS_PER_TABLE_MAX]; /* the table's, the indexes' */
    uint64_t count;                               /* ids taken */
};

/* Ids of the table and of each global index: one after the other, as the plan counted them. */
static void number(const struct shell_view *v, const struct plan_action *a, struct placement *p) {
    const struct plan_table *t = &v->snapshot.tables[a->table_index];
    Tercet__Pb__TableDescriptor *d = &p->copy.d;
    d->table_id = a->table_id;
    d->gids = p->gids[0];
    d->n_gids = a->partition_count;
    p->count = 1 + a->partition_count;
    for (size_t i = 0; i < d->n_indexes; i++) {
        Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        if (!x->global)
            continue;
        x->table_id = a->table_id + p->count;
        x->gids = p->gids[1 + i];
        x->n_gids = plan_index_partition_count(t, &t->indexes[i]);
        p->count += 1 + x->n_gids;
    }
    if (d->n_indexes && d->schema_version == 0)
        d->schema_version = 1;
}

static tc_err place_all(struct catalog *system, const struct shell_view *v,
                        const struct plan_action *a, struct placement *p,
                        const struct tc_buf *table_schema, const struct tc_buf *index_schema) {
    Tercet__Pb__TableDescriptor *d = &p->copy.d;
    struct run run = {d->table_id, (uint32_t)d->n_gids, table_schema};
    TC_TRY(take_ids(system, v, a, p->count));
    TC_TRY(place_run(system, v, a, &run, p->gids[0]));
    for (size_t i = 0; i < d->n_indexes; i++) {
        const Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        struct run more = {x->table_id, (uint32_t)x->n_gids, index_schema};
        if (x->global)
            TC_TRY(place_run(system, v, a, &more, p->gids[1 + i]));
    }
    return shell_table_write(system, &p->copy);
}

/* Ids first, then partitions, then the table that names them: whatever a crash leaves behind is
 * unreferenced, never half-referenced. The groups have their schema from the start. */
tc_err shell_place(struct catalog *system, const struct shell_view *v,
                   const struct plan_action *a) {
    struct placement p;
    struct tc_buf table_schema = {0}, index_schema = {0};
    TC_TRY(shell_table_copy(v, a->table_index, &p.copy));
    number(v, a, &p);
    tc_err err = schema_append_table(&p.copy.d, &table_schema);
    if (err == TC_OK)
        err = schema_append_index(&p.copy.d, &index_schema);
    if (err == TC_OK)
        err = place_all(system, v, a, &p, &table_schema, &index_schema);
    tc_buf_deinit(&table_schema);
    tc_buf_deinit(&index_schema);
    return err;
}

tc_err shell_place_index(struct catalog *system, const struct shell_view *v,
                         const struct plan_action *a) {
    struct shell_table copy;
    struct tc_buf schema = {0};
    uint64_t gids[PLAN_PARTITIONS_PER_TABLE_MAX];
    TC_TRY(shell_table_copy(v, a->table_index, &copy));
    struct run run = {a->table_id, a->partition_count, &schema};
    Tercet__Pb__IndexDescriptor *x = copy.d.indexes[a->index_index];
    x->table_id = a->table_id;
    x->gids = gids;
    x->n_gids = a->partition_count;
    tc_err err = schema_append_index(&copy.d, &schema);
    if (err == TC_OK)
        err = take_ids(system, v, a, 1 + (uint64_t)a->partition_count);
    if (err == TC_OK)
        err = place_run(system, v, a, &run, gids);
    if (err == TC_OK)
        err = shell_table_write(system, &copy);
    tc_buf_deinit(&schema);
    return err;
}
