#include "core/expr/expr_private.h"

/* Both the trie and the item are sorted: one merge, nothing is looked up. */

static bool project(struct tc_slice trie, struct item_value value, struct tc_buf *out);

static uint64_t project_entries(struct tc_slice trie, struct item_iter it, struct tc_buf *out) {
    struct expr_children children = expr__children(trie);
    struct expr_child child;
    struct tc_slice name;
    struct item_value value;
    uint64_t count = 0;
    bool more = expr__next_child(&children, &child);
    while (more && item_next(&it, &name, &value)) {
        int order = tc_slice_cmp(name, child.name);
        for (; more && order > 0; order = more ? tc_slice_cmp(name, child.name) : -1)
            more = expr__next_child(&children, &child);
        if (!more || order < 0)
            continue;
        size_t start = out->len;
        tc_buf_append_varint(out, name.len);
        tc_buf_append_slice(out, name);
        if (project(child.trie, value, out))
            count++;
        else
            out->len = start;
    }
    return count;
}

static uint64_t project_elements(struct tc_slice trie, struct item_iter it, struct tc_buf *out) {
    struct expr_children children = expr__children(trie);
    struct expr_child child;
    struct item_value value;
    uint64_t count = 0;
    bool more = expr__next_child(&children, &child);
    for (uint64_t i = 0; more && item_next(&it, NULL, &value); i++) {
        if (child.index != i)
            continue;
        count += project(child.trie, value, out);
        more = expr__next_child(&children, &child);
    }
    return count;
}

/* Append what trie names of value; false: nothing of it is there. */
static bool project(struct tc_slice trie, struct item_value value, struct tc_buf *out) {
    enum expr_op op = expr__trie_op(trie);
    size_t start = out->len;
    if (op != OP_MAP && op != OP_LIST) {
        item_put_value(out, value);
        return true;
    }
    enum item_type wanted = op == OP_MAP ? ITEM_M : ITEM_L;
    if (value.type != wanted)
        return false;
    uint64_t count = op == OP_MAP ? project_entries(trie, item_value_iter(value), out)
                                  : project_elements(trie, item_value_iter(value), out);
    if (count > 0)
        expr__wrap_container(out, start, wanted, count);
    return count > 0;
}

static void project_item(struct tc_slice program, struct tc_slice item, struct tc_buf *out) {
    size_t start = out->len;
    uint8_t head[10];
    uint64_t count = 0;
    if (item.len > 0)
        count = project_entries(expr__body(program), item_iter(item), out);
    expr__insert(out, start, head, expr__varint(head, count));
}

void expr_project(struct tc_slice program, struct tc_slice item, struct tc_buf *out) {
    if (program.len == 0) {
        tc_buf_append_slice(out, item);
        return;
    }
    TC_ASSERT(expr__kind(program) == EXPR_PROJECTION);
    project_item(program, item, out);
}

void expr_update_project(struct tc_slice program, struct tc_slice item, struct tc_buf *out) {
    if (program.len == 0) {
        tc_buf_append_u8(out, 0);
        return;
    }
    TC_ASSERT(expr__kind(program) == EXPR_UPDATE);
    project_item(program, item, out);
}
