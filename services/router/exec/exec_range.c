/* A key condition as a range of storage keys. */
#include "exec_private.h"

#include "core/key/key.h"

static void append_sort(struct tc_buf *out, struct tc_slice encoded) {
    key_append_range(out, item_value_at(encoded));
}

/* A key followed by 00 is the least key above it. */
static void append_sort_after(struct tc_buf *out, struct tc_slice encoded) {
    append_sort(out, encoded);
    tc_buf_append_u8(out, 0);
}

static void append_start(const struct expr_key_range *range, struct tc_buf *start) {
    switch (range->op) {
    case EXPR_SORT_EQ:
    case EXPR_SORT_GE:
    case EXPR_SORT_BETWEEN:
    case EXPR_SORT_BEGINS_WITH:
        append_sort(start, range->low);
        break;
    case EXPR_SORT_GT:
        append_sort_after(start, range->low);
        break;
    case EXPR_SORT_ALL:
    case EXPR_SORT_LT:
    case EXPR_SORT_LE:
        break;
    }
}

static void append_end(const struct expr_key_range *range, struct tc_slice prefix,
                       struct tc_slice start, struct tc_buf *end) {
    switch (range->op) {
    case EXPR_SORT_EQ:
    case EXPR_SORT_LE:
        tc_buf_append_slice(end, prefix);
        append_sort_after(end, range->low);
        break;
    case EXPR_SORT_LT:
        tc_buf_append_slice(end, prefix);
        append_sort(end, range->low);
        break;
    case EXPR_SORT_BETWEEN:
        tc_buf_append_slice(end, prefix);
        append_sort_after(end, range->high);
        break;
    case EXPR_SORT_BEGINS_WITH:
        key_append_prefix_end(end, start);
        break;
    case EXPR_SORT_ALL:
    case EXPR_SORT_GT:
    case EXPR_SORT_GE:
        key_append_prefix_end(end, prefix);
        break;
    }
}

void exec__range(const struct expr_key_range *range, struct tc_buf *ret_start,
                 struct tc_buf *ret_end) {
    struct tc_buf prefix = {0};
    key_append_hash(&prefix, item_value_at(range->hash[0]));
    tc_buf_clear(ret_start);
    tc_buf_append_slice(ret_start, tc_buf_slice(&prefix));
    append_start(range, ret_start);
    tc_buf_clear(ret_end);
    append_end(range, tc_buf_slice(&prefix), tc_buf_slice(ret_start), ret_end);
    TC_ASSERT(ret_end->len > 0);
    tc_buf_deinit(&prefix);
}
