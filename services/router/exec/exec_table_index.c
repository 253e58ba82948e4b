/* New indexes in a table's record: those of CreateTable, and the one that UpdateTable adds. */
#include "exec_table_index.h"

#include <stdlib.h>

static void *make(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size);
    TC_ASSERT(p != NULL);
    return p;
}

static const char *type_name(const struct api_list *definitions, struct tc_slice name) {
    static const char *const names[] = {"", "S", "N", "B"};
    const struct api_attribute_definition *a = definitions->items;
    for (size_t i = 0; i < definitions->count; i++)
        if (tc_slice_eq(a[i].name, name))
            return names[a[i].type];
    return "S"; /* the decoder's rules made sure that every key attribute is defined */
}

static const char *type_in_use(const Tercet__Pb__TableDescriptor *d, struct tc_slice name) {
    for (size_t i = 0; i < d->n_keys; i++)
        if (tc_slice_eq(tc_slice_str(d->keys[i]->name), name))
            return d->keys[i]->type;
    for (size_t i = 0; i < d->n_indexes; i++) {
        const Tercet__Pb__IndexDescriptor *x = d->indexes[i];
        for (size_t k = 0; k < x->n_hash_keys; k++)
            if (tc_slice_eq(tc_slice_str(x->hash_keys[k]->name), name))
                return x->hash_keys[k]->type;
        for (size_t k = 0; k < x->n_range_keys; k++)
            if (tc_slice_eq(tc_slice_str(x->range_keys[k]->name), name))
                return x->range_keys[k]->type;
    }
    return NULL;
}

/* An attribute has one type, whatever it is a key of: the one that it had first. */
static Tercet__Pb__KeyAttribute *new_key(const struct api_list *definitions, struct tc_slice name,
                                         const Tercet__Pb__TableDescriptor *d) {
    const char *now = type_in_use(d, name);
    Tercet__Pb__KeyAttribute *k = make(1, sizeof *k);
    tercet__pb__key_attribute__init(k);
    exec__set_text(&k->name, name);
    exec__set_text(&k->type, tc_slice_str(now ? now : type_name(definitions, name)));
    return k;
}

static void set_keys(Tercet__Pb__IndexDescriptor *x, const struct api_index *asked,
                     const struct api_list *definitions, const Tercet__Pb__TableDescriptor *d) {
    const struct api_key_element *k = asked->key_schema.items;
    x->hash_keys = make(asked->key_schema.count, sizeof *x->hash_keys);
    x->range_keys = make(asked->key_schema.count, sizeof *x->range_keys);
    for (size_t i = 0; i < asked->key_schema.count; i++) {
        Tercet__Pb__KeyAttribute *key = new_key(definitions, k[i].name, d);
        if (k[i].type == API_KEY_HASH)
            x->hash_keys[x->n_hash_keys++] = key;
        else
            x->range_keys[x->n_range_keys++] = key;
    }
}

static void set_projection(Tercet__Pb__IndexDescriptor *x, const struct api_projection *p) {
    static const Tercet__Pb__Projection kinds[] = {
        [API_PROJECTION_ALL] = TERCET__PB__PROJECTION__PROJECTION_ALL,
        [API_PROJECTION_KEYS_ONLY] = TERCET__PB__PROJECTION__PROJECTION_KEYS_ONLY,
        [API_PROJECTION_INCLUDE] = TERCET__PB__PROJECTION__PROJECTION_INCLUDE,
    };
    x->projection = kinds[p->type];
    x->attributes = make(p->attributes.count, sizeof *x->attributes);
    x->n_attributes = p->attributes.count;
    for (size_t i = 0; i < x->n_attributes; i++) {
        x->attributes[i] = NULL;
        exec__set_text(&x->attributes[i], p->attributes.items[i]);
    }
}

static bool is_used(const Tercet__Pb__TableDescriptor *d, uint32_t id) {
    for (size_t i = 0; i < d->n_indexes; i++)
        if (d->indexes[i]->id == id)
            return true;
    return false;
}

/* One byte in a group's rows: numbers go round, so that one is long gone before it comes again. */
static uint32_t next_id(Tercet__Pb__TableDescriptor *d) {
    uint32_t id = d->next_index_id ? d->next_index_id : 1;
    while (id > UINT8_MAX || is_used(d, id))
        id = id >= UINT8_MAX ? 1 : id + 1;
    d->next_index_id = id == UINT8_MAX ? 1 : id + 1;
    return id;
}

static void append(Tercet__Pb__TableDescriptor *d, Tercet__Pb__IndexDescriptor *x) {
    d->indexes = realloc(d->indexes, (d->n_indexes + 1) * sizeof *d->indexes);
    TC_ASSERT(d->indexes != NULL);
    d->indexes[d->n_indexes++] = x;
}

enum api_error exec__index_add(const struct exec_settings *c, const struct api_index *asked,
                               bool global, const struct api_list *definitions,
                               Tercet__Pb__TableDescriptor *d) {
    Tercet__Pb__IndexDescriptor *x = make(1, sizeof *x);
    tercet__pb__index_descriptor__init(x);
    x->id = next_id(d);
    x->global = global;
    x->status = TERCET__PB__TABLE_STATUS__TABLE_CREATING;
    x->created_ms = c->now_ms;
    exec__set_text(&x->name, asked->name);
    set_keys(x, asked, definitions, d);
    set_projection(x, asked->projection);
    append(d, x);
    enum api_error refused =
        asked->throughput ? exec__index_set_units(c, asked->throughput, x) : API_OK;
    return refused ? refused
                   : exec__index_set_limits(c, asked->on_demand, asked->warm, exec__is_on_demand(d),
                                            /* creating= */ true, x);
}

enum api_error exec__add_indexes(const struct exec_settings *c, const struct api_create_table *in,
                                 Tercet__Pb__TableDescriptor *d) {
    const struct api_index *local = in->local_indexes.items, *global = in->global_indexes.items;
    enum api_error refused = API_OK;
    for (size_t i = 0; refused == API_OK && i < in->local_indexes.count; i++)
        refused = exec__index_add(c, &local[i], /* global= */ false, &in->attribute_definitions, d);
    for (size_t i = 0; refused == API_OK && i < in->global_indexes.count; i++)
        refused = exec__index_add(c, &global[i], /* global= */ true, &in->attribute_definitions, d);
    if (d->n_indexes)
        d->schema_version = 1;
    return refused;
}
