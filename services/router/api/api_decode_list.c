/* Members that hold many: lists of structs and of strings, and maps from names to structs.
 *
 * They grow in the request's arena. What goes beyond a maximum is read and counted, so that the
 * answer can tell how many there were, but not kept. */
#include "router/api/api_decode_private.h"

#include <stdio.h>

enum {
    LIST_FIRST_CAP = 4,
};

void *api__grow(struct api_decoder *d, void *items, size_t count, size_t *cap, size_t bytes) {
    if (count < *cap)
        return items;
    size_t wider = *cap ? 2 * *cap : LIST_FIRST_CAP;
    uint8_t *grown = tc_arena_calloc(d->arena, wider, bytes);
    if (grown == NULL) {
        (void)api__json_fail(d, TC_ENOMEM, "");
        return NULL;
    }
    if (count)
        memcpy(grown, items, count * bytes);
    *cap = wider;
    return grown;
}

/* Elements beyond the maximum are counted and checked as JSON, but not kept. */
static bool is_beyond(const struct api_field *f, size_t count) {
    return f->max > 0 && count >= (size_t)f->max;
}

tc_err api__read_struct_list(struct api_decoder *d, const struct api_field *f,
                             struct api_list *at) {
    struct api_list list = {.set = true};
    size_t cap = 0, count = 0;
    bool more;
    struct json_reader before = d->reader;
    tc_err err = json_array_begin(&d->reader);
    while (err == TC_OK && (err = json_array_next(&d->reader, &more)) == TC_OK && more) {
        if (is_beyond(f, count++)) {
            err = json_skip(&d->reader);
            continue;
        }
        list.items = api__grow(d, list.items, list.count, &cap, f->shape->struct_bytes);
        if (list.items == NULL)
            return TC_ENOMEM;
        uint8_t *element = (uint8_t *)list.items + list.count++ * f->shape->struct_bytes;
        api__push_index(d, list.count);
        TC_TRY(api__read_struct(d, f->shape, element));
        api__pop(d);
    }
    if (err != TC_OK)
        return api__json_fail(d, err, "List");
    api__check_list(d, f, count, before);
    *at = list;
    return TC_OK;
}

/* The key as it is kept. */
static struct tc_slice check_map_key(struct api_decoder *d, const struct api_list *list,
                                     size_t bytes, struct tc_slice key, bool attribute) {
    if (attribute) {
        api__check_attribute(d, key);
        return key;
    }
    key = api__table_name(key);
    api__check_table_key(d, list, bytes, key);
    return key;
}

/* A map from names of tables or attributes to structs, or (LIST_MAP) to lists that the shape's only
 * field takes. */
static tc_err read_map_element(struct api_decoder *d, const struct api_field *f,
                               struct tc_slice key, uint8_t *element) {
    *(struct tc_slice *)(void *)element = key;
    api__push_key(d, key);
    if (f->kind == API_KIND_STRUCT_MAP)
        TC_TRY(api__read_struct(d, f->shape, element));
    else
        TC_TRY(api__read_field(d, &f->shape->fields[0], element));
    api__pop(d);
    return TC_OK;
}

static tc_err map_fail(struct api_decoder *d, tc_err err, const struct api_field *f) {
    bool lists = f->kind == API_KIND_STRUCT_LIST_MAP;
    const struct api_shape *shape = lists ? f->shape->fields[0].shape : f->shape;
    char element[160];
    (void)snprintf(element, sizeof element, lists ? "java.util.List<%s%s>" : "%s%s",
                   JSON_DIAG_MODEL, shape->name);
    return api__map_fail(d, err, element);
}

tc_err api__read_map(struct api_decoder *d, const struct api_field *f, struct api_list *at) {
    struct api_list list = {.set = true};
    size_t cap = 0, count = 0, bytes = f->shape->struct_bytes;
    bool more;
    bool attributes = f->flags & API_ATTRIBUTE_KEYS;
    struct tc_slice key;
    tc_err err = json_object_begin(&d->reader);
    while (err == TC_OK && (err = json_object_next(&d->reader, &more, &key)) == TC_OK && more) {
        if (is_beyond(f, count++)) {
            err = json_skip(&d->reader);
            continue;
        }
        key = check_map_key(d, &list, bytes, key, attributes);
        list.items = api__grow(d, list.items, list.count, &cap, bytes);
        if (list.items == NULL)
            return TC_ENOMEM;
        TC_TRY(read_map_element(d, f, key, (uint8_t *)list.items + list.count * bytes));
        list.count++;
    }
    if (err != TC_OK)
        return map_fail(d, err, f);
    api__check_count(d, f, count);
    if (attributes)
        TC_TRY(api__check_unique(d, &list, bytes));
    *at = list;
    return TC_OK;
}

tc_err api__read_string_list(struct api_decoder *d, const struct api_field *f,
                             struct api_slices *at) {
    struct api_slices list = {.set = true};
    size_t cap = 0;
    bool more;
    tc_err err = json_array_begin(&d->reader);
    while (err == TC_OK && (err = json_array_next(&d->reader, &more)) == TC_OK && more) {
        list.items = api__grow(d, list.items, list.count, &cap, sizeof list.items[0]);
        if (list.items == NULL)
            return TC_ENOMEM;
        TC_TRY(api__read_text(d, &list.items[list.count++]));
    }
    if (err != TC_OK)
        return api__json_fail(d, err, "List");
    api__check_count(d, f, list.count);
    *at = list;
    return TC_OK;
}
