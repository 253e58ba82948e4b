#include "shell_execute.h"

#include "base/assert.h"
#include "proto/bytes.h"
#include "rpc/unary.h"
#include "shell_create.h"
#include "shell_execute_private.h"

#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <stdlib.h>

const char *shell_action_name(enum plan_action_type type) {
    static const char *const names[] = {
        [PLAN_BOOTSTRAP] = "bootstrap",
        [PLAN_PLACE] = "place",
        [PLAN_CREATE_REPLICA] = "create_replica",
        [PLAN_SET_ACTIVE] = "set_active",
        [PLAN_DELETE_REPLICA] = "delete_replica",
        [PLAN_DROP_TABLE] = "drop_table",
        [PLAN_CHANGE_REPLICA] = "change_replica",
        [PLAN_HEAL_REPLICA] = "heal_replica",
        [PLAN_TRANSFER] = "transfer",
        [PLAN_RECORD_MEMBERS] = "record_members",
        [PLAN_DROP_ORDER] = "drop_order",
        [PLAN_FORGET_DROPPED] = "forget_dropped",
    };
    return names[type];
}

tc_err shell_control(struct catalog *system, uint32_t node, const char *method,
                     const ProtobufCMessage *message) {
    struct tc_buf request = {0}, answer = {0};
    proto_append(&request, message);
    tc_err err = rpc_unary_wait(system->rpc, system->addrs[node], method, tc_buf_slice(&request),
                                SHELL_CONTROL_DEADLINE_MS, &answer);
    tc_buf_deinit(&request);
    tc_buf_deinit(&answer);
    return err;
}

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

static tc_err bootstrap(struct catalog *system, const struct shell_view *v,
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

tc_err shell_write_record(struct catalog *system, const char *kind, struct tc_slice name,
                          uint64_t version, uint64_t expected, const ProtobufCMessage *message) {
    struct tc_buf data = {0};
    if (message)
        proto_append(&data, message);
    struct system_record r = {tc_slice_str(kind), name, version, tc_buf_slice(&data)};
    tc_err err = catalog_write(system, &r, expected);
    tc_buf_deinit(&data);
    return err;
}

static struct tc_slice gid_name(uint64_t gid, char text[24]) {
    snprintf(text, 24, "%020llu", (unsigned long long)gid);
    return tc_slice_str(text);
}

static void put_u64be(uint8_t bytes[8], uint64_t v) {
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* The record of partition i of a new table: hash range, members, epoch 1. */
static tc_err place_partition(struct catalog *system, const struct shell_view *v,
                              const struct plan_action *a, uint32_t i) {
    Tercet__Pb__Member members[PLAN_REPLICAS_PER_GROUP], *list[PLAN_REPLICAS_PER_GROUP];
    Tercet__Pb__Partition p;
    uint8_t start[8], end[8];
    char name[24];
    fill_members(system, v, a, i, members);
    fill_partition(&p, members, list);
    p.gid = a->table_id + 1 + i;
    p.table_id = a->table_id;
    if (i > 0) {
        put_u64be(start, plan_partition_start(i, a->partition_count));
        p.start = (ProtobufCBinaryData){sizeof start, start};
    }
    if (i + 1 < a->partition_count) {
        put_u64be(end, plan_partition_start(i + 1, a->partition_count));
        p.end = (ProtobufCBinaryData){sizeof end, end};
    }
    return shell_write_record(system, SYSTEM_KIND_PARTITION, gid_name(p.gid, name), 1, 0, &p.base);
}

/* The counter's version is the next free id: after the first placement of a round it stands where
 * the second one begins. */
static uint64_t counter_version(const struct shell_view *v, const struct plan_action *a) {
    if (a->table_id != v->snapshot.next_id)
        return a->table_id;
    return v->counters.count ? v->counters.at[0].version : 0;
}

/* Ids first, then partitions, then the table that names them: whatever a crash leaves behind is
 * unreferenced, never half-referenced. */
static tc_err place(struct catalog *system, const struct shell_view *v,
                    const struct plan_action *a) {
    const struct system_record *record = &v->table_records.at[a->table_index];
    Tercet__Pb__TableDescriptor d = *v->descriptors[a->table_index];
    uint64_t gids[PLAN_PARTITIONS_PER_TABLE_MAX];
    TC_ASSERT(a->partition_count <= PLAN_PARTITIONS_PER_TABLE_MAX);
    TC_TRY(shell_write_record(system, SYSTEM_KIND_COUNTER, TC_SLICE_LIT("id"),
                              a->table_id + a->partition_count + 1, counter_version(v, a), NULL));
    for (uint32_t i = 0; i < a->partition_count; i++) {
        TC_TRY(place_partition(system, v, a, i));
        gids[i] = a->table_id + 1 + i;
    }
    d.table_id = a->table_id;
    d.gids = gids;
    d.n_gids = a->partition_count;
    d.version = record->version + 1;
    return shell_write_record(system, SYSTEM_KIND_TABLE, record->name, d.version, record->version,
                              &d.base);
}

static tc_err set_active(struct catalog *system, const struct shell_view *v,
                         const struct plan_action *a) {
    const struct system_record *record = &v->table_records.at[a->table_index];
    Tercet__Pb__TableDescriptor d = *v->descriptors[a->table_index];
    d.status = TERCET__PB__TABLE_STATUS__TABLE_ACTIVE;
    d.version = record->version + 1;
    return shell_write_record(system, SYSTEM_KIND_TABLE, record->name, d.version, record->version,
                              &d.base);
}

static tc_err create_recorded(struct catalog *system, const struct shell_view *v,
                              const struct plan_action *a) {
    tc_err err = TC_ESTALE;
    shell_create_replicas(system, v, a, 1, &err);
    return err;
}

static tc_err delete_replica(struct catalog *system, const struct plan_action *a) {
    Tercet__Pb__DeleteReplicaRequest request = TERCET__PB__DELETE_REPLICA_REQUEST__INIT;
    request.gid = a->gid;
    tc_err err =
        shell_control(system, a->node_index, "/tercet.Storage/DeleteReplica", &request.base);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

/* Repeated after a crash the record is there already. */
static tc_err remember_dropped(struct catalog *system, uint64_t table_id) {
    char name[24];
    tc_err err =
        shell_write_record(system, SYSTEM_KIND_DROPPED, gid_name(table_id, name), 1, 0, NULL);
    return err == TC_ESTALE ? TC_OK : err;
}

static tc_err forget_dropped(struct catalog *system, const struct shell_view *v,
                             const struct plan_action *a) {
    const struct system_record *r = &v->dropped_records.at[a->dropped_index];
    return catalog_delete(system, SYSTEM_KIND_DROPPED, r->name, r->version);
}

static tc_err drop_table(struct catalog *system, const struct shell_view *v,
                         const struct plan_action *a) {
    const struct system_record *record = &v->table_records.at[a->table_index];
    uint64_t table_id = v->descriptors[a->table_index]->table_id;
    if (a->node_silent)
        TC_TRY(remember_dropped(system, table_id));
    for (size_t i = 0; i < v->partition_records.count; i++)
        if (table_id != 0 && v->partitions[i]->table_id == table_id) {
            const struct system_record *p = &v->partition_records.at[i];
            tc_err err = catalog_delete(system, SYSTEM_KIND_PARTITION, p->name, p->version);
            if (err != TC_OK && err != TC_ESTALE) /* stale: deleted by a round before */
                return err;
        }
    return catalog_delete(system, SYSTEM_KIND_TABLE, record->name, record->version);
}

tc_err shell_execute(struct catalog *system, const struct shell_view *v,
                     const struct plan_action *a) {
    switch (a->type) {
    case PLAN_BOOTSTRAP:
        return bootstrap(system, v, a);
    case PLAN_PLACE:
        return place(system, v, a);
    case PLAN_CREATE_REPLICA:
        return create_recorded(system, v, a);
    case PLAN_SET_ACTIVE:
        return set_active(system, v, a);
    case PLAN_DELETE_REPLICA:
        return delete_replica(system, a);
    case PLAN_DROP_TABLE:
        return drop_table(system, v, a);
    case PLAN_FORGET_DROPPED:
        return forget_dropped(system, v, a);
    case PLAN_CHANGE_REPLICA:
        return shell_change_replica(system, v, a);
    case PLAN_HEAL_REPLICA:
        return shell_heal_replica(system, a);
    case PLAN_TRANSFER:
        return shell_transfer(system, a);
    case PLAN_RECORD_MEMBERS:
        return shell_record_members(system, v, a);
    case PLAN_DROP_ORDER:
        return shell_drop_order(system, v, a);
    }
    return TC_EINTERNAL;
}
