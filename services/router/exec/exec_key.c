#include "exec_private.h"

#include "core/key/key.h"

static enum item_type type_of(const Tercet__Pb__KeyAttribute *k) {
    switch (k->type[0]) {
    case 'N':
        return ITEM_N;
    case 'B':
        return ITEM_B;
    default:
        return ITEM_S;
    }
}

struct expr_key_schema exec__key_schema(const Tercet__Pb__TableDescriptor *d) {
    struct expr_key_schema s = {0};
    TC_ASSERT(d->n_keys >= 1 && d->n_keys <= 2);
    s.hash[s.hash_count++] =
        (struct expr_key_attr){tc_slice_str(d->keys[0]->name), type_of(d->keys[0])};
    if (d->n_keys == 2)
        s.sort[s.sort_count++] =
            (struct expr_key_attr){tc_slice_str(d->keys[1]->name), type_of(d->keys[1])};
    return s;
}

static const char *kind_name(enum item_type type) {
    return type == ITEM_B ? "binary" : "string";
}

/* The key's own limits, as the API words them. */
static tc_err check_value(const Tercet__Pb__KeyAttribute *k, bool range, struct item_value v,
                          struct tc_buf *diag) {
    tc_err err = range ? key_range_check(v) : key_hash_check(v);
    if (err == TC_EINVAL)
        tc_buf_printf(diag,
                      "One or more parameter values are not valid. The AttributeValue for a key "
                      "attribute cannot contain an empty %s value. Key: %s",
                      kind_name(v.type), k->name);
    else if (err != TC_OK)
        tc_buf_append_str(diag, range
                                    ? "One or more parameter values were invalid: Aggregated size "
                                      "of all range keys has exceeded the size limit of 1024 bytes"
                                    : "One or more parameter values were invalid: Size of hashkey "
                                      "has exceeded the maximum size limit of2048 bytes");
    return err == TC_OK ? TC_OK : TC_EINVAL;
}

static tc_err append_part(const Tercet__Pb__KeyAttribute *k, bool range, struct item_value v,
                          struct tc_buf *ret_key, struct tc_buf *diag) {
    TC_TRY(check_value(k, range, v, diag));
    if (range)
        key_append_range(ret_key, v);
    else
        key_append_hash(ret_key, v);
    return TC_OK;
}

tc_err exec__key_of_item(const Tercet__Pb__TableDescriptor *d, struct tc_slice item,
                         struct tc_buf *ret_key, struct tc_buf *diag) {
    for (size_t i = 0; i < d->n_keys; i++) {
        struct item_value v;
        const Tercet__Pb__KeyAttribute *k = d->keys[i];
        if (!item_get(item, tc_slice_str(k->name), &v)) {
            tc_buf_printf(
                diag, "One or more parameter values were invalid: Missing the key %s in the item",
                k->name);
            return TC_EINVAL;
        }
        if (v.type != type_of(k)) {
            tc_buf_printf(diag,
                          "One or more parameter values were invalid: Type mismatch for key %s "
                          "expected: %s actual: %s",
                          k->name, k->type, item_type_name(v.type));
            return TC_EINVAL;
        }
        TC_TRY(append_part(k, i == 1, v, ret_key, diag));
    }
    return TC_OK;
}

static size_t attribute_count(struct tc_slice item) {
    struct item_iter it = item_iter(item);
    return it.left;
}

bool exec__item_has_key(const Tercet__Pb__TableDescriptor *d, struct tc_slice item) {
    struct item_value v;
    for (size_t i = 0; i < d->n_keys; i++)
        if (!item_get(item, tc_slice_str(d->keys[i]->name), &v) || v.type != type_of(d->keys[i]))
            return false;
    return true;
}

tc_err exec__key_of_key(const Tercet__Pb__TableDescriptor *d, struct tc_slice key,
                        struct tc_buf *ret_key, struct tc_buf *diag) {
    struct item_value values[2];
    bool fits = attribute_count(key) == d->n_keys;
    for (size_t i = 0; i < d->n_keys && fits; i++)
        fits = item_get(key, tc_slice_str(d->keys[i]->name), &values[i]) &&
               values[i].type == type_of(d->keys[i]);
    if (!fits) {
        tc_buf_append_str(diag, "The provided key element does not match the schema");
        return TC_EINVAL;
    }
    for (size_t i = 0; i < d->n_keys; i++)
        TC_TRY(append_part(d->keys[i], i == 1, values[i], ret_key, diag));
    return TC_OK;
}

void exec__project_key(const Tercet__Pb__TableDescriptor *d, struct tc_slice item,
                       struct tc_buf *out) {
    struct item_builder b = {0};
    for (size_t i = 0; i < d->n_keys; i++) {
        struct item_value v;
        if (item_get(item, tc_slice_str(d->keys[i]->name), &v))
            item_builder_add(&b, tc_slice_str(d->keys[i]->name), v.encoded);
    }
    tc_err err = item_builder_finish(&b, out);
    TC_ASSERT(err == TC_OK);
    item_builder_deinit(&b);
}

/* ---- key attributes are scalars -------------------------------------------------------------- */

struct reached {
    const char *name;
    const char *of;
};

static bool is_key_name(void *user, struct tc_slice name) {
    return tc_slice_eq(tc_slice_str(((const struct reached *)user)->name), name);
}

static bool is_any(void *user, struct tc_slice name) {
    (void)user;
    (void)name;
    return true;
}

static bool reaches(struct tc_slice program, Tercet__Pb__KeyAttribute *const *keys, size_t count,
                    struct reached *r) {
    for (size_t i = 0; i < count; i++) {
        r->name = keys[i]->name;
        if (expr_visit_nested(program, is_key_name, r))
            return true;
    }
    return false;
}

static bool reaches_key(const Tercet__Pb__TableDescriptor *d, struct tc_slice program,
                        struct reached *r) {
    if (!expr_visit_nested(program, is_any, NULL))
        return false;
    r->of = "Key";
    if (reaches(program, d->keys, d->n_keys, r))
        return true;
    r->of = "IndexKey";
    for (size_t i = 0; i < d->n_indexes; i++)
        if (reaches(program, d->indexes[i]->hash_keys, d->indexes[i]->n_hash_keys, r) ||
            reaches(program, d->indexes[i]->range_keys, d->indexes[i]->n_range_keys, r))
            return true;
    return false;
}

bool exec__check_scalar_keys(const Tercet__Pb__TableDescriptor *d, struct tc_slice program,
                             struct tc_buf *diag) {
    struct reached r;
    if (!reaches_key(d, program, &r))
        return true;
    tc_buf_printf(diag,
                  "Key attributes must be scalars; list random access '[]' and map lookup '.' are "
                  "not allowed: %s: %s",
                  r.of, r.name);
    return false;
}
