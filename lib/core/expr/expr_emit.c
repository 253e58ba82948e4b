#include "core/expr/expr_private.h"

void expr__insert(struct tc_buf *out, size_t start, const void *bytes, size_t len) {
    TC_ASSERT(start <= out->len);
    size_t moved = out->len - start;
    (void)tc_buf_extend(out, len);
    memmove(out->data + start + len, out->data + start, moved);
    memcpy(out->data + start, bytes, len);
}

size_t expr__varint(uint8_t ret_bytes[10], uint64_t v) {
    size_t len = 0;
    for (; v >= 0x80; v >>= 7)
        ret_bytes[len++] = (uint8_t)(v | 0x80);
    ret_bytes[len++] = (uint8_t)v;
    TC_ASSERT(len <= 10);
    return len;
}

void expr__close_lenbytes(struct tc_buf *out, size_t start) {
    uint8_t bytes[10];
    size_t len = expr__varint(bytes, out->len - start);
    expr__insert(out, start, bytes, len);
}

static void emit_lenbytes(struct tc_buf *out, struct tc_slice s) {
    tc_buf_append_varint(out, s.len);
    tc_buf_append_slice(out, s);
}

static void emit_path(struct tc_buf *out, const struct expr_node *path) {
    TC_ASSERT(path->op == OP_PATH && path->count <= EXPR_PATH_ELEMENTS_MAX);
    tc_buf_append_u8(out, (uint8_t)path->count);
    for (const struct expr_elem *e = path->elems; e; e = e->next) {
        TC_ASSERT(!e->is_token);
        tc_buf_append_varint(out, e->is_index ? (uint64_t)e->index << 1 | 1 : e->text.len << 1);
        if (!e->is_index)
            tc_buf_append_slice(out, e->text);
    }
}

static void emit_operand(struct tc_buf *out, const struct expr_node *node) {
    tc_buf_append_u8(out, (uint8_t)node->op);
    if (node->op == OP_PATH) {
        emit_path(out, node);
    } else if (node->op == OP_VALUE) {
        emit_lenbytes(out, node->text);
    } else if (node->op == OP_IF_NOT_EXISTS) {
        emit_path(out, node->first);
        emit_operand(out, node->last);
    } else {
        TC_ASSERT(node->op >= OP_SIZE && node->op <= OP_LIST_APPEND);
        for (const struct expr_node *o = node->first; o; o = o->next)
            emit_operand(out, o);
    }
}

static void emit_in(struct tc_buf *out, const struct expr_node *node) {
    emit_operand(out, node->first);
    tc_buf_append_varint(out, node->count - 1);
    for (const struct expr_node *o = node->first->next; o; o = o->next)
        emit_operand(out, o);
}

static void emit_chain(struct tc_buf *out, const struct expr_node *node);

static void emit_condition(struct tc_buf *out, const struct expr_node *node) {
    if (node->op == OP_AND || node->op == OP_OR || node->op == OP_NOT) {
        emit_chain(out, node);
        return;
    }
    tc_buf_append_u8(out, (uint8_t)node->op);
    if (node->op == OP_EXISTS || node->op == OP_NOT_EXISTS) {
        emit_path(out, node->first);
    } else if (node->op == OP_IN) {
        emit_in(out, node);
    } else if (node->op == OP_TYPE) {
        emit_operand(out, node->first);
        tc_buf_append_u8(out, (uint8_t)expr__type_named(item_value_at(node->last->text).body));
    } else {
        TC_ASSERT(node->op >= OP_EQ && node->op <= OP_CONTAINS);
        for (const struct expr_node *o = node->first; o; o = o->next)
            emit_operand(out, o);
    }
}

static void emit_chain(struct tc_buf *out, const struct expr_node *node) {
    tc_buf_append_u8(out, (uint8_t)node->op);
    if (node->op != OP_NOT)
        tc_buf_append_varint(out, node->count);
    for (const struct expr_node *child = node->first; child; child = child->next)
        emit_condition(out, child);
}

void expr__emit_header(struct tc_buf *out, enum expr_kind kind) {
    tc_buf_append_u8(out, EXPR_VERSION);
    tc_buf_append_u8(out, (uint8_t)kind);
}

void expr__emit_condition(struct tc_buf *out, const struct expr_node *root) {
    emit_condition(out, root);
}

/* ---- tries ----------------------------------------------------------------------------------- */

static const struct expr_elem *elem_at(const struct expr_node *action, uint32_t depth) {
    const struct expr_elem *e = action->first->elems;
    while (depth-- > 0 && e)
        e = e->next;
    return e;
}

static size_t group_end(struct expr_node *const *sorted, size_t from, size_t end, uint32_t depth) {
    size_t at = from + 1;
    while (at < end && expr__elem_eq(elem_at(sorted[from], depth), elem_at(sorted[at], depth)))
        at++;
    return at;
}

static void emit_leaf(struct tc_buf *out, const struct expr_node *action) {
    tc_buf_append_u8(out, (uint8_t)action->op);
    if (action->op == OP_SET)
        emit_operand(out, action->last);
    else if (action->op == OP_ADD || action->op == OP_DELETE)
        emit_lenbytes(out, action->last->text);
}

/* The actions [from, end) share their first depth elements and differ in the next. */
static void emit_trie(struct tc_buf *out, struct expr_node *const *sorted, size_t from, size_t end,
                      uint32_t depth) {
    TC_ASSERT(from < end && depth < EXPR_PATH_ELEMENTS_MAX);
    bool list = elem_at(sorted[from], depth)->is_index;
    uint64_t count = 0;
    for (size_t at = from; at < end; at = group_end(sorted, at, end, depth))
        count++;
    tc_buf_append_u8(out, list ? OP_LIST : OP_MAP);
    tc_buf_append_varint(out, count);
    for (size_t at = from; at < end;) {
        size_t next = group_end(sorted, at, end, depth);
        const struct expr_elem *e = elem_at(sorted[at], depth);
        if (list)
            tc_buf_append_varint(out, e->index);
        else
            emit_lenbytes(out, e->text);
        size_t start = out->len;
        if (e->next)
            emit_trie(out, sorted, at, next, depth + 1);
        else
            emit_leaf(out, sorted[at]);
        expr__close_lenbytes(out, start);
        at = next;
    }
}

void expr__emit_actions(struct tc_buf *out, struct expr_node *const *sorted, size_t count) {
    TC_ASSERT(count > 0);
    emit_trie(out, sorted, 0, count, 0);
}
