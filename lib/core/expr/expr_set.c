#include "core/expr/expr_private.h"

void expr__wrap_container(struct tc_buf *out, size_t start, enum item_type type, uint64_t count) {
    uint8_t head[21] = {(uint8_t)type};
    uint8_t number[10];
    size_t number_len = expr__varint(number, count);
    size_t len = 1 + expr__varint(head + 1, out->len - start + number_len);
    memcpy(head + len, number, number_len);
    expr__insert(out, start, head, len + number_len);
}

/* Elements of canonical sets ascend by tc_slice_cmp of their contents, numbers included. */
struct cursor {
    struct item_iter it;
    struct item_value at;
    bool more;
};

static void advance(struct cursor *c) {
    c->more = item_next(&c->it, NULL, &c->at);
}

static struct cursor cursor(struct item_value set) {
    TC_ASSERT(expr__is_set(set.type));
    struct cursor c = {.it = item_value_iter(set)};
    advance(&c);
    return c;
}

/* Order of the two heads; an exhausted side comes last. */
static int order(const struct cursor *a, const struct cursor *b) {
    if (!a->more || !b->more)
        return (int)b->more - (int)a->more;
    return tc_slice_cmp(a->at.body, b->at.body);
}

void expr__set_union(struct tc_buf *out, struct item_value a, struct item_value b) {
    TC_ASSERT(a.type == b.type);
    size_t start = out->len;
    uint64_t count = 0;
    struct cursor x = cursor(a);
    struct cursor y = cursor(b);
    for (; x.more || y.more; count++) {
        int o = order(&x, &y);
        item_put_element(out, a.type, o <= 0 ? x.at.body : y.at.body);
        if (o <= 0)
            advance(&x);
        if (o >= 0)
            advance(&y);
    }
    expr__wrap_container(out, start, a.type, count);
}

bool expr__set_difference(struct tc_buf *out, struct item_value a, struct item_value b) {
    TC_ASSERT(a.type == b.type);
    size_t start = out->len;
    uint64_t count = 0;
    struct cursor x = cursor(a);
    struct cursor y = cursor(b);
    while (x.more) {
        int o = order(&x, &y);
        if (o < 0) {
            item_put_element(out, a.type, x.at.body);
            count++;
        }
        if (o <= 0)
            advance(&x);
        if (o >= 0)
            advance(&y);
    }
    if (count > 0)
        expr__wrap_container(out, start, a.type, count);
    return count > 0;
}
