#include "core/expr/expr_private.h"

#include "core/number/number.h"

#define NO_ATTRIBUTE                                                                               \
    "The provided expression refers to an attribute that does not exist in the item"

/* Right-hand sides see the old item alone, so evaluation order cannot matter. */

tc_err expr__eval_fail(struct expr_eval *e, const char *text) {
    tc_buf_append_str(e->diag, text);
    return TC_EINVAL;
}

tc_err expr__eval_fail_type(struct expr_eval *e) {
    tc_buf_append_str(e->diag, "An operand in the update expression has an incorrect data type");
    return TC_ETYPE;
}

static tc_err to_scratch(struct expr_eval *e, const void *bytes, size_t len,
                         struct item_value *ret_value) {
    struct tc_slice copy = tc_arena_dup(e->scratch, tc_slice(bytes, len));
    if (copy.data == NULL)
        return TC_ENOMEM;
    *ret_value = item_value_at(copy);
    return TC_OK;
}

tc_err expr__add_numbers(struct expr_eval *e, struct item_value a, struct item_value b, bool minus,
                         struct item_value *ret_value) {
    if (a.type != ITEM_N || b.type != ITEM_N)
        return expr__eval_fail_type(e);
    struct number sum;
    enum number_fault fault = NUMBER_FAULT_NONE;
    tc_err err = minus ? number_subtract(a.body, b.body, &sum, &fault)
                       : number_add(a.body, b.body, &sum, &fault);
    if (err != TC_OK)
        return expr__eval_fail(e, number_fault_text(fault));
    uint8_t encoded[2 + NUMBER_BYTES_MAX] = {ITEM_N, sum.len};
    memcpy(encoded + 2, sum.bytes, sum.len);
    return to_scratch(e, encoded, 2u + sum.len, ret_value);
}

/* The bytes of a list's elements, behind its count. */
static struct tc_slice elements(struct item_value list) {
    return item_value_iter(list).rest;
}

static tc_err append_lists(struct expr_eval *e, struct item_value a, struct item_value b,
                           struct item_value *ret_value) {
    if (a.type != ITEM_L || b.type != ITEM_L)
        return expr__eval_fail_type(e);
    struct tc_slice first = elements(a);
    struct tc_slice second = elements(b);
    if (first.len + second.len > ITEM_ENCODED_BYTES_MAX)
        return expr__eval_fail(e, EXPR_TEXT_TOO_LARGE);
    uint8_t number[10];
    size_t number_len = expr__varint(number, item_value_iter(a).left + item_value_iter(b).left);
    uint8_t head[21] = {ITEM_L};
    size_t len = 1 + expr__varint(head + 1, number_len + first.len + second.len);
    memcpy(head + len, number, number_len);
    len += number_len;
    uint8_t *bytes = tc_arena_alloc(e->scratch, len + first.len + second.len);
    if (bytes == NULL)
        return TC_ENOMEM;
    memcpy(bytes, head, len);
    if (first.len)
        memcpy(bytes + len, first.data, first.len);
    if (second.len)
        memcpy(bytes + len + first.len, second.data, second.len);
    *ret_value = item_value_at(tc_slice(bytes, len + first.len + second.len));
    return TC_OK;
}

static tc_err eval_path(struct expr_eval *e, struct tc_reader *r, bool live,
                        struct item_value *ret_value) {
    if (!expr__read_path(r, e->old_item, live, ret_value) && live)
        return expr__eval_fail(e, NO_ATTRIBUTE);
    return TC_OK;
}

static tc_err eval_if_not_exists(struct expr_eval *e, struct tc_reader *r, bool live,
                                 struct item_value *ret_value) {
    struct item_value fallback;
    bool found = expr__read_path(r, e->old_item, live, ret_value);
    TC_TRY(expr__eval_operand(e, r, live && !found, &fallback));
    if (live && !found)
        *ret_value = fallback;
    return TC_OK;
}

static tc_err eval_pair(struct expr_eval *e, struct tc_reader *r, bool live, enum expr_op op,
                        struct item_value *ret_value) {
    struct item_value a;
    struct item_value b;
    TC_TRY(expr__eval_operand(e, r, live, &a));
    TC_TRY(expr__eval_operand(e, r, live, &b));
    if (!live)
        return TC_OK;
    if (op == OP_LIST_APPEND)
        return append_lists(e, a, b, ret_value);
    return expr__add_numbers(e, a, b, op == OP_MINUS, ret_value);
}

tc_err expr__eval_operand(struct expr_eval *e, struct tc_reader *r, bool live,
                          struct item_value *ret_value) {
    enum expr_op op = expr__read_op(r);
    if (op == OP_PATH)
        return eval_path(e, r, live, ret_value);
    if (op == OP_VALUE) {
        *ret_value = item_value_at(tc_reader_lenbytes(r));
        return TC_OK;
    }
    if (op == OP_IF_NOT_EXISTS)
        return eval_if_not_exists(e, r, live, ret_value);
    TC_ASSERT(op == OP_PLUS || op == OP_MINUS || op == OP_LIST_APPEND);
    return eval_pair(e, r, live, op, ret_value);
}
