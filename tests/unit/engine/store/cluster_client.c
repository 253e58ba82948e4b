/* A client of the simulated cluster: requests, their answers, and items of one shape. */
#include "cluster.h"

#include "base/assert.h"
#include "core/expr/expr.h"
#include "core/item/item.h"
#include "core/key/key.h"
#include "proto/bytes.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- requests */

static void make_item(struct tc_buf *out, const char *key, const char *value) {
    struct tc_buf k = {0}, v = {0};
    struct item_builder b = {0};
    item_put_string(&k, tc_slice_str(key));
    item_builder_add(&b, TC_SLICE_LIT("pk"), tc_buf_slice(&k));
    if (value) {
        item_put_string(&v, tc_slice_str(value));
        item_builder_add(&b, TC_SLICE_LIT("a"), tc_buf_slice(&v));
    }
    assert_int_equal(item_builder_finish(&b, out), TC_OK);
    item_builder_deinit(&b);
    tc_buf_deinit(&k);
    tc_buf_deinit(&v);
}

static void make_key(struct tc_buf *out, const char *text) {
    struct tc_buf v = {0};
    item_put_string(&v, tc_slice_str(text));
    key_append_hash(out, item_value_at(tc_buf_slice(&v)));
    tc_buf_deinit(&v);
}

static void make_condition(struct tc_buf *out, const struct op *op) {
    struct tc_buf diag = {0}, value = {0};
    struct tc_arena scratch = {0};
    struct expr_binding binding = {.token = TC_SLICE_LIT(":v")};
    struct expr_bindings values = {.at = &binding, .count = 1};
    struct expr_ctx ctx = {.scratch = &scratch};
    const char *text = "attribute_not_exists(pk)";
    if (op->if_value) {
        text = "a = :v";
        item_put_string(&value, tc_slice_str(op->expect));
        binding.target = tc_buf_slice(&value);
        assert_int_equal(expr_bindings_prepare(&values, ':', &diag), TC_OK);
        ctx.values = &values;
    }
    assert_int_equal(expr_compile(EXPR_CONDITION, tc_slice_str(text), &ctx, out, &diag), TC_OK);
    tc_buf_deinit(&diag);
    tc_buf_deinit(&value);
    tc_arena_deinit(&scratch);
}

static void make_update(struct tc_buf *out, const char *text) {
    struct tc_buf diag = {0};
    struct tc_arena scratch = {0};
    struct expr_ctx ctx = {.scratch = &scratch};
    assert_int_equal(expr_compile(EXPR_UPDATE, tc_slice_str(text), &ctx, out, &diag), TC_OK);
    tc_buf_deinit(&diag);
    tc_arena_deinit(&scratch);
}

void cluster_make_key(struct tc_buf *out, int key) {
    char text[32];
    snprintf(text, sizeof text, "key-%d", key);
    make_key(out, text);
}

void cluster_make_item(struct tc_buf *out, int key, const char *value) {
    char text[32];
    snprintf(text, sizeof text, "key-%d", key);
    make_item(out, text, value);
}

Tercet__Pb__ItemReply *cluster_item_reply(const struct reply *r) {
    Tercet__Pb__ItemReply *m =
        tercet__pb__item_reply__unpack(NULL, r->payload.len, r->payload.data);
    assert_non_null(m);
    return m;
}

Tercet__Pb__RangeReply *cluster_range(struct cluster *c, int node,
                                      const Tercet__Pb__RangeRequest *req, tc_err *ret_err) {
    uint64_t token = ++c->next_token;
    store_range_request(c->nodes[node].store, token, req);
    cluster_drain(c, &c->nodes[node]);
    const struct reply *r = cluster_peek(c, token);
    assert_non_null(r); /* range requests never wait */
    *ret_err = r->err;
    Tercet__Pb__RangeReply *m =
        tercet__pb__range_reply__unpack(NULL, r->payload.len, r->payload.data);
    assert_non_null(m);
    return m;
}

uint64_t cluster_send(struct cluster *c, int node, const struct op *op) {
    struct tc_buf item = {0}, key = {0}, condition = {0}, update = {0};
    char text[32];
    uint64_t id[2] = {op->id ? op->id : ++c->next_id + 1000000, 42};
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    snprintf(text, sizeof text, "key-%d", op->key);
    make_key(&key, text);
    make_item(&item, text, op->value);
    if (op->if_absent || op->if_value)
        make_condition(&condition, op);
    if (op->update)
        make_update(&update, op->update);
    req.gid = GID;
    req.epoch = c->epoch;
    req.op = op->op;
    req.request_id = (ProtobufCBinaryData){.len = sizeof id, .data = (uint8_t *)id};
    req.key = proto_bytes(tc_buf_slice(&key));
    if (op->op == TERCET__PB__ITEM_OP__ITEM_PUT || op->op == TERCET__PB__ITEM_OP__ITEM_UPDATE)
        req.item = proto_bytes(tc_buf_slice(&item));
    req.condition = proto_bytes(tc_buf_slice(&condition));
    req.update = proto_bytes(tc_buf_slice(&update));
    req.want = op->want;
    req.consistent = op->consistent;
    uint64_t token = ++c->next_token;
    store_item_request(c->nodes[node].store, token, &req);
    cluster_drain(c, &c->nodes[node]);
    tc_buf_deinit(&item);
    tc_buf_deinit(&key);
    tc_buf_deinit(&condition);
    tc_buf_deinit(&update);
    return token;
}

const struct reply *cluster_peek(struct cluster *c, uint64_t token) {
    return tc_map_get(&c->replies, tc_map_u64_key(&token));
}

const struct reply *cluster_wait(struct cluster *c, uint64_t token) {
    for (int i = 0; i < 10000; i++) {
        const struct reply *r = cluster_peek(c, token);
        if (r)
            return r;
        cluster_run(c, 1);
    }
    fail_msg("no answer in 10 s");
    return NULL;
}

tc_err cluster_do(struct cluster *c, int node, const struct op *op) {
    return cluster_wait(c, cluster_send(c, node, op))->err;
}

void cluster_put(struct cluster *c, int key, const char *value) {
    struct op op = {.op = TERCET__PB__ITEM_OP__ITEM_PUT, .key = key, .value = value};
    op.id = ++c->next_id;
    for (int i = 0; i < 200; i++) {
        int leader = cluster_leader(c);
        if (leader >= 0 && cluster_do(c, leader, &op) == TC_OK)
            return;
        cluster_run(c, 20);
    }
    fail_msg("a put never succeeded");
}

const char *cluster_get(struct cluster *c, int key) {
    static char text[4096];
    struct op op = {.op = TERCET__PB__ITEM_OP__ITEM_GET, .key = key, .consistent = true};
    int leader = cluster_leader(c) >= 0 ? cluster_leader(c) : cluster_wait_leader(c);
    const struct reply *r = cluster_wait(c, cluster_send(c, leader, &op));
    assert_int_equal(r->err, TC_OK);
    Tercet__Pb__ItemReply *m =
        tercet__pb__item_reply__unpack(NULL, r->payload.len, r->payload.data);
    assert_non_null(m);
    const char *found = NULL;
    struct item_value v;
    if (m->found && item_get(tc_slice(m->new_item.data, m->new_item.len), TC_SLICE_LIT("a"), &v)) {
        snprintf(text, sizeof text, "%.*s", (int)v.body.len, (const char *)v.body.data);
        found = text;
    }
    tercet__pb__item_reply__free_unpacked(m, NULL);
    return found;
}
