/* What a store wants done: messages to other nodes, calls, and answers to whoever asked. */
#include "sim/store/world.h"

#include "base/assert.h"

#include <stdlib.h>

static enum world_parcel_kind parcel_kind(enum store_effect_type type) {
    if (type == STORE_SEND_CHUNK)
        return PARCEL_CHUNK;
    if (type == STORE_SEND_BEAT)
        return PARCEL_BEAT;
    return type == STORE_SEND_BEAT_ACK ? PARCEL_BEAT_ACK : PARCEL_PAXOS;
}

static void send_parcel(struct world_node *n, struct store_effect *e) {
    struct world *w = n->w;
    uint64_t delays[SIM_NET_COPIES_MAX];
    uint32_t to = (uint32_t)strtoul(e->addr + 5, NULL, 10);
    TC_ASSERT(to < w->swarm.nodes);
    if (e->type == STORE_SEND)
        world_first_ballot(w, n, e);
    if (world_strand_stops(w, e, to))
        return;
    enum world_parcel_kind kind = parcel_kind(e->type);
    uint32_t copies = sim_net_route(&w->net, n->id, to, delays);
    for (uint32_t i = 0; i < copies; i++) {
        struct world_parcel *p = world_parcel_new(kind, n->id);
        tc_buf_append_slice(&p->bytes, tc_buf_slice(&e->payload));
        world_push(w, delays[i], EVENT_PARCEL, to, 0, p);
    }
}

static void keep_mark(struct world *w, const struct store_effect *e) {
    Tercet__Pb__ScrubMarkReply *m =
        e->err == TC_OK
            ? tercet__pb__scrub_mark_reply__unpack(NULL, e->payload.len, e->payload.data)
            : NULL;
    uint64_t *index = calloc(1, sizeof *index);
    TC_ASSERT(index != NULL);
    *index = m ? m->index : 0;
    free(tc_map_put(&w->marks, tc_map_u64_key(&e->token), index));
    if (m)
        tercet__pb__scrub_mark_reply__free_unpacked(m, NULL);
}

/* The index that a client's answer tells, as soon as it is on its way. */
static void note_answer(struct world *w, const struct store_effect *e) {
    const struct world_op *op = w->ops[e->token / 64 - 1];
    uint64_t index = 0;
    if (op->kind == OP_RANGE || op->kind == OP_RANGE_EVENTUAL) {
        Tercet__Pb__RangeReply *m =
            tercet__pb__range_reply__unpack(NULL, e->payload.len, e->payload.data);
        TC_ASSERT(m != NULL);
        index = m->index;
        tercet__pb__range_reply__free_unpacked(m, NULL);
    } else {
        Tercet__Pb__ItemReply *m =
            tercet__pb__item_reply__unpack(NULL, e->payload.len, e->payload.data);
        TC_ASSERT(m != NULL);
        index = m->index;
        tercet__pb__item_reply__free_unpacked(m, NULL);
    }
    world_oracle_answer(w, op->parts[e->token % 64], op->kind, e->err, index);
}

static void send_answer(struct world_node *n, struct store_effect *e) {
    struct world *w = n->w;
    if (e->token >> 63) { /* asked by the checker itself */
        keep_mark(w, e);
        return;
    }
    if (world_index_owns(e->token)) {
        world_index_reply(n, e);
        return;
    }
    if (world_call_owns(e->token)) {
        world_call_reply(n, e);
        return;
    }
    if (world_oracle_owns(e->token)) {
        world_oracle_reply(w, e);
        return;
    }
    world_disk_answered(n, e->token, e->err == TC_OK);
    note_answer(w, e);
    if (tc_prng_chance(&w->prng, w->swarm.net.drop_ppm, 1000000))
        return;
    struct world_parcel *p = world_parcel_new(PARCEL_ITEM, n->id);
    p->token = e->token;
    p->err = e->err;
    p->bytes = e->payload;
    e->payload = (struct tc_buf){0};
    uint64_t delay = tc_prng_between(&w->prng, w->net.opt.delay_min_ns, w->net.opt.delay_max_ns);
    world_push(w, delay, EVENT_ANSWER, n->id, 0, p);
}

void world_effects_take(struct world_node *n) {
    struct store_effect *e;
    while ((e = store_effect_next(n->store)) != NULL) {
        switch (e->type) {
        case STORE_REPLY:
            send_answer(n, e);
            break;
        case STORE_SEND:
        case STORE_SEND_CHUNK:
        case STORE_SEND_BEAT:
        case STORE_SEND_BEAT_ACK:
            send_parcel(n, e);
            break;
        case STORE_PUSH:
            break;
        case STORE_INDEX:
            world_index_send(n, e);
            break;
        case STORE_CALL:
            world_call(n, e);
            break;
        }
        store_effect_free(e);
    }
}
