#include "core/expr/expr_private.h"

#include "core/number/number.h"

/* Prefix bytes are read once from front to back. Once an AND or OR is decided, the rest of it is
 * read with live = false, which looks nothing up. */

struct operand {
    bool found;
    struct item_value value;
    struct number number; /* backs the value of a size() */
};

struct match {
    struct tc_reader r;
    struct tc_slice item;
    uint32_t depth; /* bounds the recursion even on bytes that were never checked */
};

static uint64_t size_of(struct item_value v) {
    if (v.type == ITEM_S || v.type == ITEM_B)
        return v.body.len;
    return item_value_iter(v).left;
}

static void read_operand(struct match *m, bool live, struct operand *ret_operand);

static void read_size(struct match *m, bool live, struct operand *ret_operand) {
    struct operand of;
    read_operand(m, live, &of);
    bool sized = of.found && of.value.type != ITEM_N && of.value.type != ITEM_BOOL &&
                 of.value.type != ITEM_NULL;
    ret_operand->found = sized;
    if (!sized)
        return;
    number_from_u64(size_of(of.value), &ret_operand->number);
    ret_operand->value =
        (struct item_value){.type = ITEM_N, .body = number_slice(&ret_operand->number)};
}

static void read_operand(struct match *m, bool live, struct operand *ret_operand) {
    enum expr_op op = expr__read_op(&m->r);
    ret_operand->found = false;
    if (op == OP_PATH) {
        ret_operand->found = expr__read_path(&m->r, m->item, live, &ret_operand->value);
    } else if (op == OP_VALUE) {
        struct tc_slice encoded = tc_reader_lenbytes(&m->r);
        ret_operand->found = live && encoded.len > 0;
        if (ret_operand->found)
            ret_operand->value = item_value_at(encoded);
    } else if (op == OP_SIZE && m->depth < EXPR_PROGRAM_DEPTH_MAX) {
        m->depth++;
        read_size(m, live, ret_operand);
        m->depth--;
    }
}

/* ---- comparisons ----------------------------------------------------------------------------- */

/* Canonical encodings: equal values have equal bytes. */
static bool equal(const struct item_value *a, const struct item_value *b) {
    return a->type == b->type && tc_slice_eq(a->body, b->body);
}

/* Strings, numbers and binaries order within their type; nothing else does. */
static bool in_order(const struct operand *a, const struct operand *b, int *ret_order) {
    if (!a->found || !b->found || a->value.type != b->value.type)
        return false;
    enum item_type type = a->value.type;
    if (type != ITEM_S && type != ITEM_N && type != ITEM_B)
        return false;
    *ret_order = tc_slice_cmp(a->value.body, b->value.body);
    return true;
}

static bool compare(enum expr_op op, const struct operand *a, const struct operand *b) {
    int order;
    bool same = a->found && b->found && equal(&a->value, &b->value);
    if (op == OP_EQ || op == OP_NE)
        return same == (op == OP_EQ);
    if (!in_order(a, b, &order))
        return false;
    if (op == OP_LT || op == OP_LE)
        return order < 0 || (op == OP_LE && order == 0);
    return order > 0 || (op == OP_GE && order == 0);
}

static bool begins_with(const struct operand *a, const struct operand *b) {
    if (!a->found || !b->found || a->value.type != b->value.type)
        return false;
    enum item_type type = a->value.type;
    return (type == ITEM_S || type == ITEM_B) && tc_slice_has_prefix(a->value.body, b->value.body);
}

static bool has_substring(struct tc_slice text, struct tc_slice part) {
    if (part.len == 0)
        return true;
    while (text.len >= part.len) {
        const uint8_t *at = memchr(text.data, part.data[0], text.len - part.len + 1);
        if (at == NULL)
            return false;
        text = tc_slice_from(text, (size_t)(at - text.data));
        if (tc_slice_has_prefix(text, part))
            return true;
        text = tc_slice_from(text, 1);
    }
    return false;
}

static bool has_element(struct item_value container, const struct item_value *wanted) {
    struct item_iter it = item_value_iter(container);
    struct item_value element;
    while (item_next(&it, NULL, &element))
        if (equal(&element, wanted))
            return true;
    return false;
}

static bool contains(const struct operand *a, const struct operand *b) {
    if (!a->found || !b->found)
        return false;
    enum item_type type = a->value.type;
    if (type == ITEM_S || type == ITEM_B)
        return b->value.type == type && has_substring(a->value.body, b->value.body);
    if (type != ITEM_L && !expr__is_set(type))
        return false;
    return has_element(a->value, &b->value);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static bool match_node(struct match *m, bool live);

static bool match_chain(struct match *m, bool live, bool all) {
    uint64_t count = tc_reader_varint(&m->r);
    bool result = all;
    for (uint64_t i = 0; i < count && tc_reader_ok(&m->r); i++) {
        bool one = match_node(m, live && result == all);
        if (result == all)
            result = one;
    }
    return result;
}

static bool match_pair(struct match *m, bool live, enum expr_op op) {
    struct operand a;
    struct operand b;
    read_operand(m, live, &a);
    read_operand(m, live, &b);
    if (!live)
        return false;
    if (op == OP_BEGINS_WITH)
        return begins_with(&a, &b);
    return op == OP_CONTAINS ? contains(&a, &b) : compare(op, &a, &b);
}

static bool match_between(struct match *m, bool live) {
    struct operand v;
    struct operand low;
    struct operand high;
    read_operand(m, live, &v);
    read_operand(m, live, &low);
    read_operand(m, live, &high);
    return live && compare(OP_GE, &v, &low) && compare(OP_LE, &v, &high);
}

static bool match_in(struct match *m, bool live) {
    struct operand v;
    struct operand one;
    read_operand(m, live, &v);
    uint64_t count = tc_reader_varint(&m->r);
    bool found = false;
    for (uint64_t i = 0; i < count && tc_reader_ok(&m->r); i++) {
        read_operand(m, live && !found, &one);
        found = found || (live && compare(OP_EQ, &v, &one));
    }
    return found;
}

static bool match_type(struct match *m, bool live) {
    struct operand v;
    read_operand(m, live, &v);
    uint8_t type = tc_reader_u8(&m->r);
    return v.found && v.value.type == type;
}

static bool match_body(struct match *m, bool live, enum expr_op op) {
    struct item_value value;
    if (op == OP_AND || op == OP_OR)
        return match_chain(m, live, op == OP_AND);
    if (op == OP_NOT)
        return !match_node(m, live);
    if (op == OP_BETWEEN)
        return match_between(m, live);
    if (op == OP_IN)
        return match_in(m, live);
    if (op == OP_TYPE)
        return match_type(m, live);
    if (op == OP_EXISTS || op == OP_NOT_EXISTS)
        return expr__read_path(&m->r, m->item, live, &value) == (op == OP_EXISTS);
    return match_pair(m, live, op);
}

static bool match_node(struct match *m, bool live) {
    if (m->depth >= EXPR_PROGRAM_DEPTH_MAX)
        return false;
    m->depth++;
    bool result = match_body(m, live, expr__read_op(&m->r));
    m->depth--;
    return result;
}

bool expr_match(struct tc_slice program, struct tc_slice item) {
    if (program.len == 0)
        return true;
    struct match m = {.r = tc_reader(expr__body(program)), .item = item};
    bool result = match_node(&m, /* live= */ true);
    TC_DASSERT(tc_reader_at_end(&m.r));
    return result;
}
