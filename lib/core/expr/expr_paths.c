#include "core/expr/expr_private.h"

bool expr__elem_eq(const struct expr_elem *a, const struct expr_elem *b) {
    if (a->is_index != b->is_index)
        return false;
    return a->is_index ? a->index == b->index : tc_slice_eq(a->text, b->text);
}

bool expr__path_eq(const struct expr_node *a, const struct expr_node *b) {
    if (a->op != OP_PATH || b->op != OP_PATH)
        return false;
    const struct expr_elem *x = a->elems;
    const struct expr_elem *y = b->elems;
    while (x && y && expr__elem_eq(x, y)) {
        x = x->next;
        y = y->next;
    }
    return x == NULL && y == NULL;
}

enum relation {
    APART,
    OVERLAP,  /* one is the other, or lies within it */
    CONFLICT, /* one needs a map where the other needs a list */
};

static enum relation relate(const struct expr_node *a, const struct expr_node *b) {
    const struct expr_elem *x = a->elems;
    const struct expr_elem *y = b->elems;
    while (x && y && expr__elem_eq(x, y)) {
        x = x->next;
        y = y->next;
    }
    if (x == NULL || y == NULL)
        return OVERLAP;
    return x->is_index != y->is_index ? CONFLICT : APART;
}

/* Trie order: names before indexes, each ascending, a path before what lies within it. */
static bool less(const void *base, size_t a, size_t b) {
    struct expr_node *const *at = base;
    const struct expr_elem *x = at[a]->first->elems;
    const struct expr_elem *y = at[b]->first->elems;
    while (x && y && expr__elem_eq(x, y)) {
        x = x->next;
        y = y->next;
    }
    if (x == NULL || y == NULL)
        return y != NULL;
    if (x->is_index != y->is_index)
        return y->is_index;
    return x->is_index ? x->index < y->index : tc_slice_cmp(x->text, y->text) < 0;
}

static void swap(void *base, size_t a, size_t b) {
    struct expr_node **at = base;
    struct expr_node *kept = at[a];
    at[a] = at[b];
    at[b] = kept;
}

static tc_err sort_paths(struct expr_parser *p, struct expr_node *list,
                         struct expr_node ***ret_sorted) {
    struct expr_node **sorted = tc_arena_alloc(p->ctx->scratch, list->count * sizeof(*sorted));
    if (sorted == NULL)
        return TC_ENOMEM;
    size_t count = 0;
    for (struct expr_node *action = list->first; action; action = action->next)
        sorted[count++] = action;
    TC_ASSERT(count == list->count);
    expr__sort(sorted, count, less, swap);
    *ret_sorted = sorted;
    return TC_OK;
}

/* The earliest pair of the text is the one to report, an overlap before any conflict. */
static tc_err fail_first_pair(struct expr_parser *p, const struct expr_node *list,
                              enum relation wanted) {
    for (const struct expr_node *two = list->first; two; two = two->next)
        for (const struct expr_node *one = list->first; one != two; one = one->next)
            if (relate(one->first, two->first) == wanted)
                return expr__fail_paths(p, wanted == OVERLAP ? "overlap" : "conflict", one->first,
                                        two->first);
    return TC_OK;
}

/* In trie order any pair at odds makes some neighbours at odds, so one pass proves there is none.
 */
tc_err expr__check_paths(struct expr_parser *p, struct expr_node *list) {
    struct expr_node **sorted;
    TC_TRY(sort_paths(p, list, &sorted));
    bool apart = true;
    for (size_t i = 1; i < list->count && apart; i++)
        apart = relate(sorted[i - 1]->first, sorted[i]->first) == APART;
    p->sorted = sorted;
    if (apart)
        return TC_OK;
    TC_TRY(fail_first_pair(p, list, OVERLAP));
    return fail_first_pair(p, list, CONFLICT);
}
