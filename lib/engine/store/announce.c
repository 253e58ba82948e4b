/* What memds is told unasked: the partitions that this node leads, and tables. */
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"
#include "engine/store/tables.h"

enum {
    PUSH_PARTITIONS_MAX = 64,
};

/* ---- one group */

Tercet__Pb__Partition *store__group_partition(struct replica *r) {
    Tercet__Pb__Partition *p = r->desc->partition;
    p->leader_rid = r->status.leader;
    if (r->status.leader != 0)
        p->leader_round = paxos_ballot_round(r->status.ballot);
    return p;
}

bool store__group_announces(const struct replica *r) {
    return store__group_leads(r) && !r->seal;
}

/* What belongs together is told together: its twin, and the right one in whose place it is now. */
void store__group_announce(struct replica *r) {
    if (!store__group_announces(r))
        return;
    Tercet__Pb__Partition *partitions[2] = {store__group_partition(r)};
    struct replica *twin = store__split_twin(r);
    Tercet__Pb__PushRequest push = TERCET__PB__PUSH_REQUEST__INIT;
    push.partitions = partitions;
    push.n_partitions = 1;
    if (twin)
        partitions[push.n_partitions++] = store__group_partition(twin);
    if (r->desc->right_gid && store__find(r->store, r->desc->right_gid)) {
        push.removed_gids = &r->desc->right_gid;
        push.n_removed_gids = 1;
    }
    store__push(r->store, &push);
}

/* ---- all of them */

static void push(struct store *s, Tercet__Pb__Partition **partitions, size_t count) {
    Tercet__Pb__PushRequest request = TERCET__PB__PUSH_REQUEST__INIT;
    request.partitions = partitions;
    request.n_partitions = count;
    if (count > 0)
        store__push(s, &request);
}

/* The partitions that this node leads among the next replicas, many in one message. */
static void push_partitions(struct store *s, size_t replicas) {
    Tercet__Pb__Partition *led[PUSH_PARTITIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < replicas; i++) {
        struct replica *r = s->replicas[s->push_at++ % s->replica_count];
        if (!store__group_announces(r))
            continue;
        if (r->desc->parent_gid || r->desc->right_gid) {
            store__group_announce(r); /* what must be told together with it goes with it */
            continue;
        }
        led[count++] = store__group_partition(r);
        if (count == PUSH_PARTITIONS_MAX) {
            push(s, led, count);
            count = 0;
        }
    }
    push(s, led, count);
}

void store_push_all(struct store *s) {
    push_partitions(s, s->replica_count);
    tc_buf_clear(&s->tables_at);
    store__tables_push(store__find(s, STORE_SYSTEM_GID), SIZE_MAX);
}

void store_push_some(struct store *s) {
    size_t count = s->replica_count < STORE_PUSH_COUNT ? s->replica_count : STORE_PUSH_COUNT;
    push_partitions(s, count);
    store__tables_push(store__find(s, STORE_SYSTEM_GID), STORE_PUSH_TABLES);
}
