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

/* ---- paths, values, functions ---------------------------------------------------------------- */

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

static tc_err parse_path_rest(struct expr_parser *p, struct expr_node *path) {
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
    TC_TRY(parse_path_rest(p, path));
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

static tc_err parse_arguments(struct expr_parser *p, struct expr_node *call) {
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
    TC_TRY(parse_arguments(p, call));
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

/* ---- conditions ------------------------------------------------------------------------------ */

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
    return parse_path_rest(p, node);
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
    return op == OP_IN ? parse_arguments(p, *ret_node) : add_operand(p, *ret_node);
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
