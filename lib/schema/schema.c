#include "schema/schema.h"

static bool take_attr(const Tercet__Pb__KeyAttribute *k, struct index_attr *ret) {
    ret->name = tc_slice_str(k->name);
    switch (k->type[0]) {
    case 'S':
        ret->type = ITEM_S;
        return true;
    case 'N':
        ret->type = ITEM_N;
        return true;
    case 'B':
        ret->type = ITEM_B;
        return true;
    default:
        return false;
    }
}

static bool take_attrs(Tercet__Pb__KeyAttribute *const *keys, size_t count,
                       struct index_attr ret[INDEX_KEY_ATTRS_MAX], size_t *ret_count) {
    bool ok = count <= INDEX_KEY_ATTRS_MAX;
    for (size_t i = 0; ok && i < count; i++)
        ok = take_attr(keys[i], &ret[i]);
    *ret_count = ok ? count : 0;
    return ok;
}

static bool take_base(const Tercet__Pb__TableDescriptor *d, enum index_schema_kind kind,
                      struct index_schema *s) {
    *s = (struct index_schema){.version = d->schema_version ? d->schema_version : 1, .kind = kind};
    s->has_range = d->n_keys == 2;
    return d->n_keys >= 1 && d->n_keys <= 2 && take_attr(d->keys[0], &s->hash) &&
           (!s->has_range || take_attr(d->keys[1], &s->range));
}

static enum index_projection projection_of(const Tercet__Pb__IndexDescriptor *x) {
    switch (x->projection) {
    case TERCET__PB__PROJECTION__PROJECTION_KEYS_ONLY:
        return INDEX_KEYS_ONLY;
    case TERCET__PB__PROJECTION__PROJECTION_INCLUDE:
        return INDEX_INCLUDE;
    case TERCET__PB__PROJECTION__PROJECTION_ALL:
    case _TERCET__PB__PROJECTION_IS_INT_SIZE:
        break;
    }
    return INDEX_ALL;
}

static bool add_index(struct index_schema *s, const Tercet__Pb__IndexDescriptor *x) {
    if (s->def_count == INDEX_DEFS_MAX || x->id == 0 || x->id > UINT8_MAX ||
        x->n_attributes > INDEX_ATTRIBUTES_MAX - s->attribute_count)
        return false;
    struct index_def *def = &s->defs[s->def_count++];
    *def = (struct index_def){.id = (uint8_t)x->id,
                              .global = x->global,
                              .table_id = x->global ? x->table_id : 0,
                              .name = tc_slice_str(x->name),
                              .projection = projection_of(x),
                              .attribute_at = s->attribute_count,
                              .attribute_count = x->n_attributes};
    for (size_t i = 0; i < x->n_attributes; i++)
        s->attributes[s->attribute_count++] = tc_slice_str(x->attributes[i]);
    return take_attrs(x->hash_keys, x->n_hash_keys, def->hash, &def->hash_count) &&
           take_attrs(x->range_keys, x->n_range_keys, def->range, &def->range_count) &&
           def->hash_count > 0;
}

bool schema_has_index(const Tercet__Pb__TableDescriptor *d, const Tercet__Pb__IndexDescriptor *x) {
    bool whole = d->status == TERCET__PB__TABLE_STATUS__TABLE_CREATING; /* made with the table */
    if (x->status == TERCET__PB__TABLE_STATUS__TABLE_DELETING || (x->global && x->table_id == 0))
        return false;
    return !x->global || whole || x->backfilling ||
           x->status != TERCET__PB__TABLE_STATUS__TABLE_CREATING;
}

tc_err schema_of_table(const Tercet__Pb__TableDescriptor *d, struct index_schema *ret_schema) {
    if (!take_base(d, INDEX_TABLE, ret_schema))
        return TC_EINVAL;
    for (size_t i = 0; i < d->n_indexes; i++)
        if (schema_has_index(d, d->indexes[i]) && !add_index(ret_schema, d->indexes[i]))
            return TC_EINVAL;
    if (d->ttl_enabled) {
        ret_schema->ttl = tc_slice_str(d->ttl_attribute);
        ret_schema->ttl_tag = d->ttl_changed_ms; /* another one each time that it is enabled */
    }
    return TC_OK;
}

tc_err schema_of_index(const Tercet__Pb__TableDescriptor *d,
                       const Tercet__Pb__IndexDescriptor *index, struct index_schema *ret_schema) {
    bool ok = take_base(d, INDEX_TABLE, ret_schema) && add_index(ret_schema, index);
    return ok ? TC_OK : TC_EINVAL;
}

tc_err schema_append_table(const Tercet__Pb__TableDescriptor *d, struct tc_buf *out) {
    struct index_schema s;
    TC_TRY(schema_of_table(d, &s));
    if (d->schema_version == 0 && s.def_count == 0 && s.ttl.len == 0)
        return TC_OK;
    return index_schema_encode(&s, out);
}

tc_err schema_append_index(const Tercet__Pb__TableDescriptor *d, struct tc_buf *out) {
    struct index_schema s;
    if (!take_base(d, INDEX_GLOBAL, &s))
        return TC_EINVAL;
    s.version = 1; /* an index never changes what it is */
    return index_schema_encode(&s, out);
}
