#include "shell_observe.h"

#include "base/assert.h"
#include "rpc/unary.h"

#include <pthread.h>
#include <stdlib.h>

/* NodeInfo of every node at once: the slowest answer, not their sum, is what a round costs. */
struct fan {
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    size_t pending;
};

struct fan_slot {
    struct fan *fan;
    Tercet__Pb__NodeInfoReply **ret_report;
};

static void report_arrived(void *user, const struct rpc_reply *reply) {
    struct fan_slot *slot = user;
    Tercet__Pb__NodeInfoReply *report = NULL;
    if (reply->err == TC_OK)
        report = tercet__pb__node_info_reply__unpack(NULL, reply->payload.len, reply->payload.data);
    pthread_mutex_lock(&slot->fan->lock);
    *slot->ret_report = report;
    slot->fan->pending--;
    pthread_cond_signal(&slot->fan->done_cond);
    pthread_mutex_unlock(&slot->fan->lock);
}

static void ask_all(struct shell_view *v, struct shell_system *system) {
    struct fan fan = {.lock = PTHREAD_MUTEX_INITIALIZER, .done_cond = PTHREAD_COND_INITIALIZER};
    struct fan_slot slots[DAEMON_ADDRS_MAX];
    fan.pending = system->storage->count;
    for (size_t i = 0; i < system->storage->count; i++) {
        slots[i] = (struct fan_slot){.fan = &fan, .ret_report = &v->reports[i]};
        tc_err err = rpc_unary(system->rpc, system->storage->items[i], "/tercet.Storage/NodeInfo",
                               TC_SLICE_EMPTY, SHELL_REPORT_DEADLINE_MS, report_arrived, &slots[i]);
        if (err == TC_OK)
            continue;
        pthread_mutex_lock(&fan.lock);
        fan.pending--;
        pthread_mutex_unlock(&fan.lock);
    }
    pthread_mutex_lock(&fan.lock);
    while (fan.pending > 0)
        pthread_cond_wait(&fan.done_cond, &fan.lock);
    pthread_mutex_unlock(&fan.lock);
}

static void *need(void *memory) {
    TC_ASSERT(memory != NULL); /* the arena's bound is far above any legal cluster */
    return memory;
}

static void add_nodes(struct shell_view *v, const struct shell_system *system) {
    size_t count = system->storage->count, replicas = 0;
    struct plan_node *nodes = need(tc_arena_calloc(&v->arena, count, sizeof *nodes));
    for (size_t i = 0; i < count; i++) {
        const Tercet__Pb__NodeInfoReply *r = v->reports[i];
        if (r == NULL)
            continue;
        nodes[i] = (struct plan_node){.name = tc_slice_str(r->node),
                                      .zone = tc_slice_str(r->zone),
                                      .alive = true,
                                      .replica_count = (uint32_t)r->n_replicas};
        replicas += r->n_replicas;
    }
    struct plan_replica *held = need(tc_arena_calloc(&v->arena, replicas, sizeof *held));
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++) {
            const Tercet__Pb__ReplicaInfo *r = v->reports[i]->replicas[k];
            held[v->snapshot.replica_count++] =
                (struct plan_replica){.node_index = (uint32_t)i,
                                      .gid = r->partition ? r->partition->gid : 0,
                                      .leader = r->role == 2};
        }
    v->snapshot.nodes = nodes;
    v->snapshot.node_count = (uint32_t)count;
    v->snapshot.replicas = held;
}

static bool same_store(const struct shell_view *v, const struct shell_system *system,
                       const Tercet__Pb__Member *m) {
    for (size_t i = 0; i < system->storage->count; i++) {
        const Tercet__Pb__NodeInfoReply *r = v->reports[i];
        if (r && strcmp(r->node, m->node) == 0)
            return tc_slice_eq(tc_slice(r->store_uuid.data, r->store_uuid.len),
                               tc_slice(m->store_uuid.data, m->store_uuid.len));
    }
    return false;
}

/* Group 1 as its first reporter knows it; members whose store was replaced lose their name. */
static void add_system_group(struct shell_view *v, const struct shell_system *system) {
    for (size_t i = 0; i < system->storage->count; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++) {
            const Tercet__Pb__Partition *p = v->reports[i]->replicas[k]->partition;
            if (p == NULL || p->gid != SYSTEM_GID)
                continue;
            struct plan_partition *g = &v->snapshot.system;
            *g = (struct plan_partition){.gid = p->gid, .table_id = p->table_id};
            for (size_t m = 0; m < p->n_members && m < PLAN_REPLICAS_PER_GROUP; m++)
                g->nodes[m] =
                    tc_slice_str(same_store(v, system, p->members[m]) ? p->members[m]->node : "");
            return;
        }
}

static bool unpack_tables(struct shell_view *v) {
    size_t count = v->table_records.count;
    v->descriptors = need(tc_arena_calloc(&v->arena, count, sizeof(void *)));
    struct plan_table *tables = need(tc_arena_calloc(&v->arena, count, sizeof *tables));
    for (size_t i = 0; i < count; i++) {
        const struct system_record *r = &v->table_records.at[i];
        Tercet__Pb__TableDescriptor *d =
            tercet__pb__table_descriptor__unpack(NULL, r->data.len, r->data.data);
        if (d == NULL)
            return false;
        v->descriptors[i] = d;
        tables[i] = (struct plan_table){.name = r->name,
                                        .table_id = d->table_id,
                                        .status = (enum plan_status)d->status,
                                        .on_demand = d->billing ==
                                                     TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND,
                                        .rcu = d->rcu,
                                        .wcu = d->wcu,
                                        .gids = d->gids,
                                        .gid_count = (uint32_t)d->n_gids};
    }
    v->snapshot.tables = tables;
    v->snapshot.table_count = (uint32_t)count;
    return true;
}

static bool unpack_partitions(struct shell_view *v) {
    size_t count = v->partition_records.count;
    v->partitions = need(tc_arena_calloc(&v->arena, count, sizeof(void *)));
    struct plan_partition *plans = need(tc_arena_calloc(&v->arena, count, sizeof *plans));
    for (size_t i = 0; i < count; i++) {
        const struct system_record *r = &v->partition_records.at[i];
        Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, r->data.len, r->data.data);
        if (p == NULL)
            return false;
        v->partitions[i] = p;
        plans[i] = (struct plan_partition){.gid = p->gid, .table_id = p->table_id};
        for (size_t m = 0; m < p->n_members && m < PLAN_REPLICAS_PER_GROUP; m++)
            plans[i].nodes[m] = tc_slice_str(p->members[m]->node);
    }
    v->snapshot.partitions = plans;
    v->snapshot.partition_count = (uint32_t)count;
    return true;
}

static bool read_records(struct shell_view *v, struct shell_system *system) {
    if (shell_system_read(system, SYSTEM_KIND_TABLE, &v->arena, &v->table_records) != TC_OK ||
        shell_system_read(system, SYSTEM_KIND_PARTITION, &v->arena, &v->partition_records) !=
            TC_OK ||
        shell_system_read(system, SYSTEM_KIND_COUNTER, &v->arena, &v->counters) != TC_OK)
        return false;
    v->snapshot.next_id = PLAN_FIRST_ID;
    for (size_t i = 0; i < v->counters.count; i++)
        if (v->counters.at[i].version > v->snapshot.next_id)
            v->snapshot.next_id = v->counters.at[i].version;
    return unpack_tables(v) && unpack_partitions(v);
}

void shell_view_init(struct shell_view *v, struct shell_system *system, bool ask_nodes) {
    *v = (struct shell_view){0};
    tc_arena_init(&v->arena, SHELL_ARENA_BYTES_MAX);
    if (ask_nodes)
        ask_all(v, system);
    add_nodes(v, system);
    add_system_group(v, system);
    /* A cluster without group 1 is not asked for its tables: nobody could answer. */
    v->snapshot.tables_read =
        (!ask_nodes || v->snapshot.system.gid != 0) && read_records(v, system);
}

void shell_view_deinit(struct shell_view *v) {
    for (size_t i = 0; i < DAEMON_ADDRS_MAX; i++)
        if (v->reports[i])
            tercet__pb__node_info_reply__free_unpacked(v->reports[i], NULL);
    for (size_t i = 0; v->descriptors && i < v->table_records.count; i++)
        if (v->descriptors[i])
            tercet__pb__table_descriptor__free_unpacked(v->descriptors[i], NULL);
    for (size_t i = 0; v->partitions && i < v->partition_records.count; i++)
        if (v->partitions[i])
            tercet__pb__partition__free_unpacked(v->partitions[i], NULL);
    tc_arena_deinit(&v->arena);
    *v = (struct shell_view){0};
}
