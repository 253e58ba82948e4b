#include "core/expr/expr_legacy.h"

#include "core/expr/expr_private.h"

/* Legacy parameters become the syntax trees that texts parse to; what follows is shared. */

static enum expr_op op_of(enum expr_compare compare) {
    static const enum expr_op ops[] = {
        [EXPR_COMPARE_EQ] = OP_EQ,
        [EXPR_COMPARE_NE] = OP_NE,
        [EXPR_COMPARE_LT] = OP_LT,
        [EXPR_COMPARE_LE] = OP_LE,
        [EXPR_COMPARE_GT] = OP_GT,
        [EXPR_COMPARE_GE] = OP_GE,
        [EXPR_COMPARE_BETWEEN] = OP_BETWEEN,
        [EXPR_COMPARE_IN] = OP_IN,
        [EXPR_COMPARE_NOT_NULL] = OP_EXISTS,
        [EXPR_COMPARE_NULL] = OP_NOT_EXISTS,
        [EXPR_COMPARE_BEGINS_WITH] = OP_BEGINS_WITH,
        [EXPR_COMPARE_CONTAINS] = OP_CONTAINS,
        [EXPR_COMPARE_NOT_CONTAINS] = OP_CONTAINS,
    };
    TC_ASSERT(compare > 0 && compare < sizeof ops / sizeof *ops);
    return ops[compare];
}

static tc_err add_path(struct expr_parser *p, struct tc_slice name, struct expr_node *parent) {
    TC_ASSERT(name.len > 0 && name.len <= ITEM_NAME_BYTES_MAX);
    struct expr_node *path;
    struct expr_elem *elem = tc_arena_alloc(p->ctx->scratch, sizeof *elem);
    if (elem == NULL)
        return TC_ENOMEM;
    *elem = (struct expr_elem){.text = name};
    TC_TRY(expr__new_node(p, OP_PATH, &path));
    path->elems = elem;
    path->count = 1;
    expr__add_child(parent, path);
    return TC_OK;
}

static tc_err add_value(struct expr_parser *p, struct tc_slice encoded, struct expr_node *parent) {
    TC_ASSERT(encoded.len > 0);
    struct expr_node *value;
    TC_TRY(expr__new_node(p, OP_VALUE, &value));
    value->text = encoded;
    expr__add_child(parent, value);
    return TC_OK;
}

/* ---- conditions ------------------------------------------------------------------------------ */

static tc_err new_comparison(struct expr_parser *p, const struct expr_legacy_condition *c,
                             struct expr_node **ret_node) {
    TC_TRY(expr__new_node(p, op_of(c->op), ret_node));
    TC_TRY(add_path(p, c->name, *ret_node));
    for (size_t i = 0; i < c->count; i++)
        TC_TRY(add_value(p, c->values[i], *ret_node));
    return TC_OK;
}

/* An attribute that is not there has nothing that it could lack. */
static tc_err new_lack(struct expr_parser *p, struct tc_slice name, struct expr_node *contains,
                       struct expr_node **ret_node) {
    struct expr_node *exists;
    struct expr_node * not ;
    TC_TRY(expr__new_node(p, OP_EXISTS, &exists));
    TC_TRY(add_path(p, name, exists));
    TC_TRY(expr__new_node(p, OP_NOT, &not ));
    expr__add_child(not, contains);
    TC_TRY(expr__new_node(p, OP_AND, ret_node));
    expr__add_child(*ret_node, exists);
    expr__add_child(*ret_node, not );
    return TC_OK;
}

static tc_err new_condition(struct expr_parser *p, const struct expr_legacy_condition *c,
                            struct expr_node **ret_node) {
    struct expr_node *node;
    TC_TRY(new_comparison(p, c, &node));
    if (c->op == EXPR_COMPARE_NOT_CONTAINS)
        return new_lack(p, c->name, node, ret_node);
    *ret_node = node;
    return TC_OK;
}

static tc_err build_conditions(struct expr_parser *p, const struct expr_legacy_conditions *c,
                               struct expr_node **ret_root) {
    TC_ASSERT(c->count > 0);
    if (c->count == 1)
        return new_condition(p, &c->at[0], ret_root);
    TC_TRY(expr__new_node(p, c->any ? OP_OR : OP_AND, ret_root));
    for (size_t i = 0; i < c->count; i++) {
        struct expr_node *node;
        TC_TRY(new_condition(p, &c->at[i], &node));
        expr__add_child(*ret_root, node);
    }
    return TC_OK;
}

/* Take back a program that storage would refuse. */
static tc_err check_size(struct tc_buf *out, size_t start, const char *text, struct tc_buf *diag) {
    if (out->len - start <= EXPR_PROGRAM_BYTES_MAX)
        return TC_OK;
    out->len = start;
    tc_buf_append_str(diag, text);
    return TC_EINVAL;
}

tc_err expr_legacy_compile(enum expr_kind kind, const struct expr_legacy_conditions *c,
                           struct tc_arena *scratch, struct tc_buf *out, struct tc_buf *diag) {
    TC_ASSERT(kind == EXPR_CONDITION || kind == EXPR_FILTER);
    struct expr_ctx ctx = {.scratch = scratch};
    struct expr_parser p = {.kind = kind, .ctx = &ctx, .diag = diag};
    struct expr_node *root;
    size_t start = out->len;
    TC_TRY(build_conditions(&p, c, &root));
    expr__emit_header(out, kind);
    expr__emit_condition(out, root);
    return check_size(out, start,
                      "One or more parameter values were invalid: Conditions have exceeded the "
                      "maximum allowed size",
                      diag);
}

static bool is_indexable(enum expr_compare op) {
    return op == EXPR_COMPARE_EQ || op == EXPR_COMPARE_BEGINS_WITH ||
           (op >= EXPR_COMPARE_LT && op <= EXPR_COMPARE_BETWEEN);
}

tc_err expr_legacy_compile_key(const struct expr_legacy_conditions *c,
                               const struct expr_key_schema *schema, struct tc_arena *scratch,
                               struct expr_key_range *ret_range, struct tc_buf *diag) {
    struct expr_ctx ctx = {.scratch = scratch};
    struct expr_parser p = {.kind = EXPR_KEY_CONDITION, .ctx = &ctx, .diag = diag};
    struct expr_node *root;
    for (size_t i = 0; i < c->count; i++) {
        if (is_indexable(c->at[i].op))
            continue;
        tc_buf_append_str(diag, "Attempted conditional constraint is not an indexable operation");
        return TC_EINVAL;
    }
    TC_ASSERT(!c->any);
    TC_TRY(build_conditions(&p, c, &root));
    return expr_match_key_condition(root, schema, ret_range, diag);
}

/* ---- updates and names ----------------------------------------------------------------------- */

/* list_append(if_not_exists(name, []), value) */
static tc_err add_appended(struct expr_parser *p, const struct expr_legacy_update *u,
                           struct expr_node *action) {
    static const uint8_t empty_list[] = {ITEM_L, 1, 0};
    struct expr_node *append;
    struct expr_node *base;
    TC_TRY(expr__new_node(p, OP_IF_NOT_EXISTS, &base));
    TC_TRY(add_path(p, u->name, base));
    TC_TRY(add_value(p, tc_slice(empty_list, sizeof empty_list), base));
    TC_TRY(expr__new_node(p, OP_LIST_APPEND, &append));
    expr__add_child(append, base);
    TC_TRY(add_value(p, u->value, append));
    expr__add_child(action, append);
    return TC_OK;
}

static enum expr_op action_op(const struct expr_legacy_update *u, bool append) {
    if (u->action == EXPR_LEGACY_ADD && !append)
        return OP_ADD;
    if (u->action == EXPR_LEGACY_DELETE)
        return u->value.len ? OP_DELETE : OP_REMOVE;
    return OP_SET;
}

static tc_err add_update(struct expr_parser *p, const struct expr_legacy_update *u,
                         struct expr_node *list) {
    struct expr_node *action;
    TC_ASSERT(u->value.len > 0 || u->action == EXPR_LEGACY_DELETE);
    bool append = u->action == EXPR_LEGACY_ADD && u->value.data[0] == ITEM_L;
    TC_TRY(expr__new_node(p, action_op(u, append), &action));
    TC_TRY(add_path(p, u->name, action));
    if (append)
        TC_TRY(add_appended(p, u, action));
    else if (u->value.len > 0)
        TC_TRY(add_value(p, u->value, action));
    expr__add_child(list, action);
    return TC_OK;
}

static struct tc_slice name_of(const struct expr_node *action) {
    return action->first->elems->text;
}

static bool less(const void *base, size_t a, size_t b) {
    struct expr_node *const *at = base;
    return tc_slice_cmp(name_of(at[a]), name_of(at[b])) < 0;
}

static void swap(void *base, size_t a, size_t b) {
    struct expr_node **at = base;
    struct expr_node *kept = at[a];
    at[a] = at[b];
    at[b] = kept;
}

/* The children of list by name, as tries want them; all names differ. */
static tc_err sort_actions(struct expr_parser *p, struct expr_node *list) {
    p->sorted = tc_arena_alloc(p->ctx->scratch, list->count * sizeof(struct expr_node *));
    if (p->sorted == NULL)
        return TC_ENOMEM;
    size_t count = 0;
    for (struct expr_node *action = list->first; action; action = action->next)
        p->sorted[count++] = action;
    expr__sort(p->sorted, count, less, swap);
    for (size_t i = 1; i < count; i++) {
        if (!tc_slice_eq(name_of(p->sorted[i - 1]), name_of(p->sorted[i])))
            continue;
        tc_buf_append_str(p->diag, "One or more parameter values were invalid: Duplicate value in "
                                   "attribute name: ");
        tc_buf_append_slice(p->diag, name_of(p->sorted[i]));
        return TC_EINVAL;
    }
    return TC_OK;
}

static tc_err emit_actions(struct expr_parser *p, struct expr_node *list, struct tc_buf *out) {
    size_t start = out->len;
    TC_TRY(sort_actions(p, list));
    expr__emit_header(out, p->kind);
    expr__emit_actions(out, p->sorted, list->count);
    return check_size(out, start,
                      p->kind == EXPR_UPDATE ? EXPR_TEXT_TOO_LARGE
                                             : "One or more parameter values were invalid: "
                                               "AttributesToGet has exceeded the maximum allowed "
                                               "size",
                      p->diag);
}

tc_err expr_legacy_compile_updates(const struct expr_legacy_update *at, size_t count,
                                   struct tc_arena *scratch, struct tc_buf *out,
                                   struct tc_buf *diag) {
    struct expr_ctx ctx = {.scratch = scratch};
    struct expr_parser p = {.kind = EXPR_UPDATE, .ctx = &ctx, .diag = diag};
    struct expr_node *list;
    TC_TRY(expr__new_node(&p, OP_NONE, &list));
    for (size_t i = 0; i < count; i++)
        TC_TRY(add_update(&p, &at[i], list));
    return emit_actions(&p, list, out);
}

tc_err expr_legacy_compile_names(const struct tc_slice *names, size_t count,
                                 struct tc_arena *scratch, struct tc_buf *out,
                                 struct tc_buf *diag) {
    struct expr_ctx ctx = {.scratch = scratch};
    struct expr_parser p = {.kind = EXPR_PROJECTION, .ctx = &ctx, .diag = diag};
    struct expr_node *list;
    struct expr_node *action;
    TC_TRY(expr__new_node(&p, OP_NONE, &list));
    for (size_t i = 0; i < count; i++) {
        TC_TRY(expr__new_node(&p, OP_KEEP, &action));
        TC_TRY(add_path(&p, names[i], action));
        expr__add_child(list, action);
    }
    return emit_actions(&p, list, out);
}
