#include "core/expr/expr_private.h"

/* Shell sort with gaps shrinking by 2.25: no memory, no recursion, and sub-quadratic even on
 * hostile input. */
void expr__sort(void *base, size_t count, expr__less less, expr__swap swap) {
    TC_ASSERT(less != NULL && swap != NULL);
    size_t gap = count;
    while (gap > 1) {
        gap = gap < 5 ? 1 : gap * 4 / 9;
        for (size_t i = gap; i < count; i++)
            for (size_t j = i; j >= gap && less(base, j, j - gap); j -= gap)
                swap(base, j, j - gap);
    }
}
