#include "core/expr/expr_private.h"

/* Which top-level attributes a program names. */

struct search {
    struct tc_reader r;
    expr_visit_name visit;
    void *user;
    bool nested; /* only paths of more than a name */
    bool found;  /* visit said so */
};

static void search_path(struct search *s) {
    uint8_t count = tc_reader_u8(&s->r);
    for (uint8_t i = 0; i < count; i++) {
        uint64_t tag = tc_reader_varint(&s->r);
        if (tag & 1)
            continue;
        struct tc_slice name = tc_reader_bytes(&s->r, tag >> 1);
        bool wanted = i == 0 && (!s->nested || count > 1) && tc_reader_ok(&s->r);
        s->found = s->found || (wanted && s->visit(s->user, name));
    }
}

/* Operands nest in size() only. */
static void search_operand(struct search *s) {
    enum expr_op op = expr__read_op(&s->r);
    while (op == OP_SIZE)
        op = expr__read_op(&s->r);
    if (op == OP_PATH)
        search_path(s);
    else
        (void)tc_reader_lenbytes(&s->r);
}

static void search_operands(struct search *s, uint64_t count) {
    for (uint64_t i = 0; i < count && tc_reader_ok(&s->r); i++)
        search_operand(s);
}

/* One node without the nodes in it; answers how many those are. */
static uint64_t search_node(struct search *s) {
    enum expr_op op = expr__read_op(&s->r);
    if (op == OP_AND || op == OP_OR)
        return tc_reader_varint(&s->r);
    if (op == OP_NOT)
        return 1;
    if (op == OP_EXISTS || op == OP_NOT_EXISTS) {
        search_path(s);
        return 0;
    }
    search_operand(s);
    if (op == OP_TYPE)
        (void)tc_reader_u8(&s->r);
    else if (op == OP_IN)
        search_operands(s, tc_reader_varint(&s->r));
    else
        search_operands(s, op == OP_BETWEEN ? 2 : 1);
    return 0;
}

/* Prefix order: a count of the nodes still to come replaces recursion. */
static bool search_condition(struct search *s) {
    for (uint64_t left = 1; left > 0 && tc_reader_ok(&s->r) && !s->found;)
        left += search_node(s) - 1;
    return s->found;
}

static bool is_inner(struct tc_slice trie) {
    enum expr_op op = expr__trie_op(trie);
    return op == OP_MAP || op == OP_LIST;
}

static bool search_trie(const struct search *s, struct tc_slice trie) {
    struct expr_children children = expr__children(trie);
    struct expr_child child;
    while (expr__next_child(&children, &child))
        if ((!s->nested || is_inner(child.trie)) && s->visit(s->user, child.name))
            return true;
    return false;
}

static bool search(struct tc_slice program, struct search *s) {
    if (program.len == 0)
        return false;
    enum expr_kind kind = expr__kind(program);
    struct tc_slice body = expr__body(program);
    s->r = tc_reader(body);
    if (kind == EXPR_UPDATE || kind == EXPR_PROJECTION)
        return search_trie(s, body);
    return search_condition(s);
}

bool expr_visit_names(struct tc_slice program, expr_visit_name visit, void *user) {
    struct search s = {.visit = visit, .user = user};
    return search(program, &s);
}

bool expr_visit_nested(struct tc_slice program, expr_visit_name visit, void *user) {
    struct search s = {.visit = visit, .user = user, .nested = true};
    return search(program, &s);
}

static bool is_same(void *user, struct tc_slice name) {
    const struct tc_slice *wanted = user;
    return tc_slice_eq(*wanted, name);
}

bool expr_touches(struct tc_slice program, struct tc_slice name) {
    return expr_visit_names(program, is_same, &name);
}

tc_err expr_forbid_key(struct tc_slice program, struct tc_slice key_name, struct tc_buf *diag) {
    if (program.len == 0)
        return TC_OK;
    enum expr_kind kind = expr__kind(program);
    bool guarded = kind == EXPR_UPDATE || kind == EXPR_FILTER;
    if (!guarded || !expr_touches(program, key_name))
        return TC_OK;
    bool update = kind == EXPR_UPDATE;
    tc_buf_append_str(diag, update ? "One or more parameter values were invalid: "
                                     "Cannot update attribute "
                                   : "Filter Expression can only contain non-primary key "
                                     "attributes: Primary key attribute: ");
    tc_buf_append_slice(diag, key_name);
    tc_buf_append_str(diag, update ? ". This attribute is part of the key" : "");
    return TC_EINVAL;
}
