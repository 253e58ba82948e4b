/* Order of names. Items have few attributes, mostly in order already: insertion sort serves those;
 * heap sort takes over where a hostile client could make insertion quadratic. */
#include "core/item/item_private.h"

enum {
    INSERTION_COUNT_MAX = 24
};

static void insertion_sort(struct item_attr *a, size_t count) {
    for (size_t i = 1; i < count; i++) {
        const struct item_attr moving = a[i];
        size_t at = i;
        for (; at > 0 && tc_slice_cmp(a[at - 1].name, moving.name) > 0; at--)
            a[at] = a[at - 1];
        a[at] = moving;
    }
}

static void sift_down(struct item_attr *a, size_t at, size_t count) {
    const struct item_attr moving = a[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && tc_slice_cmp(a[child].name, a[child + 1].name) < 0)
            child++;
        if (tc_slice_cmp(moving.name, a[child].name) >= 0)
            break;
        a[at] = a[child];
        at = child;
    }
    a[at] = moving;
}

static void heap_sort(struct item_attr *a, size_t count) {
    for (size_t i = count / 2; i > 0; i--)
        sift_down(a, i - 1, count);
    for (size_t end = count - 1; end > 0; end--) {
        const struct item_attr greatest = a[0];
        a[0] = a[end];
        a[end] = greatest;
        sift_down(a, 0, end);
    }
}

static bool is_sorted(const struct item_attr *a, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (tc_slice_cmp(a[i - 1].name, a[i].name) > 0)
            return false;
    }
    return true;
}

void item_sort_attrs(struct item_attr *attrs, size_t count) {
    TC_ASSERT(attrs != NULL || count == 0);
    if (count <= INSERTION_COUNT_MAX)
        insertion_sort(attrs, count);
    else if (!is_sorted(attrs, count))
        heap_sort(attrs, count);
}
