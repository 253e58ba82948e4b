/* Keys of tables and indexes: that each is a defined attribute, and an index's order and number. */
#include "core/index/index.h"
#include "router/api/api_check_private.h"
#include "router/api/api_check_units.h"

static struct tc_slice name_at(const struct api_list *list, size_t bytes, size_t i) {
    return *(const struct tc_slice *)(const void *)((const uint8_t *)list->items + i * bytes);
}

bool api__is_named(const struct api_list *list, size_t bytes, struct tc_slice name) {
    for (size_t i = 0; i < list->count; i++)
        if (tc_slice_eq(name_at(list, bytes, i), name))
            return true;
    return false;
}

void api__list_names(const struct api_list *list, size_t bytes, struct tc_buf *out) {
    tc_buf_append_u8(out, '[');
    for (size_t i = 0; i < list->count; i++)
        tc_buf_printf(out, "%s%.*s", i ? ", " : "", TC_SLICE_ARGS(name_at(list, bytes, i)));
    tc_buf_append_u8(out, ']');
}

static bool refuse_undefined(struct api_decoder *d, const struct api_list *keys,
                             const struct api_list *definitions) {
    struct tc_buf text = {0};
    api__list_names(keys, sizeof(struct api_key_element), &text);
    tc_buf_append_str(&text, ", AttributeDefinitions: ");
    api__list_names(definitions, sizeof(struct api_attribute_definition), &text);
    api_invalid(d,
                INVALID_VALUES
                "Some index key attributes are not defined in AttributeDefinitions. Keys: %.*s",
                TC_SLICE_ARGS(tc_buf_slice(&text)));
    tc_buf_deinit(&text);
    return false;
}

bool api__check_defined(struct api_decoder *d, const struct api_list *keys,
                        const struct api_list *definitions) {
    const struct api_key_element *k = keys->items;
    for (size_t i = 0; i < keys->count; i++)
        if (!api__is_named(definitions, sizeof(struct api_attribute_definition), k[i].name))
            return refuse_undefined(d, keys, definitions);
    return true;
}

static bool check_distinct(struct api_decoder *d, const struct api_list *keys) {
    const struct api_key_element *k = keys->items;
    for (size_t i = 1; i < keys->count; i++)
        for (size_t j = 0; j < i; j++) {
            if (!tc_slice_eq(k[i].name, k[j].name))
                continue;
            if (keys->count == 2)
                return api_invalid(d,
                                   "Both the Hash Key and the Range Key element in the KeySchema "
                                   "have the same name");
            return api_invalid(d,
                               "Invalid KeySchema: An attribute is named twice: AttributeName: "
                               "%.*s",
                               TC_SLICE_ARGS(k[i].name));
        }
    return true;
}

/* HASH attributes, then RANGE attributes, as many of each as an index can have. */
static bool check_order(struct api_decoder *d, const struct api_list *keys, size_t each_max) {
    const struct api_key_element *k = keys->items;
    size_t hash = 0;
    while (hash < keys->count && k[hash].type == API_KEY_HASH)
        hash++;
    if (hash == 0)
        return api_invalid(d,
                           "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    if (!check_distinct(d, keys))
        return false;
    for (size_t i = hash; i < keys->count; i++)
        if (k[i].type != API_KEY_RANGE)
            return api_invalid(d, "Invalid KeySchema: HASH key attributes must stand before RANGE "
                                  "key attributes");
    if (hash > 1 && each_max == 1)
        return api_invalid(
            d, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    if (hash > each_max || keys->count - hash > each_max)
        return api_invalid(d,
                           "Invalid KeySchema: An index can have at most %zu HASH and %zu RANGE "
                           "key attributes",
                           each_max, each_max);
    return true;
}

bool api__check_index_keys(struct api_decoder *d, const struct api_index *x,
                           const struct api_list *definitions, size_t each_max) {
    return check_order(d, &x->key_schema, each_max) &&
           api__check_defined(d, &x->key_schema, definitions);
}
