/* Sizes as the API counts them for the 400 KB limit and for capacity units (FEATURES.md 2.2). */
#include "core/item/item_private.h"
#include "core/number/number.h"

enum {
    CONTAINER_BYTES = 3,         /* of a list or map, even an empty one */
    CONTAINER_ELEMENT_BYTES = 1, /* of each element of a list or map */
};

static uint64_t scalar_size(enum item_type type, struct tc_slice body) {
    return type == ITEM_N ? number_size_bytes(body) : body.len;
}

/* Recursion is bounded by ITEM_DEPTH_MAX, which item_check guarantees. */
static uint64_t container_size(struct item_value v) {
    const bool is_set = v.type >= ITEM_SS;
    struct item_iter it = item_value_iter(v);
    uint64_t size = is_set ? 0 : CONTAINER_BYTES + it.left * CONTAINER_ELEMENT_BYTES;
    struct tc_slice name;
    struct item_value element;
    while (item_next(&it, &name, &element))
        size += name.len + item_value_size_bytes(element);
    return size;
}

uint64_t item_value_size_bytes(struct item_value v) {
    switch (v.type) {
    case ITEM_NULL:
    case ITEM_BOOL:
        return 1;
    case ITEM_S:
    case ITEM_N:
    case ITEM_B:
        return scalar_size(v.type, v.body);
    case ITEM_M:
    case ITEM_L:
    case ITEM_SS:
    case ITEM_NS:
    case ITEM_BS:
        return container_size(v);
    }
    TC_ASSERT(!"an item_value has a known type");
    return 0;
}

uint64_t item_size_bytes(struct tc_slice item) {
    struct item_iter it = item_iter(item);
    uint64_t size = 0;
    struct tc_slice name;
    struct item_value v;
    while (item_next(&it, &name, &v))
        size += name.len + item_value_size_bytes(v);
    return size;
}
