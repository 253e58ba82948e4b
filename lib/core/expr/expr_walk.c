#include "core/expr/expr_private.h"

struct tc_slice expr__body(struct tc_slice program) {
    TC_ASSERT(program.len > EXPR_HEADER_BYTES && program.data[0] == EXPR_VERSION);
    return tc_slice_from(program, EXPR_HEADER_BYTES);
}

enum expr_kind expr__kind(struct tc_slice program) {
    TC_ASSERT(program.len > EXPR_HEADER_BYTES);
    return (enum expr_kind)program.data[1];
}

enum expr_op expr__read_op(struct tc_reader *r) {
    return (enum expr_op)tc_reader_u8(r);
}

enum expr_op expr__trie_op(struct tc_slice trie) {
    return trie.len ? (enum expr_op)trie.data[0] : OP_NONE;
}

struct expr_children expr__children(struct tc_slice trie) {
    struct expr_children c = {.r = tc_reader(trie)};
    c.of = expr__read_op(&c.r);
    TC_ASSERT(c.of == OP_MAP || c.of == OP_LIST);
    c.left = tc_reader_varint(&c.r);
    return c;
}

bool expr__next_child(struct expr_children *c, struct expr_child *ret_child) {
    if (c->left == 0)
        return false;
    c->left--;
    struct expr_child child = {0};
    if (c->of == OP_MAP)
        child.name = tc_reader_lenbytes(&c->r);
    else
        child.index = tc_reader_varint(&c->r);
    child.trie = tc_reader_lenbytes(&c->r);
    if (!tc_reader_ok(&c->r))
        return false;
    *ret_child = child;
    return true;
}

/* One step from the item (first element) or from the value reached so far. */
static bool step(struct tc_slice item, bool first, uint64_t tag, struct tc_slice name,
                 struct item_value *at) {
    if (tag & 1)
        return !first && at->type == ITEM_L && item_list_get(*at, tag >> 1, at);
    if (first)
        return item.len > 0 && item_get(item, name, at);
    return at->type == ITEM_M && item_map_get(*at, name, at);
}

bool expr__read_path(struct tc_reader *r, struct tc_slice item, bool live,
                     struct item_value *ret_value) {
    uint8_t count = tc_reader_u8(r);
    struct item_value at = {0};
    bool found = live && count > 0;
    for (uint8_t i = 0; i < count; i++) {
        uint64_t tag = tc_reader_varint(r);
        struct tc_slice name = tag & 1 ? TC_SLICE_EMPTY : tc_reader_bytes(r, tag >> 1);
        found = found && tc_reader_ok(r) && step(item, i == 0, tag, name, &at);
    }
    if (found)
        *ret_value = at;
    return found;
}

bool expr__is_set(enum item_type type) {
    return type == ITEM_SS || type == ITEM_NS || type == ITEM_BS;
}

uint32_t expr__nesting(struct item_value v, uint32_t max) {
    if (max == 0 || (v.type != ITEM_M && v.type != ITEM_L))
        return 1;
    uint32_t deepest = 0;
    struct item_iter it = item_value_iter(v);
    struct item_value inner;
    while (item_next(&it, NULL, &inner)) {
        uint32_t levels = expr__nesting(inner, max - 1);
        deepest = levels > deepest ? levels : deepest;
    }
    return deepest + 1;
}
