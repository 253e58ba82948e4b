#include "core/expr/expr_private.h"

/* Precedence climbing by hand: OR, AND, NOT, comparison, operand. A bracket may hold a condition or
 * an operand, and only what follows tells which: (a) > b against (a > b) AND c. So brackets are
 * parsed as conditions that may turn out to be operands, and every use checks what it got. */

tc_err expr__enter(struct expr_parser *p) {
    if (++p->depth > EXPR_DEPTH_MAX)
        return expr__fail(p, "The expression contains too many nested operations;");
    return TC_OK;
}

tc_err expr__new_node(struct expr_parser *p, enum expr_op op, struct expr_node **ret_node) {
    struct expr_node *node = tc_arena_alloc(p->ctx->scratch, sizeof *node);
    if (node == NULL)
        return TC_ENOMEM;
    *node = (struct expr_node){.op = op};
    *ret_node = node;
    return TC_OK;
}

void expr__add_child(struct expr_node *parent, struct expr_node *child) {
    TC_ASSERT(child->next == NULL);
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static tc_err parse_or(struct expr_parser *p, struct expr_node **ret_node);

static bool is_operand(const struct expr_node *node) {
    return node->op == OP_PATH || node->op == OP_VALUE;
}

static bool is_function(const struct expr_node *node) {
    return node->op == OP_UNKNOWN || (node->op >= OP_EXISTS && node->op <= OP_CONTAINS) ||
           node->op == OP_SIZE || node->op == OP_IF_NOT_EXISTS || node->op == OP_LIST_APPEND;
}

/* Functions are either by grammar; which of them stand where is checked after the syntax. */
static tc_err use_as_condition(struct expr_parser *p, const struct expr_node *node) {
    if (is_operand(node))
        return expr__syntax_error(p);
    if (node->op == OP_SIZE && p->misused_function.len == 0)
        p->misused_function = node->text;
    return TC_OK;
}

static tc_err use_as_operand(struct expr_parser *p, const struct expr_node *node) {
    if (!is_operand(node) && !is_function(node))
        return expr__syntax_error(p);
    if (p->kind != EXPR_UPDATE && is_function(node) && node->op != OP_SIZE &&
        p->misused_function.len == 0)
        p->misused_function = node->text;
    return TC_OK;
}

/* After the closing bracket of (node). Outside updates a bracketed path may go on: (a.b).c */
static tc_err close_parens(struct expr_parser *p, struct expr_node *node) {
    TC_TRY(expr__expect(p, TOK_RPAREN));
    p->depth--;
    if (node->parens)
        p->redundant_parens = true;
    node->parens = true;
    bool goes_on = p->tok.kind == TOK_DOT || p->tok.kind == TOK_LBRACKET;
    if (node->op != OP_PATH || !goes_on || p->kind == EXPR_UPDATE)
        return TC_OK;
    node->parens = false;
    return expr__parse_path_rest(p, node);
}

tc_err expr__parse_operand(struct expr_parser *p, struct expr_node **ret_node) {
    struct expr_node *node;
    if (p->tok.kind == TOK_LPAREN) {
        TC_TRY(expr__enter(p));
        expr__advance(p);
        TC_TRY(expr__parse_operand(p, &node));
        TC_TRY(close_parens(p, node));
    } else {
        TC_TRY(expr__parse_simple(p, &node));
        TC_TRY(use_as_operand(p, node));
    }
    *ret_node = node;
    return TC_OK;
}

static tc_err parse_primary(struct expr_parser *p, struct expr_node **ret_node) {
    if (p->tok.kind != TOK_LPAREN)
        return expr__parse_simple(p, ret_node);
    TC_TRY(expr__enter(p));
    expr__advance(p);
    TC_TRY(parse_or(p, ret_node));
    return close_parens(p, *ret_node);
}

static tc_err add_operand(struct expr_parser *p, struct expr_node *node) {
    struct expr_node *operand;
    TC_TRY(expr__parse_operand(p, &operand));
    expr__add_child(node, operand);
    return TC_OK;
}

static tc_err parse_between(struct expr_parser *p, struct expr_node *node) {
    TC_TRY(add_operand(p, node));
    TC_TRY(expr__expect(p, TOK_AND));
    return add_operand(p, node);
}

static enum expr_op comparison_op(enum expr_tok_kind kind) {
    if (kind >= TOK_EQ && kind <= TOK_GE)
        return (enum expr_op)(OP_EQ + (kind - TOK_EQ));
    return kind == TOK_BETWEEN ? OP_BETWEEN : kind == TOK_IN ? OP_IN : OP_NONE;
}

static tc_err parse_comparison(struct expr_parser *p, struct expr_node **ret_node) {
    struct expr_node *left;
    TC_TRY(parse_primary(p, &left));
    *ret_node = left;
    enum expr_op op = comparison_op(p->tok.kind);
    if (op == OP_NONE)
        return TC_OK;
    TC_TRY(use_as_operand(p, left));
    p->operators_count++;
    expr__advance(p);
    TC_TRY(expr__new_node(p, op, ret_node));
    expr__add_child(*ret_node, left);
    if (op == OP_BETWEEN)
        return parse_between(p, *ret_node);
    return op == OP_IN ? expr__parse_arguments(p, *ret_node) : add_operand(p, *ret_node);
}

static tc_err parse_not(struct expr_parser *p, struct expr_node **ret_node) {
    if (p->tok.kind != TOK_NOT)
        return parse_comparison(p, ret_node);
    TC_TRY(expr__enter(p));
    p->operators_count++;
    expr__advance(p);
    struct expr_node *child;
    TC_TRY(parse_not(p, &child));
    TC_TRY(use_as_condition(p, child));
    TC_TRY(expr__new_node(p, OP_NOT, ret_node));
    expr__add_child(*ret_node, child);
    p->depth--;
    return TC_OK;
}

typedef tc_err (*parse_fn)(struct expr_parser *p, struct expr_node **ret_node);

/* part (token part)*: one node of all parts, so that long chains do not nest. */
static tc_err parse_chain(struct expr_parser *p, enum expr_tok_kind token, enum expr_op op,
                          parse_fn part, struct expr_node **ret_node) {
    struct expr_node *child;
    TC_TRY(part(p, &child));
    *ret_node = child;
    if (p->tok.kind != token)
        return TC_OK;
    TC_TRY(use_as_condition(p, child));
    struct expr_node *chain;
    TC_TRY(expr__new_node(p, op, &chain));
    expr__add_child(chain, child);
    while (p->tok.kind == token) {
        p->operators_count++;
        expr__advance(p);
        TC_TRY(part(p, &child));
        TC_TRY(use_as_condition(p, child));
        expr__add_child(chain, child);
    }
    *ret_node = chain;
    return TC_OK;
}

static tc_err parse_and(struct expr_parser *p, struct expr_node **ret_node) {
    return parse_chain(p, TOK_AND, OP_AND, parse_not, ret_node);
}

static tc_err parse_or(struct expr_parser *p, struct expr_node **ret_node) {
    return parse_chain(p, TOK_OR, OP_OR, parse_and, ret_node);
}

tc_err expr__parse_condition(struct expr_parser *p, struct expr_node **ret_root) {
    struct expr_node *root;
    TC_TRY(parse_or(p, &root));
    if (p->tok.kind != TOK_EOF)
        return expr__syntax_error(p);
    TC_TRY(use_as_condition(p, root));
    TC_ASSERT(p->depth == 0);
    *ret_root = root;
    return TC_OK;
}
