#include "base/utf8.h"
#include "core/expr/expr_private.h"

/* Program bytes arrive from the network: every length, count, name, literal and nesting is checked
 * here once, so that evaluation may trust them. Counts need no maxima of their own: whatever is
 * counted takes bytes. */

struct checker {
    struct tc_reader r;
    uint32_t depth;
    bool update; /* operands compute values instead of sizes */
};

static bool check_operand(struct checker *c);

static bool enter(struct checker *c) {
    return ++c->depth <= EXPR_PROGRAM_DEPTH_MAX;
}

static bool check_name(struct tc_slice name) {
    return name.len > 0 && name.len <= ITEM_NAME_BYTES_MAX && tc_utf8_valid(name);
}

static bool check_path(struct checker *c) {
    uint8_t count = tc_reader_u8(&c->r);
    if (count == 0 || count > EXPR_PATH_ELEMENTS_MAX)
        return false;
    for (uint8_t i = 0; i < count; i++) {
        uint64_t tag = tc_reader_varint(&c->r);
        bool index = tag & 1;
        if (index && (i == 0 || tag >> 1 > EXPR_LIST_INDEX_MAX))
            return false;
        if (!index && !check_name(tc_reader_bytes(&c->r, tag >> 1)))
            return false;
    }
    return tc_reader_ok(&c->r);
}

static bool check_value(struct checker *c, struct item_value *ret_value) {
    struct tc_slice value = tc_reader_lenbytes(&c->r);
    if (!tc_reader_ok(&c->r) || item_value_check(value) != TC_OK)
        return false;
    *ret_value = item_value_at(value);
    return true;
}

static bool check_operands(struct checker *c, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        if (!check_operand(c))
            return false;
    return true;
}

static bool check_computed(struct checker *c, enum expr_op op) {
    if (!c->update)
        return op == OP_SIZE && check_operand(c);
    if (op == OP_IF_NOT_EXISTS)
        return check_path(c) && check_operand(c);
    bool pair = op == OP_PLUS || op == OP_MINUS || op == OP_LIST_APPEND;
    return pair && check_operands(c, 2);
}

static bool check_operand(struct checker *c) {
    struct item_value value;
    if (!enter(c))
        return false;
    enum expr_op op = expr__read_op(&c->r);
    bool good;
    if (op == OP_PATH)
        good = check_path(c);
    else if (op == OP_VALUE)
        good = check_value(c, &value);
    else
        good = check_computed(c, op);
    c->depth--;
    return good;
}

static bool check_condition(struct checker *c);

static bool check_chain(struct checker *c) {
    uint64_t count = tc_reader_varint(&c->r);
    if (count < 2)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!check_condition(c))
            return false;
    return true;
}

static bool check_in(struct checker *c) {
    if (!check_operand(c))
        return false;
    uint64_t count = tc_reader_varint(&c->r);
    return count >= 1 && check_operands(c, count);
}

static bool check_type(struct checker *c) {
    if (!check_operand(c))
        return false;
    uint8_t type = tc_reader_u8(&c->r);
    return tc_reader_ok(&c->r) && type >= ITEM_S && type <= ITEM_BS;
}

static bool check_condition_body(struct checker *c, enum expr_op op) {
    if (op == OP_AND || op == OP_OR)
        return check_chain(c);
    if (op == OP_NOT)
        return check_condition(c);
    if (op == OP_BETWEEN)
        return check_operands(c, 3);
    if (op == OP_IN)
        return check_in(c);
    if (op == OP_EXISTS || op == OP_NOT_EXISTS)
        return check_path(c);
    if (op == OP_TYPE)
        return check_type(c);
    bool pair = (op >= OP_EQ && op <= OP_GE) || op == OP_BEGINS_WITH || op == OP_CONTAINS;
    return pair && check_operands(c, 2);
}

static bool check_condition(struct checker *c) {
    if (!enter(c))
        return false;
    bool good = check_condition_body(c, expr__read_op(&c->r));
    c->depth--;
    return good && tc_reader_ok(&c->r);
}

/* ---- tries ----------------------------------------------------------------------------------- */

static bool check_trie(struct tc_slice trie, enum expr_kind kind, uint32_t depth);

static bool ascends(const struct expr_child *before, const struct expr_child *child,
                    enum expr_op of) {
    if (of == OP_MAP)
        return tc_slice_cmp(before->name, child->name) < 0;
    return before->index < child->index;
}

static bool check_children(struct tc_slice trie, enum expr_kind kind, uint32_t depth) {
    struct expr_children children = expr__children(trie);
    struct expr_child before = {0};
    struct expr_child child;
    bool first = true;
    if (children.left == 0)
        return false;
    while (expr__next_child(&children, &child)) {
        if (!first && !ascends(&before, &child, children.of))
            return false;
        if (children.of == OP_MAP ? !check_name(child.name) : child.index > EXPR_LIST_INDEX_MAX)
            return false;
        if (!check_trie(child.trie, kind, depth + 1))
            return false;
        before = child;
        first = false;
    }
    return children.left == 0 && tc_reader_at_end(&children.r);
}

static bool check_action(struct checker *c, enum expr_op op) {
    struct item_value value;
    if (op == OP_REMOVE)
        return true;
    if (op == OP_SET)
        return check_operand(c);
    if (op != OP_ADD && op != OP_DELETE)
        return false;
    if (!check_value(c, &value))
        return false;
    return expr__is_set(value.type) || (op == OP_ADD && value.type == ITEM_N);
}

static bool check_trie(struct tc_slice trie, enum expr_kind kind, uint32_t depth) {
    enum expr_op op = expr__trie_op(trie);
    if (depth > EXPR_PATH_ELEMENTS_MAX)
        return false;
    if (op == OP_MAP || op == OP_LIST)
        return (depth > 0 || op == OP_MAP) && check_children(trie, kind, depth);
    if (depth == 0 || trie.len == 0)
        return false;
    struct checker c = {.r = tc_reader(tc_slice_from(trie, 1)), .update = true};
    bool good = kind == EXPR_PROJECTION ? op == OP_KEEP : check_action(&c, op);
    return good && tc_reader_at_end(&c.r);
}

tc_err expr_check(struct tc_slice program, enum expr_kind kind) {
    TC_ASSERT(kind >= EXPR_CONDITION && kind <= EXPR_PROJECTION);
    if (program.len <= EXPR_HEADER_BYTES || program.len > EXPR_PROGRAM_BYTES_MAX)
        return TC_EINVAL;
    uint8_t of = program.data[1];
    bool same = of == (uint8_t)kind || (kind == EXPR_CONDITION && of == EXPR_FILTER);
    if (program.data[0] != EXPR_VERSION || !same)
        return TC_EINVAL;
    if (kind == EXPR_UPDATE || kind == EXPR_PROJECTION)
        return check_trie(expr__body(program), kind, 0) ? TC_OK : TC_EINVAL;
    struct checker c = {.r = tc_reader(expr__body(program))};
    return check_condition(&c) && tc_reader_at_end(&c.r) ? TC_OK : TC_EINVAL;
}
