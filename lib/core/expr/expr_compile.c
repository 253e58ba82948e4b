#include "core/expr/expr_private.h"

static bool is_blank(struct tc_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return false;
    }
    return true;
}

tc_err expr__start(struct expr_parser *p, struct tc_slice text) {
    TC_ASSERT(p->ctx->scratch != NULL && p->diag != NULL);
    if (is_blank(text))
        return expr__fail(p, "The expression can not be empty;");
    if (text.len > EXPR_TEXT_BYTES_MAX) {
        (void)expr__fail(p, "Expression size has exceeded the maximum allowed size; ");
        tc_buf_printf(p->diag, "expression size: %zu", text.len);
        return TC_EINVAL;
    }
    expr__lex_start(p, text);
    return TC_OK;
}

static tc_err compile_condition(struct expr_parser *p, struct tc_buf *out) {
    struct expr_node *root;
    TC_TRY(expr__parse_condition(p, &root));
    TC_TRY(expr__validate_condition(p, root));
    expr__emit_header(out, p->kind);
    expr__emit_condition(out, root);
    return TC_OK;
}

static tc_err compile_actions(struct expr_parser *p, struct tc_buf *out) {
    struct expr_node *list;
    if (p->kind == EXPR_UPDATE) {
        TC_TRY(expr__parse_update(p, &list));
        TC_TRY(expr__validate_update(p, list));
    } else {
        TC_TRY(expr__parse_projection(p, &list));
        TC_TRY(expr__validate_projection(p, list));
    }
    expr__emit_header(out, p->kind);
    expr__emit_actions(out, p->sorted, list->count);
    return TC_OK;
}

tc_err expr_compile(enum expr_kind kind, struct tc_slice text, struct expr_ctx *ctx,
                    struct tc_buf *out, struct tc_buf *diag) {
    TC_ASSERT(kind >= EXPR_CONDITION && kind <= EXPR_PROJECTION);
    struct expr_parser p = {.kind = kind, .ctx = ctx, .diag = diag};
    TC_TRY(expr__start(&p, text));
    if (kind == EXPR_CONDITION || kind == EXPR_FILTER)
        return compile_condition(&p, out);
    return compile_actions(&p, out);
}
