#include "core/expr/expr_private.h"

#define INVALID_PATH "The document path provided in the update expression is invalid for update"
#define TOO_DEEP                                                                                   \
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "    \
    "beyond supported limit"

/* The new item is written in one pass: the trie of actions and the old item are both sorted, so
 * they merge. A place is an attribute, map entry or list element; actions decide what stands there.
 */

struct place {
    bool found;
    struct item_value old;
    uint32_t depth; /* 1: top-level attribute */
};

static tc_err apply(struct expr_eval *e, struct tc_slice trie, struct place at, struct tc_buf *out,
                    bool *ret_present);

/* ---- actions --------------------------------------------------------------------------------- */

static tc_err apply_set(struct expr_eval *e, struct tc_slice operand, struct place at,
                        struct tc_buf *out) {
    struct tc_reader r = tc_reader(operand);
    struct item_value value;
    TC_TRY(expr__eval_operand(e, &r, /* live= */ true, &value));
    TC_ASSERT(tc_reader_at_end(&r));
    if (at.depth - 1 + expr__nesting(value, ITEM_DEPTH_MAX) > ITEM_DEPTH_MAX)
        return expr__eval_fail(e, TOO_DEEP);
    item_put_value(out, value);
    /* One large attribute may be set to many names: stop at once, not at the end. */
    if (out->len - e->out_start > ITEM_ENCODED_BYTES_MAX)
        return expr__eval_fail(e, EXPR_TEXT_TOO_LARGE);
    return TC_OK;
}

static tc_err apply_add(struct expr_eval *e, struct item_value literal, struct place at,
                        struct tc_buf *out) {
    if (!at.found) {
        item_put_value(out, literal);
        return TC_OK;
    }
    if (at.old.type != literal.type)
        return expr__eval_fail_type(e);
    if (literal.type != ITEM_N) {
        expr__set_union(out, at.old, literal);
        return TC_OK;
    }
    struct item_value sum;
    TC_TRY(expr__add_numbers(e, at.old, literal, /* minus= */ false, &sum));
    item_put_value(out, sum);
    return TC_OK;
}

static tc_err apply_delete(struct expr_eval *e, struct item_value literal, struct place at,
                           struct tc_buf *out, bool *ret_present) {
    if (at.found && at.old.type != literal.type)
        return expr__eval_fail_type(e);
    *ret_present = at.found && expr__set_difference(out, at.old, literal);
    return TC_OK;
}

static struct item_value literal_of(struct tc_slice operand) {
    struct tc_reader r = tc_reader(operand);
    struct tc_slice encoded = tc_reader_lenbytes(&r);
    TC_ASSERT(tc_reader_at_end(&r));
    return item_value_at(encoded);
}

/* ---- maps and lists -------------------------------------------------------------------------- */

struct entry {
    struct tc_slice name;
    struct item_value value;
    bool more;
};

static void next_entry(struct item_iter *it, struct entry *ret_entry) {
    ret_entry->more = item_next(it, &ret_entry->name, &ret_entry->value);
}

static int entry_order(const struct entry *entry, bool more_children,
                       const struct expr_child *child) {
    if (!entry->more || !more_children)
        return (int)more_children - (int)entry->more;
    return tc_slice_cmp(entry->name, child->name);
}

/* Append one entry's name, and behind it its value as the child leaves it. */
static tc_err apply_entry(struct expr_eval *e, const struct expr_child *child, struct place at,
                          struct tc_buf *out, uint64_t *count) {
    size_t start = out->len;
    bool present = true;
    tc_buf_append_varint(out, child->name.len);
    tc_buf_append_slice(out, child->name);
    TC_TRY(apply(e, child->trie, at, out, &present));
    if (present)
        ++*count;
    else
        out->len = start;
    return TC_OK;
}

static void copy_entry(const struct entry *entry, struct tc_buf *out) {
    tc_buf_append_varint(out, entry->name.len);
    tc_buf_append_slice(out, entry->name);
    item_put_value(out, entry->value);
}

/* Append the entries of a map (or item) after the actions of trie, an OP_MAP. */
static tc_err apply_entries(struct expr_eval *e, struct tc_slice trie, struct item_iter it,
                            uint32_t depth, struct tc_buf *out, uint64_t *ret_count) {
    struct expr_children children = expr__children(trie);
    struct expr_child child;
    struct entry entry;
    uint64_t count = 0;
    next_entry(&it, &entry);
    bool more = expr__next_child(&children, &child);
    while (entry.more || more) {
        int order = entry_order(&entry, more, &child);
        if (order < 0) {
            copy_entry(&entry, out);
            count++;
        } else {
            struct place at = {.found = order == 0, .old = entry.value, .depth = depth + 1};
            TC_TRY(apply_entry(e, &child, at, out, &count));
            more = expr__next_child(&children, &child);
        }
        if (order <= 0)
            next_entry(&it, &entry);
    }
    *ret_count = count;
    return TC_OK;
}

static tc_err apply_element(struct expr_eval *e, const struct expr_child *child, struct place at,
                            struct tc_buf *out, uint64_t *count) {
    bool present = true;
    TC_TRY(apply(e, child->trie, at, out, &present));
    *count += present;
    return TC_OK;
}

/* Indexes count the old elements; those beyond the end append in their order. */
static tc_err apply_elements(struct expr_eval *e, struct tc_slice trie, struct place list,
                             struct tc_buf *out, uint64_t *ret_count) {
    struct expr_children children = expr__children(trie);
    struct item_iter it = item_value_iter(list.old);
    struct expr_child child;
    struct place at = {.found = true, .depth = list.depth + 1};
    uint64_t count = 0;
    bool more = expr__next_child(&children, &child);
    for (uint64_t i = 0; item_next(&it, NULL, &at.old); i++) {
        if (!more || child.index != i) {
            item_put_value(out, at.old);
            count++;
            continue;
        }
        TC_TRY(apply_element(e, &child, at, out, &count));
        more = expr__next_child(&children, &child);
    }
    at.found = false;
    for (; more; more = expr__next_child(&children, &child))
        TC_TRY(apply_element(e, &child, at, out, &count));
    *ret_count = count;
    return TC_OK;
}

static tc_err apply_container(struct expr_eval *e, struct tc_slice trie, struct place at,
                              struct tc_buf *out) {
    bool map = expr__trie_op(trie) == OP_MAP;
    enum item_type wanted = map ? ITEM_M : ITEM_L;
    if (!at.found || at.old.type != wanted)
        return expr__eval_fail(e, INVALID_PATH);
    size_t start = out->len;
    uint64_t count;
    if (map)
        TC_TRY(apply_entries(e, trie, item_value_iter(at.old), at.depth, out, &count));
    else
        TC_TRY(apply_elements(e, trie, at, out, &count));
    expr__wrap_container(out, start, wanted, count);
    return TC_OK;
}

/* The recursion ends with the trie, whose depth expr_check has bounded. */
static tc_err apply(struct expr_eval *e, struct tc_slice trie, struct place at, struct tc_buf *out,
                    bool *ret_present) {
    TC_ASSERT(trie.len > 0 && at.depth <= EXPR_PATH_ELEMENTS_MAX);
    struct tc_slice operand = tc_slice_from(trie, 1);
    enum expr_op op = expr__trie_op(trie);
    *ret_present = op != OP_REMOVE;
    if (op == OP_MAP || op == OP_LIST)
        return apply_container(e, trie, at, out);
    if (op == OP_SET)
        return apply_set(e, operand, at, out);
    if (op == OP_ADD)
        return apply_add(e, literal_of(operand), at, out);
    if (op == OP_DELETE)
        return apply_delete(e, literal_of(operand), at, out, ret_present);
    TC_ASSERT(op == OP_REMOVE);
    return TC_OK;
}

/* ---- the item -------------------------------------------------------------------------------- */

/* Taking things out of an item that is not there leaves it so; anything else creates it. */
static bool only_takes_away(struct tc_slice trie) {
    enum expr_op op = expr__trie_op(trie);
    if (op != OP_MAP && op != OP_LIST)
        return op == OP_REMOVE || op == OP_DELETE;
    struct expr_children children = expr__children(trie);
    struct expr_child child;
    while (expr__next_child(&children, &child))
        if (!only_takes_away(child.trie))
            return false;
    return true;
}

static tc_err write_item(struct expr_eval *e, struct tc_slice trie, struct tc_slice base,
                         struct tc_buf *out) {
    size_t start = out->len;
    uint64_t count = 0;
    uint8_t head[10];
    TC_TRY(apply_entries(e, trie, item_iter(base), 0, out, &count));
    expr__insert(out, start, head, expr__varint(head, count));
    if (item_size_bytes(tc_slice_from(tc_buf_slice(out), start)) > ITEM_BYTES_MAX)
        return expr__eval_fail(e, EXPR_TEXT_TOO_LARGE);
    return TC_OK;
}

tc_err expr_update(struct tc_slice program, struct tc_slice old_item, struct tc_slice key_item,
                   struct tc_arena *scratch, struct tc_buf *out, struct tc_buf *diag) {
    TC_ASSERT(old_item.len > 0 || key_item.len > 0);
    struct tc_slice base = old_item.len ? old_item : key_item;
    if (program.len == 0) {
        tc_buf_append_slice(out, base);
        return TC_OK;
    }
    struct expr_eval e = {
        .old_item = old_item, .scratch = scratch, .diag = diag, .out_start = out->len};
    struct tc_slice trie = expr__body(program);
    size_t start = out->len;
    tc_err err = write_item(&e, trie, base, out);
    if (err != TC_OK || (old_item.len == 0 && only_takes_away(trie)))
        out->len = start;
    return err;
}
