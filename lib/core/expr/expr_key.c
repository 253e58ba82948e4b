#include "core/expr/expr_private.h"

#include "core/key/key.h"

enum {
    CONDITIONS_MAX = EXPR_OPERATORS_MAX + 1
};

static const char unsupported[] = "Query key condition not supported";

/* One comparison of a key condition: name op low [high]. */
struct key_condition {
    enum expr_op op;
    struct tc_slice name;
    struct tc_slice low;
    struct tc_slice high;
};

struct key_conditions {
    struct expr_parser *p;
    const struct expr_node *nodes[CONDITIONS_MAX];
    size_t count;
};

/* Most texts about key conditions have no "Invalid KeyConditionExpression:" in front. */
static tc_err fail(struct expr_parser *p, const char *text) {
    tc_buf_append_str(p->diag, text);
    return TC_EINVAL;
}

static tc_err fail_about(struct expr_parser *p, const char *text, struct tc_slice about,
                         const char *rest) {
    tc_buf_append_str(p->diag, text);
    tc_buf_append_slice(p->diag, about);
    tc_buf_append_str(p->diag, rest);
    return TC_EINVAL;
}

static bool is_supported(enum expr_op op) {
    return op == OP_EQ || (op >= OP_LT && op <= OP_BETWEEN) || op == OP_BEGINS_WITH;
}

static tc_err flatten(struct key_conditions *k, const struct expr_node *node) {
    if (node->op != OP_AND) {
        if (!is_supported(node->op))
            return fail_about(k->p, "Invalid operator used in KeyConditionExpression: ",
                              expr__op_text(node->op), "");
        if (k->count == CONDITIONS_MAX)
            return fail(k->p, "Conditions can be of length 1 or 2 only");
        k->nodes[k->count++] = node;
        return TC_OK;
    }
    for (const struct expr_node *child = node->first; child; child = child->next)
        TC_TRY(flatten(k, child));
    return TC_OK;
}

static tc_err check_first_operand(struct expr_parser *p, const struct expr_node *node) {
    bool wants_path = node->op == OP_BETWEEN || node->op == OP_BEGINS_WITH;
    if (!wants_path || node->first->op != OP_VALUE)
        return TC_OK;
    return fail_about(p, "Invalid condition in KeyConditionExpression: ", expr__op_text(node->op),
                      " operator must have the key attribute as its first operand");
}

static tc_err check_operands(struct expr_parser *p, const struct expr_node *node) {
    bool named = false;
    for (const struct expr_node *o = node->first; o; o = o->next) {
        if (o->op == OP_SIZE)
            return fail(p, "KeyConditionExpressions cannot contain nested operations");
        if (o->op != OP_PATH)
            continue;
        if (named)
            return fail(p, "Invalid condition in KeyConditionExpression: "
                           "Multiple attribute names used in one condition");
        if (o->count > 1)
            return fail(p, "Invalid KeyConditionExpression: KeyConditionExpressions cannot have "
                           "conditions on nested attributes");
        named = true;
    }
    if (named)
        return TC_OK;
    return fail(p, "Invalid condition in KeyConditionExpression: No key attribute specified");
}

/* :v < k reads k > :v. */
static enum expr_op mirrored(enum expr_op op) {
    if (op == OP_LT || op == OP_LE)
        return op == OP_LT ? OP_GT : OP_GE;
    if (op == OP_GT || op == OP_GE)
        return op == OP_GT ? OP_LT : OP_LE;
    return op;
}

static struct key_condition read_condition(const struct expr_node *node) {
    bool path_first = node->first->op == OP_PATH;
    const struct expr_node *path = path_first ? node->first : node->last;
    const struct expr_node *low = path_first ? node->first->next : node->first;
    TC_ASSERT(path->op == OP_PATH && low->op == OP_VALUE);
    return (struct key_condition){
        .op = path_first ? node->op : mirrored(node->op),
        .name = path->elems->text,
        .low = low->text,
        .high = node->op == OP_BETWEEN ? node->last->text : TC_SLICE_EMPTY,
    };
}

static tc_err check_distinct_keys(struct key_conditions *k) {
    for (size_t i = 1; i < k->count; i++)
        for (size_t j = 0; j < i; j++)
            if (tc_slice_eq(read_condition(k->nodes[i]).name, read_condition(k->nodes[j]).name))
                return fail(k->p, "Invalid KeyConditionExpression: KeyConditionExpressions must "
                                  "only contain one condition per key");
    return TC_OK;
}

static tc_err collect(struct key_conditions *k, const struct expr_node *root) {
    TC_TRY(flatten(k, root));
    for (size_t i = 0; i < k->count; i++)
        TC_TRY(check_first_operand(k->p, k->nodes[i]));
    for (size_t i = 0; i < k->count; i++)
        TC_TRY(check_operands(k->p, k->nodes[i]));
    return check_distinct_keys(k);
}

tc_err expr_check_key_condition(const struct expr_node *condition, struct tc_buf *diag) {
    struct expr_parser p = {.kind = EXPR_KEY_CONDITION, .diag = diag};
    struct key_conditions k = {.p = &p};
    return collect(&k, condition);
}

/* ---- against the schema ---------------------------------------------------------------------- */

static tc_err find_condition(struct key_conditions *k, struct tc_slice name,
                             struct key_condition *ret_condition) {
    for (size_t i = 0; i < k->count; i++) {
        struct key_condition c = read_condition(k->nodes[i]);
        if (tc_slice_eq(c.name, name)) {
            *ret_condition = c;
            return TC_OK;
        }
    }
    return fail_about(k->p, "Query condition missed key schema element: ", name, "");
}

/* No key is longer, so nothing is found by such a value; key ranges count on it. */
static tc_err check_length(struct expr_parser *p, struct item_value v, bool sort) {
    if (v.body.len <= (sort ? KEY_RANGE_BYTES_MAX : KEY_HASH_BYTES_MAX))
        return TC_OK;
    return fail(p, sort ? "One or more parameter values were invalid: Aggregated size of all range "
                          "keys has exceeded the size limit of 1024 bytes"
                        : "One or more parameter values were invalid: Size of hashkey has exceeded "
                          "the maximum size limit of2048 bytes");
}

static tc_err check_value(struct expr_parser *p, const struct expr_key_attr *attr, bool sort,
                          struct tc_slice encoded) {
    struct item_value v = item_value_at(encoded);
    if (v.type != attr->type)
        return fail(p, "One or more parameter values were invalid: "
                       "Condition parameter type does not match schema type");
    if (v.body.len > 0)
        return check_length(p, v, sort);
    tc_buf_printf(p->diag,
                  "One or more parameter values are not valid. The AttributeValue for a key "
                  "attribute cannot contain an empty %s value. Key: ",
                  v.type == ITEM_B ? "binary" : "string");
    tc_buf_append_slice(p->diag, attr->name);
    return TC_EINVAL;
}

static tc_err check_values(struct expr_parser *p, const struct expr_key_attr *attr, bool sort,
                           const struct key_condition *c) {
    TC_TRY(check_value(p, attr, sort, c->low));
    return c->op == OP_BETWEEN ? check_value(p, attr, sort, c->high) : TC_OK;
}

static enum expr_sort_op sort_op(enum expr_op op) {
    if (op == OP_EQ)
        return EXPR_SORT_EQ;
    if (op >= OP_LT && op <= OP_GE)
        return (enum expr_sort_op)(EXPR_SORT_LT + (op - OP_LT));
    TC_ASSERT(op == OP_BETWEEN || op == OP_BEGINS_WITH);
    return op == OP_BETWEEN ? EXPR_SORT_BETWEEN : EXPR_SORT_BEGINS_WITH;
}

/* The conditions in the schema's order: every hash attribute, then sort attributes from the left.
 */
struct ordered {
    struct key_condition at[2 * EXPR_KEY_PARTS_MAX];
    size_t count;
};

static const struct expr_key_attr *attr_at(const struct expr_key_schema *schema, size_t i) {
    return i < schema->hash_count ? &schema->hash[i] : &schema->sort[i - schema->hash_count];
}

static tc_err put_in_order(struct key_conditions *k, const struct expr_key_schema *schema,
                           struct ordered *o) {
    for (size_t i = 0; i < schema->hash_count; i++)
        TC_TRY(find_condition(k, schema->hash[i].name, &o->at[i]));
    if (k->count > schema->hash_count + schema->sort_count)
        return fail(k->p, unsupported);
    for (size_t i = schema->hash_count; i < k->count; i++)
        TC_TRY(find_condition(k, attr_at(schema, i)->name, &o->at[i]));
    o->count = k->count;
    for (size_t i = 0; i < o->count; i++)
        TC_TRY(
            check_values(k->p, attr_at(schema, i), /* sort= */ i >= schema->hash_count, &o->at[i]));
    return TC_OK;
}

/* Only the last sort attribute that is named may be compared otherwise than for equality. */
static tc_err match_schema(struct key_conditions *k, const struct expr_key_schema *schema,
                           struct expr_key_range *ret_range) {
    struct ordered o = {0};
    TC_TRY(put_in_order(k, schema, &o));
    for (size_t i = 0; i < o.count; i++)
        if (o.at[i].op != OP_EQ && (i < schema->hash_count || i + 1 < o.count))
            return fail(k->p, unsupported);
    *ret_range = (struct expr_key_range){0};
    for (size_t i = 0; i < schema->hash_count; i++)
        ret_range->hash[i] = o.at[i].low;
    if (o.count == schema->hash_count)
        return TC_OK;
    for (size_t i = schema->hash_count; i + 1 < o.count; i++)
        ret_range->equal[ret_range->equal_count++] = o.at[i].low;
    const struct key_condition *last = &o.at[o.count - 1];
    ret_range->op = sort_op(last->op);
    ret_range->low = last->low;
    ret_range->high = last->high;
    return TC_OK;
}

tc_err expr_match_key_condition(const struct expr_node *condition,
                                const struct expr_key_schema *schema,
                                struct expr_key_range *ret_range, struct tc_buf *diag) {
    TC_ASSERT(schema->hash_count >= 1 && schema->hash_count <= EXPR_KEY_PARTS_MAX);
    TC_ASSERT(schema->sort_count <= EXPR_KEY_PARTS_MAX);
    struct expr_parser p = {.kind = EXPR_KEY_CONDITION, .diag = diag};
    struct key_conditions k = {.p = &p};
    TC_TRY(collect(&k, condition));
    bool composed = schema->hash_count > 1 || schema->sort_count > 1;
    if (k.count > 2 && !composed)
        return fail(&p, "Conditions can be of length 1 or 2 only");
    return match_schema(&k, schema, ret_range);
}

tc_err expr_parse_key_condition(struct tc_slice text, struct expr_ctx *ctx,
                                const struct expr_node **ret_condition, struct tc_buf *diag) {
    struct expr_parser p = {.kind = EXPR_KEY_CONDITION, .ctx = ctx, .diag = diag};
    struct expr_node *root;
    TC_TRY(expr__start(&p, text));
    TC_TRY(expr__parse_condition(&p, &root));
    TC_TRY(expr__validate_condition(&p, root));
    *ret_condition = root;
    return TC_OK;
}

tc_err expr_compile_key_condition(struct tc_slice text, const struct expr_key_schema *schema,
                                  struct expr_ctx *ctx, struct expr_key_range *ret_range,
                                  struct tc_buf *diag) {
    const struct expr_node *condition;
    TC_TRY(expr_parse_key_condition(text, ctx, &condition, diag));
    return expr_match_key_condition(condition, schema, ret_range, diag);
}
