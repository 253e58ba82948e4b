#include "core/expr/expr_private.h"

/* ---- right-hand sides of SET ----------------------------------------------------------------- */

static bool is_sum(const struct expr_node *node) {
    return node->op == OP_PLUS || node->op == OP_MINUS;
}

static tc_err parse_sum(struct expr_parser *p, struct expr_node **ret_node);

/* A bracket at the start of a right-hand side may hold the whole sum or its first operand. */
static tc_err parse_first(struct expr_parser *p, struct expr_node **ret_node) {
    if (p->tok.kind != TOK_LPAREN)
        return expr__parse_operand(p, ret_node);
    TC_TRY(expr__enter(p));
    expr__advance(p);
    TC_TRY(parse_sum(p, ret_node));
    TC_TRY(expr__expect(p, TOK_RPAREN));
    p->depth--;
    if ((*ret_node)->parens)
        p->redundant_parens = true;
    (*ret_node)->parens = true;
    return TC_OK;
}

static tc_err parse_sum(struct expr_parser *p, struct expr_node **ret_node) {
    struct expr_node *left;
    TC_TRY(parse_first(p, &left));
    *ret_node = left;
    if (p->tok.kind != TOK_PLUS && p->tok.kind != TOK_MINUS)
        return TC_OK;
    if (is_sum(left))
        return expr__syntax_error(p);
    p->operators_count++;
    TC_TRY(expr__new_node(p, p->tok.kind == TOK_PLUS ? OP_PLUS : OP_MINUS, ret_node));
    expr__advance(p);
    struct expr_node *right;
    TC_TRY(expr__parse_operand(p, &right));
    expr__add_child(*ret_node, left);
    expr__add_child(*ret_node, right);
    return TC_OK;
}

/* ---- actions --------------------------------------------------------------------------------- */

static tc_err parse_set_value(struct expr_parser *p, struct expr_node *action) {
    TC_TRY(expr__expect(p, TOK_EQ));
    struct expr_node *value;
    TC_TRY(parse_sum(p, &value));
    expr__add_child(action, value);
    return TC_OK;
}

static tc_err parse_literal(struct expr_parser *p, struct expr_node *action) {
    if (p->tok.kind != TOK_VALUE)
        return expr__syntax_error(p);
    struct expr_node *value;
    TC_TRY(expr__parse_simple(p, &value));
    expr__add_child(action, value);
    return TC_OK;
}

static tc_err parse_action(struct expr_parser *p, enum expr_op op, struct expr_node *list) {
    struct expr_node *action;
    struct expr_node *path;
    TC_TRY(expr__new_node(p, op, &action));
    TC_TRY(expr__parse_path(p, &path));
    expr__add_child(action, path);
    if (op == OP_SET)
        TC_TRY(parse_set_value(p, action));
    else if (op != OP_REMOVE && op != OP_KEEP)
        TC_TRY(parse_literal(p, action));
    expr__add_child(list, action);
    return TC_OK;
}

static tc_err parse_actions(struct expr_parser *p, enum expr_op op, struct expr_node *list) {
    for (;;) {
        TC_TRY(parse_action(p, op, list));
        if (p->tok.kind != TOK_COMMA)
            return TC_OK;
        expr__advance(p);
    }
}

/* ---- whole expressions ----------------------------------------------------------------------- */

static enum expr_op section_op(enum expr_tok_kind kind) {
    if (kind < TOK_SET || kind > TOK_DELETE)
        return OP_NONE;
    return (enum expr_op)(OP_SET + (kind - TOK_SET));
}

static void note_section(struct expr_parser *p, enum expr_op op) {
    enum expr_op *seen = &p->sections_seen[op - OP_SET];
    if (*seen != OP_NONE && p->repeated_section == OP_NONE)
        p->repeated_section = op;
    *seen = op;
}

tc_err expr__parse_update(struct expr_parser *p, struct expr_node **ret_list) {
    struct expr_node *list;
    TC_TRY(expr__new_node(p, OP_NONE, &list));
    do {
        enum expr_op op = section_op(p->tok.kind);
        if (op == OP_NONE)
            return expr__syntax_error(p);
        expr__advance(p);
        TC_TRY(parse_actions(p, op, list));
        note_section(p, op);
    } while (p->tok.kind != TOK_EOF);
    *ret_list = list;
    return TC_OK;
}

tc_err expr__parse_projection(struct expr_parser *p, struct expr_node **ret_list) {
    struct expr_node *list;
    TC_TRY(expr__new_node(p, OP_NONE, &list));
    TC_TRY(parse_actions(p, OP_KEEP, list));
    if (p->tok.kind != TOK_EOF)
        return expr__syntax_error(p);
    *ret_list = list;
    return TC_OK;
}
