/* Legacy parameters to programs and ranges. */
#include "exec_private.h"

#include "core/expr/expr_legacy.h"

/* Conditions and their values are as many as the client likes: they share the bound of what was
 * decoded. */
static struct tc_arena *bounded(struct exec_op *op) {
    op->req->arena->max_bytes = API_ARENA_BYTES_MAX;
    return op->req->arena;
}

static bool done(struct exec_op *op, tc_err err) {
    op->req->arena->max_bytes = 0;
    if (err == TC_ENOMEM)
        tc_buf_append_str(&op->diag, "The parameters need more memory than a request may use");
    return err == TC_OK;
}

static enum expr_compare compare_of(const struct api_condition *c) {
    static const enum expr_compare compare[] = {
        [API_COMPARISON_IN] = EXPR_COMPARE_IN,
        [API_COMPARISON_NULL] = EXPR_COMPARE_NULL,
        [API_COMPARISON_BETWEEN] = EXPR_COMPARE_BETWEEN,
        [API_COMPARISON_LT] = EXPR_COMPARE_LT,
        [API_COMPARISON_NOT_CONTAINS] = EXPR_COMPARE_NOT_CONTAINS,
        [API_COMPARISON_EQ] = EXPR_COMPARE_EQ,
        [API_COMPARISON_GT] = EXPR_COMPARE_GT,
        [API_COMPARISON_NOT_NULL] = EXPR_COMPARE_NOT_NULL,
        [API_COMPARISON_NE] = EXPR_COMPARE_NE,
        [API_COMPARISON_LE] = EXPR_COMPARE_LE,
        [API_COMPARISON_BEGINS_WITH] = EXPR_COMPARE_BEGINS_WITH,
        [API_COMPARISON_GE] = EXPR_COMPARE_GE,
        [API_COMPARISON_CONTAINS] = EXPR_COMPARE_CONTAINS,
    };
    if (c->comparison == 0) /* Expected with Value and Exists */
        return c->exists == API_FALSE ? EXPR_COMPARE_NULL : EXPR_COMPARE_EQ;
    TC_ASSERT(c->comparison < sizeof compare / sizeof *compare);
    return compare[c->comparison];
}

static void read_condition(const struct api_condition *in, struct expr_legacy_condition *ret) {
    bool one = in->value.data != NULL;
    *ret = (struct expr_legacy_condition){
        .name = in->name,
        .op = compare_of(in),
        .values = one ? &in->value : in->values.items,
        .count = one ? 1 : in->values.count,
    };
}

/* NULL: the request's memory is used up. */
static struct expr_legacy_condition *read_conditions(struct exec_op *op,
                                                     const struct api_list *list) {
    const struct api_condition *in = list->items;
    struct expr_legacy_condition *at = tc_arena_calloc(bounded(op), list->count, sizeof *at);
    for (size_t i = 0; at != NULL && i < list->count; i++)
        read_condition(&in[i], &at[i]);
    return at;
}

bool exec__compile_conditions(struct exec_op *op, enum expr_kind kind, const struct api_list *list,
                              unsigned conditional_operator, struct tc_buf *out) {
    if (list->count == 0)
        return true;
    struct expr_legacy_conditions c = {.at = read_conditions(op, list),
                                       .count = list->count,
                                       .any = conditional_operator == API_CONDITIONAL_OR};
    if (c.at == NULL)
        return done(op, TC_ENOMEM);
    return done(op, expr_legacy_compile(kind, &c, bounded(op), out, &op->diag));
}

bool exec__compile_key_conditions(struct exec_op *op, const struct api_list *list,
                                  const struct expr_key_schema *schema,
                                  struct expr_key_range *ret_range) {
    struct expr_legacy_conditions c = {.at = read_conditions(op, list), .count = list->count};
    if (c.at == NULL)
        return done(op, TC_ENOMEM);
    return done(op, expr_legacy_compile_key(&c, schema, bounded(op), ret_range, &op->diag));
}

bool exec__compile_updates(struct exec_op *op, const struct api_list *list) {
    static const enum expr_legacy_action actions[] = {
        [0] = EXPR_LEGACY_PUT,
        [API_ACTION_ADD] = EXPR_LEGACY_ADD,
        [API_ACTION_DELETE] = EXPR_LEGACY_DELETE,
        [API_ACTION_PUT] = EXPR_LEGACY_PUT,
    };
    const struct api_attribute_update *in = list->items;
    if (list->count == 0)
        return true;
    struct expr_legacy_update *at = tc_arena_calloc(bounded(op), list->count, sizeof *at);
    if (at == NULL)
        return done(op, TC_ENOMEM);
    for (size_t i = 0; i < list->count; i++)
        at[i] = (struct expr_legacy_update){in[i].name, actions[in[i].action], in[i].value};
    return done(op, expr_legacy_compile_updates(at, list->count, bounded(op), &op->programs.update,
                                                &op->diag));
}

bool exec__compile_names(struct exec_op *op, const struct api_slices *names) {
    for (size_t i = 0; i < names->count; i++) {
        size_t len = names->items[i].len;
        if (len > 0 && len <= ITEM_NAME_BYTES_MAX)
            continue;
        tc_buf_printf(&op->diag, "One or more parameter values were invalid: Attribute name %s",
                      len ? "is too large, must be less than 65536 bytes" : "must not be empty");
        return false;
    }
    return done(op, expr_legacy_compile_names(names->items, names->count, bounded(op),
                                              &op->programs.projection, &op->diag));
}
