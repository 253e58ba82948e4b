#include "exec_private.h"

static bool compile(struct exec_op *op, enum expr_kind kind, struct tc_slice text,
                    struct expr_ctx *ctx, struct tc_buf *out) {
    if (text.data == NULL)
        return true;
    if (expr_compile(kind, text, ctx, out, &op->diag) == TC_OK)
        return true;
    if (op->diag.len == 0)
        tc_buf_append_str(&op->diag, "The expression needs more memory than a request may use");
    return false;
}

static bool parse_key(struct exec_op *op, struct tc_slice text, struct expr_ctx *ctx) {
    return text.data == NULL ||
           expr_parse_key_condition(text, ctx, &op->key_condition, &op->diag) == TC_OK;
}

static bool check_used(struct exec_op *op, struct expr_bindings *names,
                       struct expr_bindings *values) {
    return (names == NULL || expr_bindings_check_used(names, '#', &op->diag) == TC_OK) &&
           (values == NULL || expr_bindings_check_used(values, ':', &op->diag) == TC_OK);
}

/* Each was prepared with the rules of its operation (router/api/api_check.c). */
static bool check_size(struct exec_op *op, const struct expr_bindings *names,
                       const struct expr_bindings *values) {
    if (names == NULL || values == NULL || names->bytes + values->bytes <= EXPR_BINDINGS_BYTES_MAX)
        return true;
    tc_buf_append_str(&op->diag, "ExpressionAttributeValues exceeds max size");
    return false;
}

bool exec__compile(struct exec_op *op, const struct exec_expressions *x) {
    struct expr_ctx ctx = {.names = x->names, .values = x->values, .scratch = op->req->arena};
    if (!check_size(op, x->names, x->values))
        return false;
    if (!compile(op, EXPR_UPDATE, x->update, &ctx, &op->programs.update) ||
        !compile(op, EXPR_CONDITION, x->condition, &ctx, &op->programs.condition) ||
        !parse_key(op, x->key_condition, &ctx) ||
        !compile(op, EXPR_FILTER, x->filter, &ctx, &op->programs.filter) ||
        !compile(op, EXPR_PROJECTION, x->projection, &ctx, &op->programs.projection))
        return false;
    if (x->attributes_to_get && x->attributes_to_get->set &&
        !exec__compile_names(op, x->attributes_to_get))
        return false;
    return check_used(op, x->names, x->values);
}
