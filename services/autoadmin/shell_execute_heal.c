/* Actions on groups that live: asked of their leaders, who do the work and survive us. */
#include "base/assert.h"
#include "shell_execute_private.h"
#include "shell_groups.h"

tc_err shell_change_replica(struct catalog *system, const struct shell_view *v,
                            const struct plan_action *a) {
    const Tercet__Pb__NodeInfoReply *to = v->reports[a->node_index];
    TC_ASSERT(to != NULL); /* the plan moves to answering nodes only */
    Tercet__Pb__DirectoryNode add = TERCET__PB__DIRECTORY_NODE__INIT;
    add.node = to->node;
    add.zone = to->zone;
    add.addr = (char *)(uintptr_t)system->addrs[a->node_index];
    add.store_uuid = to->store_uuid;
    Tercet__Pb__ChangeReplicaRequest request = TERCET__PB__CHANGE_REPLICA_REQUEST__INIT;
    request.gid = a->gid;
    request.remove_rid = a->rid;
    request.add = &add;
    return shell_control(system, a->leader_node, "/tercet.Storage/ChangeReplica", &request.base);
}

tc_err shell_heal_replica(struct catalog *system, const struct plan_action *a) {
    Tercet__Pb__HealReplicaRequest request = TERCET__PB__HEAL_REPLICA_REQUEST__INIT;
    request.gid = a->gid;
    request.rid = a->rid;
    return shell_control(system, a->leader_node, "/tercet.Storage/HealReplica", &request.base);
}

tc_err shell_transfer(struct catalog *system, const struct plan_action *a) {
    Tercet__Pb__TransferRequest request = TERCET__PB__TRANSFER_REQUEST__INIT;
    request.gid = a->gid;
    request.rid = a->rid;
    return shell_control(system, a->leader_node, "/tercet.Storage/Transfer", &request.base);
}

/* Who leads is not a part of the record: it changes without anybody writing it. */
tc_err shell_record_members(struct catalog *system, const struct shell_view *v,
                            const struct plan_action *a) {
    const Tercet__Pb__ReplicaInfo *leader = shell_groups_leader(v, a->gid);
    TC_ASSERT(leader != NULL); /* the plan had it from there */
    Tercet__Pb__Partition p = *leader->partition;
    p.leader_rid = 0;
    p.leader_round = 0;
    for (size_t i = 0; i < v->partition_records.count; i++)
        if (v->partitions[i]->gid == a->gid) {
            const struct system_record *r = &v->partition_records.at[i];
            return shell_write_record(system, SYSTEM_KIND_PARTITION, r->name, r->version + 1,
                                      r->version, &p.base);
        }
    return TC_ESTALE;
}

tc_err shell_drop_order(struct catalog *system, const struct shell_view *v,
                        const struct plan_action *a) {
    const struct system_record *r = &v->order_records.at[a->order_index];
    return catalog_delete(system, SYSTEM_KIND_MOVE, r->name, r->version);
}
