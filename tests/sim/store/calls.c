/* Unary calls between nodes: each has one answer, or its deadline passes. */
#include "sim/store/world.h"

#include "base/assert.h"

#include <stdlib.h>

#define CALL_TOKEN ((uint64_t)1 << 61)

static struct world_parcel *answer_new(const struct world_parcel *call, uint32_t from, tc_err err) {
    struct world_parcel *p = world_parcel_new(PARCEL_CALLED, from);
    p->token = call->token;
    p->life = call->life;
    p->err = err;
    return p;
}

void world_call(struct world_node *n, const struct store_effect *e) {
    struct world *w = n->w;
    uint64_t delays[SIM_NET_COPIES_MAX];
    uint32_t to = (uint32_t)strtoul(e->addr + 5, NULL, 10);
    TC_ASSERT(to < w->swarm.nodes);
    struct world_parcel sent = {.token = e->token, .life = n->life};
    world_push(w, e->deadline_ms * (uint64_t)WORLD_MS_NS, EVENT_PARCEL, n->id, 0,
               answer_new(&sent, n->id, TC_ETIMEOUT));
    if (sim_net_route(&w->net, n->id, to, delays) == 0)
        return;
    struct world_parcel *p = world_parcel_new(PARCEL_CALL, n->id);
    p->token = e->token;
    p->life = n->life;
    p->method = e->method;
    tc_buf_append_slice(&p->bytes, tc_buf_slice(&e->payload));
    world_push(w, delays[0], EVENT_PARCEL, to, 0, p);
}

static void send_answer(struct world_node *n, uint32_t to, struct world_parcel *answer) {
    struct world *w = n->w;
    uint64_t delays[SIM_NET_COPIES_MAX];
    if (sim_net_route(&w->net, n->id, to, delays) == 0)
        world_parcel_free(answer);
    else
        world_push(w, delays[0], EVENT_PARCEL, to, 0, answer);
}

/* ---- at the node that is called */

static tc_err create(struct world_node *n, const struct world_parcel *p) {
    Tercet__Pb__CreateReplicaRequest *m =
        tercet__pb__create_replica_request__unpack(NULL, p->bytes.len, p->bytes.data);
    TC_ASSERT(m != NULL);
    bool known = world_node_has(n, m->partition->gid);
    struct store_disk disk = store_disk(n->store);
    tc_err err = store_create_replica(n->store, m);
    if (err == TC_OK && !known)
        world_disk_took_replica(n, &disk);
    world_trace(n->w, "%u  learner %u of group %lu: %s", n->id, m->rid,
                (unsigned long)m->partition->gid, tc_err_name(err));
    tercet__pb__create_replica_request__free_unpacked(m, NULL);
    return err;
}

static tc_err delete (struct world_node *n, const struct world_parcel *p) {
    Tercet__Pb__DeleteReplicaRequest *m =
        tercet__pb__delete_replica_request__unpack(NULL, p->bytes.len, p->bytes.data);
    TC_ASSERT(m != NULL);
    tc_err err = store_delete_request(n->store, m);
    tercet__pb__delete_replica_request__free_unpacked(m, NULL);
    return err;
}

static void get_partition(struct world_node *n, const struct world_parcel *p) {
    Tercet__Pb__GetPartitionRequest *m =
        tercet__pb__get_partition_request__unpack(NULL, p->bytes.len, p->bytes.data);
    TC_ASSERT(m != NULL);
    struct world_parcel *answer = answer_new(p, n->id, TC_OK);
    answer->err = store_get_partition(n->store, m->gid, &answer->bytes);
    send_answer(n, p->from, answer);
    tercet__pb__get_partition_request__free_unpacked(m, NULL);
}

/* The answer comes as an effect, perhaps after a call to a third node. */
static void ask_alive(struct world_node *n, const struct world_parcel *p) {
    struct world *w = n->w;
    Tercet__Pb__ReplicaAliveRequest *m =
        tercet__pb__replica_alive_request__unpack(NULL, p->bytes.len, p->bytes.data);
    TC_ASSERT(m != NULL);
    uint64_t token = CALL_TOKEN | ++w->call_count;
    struct world_parcel *answer = answer_new(p, n->id, TC_OK);
    answer->gid = p->from; /* to whom */
    (void)tc_map_put(&w->calls, tc_map_u64_key(&token), answer);
    store_replica_alive(n->store, token, m);
    tercet__pb__replica_alive_request__free_unpacked(m, NULL);
}

void world_call_deliver(struct world_node *n, const struct world_parcel *p) {
    if (p->kind == PARCEL_CALLED) {
        if (p->life == n->life)
            store_call_done(n->store, p->token, p->err, tc_buf_slice(&p->bytes));
        return;
    }
    if (strcmp(p->method, "/tercet.Storage/ReplicaAlive") == 0) {
        ask_alive(n, p);
        return;
    }
    if (strcmp(p->method, "/tercet.Storage/GetPartition") == 0) {
        get_partition(n, p);
        return;
    }
    bool creates = strcmp(p->method, "/tercet.Storage/CreateReplica") == 0;
    tc_err err = creates ? create(n, p) : delete (n, p);
    send_answer(n, p->from, answer_new(p, n->id, err));
}

bool world_call_owns(uint64_t token) {
    return (token & CALL_TOKEN) != 0 && token >> 62 == 0;
}

void world_call_reply(struct world_node *n, const struct store_effect *e) {
    struct world_parcel *answer = tc_map_del(&n->w->calls, tc_map_u64_key(&e->token));
    if (answer == NULL)
        return;
    answer->err = e->err;
    tc_buf_append_slice(&answer->bytes, tc_buf_slice(&e->payload));
    send_answer(n, (uint32_t)answer->gid, answer);
}

void world_calls_deinit(struct world *w) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&w->calls, &at, &key, &value))
        world_parcel_free(value);
    tc_map_deinit(&w->calls);
}
