/* What clients do, one operation at a time each, and how it enters the histories. */
#include "sim/suite/index.h"
#include "sim/suite/scenario.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys are spread over two partition key values, each with its own sort keys. */
static uint32_t partition_of(uint32_t key) {
    return key % SUITE_PARTITIONS;
}

/* ---- histories */

void suite_client_record(struct suite_clients *c, uint32_t key, struct suite_lin_op op) {
    struct suite_history *h = &c->keys[key];
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 64;
        h->ops = realloc(h->ops, h->cap * sizeof *h->ops);
        TC_ASSERT(h->ops != NULL);
    }
    h->ops[h->count++] = op;
    if (op.kind == LIN_READ || op.kind == LIN_INCREMENT)
        c->last_seen[key] = op.result;
}

/* The number in "field":{"N":"..."} after the text `from`; 0: there is none. */
static uint64_t number_after(struct tc_slice body, const char *from, const char *field) {
    const char *at = body.len ? memmem(body.data, body.len, from, strlen(from)) : NULL;
    if (at == NULL)
        return 0;
    size_t left = body.len - (size_t)((const uint8_t *)at - body.data);
    char want[48];
    snprintf(want, sizeof want, "\"%s\":{\"N\":\"", field);
    const char *value = memmem(at, left, want, strlen(want));
    return value ? strtoull(value + strlen(want), NULL, 10) : 0;
}

static const char *field_of(uint32_t key) {
    return key < SUITE_COUNTERS ? "count" : "stamp";
}

/* ---- answers */

/* The item of a key among a query's items: its values are flat, so each item ends with "}}". */
static struct tc_slice item_of(struct tc_slice body, uint32_t key) {
    char mark[32];
    snprintf(mark, sizeof mark, "\"k%u\"", key);
    const uint8_t *at = body.len ? memmem(body.data, body.len, "\"Items\":[", 9) : NULL;
    const uint8_t *end = body.data + body.len;
    while (at) {
        const uint8_t *stop = memmem(at, (size_t)(end - at), "}}", 2);
        if (stop == NULL)
            break;
        struct tc_slice item = tc_slice(at, (size_t)(stop - at) + 2);
        if (memmem(item.data, item.len, mark, strlen(mark)))
            return item;
        at = stop + 2;
    }
    return TC_SLICE_EMPTY;
}

/* Every key of the partition key value was read at some moment of the call. */
static void record_query(struct suite_op *op, struct tc_slice body) {
    struct suite *s = op->suite;
    for (uint32_t k = 0; k < s->swarm.keys; k++) {
        if (partition_of(k) != op->partition)
            continue;
        struct suite_lin_op lin = op->lin;
        lin.result = number_after(item_of(body, k), "", field_of(k));
        suite_client_record(s->clients, k, lin);
    }
}

static void learn(struct suite_op *op, struct tc_slice body) {
    switch (op->lin.kind) {
    case LIN_READ:
        op->lin.result = number_after(body, "\"Item\"", field_of(op->key));
        break;
    case LIN_EXCHANGE:
        op->lin.result = number_after(body, "\"Attributes\"", "stamp");
        break;
    case LIN_INCREMENT:
        op->lin.result = number_after(body, "\"Attributes\"", "count");
        break;
    case LIN_CAS:
        op->lin.won = true;
        break;
    case LIN_WRITE:
    case LIN_MISS:
        break;
    }
}

static void record_one(struct suite_op *op, enum suite_class class, struct tc_slice body) {
    if (class == CLASS_OK)
        learn(op, body);
    suite_client_record(op->suite->clients, op->key, op->lin);
}

static void next(struct suite *s, void *arg);

static void done(void *user, enum suite_class class, struct tc_slice body) {
    struct suite_op *op = user;
    struct suite *s = op->suite;
    struct suite_clients *c = s->clients;
    c->out--;
    c->ok += class == CLASS_OK || class == CLASS_CONDITION;
    c->unknown += class == CLASS_UNKNOWN;
    c->refused += class == CLASS_NOTHING;
    if (class == CLASS_OK || class == CLASS_CONDITION)
        suite_scenario_served(s, op->partition);
    op->lin.return_ns = class == CLASS_UNKNOWN ? UINT64_MAX : s->now_ns;
    if (op->what > OP_QUERY)
        suite_index_answered(op, class, body);
    else if (op->what == OP_QUERY && class == CLASS_OK)
        record_query(op, body);
    else if (op->what == OP_ITEM && class != CLASS_NOTHING)
        record_one(op, class, body);
    free(op);
    suite_after(s, 1 + suite_below(s, s->swarm.think_ns), next, NULL);
}

static void next(struct suite *s, void *arg) {
    struct suite_clients *c = s->clients;
    struct tc_buf body = {0};
    (void)arg;
    if (c->resting)
        return;
    struct suite_op *op = calloc(1, sizeof *op);
    TC_ASSERT(op != NULL);
    op->suite = s;
    op->key = (uint32_t)suite_below(s, s->swarm.keys);
    op->partition = partition_of(op->key);
    op->lin.call_ns = s->now_ns;
    const char *operation = suite_index_build(op, &body);
    if (operation == NULL)
        operation = suite_client_build(op, &body);
    c->out++;
    suite_call(s, operation, tc_buf_slice(&body), done, op);
    tc_buf_deinit(&body);
}

/* ---- the table */

static void described(void *user, enum suite_class class, struct tc_slice body);

static void describe(struct suite *s, void *arg) {
    (void)arg;
    suite_call(s, "DescribeTable", tc_slice_str("{" SUITE_TABLE "}"), described, s);
}

static void described(void *user, enum suite_class class, struct tc_slice body) {
    struct suite *s = user;
    bool active = class == CLASS_OK && memmem(body.data, body.len, "\"ACTIVE\"", 8) != NULL;
    if (!active) {
        suite_after(s, 200 * SUITE_MS, describe, NULL);
        return;
    }
    suite_trace(s, "the table is active");
    s->clients->created = true;
    for (uint32_t i = 0; i < s->swarm.clients; i++)
        suite_after(s, suite_below(s, s->swarm.think_ns), next, NULL);
    suite_index_begin(s);
}

static void create(struct suite *s, void *arg);

static void created(void *user, enum suite_class class, struct tc_slice body) {
    struct suite *s = user;
    (void)body;
    if (class == CLASS_UNKNOWN)
        suite_after(s, 200 * SUITE_MS, create, NULL);
    else
        describe(s, NULL);
}

static void create(struct suite *s, void *arg) {
    struct tc_buf b = {0};
    (void)arg;
    suite_client_json(&b,
                      "{" SUITE_TABLE
                      ",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":["
                      "{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"},"
                      "{\"AttributeName\":\"sk\",\"AttributeType\":\"S\"}%s],\"KeySchema\":["
                      "{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},"
                      "{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}]",
                      s->swarm.indexed ? ",{\"AttributeName\":\"l\",\"AttributeType\":\"N\"},"
                                         "{\"AttributeName\":\"g\",\"AttributeType\":\"S\"}"
                                       : "");
    suite_index_put_definitions(s, &b);
    suite_client_json(&b, "}");
    suite_call(s, "CreateTable", tc_buf_slice(&b), created, s);
    tc_buf_deinit(&b);
}

void suite_clients_begin(struct suite *s) {
    s->clients = calloc(1, sizeof *s->clients);
    TC_ASSERT(s->clients != NULL);
    s->clients->index = calloc(1, sizeof *s->clients->index);
    TC_ASSERT(s->clients->index != NULL);
    s->clients->index->filler_count = SUITE_FILLERS_LIVE;
    create(s, NULL);
}

bool suite_clients_rest(struct suite *s) {
    s->clients->resting = true;
    return s->clients->out == 0;
}
