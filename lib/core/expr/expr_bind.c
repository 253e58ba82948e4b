#include "core/expr/expr_private.h"

/* Few bindings are found faster by looking at each. */
enum {
    LINEAR_MAX = 8
};

static const char *map_name(char sigil) {
    return sigil == '#' ? "ExpressionAttributeNames" : "ExpressionAttributeValues";
}

static bool less(const void *base, size_t a, size_t b) {
    const struct expr_binding *at = base;
    return tc_slice_cmp(at[a].token, at[b].token) < 0;
}

static void swap(void *base, size_t a, size_t b) {
    struct expr_binding *at = base;
    struct expr_binding kept = at[a];
    at[a] = at[b];
    at[b] = kept;
}

static bool is_token(struct tc_slice token, char sigil) {
    if (token.len < 2 || token.data[0] != (uint8_t)sigil)
        return false;
    for (size_t i = 1; i < token.len; i++) {
        uint8_t c = token.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

static tc_err fail_key(struct tc_buf *diag, char sigil, const char *why, struct tc_slice key) {
    tc_buf_printf(diag, "%s contains invalid key: %s; key: \"", map_name(sigil), why);
    tc_buf_append_slice(diag, key);
    tc_buf_append_str(diag, "\"");
    return TC_EINVAL;
}

static tc_err check_binding(const struct expr_binding *b, char sigil, struct tc_buf *diag) {
    if (!is_token(b->token, sigil))
        return fail_key(diag, sigil, "Syntax error", b->token);
    if (b->token.len > EXPR_TOKEN_BYTES_MAX)
        return fail_key(diag, sigil, "The key is longer than 255 bytes", b->token);
    if (sigil == '#' && (b->target.len == 0 || b->target.len > ITEM_NAME_BYTES_MAX)) {
        tc_buf_printf(diag, "%s contains invalid value: %s for key %.*s", map_name(sigil),
                      b->target.len ? "Attribute name is too long" : "Attribute name is empty",
                      TC_SLICE_ARGS(b->token));
        return TC_EINVAL;
    }
    TC_ASSERT(b->target.len > 0 && !b->used);
    return TC_OK;
}

tc_err expr_bindings_prepare(struct expr_bindings *b, char sigil, struct tc_buf *diag) {
    TC_ASSERT(sigil == '#' || sigil == ':');
    uint64_t bytes = 0;
    for (size_t i = 0; i < b->count; i++) {
        TC_TRY(check_binding(&b->at[i], sigil, diag));
        bytes += b->at[i].token.len + b->at[i].target.len;
    }
    if (bytes > EXPR_BINDINGS_BYTES_MAX) {
        tc_buf_printf(diag, "%s exceeds max size", map_name(sigil));
        return TC_EINVAL;
    }
    b->bytes = bytes;
    expr__sort(b->at, b->count, less, swap);
    for (size_t i = 1; i < b->count; i++)
        if (tc_slice_eq(b->at[i - 1].token, b->at[i].token))
            return fail_key(diag, sigil, "Duplicate", b->at[i].token);
    return TC_OK;
}

tc_err expr_bindings_check_used(const struct expr_bindings *b, char sigil, struct tc_buf *diag) {
    size_t unused = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->at[i].used)
            continue;
        if (unused++ == 0)
            tc_buf_printf(diag, "Value provided in %s unused in expressions: keys: {",
                          map_name(sigil));
        else
            tc_buf_append_str(diag, ", ");
        tc_buf_append_slice(diag, b->at[i].token);
    }
    if (unused == 0)
        return TC_OK;
    tc_buf_append_str(diag, "}");
    return TC_EINVAL;
}

static struct expr_binding *find(struct expr_bindings *b, struct tc_slice token) {
    if (b == NULL)
        return NULL;
    size_t low = 0;
    size_t high = b->count;
    while (high - low > LINEAR_MAX) {
        size_t middle = low + (high - low) / 2;
        if (tc_slice_cmp(b->at[middle].token, token) <= 0)
            low = middle;
        else
            high = middle;
    }
    for (; low < high; low++)
        if (tc_slice_eq(b->at[low].token, token))
            return &b->at[low];
    return NULL;
}

/* Take a binding. One large value under many mentions would make a program of any size. */
static tc_err use(struct expr_parser *p, struct expr_binding *binding,
                  struct tc_slice *ret_target) {
    p->inlined_bytes += binding->target.len;
    if (p->inlined_bytes > EXPR_INLINED_BYTES_MAX)
        return expr__fail(p, "Expression size has exceeded the maximum allowed size;");
    binding->used = true;
    *ret_target = binding->target;
    return TC_OK;
}

static tc_err resolve_elems(struct expr_parser *p, struct expr_node *path) {
    for (struct expr_elem *e = path->elems; e; e = e->next) {
        if (!e->is_token)
            continue;
        struct expr_binding *binding = find(p->ctx->names, e->text);
        if (binding == NULL)
            return expr__fail_about(p,
                                    "An expression attribute name used in the document path is not "
                                    "defined; attribute name: ",
                                    e->text);
        TC_TRY(use(p, binding, &e->text));
        e->is_token = false;
    }
    return TC_OK;
}

static tc_err resolve_value(struct expr_parser *p, struct expr_node *value) {
    struct expr_binding *binding = find(p->ctx->values, value->text);
    if (binding == NULL)
        return expr__fail_about(
            p, "An expression attribute value used in expression is not defined; attribute value: ",
            value->text);
    return use(p, binding, &value->text);
}

tc_err expr__resolve_names(struct expr_parser *p, struct expr_node *node) {
    if (node->op == OP_PATH)
        return resolve_elems(p, node);
    for (struct expr_node *child = node->first; child; child = child->next)
        TC_TRY(expr__resolve_names(p, child));
    return TC_OK;
}

tc_err expr__resolve_values(struct expr_parser *p, struct expr_node *node) {
    if (node->op == OP_VALUE)
        return resolve_value(p, node);
    for (struct expr_node *child = node->first; child; child = child->next)
        TC_TRY(expr__resolve_values(p, child));
    return TC_OK;
}

tc_err expr__resolve(struct expr_parser *p, struct expr_node *node) {
    if (node->op == OP_PATH)
        return resolve_elems(p, node);
    if (node->op == OP_VALUE)
        return resolve_value(p, node);
    for (struct expr_node *child = node->first; child; child = child->next)
        TC_TRY(expr__resolve(p, child));
    return TC_OK;
}
