#include "router/api/api_check_index.h"

#include "core/index/index.h"
#include "router/api/api_check_private.h"
#include "router/api/api_check_units.h"

struct names {
    struct tc_slice at[INDEX_DEFS_MAX];
    size_t count;
    size_t projected; /* non-key attributes of all indexes */
};

/* ---- projection */

static bool check_attributes(struct api_decoder *d, const struct api_slices *a) {
    for (size_t i = 0; i < a->count; i++) {
        if (a->items[i].len == 0 || a->items[i].len > INDEX_NAME_BYTES_MAX)
            return api_invalid(d, INVALID_VALUES "NonKeyAttributes: names have 1 to 255 bytes");
        for (size_t j = 0; j < i; j++)
            if (tc_slice_eq(a->items[i], a->items[j]))
                return api_invalid(d, INVALID_VALUES "Duplicate NonKeyAttribute: %.*s",
                                   TC_SLICE_ARGS(a->items[i]));
    }
    return true;
}

static bool check_projection(struct api_decoder *d, const struct api_projection *p,
                             struct names *seen) {
    if (p->type == 0)
        return api_invalid(d, INVALID_VALUES "Unknown ProjectionType: null");
    if (p->type != API_PROJECTION_INCLUDE && p->attributes.set)
        return api_invalid(d,
                           INVALID_VALUES "ProjectionType is %s, but NonKeyAttributes is specified",
                           p->type == API_PROJECTION_ALL ? "ALL" : "KEYS_ONLY");
    if (p->type == API_PROJECTION_INCLUDE && p->attributes.count == 0)
        return api_invalid(d, INVALID_VALUES
                           "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
    seen->projected += p->attributes.count;
    if (seen->projected > INDEX_ATTRIBUTES_MAX)
        return api_invalid(d, INVALID_VALUES
                           "The number of projected attributes over all indexes exceeds the "
                           "per-table limit of 100");
    return check_attributes(d, &p->attributes);
}

static bool is_named(const struct names *seen, struct tc_slice name) {
    for (size_t i = 0; i < seen->count; i++)
        if (tc_slice_eq(seen->at[i], name))
            return true;
    return false;
}

static bool check_name(struct api_decoder *d, struct tc_slice name, struct names *seen) {
    if (is_named(seen, name))
        return api_invalid(d, INVALID_VALUES "Duplicate index name: %.*s", TC_SLICE_ARGS(name));
    seen->at[seen->count++] = name;
    return true;
}

/* ---- CreateTable */

static bool check_local(struct api_decoder *d, const struct api_create_table *in,
                        const struct api_index *x, struct names *seen) {
    const struct api_key_element *table = in->key_schema.items, *own = x->key_schema.items;
    if (!check_name(d, x->name, seen) ||
        !api__check_index_keys(d, x, &in->attribute_definitions, 1))
        return false;
    if (!tc_slice_eq(own[0].name, table[0].name))
        return api_invalid(
            d,
            INVALID_VALUES "Index KeySchema does not have the same leading hash key as table "
                           "KeySchema for index: %.*s. index hash key: %.*s, table hash key: %.*s",
            TC_SLICE_ARGS(x->name), TC_SLICE_ARGS(own[0].name), TC_SLICE_ARGS(table[0].name));
    if (x->key_schema.count < 2)
        return api_invalid(
            d, INVALID_VALUES "Index KeySchema does not have a range key for index: %.*s",
            TC_SLICE_ARGS(x->name));
    return check_projection(d, x->projection, seen);
}

static bool check_locals(struct api_decoder *d, const struct api_create_table *in,
                         struct names *seen) {
    const struct api_index *x = in->local_indexes.items;
    if (!in->local_indexes.set)
        return true;
    if (in->local_indexes.count == 0)
        return api_invalid(d, INVALID_VALUES "List of LocalSecondaryIndexes is empty");
    if (in->key_schema.count < 2)
        return api_invalid(d, INVALID_VALUES
                           "Table KeySchema does not have a range key, which is required when "
                           "specifying a LocalSecondaryIndex");
    if (in->local_indexes.count > INDEX_LOCAL_MAX)
        return api_invalid(d, INVALID_VALUES
                           "Number of LocalSecondaryIndexes exceeds per-table limit of 5");
    for (size_t i = 0; i < in->local_indexes.count; i++)
        if (!check_local(d, in, &x[i], seen))
            return false;
    return true;
}

static bool check_globals(struct api_decoder *d, const struct api_create_table *in,
                          struct names *seen) {
    const struct api_index *x = in->global_indexes.items;
    if (!in->global_indexes.set)
        return true;
    if (in->global_indexes.count == 0)
        return api_invalid(d, INVALID_VALUES "List of GlobalSecondaryIndexes is empty");
    if (in->global_indexes.count > INDEX_GLOBAL_MAX)
        return api_invalid(d, INVALID_VALUES
                           "GlobalSecondaryIndex count exceeds the per-table limit of 20");
    for (size_t i = 0; i < in->global_indexes.count; i++)
        if (!check_name(d, x[i].name, seen) ||
            !api__check_index_keys(d, &x[i], &in->attribute_definitions, INDEX_KEY_ATTRS_MAX) ||
            !check_projection(d, x[i].projection, seen) ||
            !api_check_index_billing(d, &x[i], in->billing_mode))
            return false;
    return true;
}

static bool is_key(const struct api_list *keys, struct tc_slice name) {
    return api__is_named(keys, sizeof(struct api_key_element), name);
}

static bool is_key_of(const struct api_list *indexes, struct tc_slice name) {
    const struct api_index *x = indexes->items;
    for (size_t i = 0; i < indexes->count; i++)
        if (is_key(&x[i].key_schema, name))
            return true;
    return false;
}

static bool check_used(struct api_decoder *d, const struct api_create_table *in) {
    const struct api_attribute_definition *a = in->attribute_definitions.items;
    struct tc_buf text = {0};
    bool unused = false;
    size_t used = 0;
    api__list_names(&in->attribute_definitions, sizeof *a, &text);
    tc_buf_append_str(&text, ", keys used: [");
    for (size_t i = 0; i < in->attribute_definitions.count; i++) {
        bool key = is_key(&in->key_schema, a[i].name) || is_key_of(&in->local_indexes, a[i].name) ||
                   is_key_of(&in->global_indexes, a[i].name);
        unused = unused || !key;
        if (key)
            tc_buf_printf(&text, "%s%.*s", used++ ? ", " : "", TC_SLICE_ARGS(a[i].name));
    }
    if (unused)
        api_invalid(
            d, INVALID_VALUES "Some AttributeDefinitions are not used. AttributeDefinitions: %.*s]",
            TC_SLICE_ARGS(tc_buf_slice(&text)));
    tc_buf_deinit(&text);
    return !unused;
}

bool api_check_indexes(struct api_decoder *d, const struct api_create_table *in) {
    struct names seen = {0};
    return check_locals(d, in, &seen) && check_globals(d, in, &seen) && check_used(d, in);
}

/* ---- UpdateTable */

static bool check_create(struct api_decoder *d, const struct api_update_table *in,
                         const struct api_index *x, struct names *seen) {
    return api__check_index_keys(d, x, &in->attribute_definitions, INDEX_KEY_ATTRS_MAX) &&
           check_projection(d, x->projection, seen) && api_check_units(d, x->throughput, &x->name);
}

static bool check_update(struct api_decoder *d, const struct api_update_table *in,
                         const struct api_index_update *u, struct names *seen) {
    int given = (u->create != NULL) + (u->update != NULL) + (u->del != NULL);
    if (given == 0)
        return api_invalid(d, INVALID_VALUES
                           "One of GlobalSecondaryIndexUpdate.Update, "
                           "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete "
                           "must not be null");
    if (given > 1)
        return api_invalid(d, INVALID_VALUES
                           "Only one of GlobalSecondaryIndexUpdate's Create, Update and Delete can "
                           "be specified");
    if (seen->count == INDEX_DEFS_MAX)
        return api_invalid(d, INVALID_VALUES "Too many GlobalSecondaryIndexUpdates");
    struct tc_slice name = u->update ? u->update->name : u->del ? u->del->name : u->create->name;
    if (is_named(seen, name))
        return api_invalid(d,
                           INVALID_VALUES "Only one global secondary index update per index is "
                                          "allowed simultaneously. Index: %.*s",
                           TC_SLICE_ARGS(name));
    seen->at[seen->count++] = name;
    if (u->update)
        return api_check_units(d, u->update->throughput, &name);
    return u->del || check_create(d, in, u->create, seen);
}

bool api_check_index_updates(struct api_decoder *d, const struct api_update_table *in) {
    const struct api_index_update *u = in->index_updates.items;
    struct names seen = {0};
    size_t made = 0;
    for (size_t i = 0; i < in->index_updates.count; i++) {
        if (!check_update(d, in, &u[i], &seen))
            return false;
        made += u[i].create != NULL || u[i].del != NULL;
    }
    if (made > 1)
        return api_refuse(
            d, API_LIMIT_EXCEEDED,
            "Subscriber limit exceeded: Only 1 online index can be created or deleted "
            "simultaneously per table");
    return true;
}
