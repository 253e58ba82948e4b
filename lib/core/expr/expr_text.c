#include "core/expr/expr_private.h"

#include "core/number/number.h"

const char *expr__kind_name(enum expr_kind kind) {
    switch (kind) {
    case EXPR_CONDITION:
        return "ConditionExpression";
    case EXPR_FILTER:
        return "FilterExpression";
    case EXPR_UPDATE:
        return "UpdateExpression";
    case EXPR_PROJECTION:
        return "ProjectionExpression";
    case EXPR_KEY_CONDITION:
        return "KeyConditionExpression";
    }
    return "Expression";
}

static void begin(const struct expr_parser *p, const char *text) {
    tc_buf_printf(p->diag, "Invalid %s: %s", expr__kind_name(p->kind), text);
}

tc_err expr__fail(const struct expr_parser *p, const char *text) {
    begin(p, text);
    return TC_EINVAL;
}

tc_err expr__fail_about(const struct expr_parser *p, const char *text, struct tc_slice about) {
    begin(p, text);
    tc_buf_append_slice(p->diag, about);
    return TC_EINVAL;
}

tc_err expr__fail_type(const struct expr_parser *p, const char *role, struct tc_slice op,
                       const char *type_name) {
    begin(p, "Incorrect operand type for operator or function; ");
    tc_buf_printf(p->diag, "%s: %.*s, operand type: %s", role, TC_SLICE_ARGS(op), type_name);
    return TC_EINVAL;
}

tc_err expr__fail_count(const struct expr_parser *p, struct tc_slice op, uint32_t count) {
    begin(p, "Incorrect number of operands for operator or function; operator or function: ");
    tc_buf_printf(p->diag, "%.*s, number of operands: %u", TC_SLICE_ARGS(op), count);
    return TC_EINVAL;
}

tc_err expr__fail_paths(const struct expr_parser *p, const char *how, const struct expr_node *one,
                        const struct expr_node *two) {
    begin(p, "Two document paths ");
    tc_buf_printf(p->diag, "%s with each other; must remove or rewrite one of these paths; ", how);
    tc_buf_append_str(p->diag, "path one: ");
    expr__append_path(p->diag, one);
    tc_buf_append_str(p->diag, ", path two: ");
    expr__append_path(p->diag, two);
    return TC_EINVAL;
}

void expr__append_path(struct tc_buf *out, const struct expr_node *path) {
    TC_ASSERT(path->op == OP_PATH);
    const char *separator = "[";
    for (const struct expr_elem *e = path->elems; e; e = e->next) {
        tc_buf_append_str(out, separator);
        separator = ", ";
        if (e->is_index)
            tc_buf_printf(out, "[%u]", e->index);
        else
            tc_buf_append_slice(out, e->text);
    }
    tc_buf_append_str(out, "]");
}

static void append_base64(struct tc_buf *out, struct tc_slice bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? bytes.data[i + 2] : 0;
        tc_buf_append_u8(out, (uint8_t)digits[group >> 18]);
        tc_buf_append_u8(out, (uint8_t)digits[group >> 12 & 63]);
        tc_buf_append_u8(out, (uint8_t)(left > 1 ? digits[group >> 6 & 63] : '='));
        tc_buf_append_u8(out, (uint8_t)(left > 2 ? digits[group & 63] : '='));
    }
}

void expr__append_value(struct tc_buf *out, struct tc_slice encoded) {
    struct item_value v = item_value_at(encoded);
    tc_buf_printf(out, "AttributeValue: {%s:", item_type_name(v.type));
    if (v.type == ITEM_N)
        number_append_text(out, v.body);
    else if (v.type == ITEM_B)
        append_base64(out, v.body);
    else if (v.type == ITEM_S)
        tc_buf_append_slice(out, v.body);
    tc_buf_append_str(out, "}");
}

struct tc_slice expr__op_text(enum expr_op op) {
    static const char *const names[] = {
        [OP_AND] = "AND",
        [OP_OR] = "OR",
        [OP_NOT] = "NOT",
        [OP_EQ] = "=",
        [OP_NE] = "<>",
        [OP_LT] = "<",
        [OP_LE] = "<=",
        [OP_GT] = ">",
        [OP_GE] = ">=",
        [OP_BETWEEN] = "BETWEEN",
        [OP_IN] = "IN",
        [OP_EXISTS] = "attribute_exists",
        [OP_NOT_EXISTS] = "attribute_not_exists",
        [OP_TYPE] = "attribute_type",
        [OP_BEGINS_WITH] = "begins_with",
        [OP_CONTAINS] = "contains",
        [OP_SIZE] = "size",
        [OP_PLUS] = "+",
        [OP_MINUS] = "-",
        [OP_IF_NOT_EXISTS] = "if_not_exists",
        [OP_LIST_APPEND] = "list_append",
        [OP_SET] = "SET",
        [OP_REMOVE] = "REMOVE",
        [OP_ADD] = "ADD",
        [OP_DELETE] = "DELETE",
    };
    TC_ASSERT(op < sizeof names / sizeof *names && names[op] != NULL);
    return tc_slice_str(names[op]);
}

enum item_type expr__type_named(struct tc_slice name) {
    for (int type = ITEM_S; type <= ITEM_BS; type++)
        if (tc_slice_eq(name, tc_slice_str(item_type_name((enum item_type)type))))
            return (enum item_type)type;
    return (enum item_type)0;
}
