#include "exec_private.h"

#include <stdio.h>

enum {
    TOKEN_BYTES = 32
}; /* "#n" and any size_t */

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

/* AttributesToGet is a projection of top-level names, each of which stands for itself: they become
 * placeholders, so that no name is taken for a keyword or a path. */
static bool compile_names(struct exec_op *op, const struct api_slices *names) {
    size_t count = names->count;
    struct expr_binding *at = tc_arena_calloc(op->req->arena, count, sizeof *at);
    char *tokens = tc_arena_alloc(op->req->arena, count * TOKEN_BYTES);
    TC_ASSERT(at != NULL && tokens != NULL);
    struct tc_buf text = {0};
    for (size_t i = 0; i < count; i++) {
        snprintf(tokens + i * TOKEN_BYTES, TOKEN_BYTES, "#n%zu", i);
        at[i] = (struct expr_binding){.token = tc_slice_str(tokens + i * TOKEN_BYTES),
                                      .target = names->items[i]};
        tc_buf_printf(&text, "%s%s", i ? "," : "", tokens + i * TOKEN_BYTES);
    }
    struct expr_bindings bindings = {at, count};
    struct expr_ctx ctx = {.names = &bindings, .scratch = op->req->arena};
    bool ok = expr_bindings_prepare(&bindings, '#', &op->diag) == TC_OK &&
              compile(op, EXPR_PROJECTION, tc_buf_slice(&text), &ctx, &op->programs.projection);
    tc_buf_deinit(&text);
    return ok;
}

bool exec__check_used(struct exec_op *op, struct expr_bindings *names,
                      struct expr_bindings *values) {
    return (names == NULL || expr_bindings_check_used(names, '#', &op->diag) == TC_OK) &&
           (values == NULL || expr_bindings_check_used(values, ':', &op->diag) == TC_OK);
}

bool exec__compile(struct exec_op *op, const struct exec_expressions *x) {
    struct expr_ctx ctx = {.names = x->names, .values = x->values, .scratch = op->req->arena};
    if ((x->names && expr_bindings_prepare(x->names, '#', &op->diag) != TC_OK) ||
        (x->values && expr_bindings_prepare(x->values, ':', &op->diag) != TC_OK))
        return false;
    if (!compile(op, EXPR_UPDATE, x->update, &ctx, &op->programs.update) ||
        !compile(op, EXPR_CONDITION, x->condition, &ctx, &op->programs.condition) ||
        !compile(op, EXPR_FILTER, x->filter, &ctx, &op->programs.filter) ||
        !compile(op, EXPR_PROJECTION, x->projection, &ctx, &op->programs.projection))
        return false;
    if (x->attributes_to_get && x->attributes_to_get->set &&
        !compile_names(op, x->attributes_to_get))
        return false;
    return !x->check_used || exec__check_used(op, x->names, x->values);
}
