/* What stands without an operator: paths, values and calls of functions.
 *
 * Conditions, projections and updates are all made of these, so each takes them from here. */
#include "core/expr/expr_private.h"

static tc_err add_elem(struct expr_parser *p, struct expr_node *path, struct expr_elem elem) {
    struct expr_elem *e = tc_arena_alloc(p->ctx->scratch, sizeof *e);
    if (e == NULL)
        return TC_ENOMEM;
    *e = elem;
    struct expr_elem **end = &path->elems;
    while (*end)
        end = &(*end)->next;
    *end = e;
    if (++path->count > EXPR_PATH_ELEMENTS_MAX)
        return expr__fail(p, "The document path has too many nesting elements;");
    return TC_OK;
}

static tc_err parse_name(struct expr_parser *p, struct expr_node *path) {
    bool token = p->tok.kind == TOK_NAME;
    if (!token && p->tok.kind != TOK_IDENT)
        return expr__syntax_error(p);
    struct tc_slice name = p->tok.text;
    if (!token && p->reserved.len == 0 && expr__is_reserved(name))
        p->reserved = name;
    TC_TRY(add_elem(p, path, (struct expr_elem){.text = name, .is_token = token}));
    expr__advance(p);
    return TC_OK;
}

static uint64_t parse_index_digits(struct tc_slice digits) {
    uint64_t index = 0;
    for (size_t i = 0; i < digits.len && index <= EXPR_LIST_INDEX_MAX; i++)
        index = index * 10 + (uint64_t)(digits.data[i] - '0');
    return index;
}

static tc_err parse_index(struct expr_parser *p, struct expr_node *path) {
    TC_TRY(expr__expect(p, TOK_LBRACKET));
    struct tc_slice digits = p->tok.text;
    TC_TRY(expr__expect(p, TOK_NUMBER));
    uint64_t index = parse_index_digits(digits);
    if (index > EXPR_LIST_INDEX_MAX && p->bad_index.len == 0)
        p->bad_index = digits;
    TC_TRY(add_elem(p, path, (struct expr_elem){.index = (uint32_t)index, .is_index = true}));
    return expr__expect(p, TOK_RBRACKET);
}

tc_err expr__parse_path_rest(struct expr_parser *p, struct expr_node *path) {
    for (;;) {
        if (p->tok.kind == TOK_LBRACKET) {
            TC_TRY(parse_index(p, path));
        } else if (p->tok.kind == TOK_DOT) {
            expr__advance(p);
            TC_TRY(parse_name(p, path));
        } else {
            return TC_OK;
        }
    }
}

tc_err expr__parse_path(struct expr_parser *p, struct expr_node **ret_path) {
    struct expr_node *path;
    TC_TRY(expr__new_node(p, OP_PATH, &path));
    TC_TRY(parse_name(p, path));
    TC_TRY(expr__parse_path_rest(p, path));
    *ret_path = path;
    return TC_OK;
}

static enum expr_op function_op(const struct expr_parser *p, struct tc_slice name) {
    static const enum expr_op conditions[] = {OP_EXISTS,      OP_NOT_EXISTS, OP_TYPE,
                                              OP_BEGINS_WITH, OP_CONTAINS,   OP_SIZE};
    static const enum expr_op updates[] = {OP_IF_NOT_EXISTS, OP_LIST_APPEND};
    bool update = p->kind == EXPR_UPDATE;
    const enum expr_op *ops = update ? updates : conditions;
    size_t count =
        update ? sizeof updates / sizeof *updates : sizeof conditions / sizeof *conditions;
    for (size_t i = 0; i < count; i++)
        if (tc_slice_eq(name, expr__op_text(ops[i])))
            return ops[i];
    return OP_UNKNOWN;
}

tc_err expr__parse_arguments(struct expr_parser *p, struct expr_node *call) {
    TC_TRY(expr__expect(p, TOK_LPAREN));
    for (;;) {
        struct expr_node *argument;
        TC_TRY(expr__parse_operand(p, &argument));
        expr__add_child(call, argument);
        if (p->tok.kind != TOK_COMMA)
            return expr__expect(p, TOK_RPAREN);
        expr__advance(p);
    }
}

static tc_err parse_function(struct expr_parser *p, struct tc_slice name,
                             struct expr_node **ret_node) {
    struct expr_node *call;
    TC_TRY(expr__new_node(p, function_op(p, name), &call));
    call->text = name;
    if (call->op == OP_UNKNOWN && p->unknown_function.len == 0)
        p->unknown_function = name;
    p->operators_count++;
    TC_TRY(expr__enter(p));
    TC_TRY(expr__parse_arguments(p, call));
    p->depth--;
    *ret_node = call;
    return TC_OK;
}

static tc_err parse_value(struct expr_parser *p, struct expr_node **ret_node) {
    struct expr_node *value;
    TC_TRY(expr__new_node(p, OP_VALUE, &value));
    value->text = p->tok.text;
    expr__advance(p);
    *ret_node = value;
    return TC_OK;
}

tc_err expr__parse_simple(struct expr_parser *p, struct expr_node **ret_node) {
    if (p->tok.kind == TOK_VALUE)
        return parse_value(p, ret_node);
    if (p->tok.kind != TOK_IDENT || expr__peek(p) != TOK_LPAREN)
        return expr__parse_path(p, ret_node);
    struct tc_slice name = p->tok.text;
    expr__advance(p);
    return parse_function(p, name, ret_node);
}
