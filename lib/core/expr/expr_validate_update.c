#include "core/expr/expr_private.h"

/* Names of literal types as the texts about ADD and DELETE spell them. */
static const char *long_type_name(enum item_type type) {
    switch (type) {
    case ITEM_S:
        return "STRING";
    case ITEM_N:
        return "NUMBER";
    case ITEM_B:
        return "BINARY";
    case ITEM_BOOL:
        return "BOOLEAN";
    case ITEM_NULL:
        return "NULL";
    case ITEM_M:
        return "MAP";
    case ITEM_L:
        return "LIST";
    case ITEM_SS:
    case ITEM_NS:
    case ITEM_BS:
        break;
    }
    return NULL;
}

/* ADD takes numbers and sets, DELETE sets. */
static tc_err check_action_operand(struct expr_parser *p, const struct expr_node *action) {
    if (action->op != OP_ADD && action->op != OP_DELETE)
        return TC_OK;
    enum item_type type = expr__static_type(action->last);
    const char *name = long_type_name(type);
    if (name == NULL || (action->op == OP_ADD && type == ITEM_N))
        return TC_OK;
    return expr__fail_type(p, "operator", expr__op_text(action->op), name);
}

static tc_err check_literals(struct expr_parser *p, const struct expr_node *node,
                             enum item_type wanted) {
    for (const struct expr_node *o = node->first; o; o = o->next) {
        enum item_type type = expr__static_type(o);
        if (type != 0 && type != wanted)
            return expr__fail_type(p, "operator or function", expr__op_text(node->op),
                                   item_type_name(type));
    }
    return TC_OK;
}

static tc_err check_right_side(struct expr_parser *p, const struct expr_node *node) {
    for (const struct expr_node *child = node->first; child; child = child->next)
        TC_TRY(check_right_side(p, child));
    if (node->op == OP_PLUS || node->op == OP_MINUS)
        return check_literals(p, node, ITEM_N);
    if (node->op != OP_IF_NOT_EXISTS && node->op != OP_LIST_APPEND)
        return TC_OK;
    if (node->count != 2)
        return expr__fail_count(p, expr__op_text(node->op), node->count);
    if (node->op == OP_LIST_APPEND)
        return check_literals(p, node, ITEM_L);
    TC_ASSERT(node->first != NULL);
    if (node->first->op == OP_PATH)
        return TC_OK;
    return expr__fail_about(p,
                            "Operator or function requires a document path; operator or function: ",
                            expr__op_text(node->op));
}

tc_err expr__validate_update(struct expr_parser *p, struct expr_node *list) {
    TC_ASSERT(list->op == OP_NONE && list->count > 0);
    TC_TRY(expr__check_faults(p));
    TC_TRY(expr__resolve_names(p, list));
    TC_TRY(expr__resolve_values(p, list));
    TC_TRY(expr__check_paths(p, list));
    for (const struct expr_node *action = list->first; action; action = action->next)
        TC_TRY(check_action_operand(p, action));
    for (const struct expr_node *action = list->first; action; action = action->next)
        TC_TRY(check_right_side(p, action));
    return TC_OK;
}

tc_err expr__validate_projection(struct expr_parser *p, struct expr_node *list) {
    TC_ASSERT(list->op == OP_NONE && list->count > 0);
    TC_TRY(expr__check_faults(p));
    TC_TRY(expr__resolve_names(p, list));
    return expr__check_paths(p, list);
}
