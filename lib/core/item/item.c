/* Walking over checked bytes. */
#include "core/item/item.h"

#include "core/item/item_private.h"

struct item_value item__value(struct item_cursor *c) {
    const uint8_t *const start = c->at;
    TC_ASSERT(c->at < c->end);
    struct item_value v = {.type = (enum item_type) * c->at++};
    switch (v.type) {
    case ITEM_NULL:
        v.body = TC_SLICE_EMPTY;
        break;
    case ITEM_BOOL:
        v.body = item__bytes(c, 1);
        break;
    case ITEM_S:
    case ITEM_B:
    case ITEM_N: /* its u8 length is a one-byte varint */
    case ITEM_M:
    case ITEM_L:
    case ITEM_SS:
    case ITEM_NS:
    case ITEM_BS:
        v.body = item__lenbytes(c);
        break;
    default:
        TC_ASSERT(!"a type that item_check refuses");
    }
    v.encoded = tc_slice(start, (size_t)(c->at - start));
    return v;
}

struct item_value item_value_at(struct tc_slice encoded) {
    struct item_cursor c = item__cursor(encoded);
    return item__value(&c);
}

static struct item_iter iter(struct tc_slice counted, enum item_type of) {
    struct item_cursor c = item__cursor(counted);
    const uint64_t count = item__varint(&c);
    return (struct item_iter){.rest = tc_slice(c.at, item__left(&c)), .left = count, .of = of};
}

struct item_iter item_iter(struct tc_slice item) {
    return iter(item, ITEM_M);
}

static bool is_container(enum item_type type) {
    return type >= ITEM_M && type <= ITEM_BS;
}

struct item_iter item_value_iter(struct item_value v) {
    TC_ASSERT(is_container(v.type));
    return iter(v.body, v.type);
}

uint64_t item_value_count(struct item_value v) {
    TC_ASSERT(is_container(v.type));
    struct item_cursor c = item__cursor(v.body);
    return item__varint(&c);
}

static enum item_type element_type(enum item_type set) {
    if (set == ITEM_SS)
        return ITEM_S;
    return set == ITEM_NS ? ITEM_N : ITEM_B;
}

static struct item_value element(struct item_cursor *c, enum item_type set) {
    const uint8_t *const start = c->at;
    struct item_value v = {.type = element_type(set), .body = item__lenbytes(c)};
    v.encoded = tc_slice(start, (size_t)(c->at - start));
    return v;
}

bool item_next(struct item_iter *it, struct tc_slice *ret_name, struct item_value *ret_value) {
    if (it->left == 0) {
        TC_ASSERT(it->rest.len == 0);
        return false;
    }
    struct item_cursor c = item__cursor(it->rest);
    struct tc_slice name = TC_SLICE_EMPTY;
    if (it->of == ITEM_M)
        name = item__lenbytes(&c);
    if (it->of == ITEM_M || it->of == ITEM_L)
        *ret_value = item__value(&c);
    else
        *ret_value = element(&c, it->of);
    if (ret_name)
        *ret_name = name;
    it->left--;
    it->rest = tc_slice(c.at, item__left(&c));
    return true;
}

/* Names are sorted, so the search stops at the first greater one. */
static bool find(struct item_iter it, struct tc_slice name, struct item_value *ret_value) {
    struct tc_slice at;
    struct item_value v;
    while (item_next(&it, &at, &v)) {
        const int order = tc_slice_cmp(at, name);
        if (order > 0)
            return false;
        if (order == 0) {
            *ret_value = v;
            return true;
        }
    }
    return false;
}

bool item_get(struct tc_slice item, struct tc_slice name, struct item_value *ret_value) {
    return find(item_iter(item), name, ret_value);
}

bool item_map_get(struct item_value map, struct tc_slice name, struct item_value *ret_value) {
    TC_ASSERT(map.type == ITEM_M);
    return find(item_value_iter(map), name, ret_value);
}

bool item_list_get(struct item_value list, uint64_t index, struct item_value *ret_value) {
    TC_ASSERT(list.type == ITEM_L);
    struct item_iter it = item_value_iter(list);
    if (index >= it.left)
        return false;
    struct item_value v;
    while (item_next(&it, NULL, &v)) {
        if (index-- == 0) {
            *ret_value = v;
            return true;
        }
    }
    return false;
}

bool item_set_has(struct item_value set, struct tc_slice content) {
    TC_ASSERT(set.type >= ITEM_SS && set.type <= ITEM_BS);
    struct item_iter it = item_value_iter(set);
    struct item_value v;
    while (item_next(&it, NULL, &v)) {
        const int order = tc_slice_cmp(v.body, content);
        if (order >= 0)
            return order == 0;
    }
    return false;
}

const char *item_type_name(enum item_type type) {
    static const char *const names[] = {
        [ITEM_S] = "S",       [ITEM_N] = "N",   [ITEM_B] = "B", [ITEM_BOOL] = "BOOL",
        [ITEM_NULL] = "NULL", [ITEM_M] = "M",   [ITEM_L] = "L", [ITEM_SS] = "SS",
        [ITEM_NS] = "NS",     [ITEM_BS] = "BS",
    };
    TC_ASSERT(type >= ITEM_S && type <= ITEM_BS);
    return names[type];
}
