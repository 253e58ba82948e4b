#include "shell_create.h"

#include "proto/bytes.h"
#include "rpc/unary.h"
#include "shell_execute.h"

#include <pthread.h>

struct wave {
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    size_t pending;
};

struct slot {
    struct wave *wave;
    tc_err *ret_err;
};

static void leave(struct slot *slot, tc_err err) {
    struct wave *wave = slot->wave;
    pthread_mutex_lock(&wave->lock);
    *slot->ret_err = err == TC_EEXISTS ? TC_OK : err;
    wave->pending--;
    pthread_cond_signal(&wave->done_cond);
    pthread_mutex_unlock(&wave->lock);
}

static void answered(void *user, const struct rpc_reply *reply) {
    leave(user, reply->err);
}

void shell_create_pack(const Tercet__Pb__Partition *p, uint32_t rid, const char *table,
                       struct tc_buf *out) {
    Tercet__Pb__CreateReplicaRequest request = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
    request.partition = (Tercet__Pb__Partition *)(uintptr_t)p;
    request.rid = rid;
    request.table_name = (char *)(uintptr_t)table;
    proto_append(out, &request.base);
}

/* The partition as the group reports it, if it is group 1, or as it is on record. */
static const Tercet__Pb__Partition *find_partition(const struct shell_view *v, uint64_t gid) {
    for (size_t i = 0; gid == SYSTEM_GID && i < CATALOG_ADDRS_MAX; i++)
        for (size_t k = 0; v->reports[i] && k < v->reports[i]->n_replicas; k++)
            if (v->reports[i]->replicas[k]->partition->gid == gid)
                return v->reports[i]->replicas[k]->partition;
    for (size_t i = 0; gid != SYSTEM_GID && i < v->partition_records.count; i++)
        if (v->partitions[i]->gid == gid)
            return v->partitions[i];
    return NULL;
}

static const char *find_table(const struct shell_view *v, const Tercet__Pb__Partition *p) {
    if (p->gid == SYSTEM_GID)
        return "system";
    size_t table;
    const Tercet__Pb__IndexDescriptor *index;
    return shell_view_owner(v, p->table_id, &table, &index) ? v->descriptors[table]->name : NULL;
}

static void begin(const struct catalog *system, const struct shell_view *v,
                  const struct plan_action *a, struct slot *slot) {
    const Tercet__Pb__Partition *p = find_partition(v, a->gid);
    const char *table = p ? find_table(v, p) : NULL;
    struct tc_buf request = {0};
    tc_err err = TC_ESTALE;
    pthread_mutex_lock(&slot->wave->lock);
    slot->wave->pending++;
    pthread_mutex_unlock(&slot->wave->lock);
    if (table) {
        shell_create_pack(p, a->rid, table, &request);
        err = rpc_unary(system->rpc, system->addrs[a->node_index], "/tercet.Storage/CreateReplica",
                        tc_buf_slice(&request), SHELL_CONTROL_DEADLINE_MS, answered, slot);
    }
    tc_buf_deinit(&request);
    if (err != TC_OK)
        leave(slot, err);
}

static void wait_for(struct wave *wave, size_t pending_max) {
    pthread_mutex_lock(&wave->lock);
    while (wave->pending > pending_max)
        pthread_cond_wait(&wave->done_cond, &wave->lock);
    pthread_mutex_unlock(&wave->lock);
}

void shell_create_replicas(struct catalog *system, const struct shell_view *v,
                           const struct plan_action *actions, size_t count, tc_err *ret_errs) {
    struct wave wave = {.lock = PTHREAD_MUTEX_INITIALIZER, .done_cond = PTHREAD_COND_INITIALIZER};
    struct slot slots[PLAN_ACTIONS_MAX];
    for (size_t i = 0; i < count; i++) {
        slots[i] = (struct slot){&wave, &ret_errs[i]};
        wait_for(&wave, SHELL_CREATES_MAX - 1);
        begin(system, v, &actions[i], &slots[i]);
    }
    wait_for(&wave, 0);
}
