/* What clients send, and what they read out of answers.
 *
 * Every item carries the id of the operation that wrote it (w), a counter (n, absent unless added
 * to) and bytes that make it as long as the seed wants (p), so any item seen anywhere names its
 * writer. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "base/hash.h"
#include "core/expr/expr.h"
#include "core/item/item.h"
#include "core/number/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void put_stamp(struct tc_buf *out, uint64_t id) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, id);
    item_put_string(out, tc_slice_str(text));
}

static void put_padding(struct tc_buf *out, const struct world *w, uint64_t id) {
    struct tc_prng p = tc_prng(id);
    size_t len = (size_t)tc_prng_below(&p, w->swarm.value_bytes_max + 1);
    struct tc_buf text = {0};
    memset(tc_buf_extend(&text, len), (int)('a' + id % 26), len);
    item_put_string(out, tc_buf_slice(&text));
    tc_buf_deinit(&text);
}

static void build_item(const struct world *w, const struct world_op *op, bool whole,
                       struct tc_buf *out) {
    struct tc_buf key = {0}, stamp = {0}, padding = {0}, group = {0};
    struct world_follow_attrs attrs;
    struct item_builder b = {0};
    item_put_string(&key, tc_slice_str(w->groups[op->group].names[op->key]));
    item_builder_add(&b, TC_SLICE_LIT("pk"), tc_buf_slice(&key));
    if (whole) {
        put_stamp(&stamp, op->id);
        put_padding(&padding, w, op->id);
        item_builder_add(&b, TC_SLICE_LIT("w"), tc_buf_slice(&stamp));
        item_builder_add(&b, TC_SLICE_LIT("p"), tc_buf_slice(&padding));
    }
    if (w->swarm.indexed && op->id % WORLD_INDEX_VALUES != 0) { /* by this it is indexed */
        char letter[2] = {(char)('a' + op->id % WORLD_INDEX_VALUES), 0};
        item_put_string(&group, tc_slice_str(letter));
        item_builder_add(&b, TC_SLICE_LIT("g"), tc_buf_slice(&group));
    }
    world_follow_add(w, op, whole, &b, &attrs);
    tc_err err = item_builder_finish(&b, out);
    TC_ASSERT(err == TC_OK);
    item_builder_deinit(&b);
    world_follow_attrs_deinit(&attrs);
    tc_buf_deinit(&group);
    tc_buf_deinit(&key);
    tc_buf_deinit(&stamp);
    tc_buf_deinit(&padding);
}

/* text may name :s (a stamp) and :o (the number one). */
static void compile(enum expr_kind kind, const char *text, uint64_t stamp, bool adds,
                    struct tc_buf *out) {
    struct tc_buf diag = {0}, s = {0}, one = {0};
    struct tc_arena scratch = {0};
    put_stamp(&s, stamp);
    tc_err err = item_put_number(&one, TC_SLICE_LIT("1"));
    TC_ASSERT(err == TC_OK);
    struct expr_binding at[2] = {{.token = TC_SLICE_LIT(":s"), .target = tc_buf_slice(&s)},
                                 {.token = TC_SLICE_LIT(":o"), .target = tc_buf_slice(&one)}};
    struct expr_bindings values = {.at = at, .count = adds ? 2 : 1};
    struct expr_ctx ctx = {.scratch = &scratch, .values = stamp ? &values : NULL};
    err = expr_bindings_prepare(&values, ':', &diag);
    TC_ASSERT(err == TC_OK);
    err = expr_compile(kind, tc_slice_str(text), &ctx, out, &diag);
    TC_ASSERT(err == TC_OK);
    tc_buf_deinit(&diag);
    tc_buf_deinit(&s);
    tc_buf_deinit(&one);
    tc_arena_deinit(&scratch);
}

static ProtobufCBinaryData view(const struct tc_buf *b) {
    return (ProtobufCBinaryData){.len = b->len, .data = b->data};
}

static void build_range(const struct world *w, struct world_op *op) {
    Tercet__Pb__RangeRequest req = TERCET__PB__RANGE_REQUEST__INIT;
    const struct world_group *g = &w->groups[op->part];
    req.gid = g->gid;
    req.epoch = g->epoch;
    req.consistent = op->kind == OP_RANGE;
    req.limit = op->limit;
    req.reverse = op->reverse;
    size_t size = tercet__pb__range_request__get_packed_size(&req);
    (void)tercet__pb__range_request__pack(&req, tc_buf_extend(&op->request, size));
}

static Tercet__Pb__ItemOp wire_op(enum world_kind kind) {
    switch (kind) {
    case OP_PUT:
    case OP_PUT_IF:
    case OP_PUT_ABSENT:
        return TERCET__PB__ITEM_OP__ITEM_PUT;
    case OP_ADD:
        return TERCET__PB__ITEM_OP__ITEM_UPDATE;
    case OP_DELETE:
        return TERCET__PB__ITEM_OP__ITEM_DELETE;
    case OP_GET:
    case OP_GET_EVENTUAL:
    case OP_RANGE:
    case OP_RANGE_EVENTUAL:
    case OP_KINDS:
        break;
    }
    return TERCET__PB__ITEM_OP__ITEM_GET;
}

static void build_programs(const struct world *w, struct world_op *op, struct tc_buf *item,
                           struct tc_buf *condition, struct tc_buf *update) {
    bool puts = wire_op(op->kind) == TERCET__PB__ITEM_OP__ITEM_PUT;
    if (puts || op->kind == OP_ADD)
        build_item(w, op, puts, item);
    if (puts)
        op->item_hash = tc_hash64(tc_buf_slice(item), 0);
    if (op->kind == OP_PUT_ABSENT)
        compile(EXPR_CONDITION, "attribute_not_exists(pk)", 0, false, condition);
    if (op->kind == OP_PUT_IF)
        compile(EXPR_CONDITION, "w = :s", op->expected, false, condition);
    if (op->kind == OP_ADD)
        compile(EXPR_UPDATE, "SET w = :s ADD n :o", op->id, true, update);
}

void world_request_build(struct world *w, struct world_op *op) {
    tc_buf_clear(&op->request);
    if (op->kind == OP_RANGE || op->kind == OP_RANGE_EVENTUAL) {
        build_range(w, op);
        return;
    }
    struct tc_buf item = {0}, condition = {0}, update = {0};
    const struct world_group *g = &w->groups[op->part];
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    uint64_t id[2] = {op->id, w->seed};
    build_programs(w, op, &item, &condition, &update);
    req.gid = g->gid;
    req.epoch = g->epoch;
    req.op = wire_op(op->kind);
    req.key = view(&g->keys[op->key]);
    req.consistent = op->kind == OP_GET;
    if (world_op_is_write(op->kind))
        req.request_id = (ProtobufCBinaryData){.len = sizeof id, .data = (uint8_t *)id};
    req.item = view(&item);
    req.condition = view(&condition);
    req.update = view(&update);
    req.want = 4;
    size_t size = tercet__pb__item_request__get_packed_size(&req);
    (void)tercet__pb__item_request__pack(&req, tc_buf_extend(&op->request, size));
    tc_buf_deinit(&item);
    tc_buf_deinit(&condition);
    tc_buf_deinit(&update);
}

/* ---- reading */

struct world_seen world_item_read(const struct world_group *g, uint32_t key, struct tc_slice item) {
    struct world_seen seen = {.key = key};
    struct item_value v;
    char text[24];
    (void)g;
    if (item.len == 0 || !item_get(item, TC_SLICE_LIT("w"), &v))
        return seen;
    snprintf(text, sizeof text, "%.*s", TC_SLICE_ARGS(v.body));
    seen.stamp = strtoull(text, NULL, 10);
    if (item_get(item, TC_SLICE_LIT("n"), &v)) {
        tc_err err = number_to_u64(v.body, &seen.count);
        TC_ASSERT(err == TC_OK);
    }
    return seen;
}

uint32_t world_key_find(const struct world *w, const struct world_group *g, struct tc_slice key) {
    for (uint32_t k = 0; k < w->swarm.keys; k++)
        if (tc_slice_eq(key, tc_buf_slice(&g->keys[k])))
            return k;
    return WORLD_KEYS_MAX;
}

uint32_t world_key_of_item(const struct world *w, const struct world_group *g,
                           struct tc_slice item) {
    struct item_value v;
    if (!item_get(item, TC_SLICE_LIT("pk"), &v))
        return WORLD_KEYS_MAX;
    for (uint32_t k = 0; k < w->swarm.keys; k++)
        if (tc_slice_eq(v.body, tc_slice_str(g->names[k])))
            return k;
    return WORLD_KEYS_MAX;
}
