#include "shell_execute.h"

#include "base/assert.h"
#include "catalog/order.h"
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
        [PLAN_PLACE_INDEX] = "place_index",
        [PLAN_BACKFILL] = "backfill",
        [PLAN_INDEX_ACTIVE] = "index_active",
        [PLAN_DROP_INDEX] = "drop_index",
        [PLAN_SET_SCHEMA] = "set_schema",
        [PLAN_SPLIT] = "split",
        [PLAN_RAISE_SCHEMA] = "raise_schema",
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

/* Another order may have come for the group meanwhile: the table is looked at again after it. */
static tc_err order_split(struct catalog *system, const struct plan_action *a) {
    Tercet__Pb__ReshapeOrder order = TERCET__PB__RESHAPE_ORDER__INIT;
    uint64_t parent = a->gid;
    uint8_t key[8];
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(a->hash >> (56 - 8 * i));
    order.kind = TERCET__PB__RESHAPE_KIND__RESHAPE_SPLIT;
    order.parents = &parent;
    order.n_parents = 1;
    order.key = (ProtobufCBinaryData){sizeof key, key};
    order.table_id = a->table_id;
    tc_err err = catalog_order_reshape(system, &order);
    return err == TC_EBUSY ? TC_OK : err;
}

tc_err shell_execute(struct catalog *system, const struct shell_view *v,
                     const struct plan_action *a) {
    switch (a->type) {
    case PLAN_BOOTSTRAP:
        return shell_bootstrap(system, v, a);
    case PLAN_PLACE:
        return shell_place(system, v, a);
    case PLAN_CREATE_REPLICA:
        return create_recorded(system, v, a);
    case PLAN_SET_ACTIVE:
        return shell_set_active(system, v, a);
    case PLAN_DELETE_REPLICA:
        return delete_replica(system, a);
    case PLAN_DROP_TABLE:
        return shell_drop_table(system, v, a);
    case PLAN_FORGET_DROPPED:
        return shell_forget_dropped(system, v, a);
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
    case PLAN_PLACE_INDEX:
        return shell_place_index(system, v, a);
    case PLAN_BACKFILL:
        return shell_backfill(system, v, a);
    case PLAN_INDEX_ACTIVE:
        return shell_index_active(system, v, a);
    case PLAN_DROP_INDEX:
        return shell_drop_index(system, v, a);
    case PLAN_SET_SCHEMA:
        return shell_set_schema(system, v, a);
    case PLAN_SPLIT:
        return order_split(system, a);
    case PLAN_RAISE_SCHEMA:
        return shell_raise_schema(system, v, a);
    }
    return TC_EINTERNAL;
}
