#include "engine/store/call.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "engine/store/heal.h"
#include "engine/store/learner.h"
#include "engine/store/members.h"
#include "engine/store/replica.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CALL_DEADLINE_MS = 1500,
    RELAY_DEADLINE_MS = 500,
};

static const char *method_of(enum store_call_kind kind) {
    switch (kind) {
    case STORE_CALL_CREATE:
        return "/tercet.Storage/CreateReplica";
    case STORE_CALL_DELETE:
        return "/tercet.Storage/DeleteReplica";
    case STORE_CALL_ALIVE:
    case STORE_CALL_RELAY:
        return "/tercet.Storage/ReplicaAlive";
    case STORE_CALL_LOOKUP:
        return "/tercet.Storage/GetPartition";
    }
    return "";
}

/* Who asks about a third node waits for longer than that one is given to answer. */
static uint32_t deadline_ms_of(enum store_call_kind kind) {
    return kind == STORE_CALL_RELAY ? RELAY_DEADLINE_MS : CALL_DEADLINE_MS;
}

tc_err store__call(struct store *s, const struct store_call *call, const char *addr,
                   const ProtobufCMessage *msg, uint64_t *ret_id) {
    if (s->call_count >= STORE_CALLS_MAX || addr[0] == 0)
        return TC_EBUSY;
    struct store_call *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    *c = *call;
    c->id = ++s->next_call;
    tc_list_push_back(&s->calls, &c->link);
    s->call_count++;
    struct store_effect e = {
        .token = c->id, .method = method_of(c->kind), .deadline_ms = deadline_ms_of(c->kind)};
    (void)snprintf(e.addr, sizeof e.addr, "%s", addr);
    proto_append(&e.payload, msg);
    store__call_send(s, &e);
    *ret_id = c->id;
    return TC_OK;
}

static struct store_call *take_call(struct store *s, uint64_t id) {
    for (struct tc_list *at = s->calls.next; at != &s->calls; at = at->next) {
        struct store_call *c = TC_CONTAINER(at, struct store_call, link);
        if (c->id != id)
            continue;
        tc_list_remove(at);
        s->call_count--;
        return c;
    }
    return NULL;
}

void store__calls_deinit(struct store *s) {
    for (struct tc_list *n = tc_list_pop_front(&s->calls); n; n = tc_list_pop_front(&s->calls))
        free(TC_CONTAINER(n, struct store_call, link));
    s->call_count = 0;
}

/* ---- is that replica alive? */

/* Whoever cannot be reached, or answers in riddles, is lost. */
static enum heal_opinion opinion_of(tc_err err, struct tc_slice payload) {
    enum heal_opinion opinion = HEAL_LOST;
    if (err != TC_OK)
        return opinion;
    Tercet__Pb__ReplicaAliveReply *m =
        tercet__pb__replica_alive_reply__unpack(NULL, payload.len, payload.data);
    if (m && m->alive)
        opinion = HEAL_REACHED;
    else if (m && m->absent)
        opinion = HEAL_ABSENT;
    if (m)
        tercet__pb__replica_alive_reply__free_unpacked(m, NULL);
    return opinion;
}

static void answer_alive(struct store *s, uint64_t token, enum heal_opinion opinion) {
    Tercet__Pb__ReplicaAliveReply reply = TERCET__PB__REPLICA_ALIVE_REPLY__INIT;
    reply.alive = opinion == HEAL_REACHED;
    reply.absent = opinion == HEAL_ABSENT;
    store__reply(s, token, TC_OK, &reply.base);
}

/* What this node itself can say of a replica of its own. */
static enum heal_opinion here(struct store *s, const Tercet__Pb__ReplicaAliveRequest *req) {
    const struct replica *r = store__find(s, req->gid);
    if (!tc_slice_eq(proto_slice(req->store_uuid), tc_slice(s->uuid, STORE_UUID_BYTES)))
        return HEAL_LOST;
    if (r == NULL)
        return store__replica_is_free(s, req->gid) && !TC_MUTANT(83) ? HEAL_ABSENT : HEAL_LOST;
    bool alive = r->rid == req->rid && r->paxos != NULL && r->status.role != PAXOS_OUTCAST;
    return alive ? HEAL_REACHED : HEAL_LOST;
}

void store_replica_alive(struct store *s, uint64_t token,
                         const Tercet__Pb__ReplicaAliveRequest *req) {
    if (req->addr[0] == 0) {
        answer_alive(s, token, here(s, req));
        return;
    }
    char none[1] = "";
    Tercet__Pb__ReplicaAliveRequest on = *req;
    on.addr = none;
    struct store_call call = {.kind = STORE_CALL_RELAY, .token = token};
    uint64_t id = 0;
    tc_err err = strlen(req->addr) < STORE_ADDR_BYTES_MAX
                     ? store__call(s, &call, req->addr, &on.base, &id)
                     : TC_EINVAL;
    if (err != TC_OK)
        store__reply(s, token, err, /* msg= */ NULL);
}

void store_call_done(struct store *s, uint64_t id, tc_err err, struct tc_slice payload) {
    struct store_call *c = take_call(s, id);
    if (c == NULL)
        return;
    struct replica *r = store__find(s, c->gid);
    switch (c->kind) {
    case STORE_CALL_CREATE:
        store__heal_created(s, r, c, err);
        break;
    case STORE_CALL_ALIVE:
        if (r)
            store__heal_confirmed(r, c, err, opinion_of(err, payload));
        break;
    case STORE_CALL_RELAY:
        answer_alive(s, c->token, opinion_of(err, payload));
        break;
    case STORE_CALL_LOOKUP:
        if (r && r->rid == c->rid && err == TC_OK)
            store__learner_looked_up(r, payload);
        break;
    case STORE_CALL_DELETE:
        break;
    }
    free(c);
}
