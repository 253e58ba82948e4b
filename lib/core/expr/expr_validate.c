#include "core/expr/expr_private.h"

/* The API reports faults by class, not by place: whole-expression classes first (in check_faults),
 * then per condition in the order of the text. */

#define NEEDS_PATH "Operator or function requires a document path; operator or function: "

static bool is_chain(const struct expr_node *node) {
    return node->op == OP_AND || node->op == OP_OR || node->op == OP_NOT;
}

enum item_type expr__static_type(const struct expr_node *node) {
    if (node->op == OP_VALUE)
        return (enum item_type)node->text.data[0];
    return node->op == OP_SIZE ? ITEM_N : (enum item_type)0;
}

static tc_err check_operators(struct expr_parser *p) {
    if (p->operators_count <= EXPR_OPERATORS_MAX)
        return TC_OK;
    (void)expr__fail(p, "The expression contains too many operators; operator count: ");
    tc_buf_printf(p->diag, "%u", p->operators_count);
    return TC_EINVAL;
}

tc_err expr__check_faults(struct expr_parser *p) {
    TC_TRY(check_operators(p));
    if (p->redundant_parens)
        return expr__fail(p, "The expression has redundant parentheses;");
    if (p->unknown_function.len && p->kind != EXPR_UPDATE)
        return expr__fail_about(p, "Invalid function name; function: ", p->unknown_function);
    if (p->misused_function.len)
        return expr__fail_about(
            p, "The function is not allowed to be used this way in an expression; function: ",
            p->misused_function);
    if (p->reserved.len)
        return expr__fail_about(
            p, "Attribute name is a reserved keyword; reserved keyword: ", p->reserved);
    if (p->unknown_function.len)
        return expr__fail_about(p, "Invalid function name; function: ", p->unknown_function);
    if (p->repeated_section != OP_NONE) {
        tc_buf_printf(p->diag,
                      "Invalid UpdateExpression: The \"%.*s\" section can only be used "
                      "once in an update expression;",
                      TC_SLICE_ARGS(expr__op_text(p->repeated_section)));
        return TC_EINVAL;
    }
    if (p->bad_index.len == 0)
        return TC_OK;
    (void)expr__fail_about(p, "List index is not within the allowable range; index: [",
                           p->bad_index);
    tc_buf_append_str(p->diag, "]");
    return TC_EINVAL;
}

/* ---- one condition --------------------------------------------------------------------------- */

static tc_err check_count(struct expr_parser *p, const struct expr_node *node) {
    uint32_t wanted = node->count;
    if (node->op == OP_EXISTS || node->op == OP_NOT_EXISTS || node->op == OP_SIZE)
        wanted = 1;
    else if (node->op >= OP_TYPE && node->op <= OP_CONTAINS)
        wanted = 2;
    if (node->count != wanted)
        return expr__fail_count(p, expr__op_text(node->op), node->count);
    if (node->op == OP_IN && node->count > EXPR_IN_OPERANDS_MAX + 1)
        return expr__fail_count(p, expr__op_text(node->op), node->count - 1);
    return TC_OK;
}

static tc_err check_counts(struct expr_parser *p, const struct expr_node *node) {
    for (const struct expr_node *child = node->first; child; child = child->next)
        TC_TRY(check_counts(p, child));
    return node->op == OP_PATH || node->op == OP_VALUE ? TC_OK : check_count(p, node);
}

static tc_err check_distinct(struct expr_parser *p, const struct expr_node *node) {
    bool compared = (node->op >= OP_EQ && node->op <= OP_GE) ||
                    (node->op >= OP_TYPE && node->op <= OP_CONTAINS);
    if (!compared || node->count != 2 || !expr__path_eq(node->first, node->last))
        return TC_OK;
    (void)expr__fail_about(p,
                           "The first operand must be distinct from the remaining operands for "
                           "this operator or function; operator: ",
                           expr__op_text(node->op));
    tc_buf_append_str(p->diag, ", first operand: ");
    expr__append_path(p->diag, node->first);
    return TC_EINVAL;
}

static tc_err fail_function_type(struct expr_parser *p, const struct expr_node *node,
                                 enum item_type type) {
    return expr__fail_type(p, "operator or function", expr__op_text(node->op),
                           item_type_name(type));
}

static tc_err check_begins_with(struct expr_parser *p, const struct expr_node *node) {
    for (const struct expr_node *o = node->first; o; o = o->next) {
        enum item_type type = expr__static_type(o);
        if (type != 0 && type != ITEM_S && type != ITEM_B)
            return fail_function_type(p, node, type);
    }
    return TC_OK;
}

static tc_err check_attribute_type(struct expr_parser *p, const struct expr_node *node) {
    const struct expr_node *wanted = node->last;
    enum item_type type = expr__static_type(wanted);
    if (type == 0)
        return expr__fail_type(p, "operator or function", expr__op_text(node->op),
                               "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
    if (type != ITEM_S)
        return fail_function_type(p, node, type);
    struct tc_slice name = item_value_at(wanted->text).body;
    if (expr__type_named(name) != 0)
        return TC_OK;
    (void)expr__fail_about(p, "Invalid attribute type name found; type: ", name);
    tc_buf_append_str(p->diag, ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
    return TC_EINVAL;
}

static bool is_ordered(enum item_type type) {
    return type == 0 || type == ITEM_S || type == ITEM_N || type == ITEM_B;
}

static tc_err check_ordered(struct expr_parser *p, const struct expr_node *node) {
    for (const struct expr_node *o = node->first; o; o = o->next)
        if (!is_ordered(expr__static_type(o)))
            return expr__fail_type(p, "operator", expr__op_text(node->op),
                                   item_type_name(expr__static_type(o)));
    return TC_OK;
}

static tc_err fail_bounds(struct expr_parser *p, const char *text, const struct expr_node *low,
                          const struct expr_node *high) {
    (void)expr__fail(p, text);
    tc_buf_append_str(p->diag, "; lower bound operand: ");
    expr__append_value(p->diag, low->text);
    tc_buf_append_str(p->diag, ", upper bound operand: ");
    expr__append_value(p->diag, high->text);
    return TC_EINVAL;
}

static tc_err check_between(struct expr_parser *p, const struct expr_node *node) {
    const struct expr_node *low = node->first->next;
    const struct expr_node *high = node->last;
    TC_TRY(check_ordered(p, node));
    if (low->op != OP_VALUE || high->op != OP_VALUE)
        return TC_OK;
    if (expr__static_type(low) != expr__static_type(high))
        return fail_bounds(
            p, "The BETWEEN operator requires same data type for lower and upper bounds", low,
            high);
    if (tc_slice_cmp(item_value_at(low->text).body, item_value_at(high->text).body) <= 0)
        return TC_OK;
    return fail_bounds(
        p, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound",
        low, high);
}

static tc_err check_type(struct expr_parser *p, const struct expr_node *node) {
    if (node->op == OP_EXISTS || node->op == OP_NOT_EXISTS)
        return node->first->op == OP_PATH
                   ? TC_OK
                   : expr__fail_about(p, NEEDS_PATH, expr__op_text(node->op));
    if (node->op == OP_BEGINS_WITH)
        return check_begins_with(p, node);
    if (node->op == OP_TYPE)
        return check_attribute_type(p, node);
    if (node->op == OP_BETWEEN)
        return check_between(p, node);
    if (node->op >= OP_LT && node->op <= OP_GE)
        return check_ordered(p, node);
    if (node->op != OP_SIZE)
        return TC_OK;
    enum item_type type = expr__static_type(node->first);
    bool sizeless = type == ITEM_N || type == ITEM_BOOL || type == ITEM_NULL;
    return sizeless ? fail_function_type(p, node, type) : TC_OK;
}

static tc_err check_types(struct expr_parser *p, const struct expr_node *node) {
    for (const struct expr_node *child = node->first; child; child = child->next)
        TC_TRY(check_types(p, child));
    return check_type(p, node);
}

static tc_err check_condition(struct expr_parser *p, struct expr_node *node) {
    if (!is_chain(node)) {
        TC_TRY(expr__resolve(p, node));
        TC_TRY(check_counts(p, node));
        TC_TRY(check_distinct(p, node));
        return check_types(p, node);
    }
    for (struct expr_node *child = node->first; child; child = child->next)
        TC_TRY(check_condition(p, child));
    return TC_OK;
}

tc_err expr__validate_condition(struct expr_parser *p, struct expr_node *root) {
    TC_ASSERT(root->op != OP_PATH && root->op != OP_VALUE);
    TC_TRY(expr__check_faults(p));
    return check_condition(p, root);
}
