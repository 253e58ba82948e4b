/* Effects on their way out: held until the log covers them, then ready in the order they came. */
#include "base/assert.h"
#include "engine/store/store_private.h"
#include "proto/bytes.h"

#include <stdio.h>
#include <stdlib.h>

static struct store_effect *effect_new(enum store_effect_type type) {
    struct store_effect *e = calloc(1, sizeof *e);
    TC_ASSERT(e != NULL);
    e->type = type;
    tc_list_init(&e->link);
    return e;
}

void store_effect_free(struct store_effect *e) {
    if (e == NULL)
        return;
    tc_buf_deinit(&e->payload);
    free(e);
}

static void enqueue(struct store *s, struct store_effect *e) {
    bool ready = e->after_lsn <= s->durable_lsn;
    tc_list_push_back(ready ? &s->effects_ready : &s->effects_held, &e->link);
}

void store__reply(struct store *s, uint64_t token, tc_err err, const ProtobufCMessage *msg) {
    struct store_effect *e = effect_new(STORE_REPLY);
    e->token = token;
    e->err = err;
    if (msg)
        proto_append(&e->payload, msg);
    enqueue(s, e);
}

void store__reply_packed(struct store *s, uint64_t token, tc_err err, struct tc_slice payload) {
    struct store_effect *e = effect_new(STORE_REPLY);
    e->token = token;
    e->err = err;
    tc_buf_append_slice(&e->payload, payload);
    enqueue(s, e);
}

void store__send(struct store *s, enum store_effect_type type, const char *addr, uint64_t after_lsn,
                 const ProtobufCMessage *msg) {
    TC_ASSERT(type != STORE_REPLY && type != STORE_PUSH && type != STORE_CALL);
    struct store_effect *e = effect_new(type);
    (void)snprintf(e->addr, sizeof e->addr, "%s", addr);
    e->after_lsn = after_lsn;
    proto_append(&e->payload, msg);
    s->counters.messages_out++;
    enqueue(s, e);
}

void store__push(struct store *s, const Tercet__Pb__PushRequest *msg) {
    struct store_effect *e = effect_new(STORE_PUSH);
    proto_append(&e->payload, &msg->base);
    enqueue(s, e);
}

void store__index_send(struct store *s, uint64_t token, uint64_t table_id,
                       const Tercet__Pb__IndexRequest *msg) {
    struct store_effect *e = effect_new(STORE_INDEX);
    e->token = token;
    e->table_id = table_id;
    proto_append(&e->payload, &msg->base);
    enqueue(s, e);
}

void store__call_send(struct store *s, const struct store_effect *call) {
    struct store_effect *e = effect_new(STORE_CALL);
    *e = *call;
    e->type = STORE_CALL;
    tc_list_init(&e->link);
    enqueue(s, e);
}

void store__effects_release(struct store *s) {
    struct tc_list *at = s->effects_held.next;
    while (at != &s->effects_held) {
        struct tc_list *next = at->next;
        struct store_effect *e = TC_CONTAINER(at, struct store_effect, link);
        if (e->after_lsn <= s->durable_lsn) {
            tc_list_remove(at);
            tc_list_push_back(&s->effects_ready, at);
        }
        at = next;
    }
}

struct store_effect *store_effect_next(struct store *s) {
    store__flush(s);
    if (s->failed)
        return NULL; /* it cannot vouch for anything any more */
    struct tc_list *node = tc_list_pop_front(&s->effects_ready);
    return node ? TC_CONTAINER(node, struct store_effect, link) : NULL;
}

void store__effects_deinit(struct store *s) {
    struct tc_list *lists[2] = {&s->effects_ready, &s->effects_held};
    for (size_t i = 0; i < 2; i++)
        for (struct tc_list *n = tc_list_pop_front(lists[i]); n; n = tc_list_pop_front(lists[i]))
            store_effect_free(TC_CONTAINER(n, struct store_effect, link));
}
