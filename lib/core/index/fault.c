/* What a client must not write into a table with indexes, and how the service says so. */
#include "core/index/index_private.h"

#include "core/index/index_range.h"
#include "core/key/key.h"

/* One key attribute: absent is fine, the index is sparse then. Adds its length to *bytes. */
static enum index_fault_kind attr_fault(struct tc_slice item, struct tc_slice kept,
                                        const struct index_attr *attr, size_t *bytes,
                                        enum item_type *ret_type) {
    struct item_value v, before;
    if (!item_get(item, attr->name, &v))
        return INDEX_FAULT_NONE;
    if (kept.len && item_get(kept, attr->name, &before) && tc_slice_eq(v.encoded, before.encoded))
        return INDEX_FAULT_NONE;
    *ret_type = v.type;
    if (v.type != attr->type)
        return INDEX_FAULT_TYPE;
    *bytes += v.body.len;
    return v.body.len ? INDEX_FAULT_NONE : INDEX_FAULT_EMPTY;
}

static bool attrs_check(struct tc_slice item, struct tc_slice kept, const struct index_attr *attrs,
                        size_t count, size_t bytes_max, struct index_fault *ret) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        ret->attr = &attrs[i];
        ret->kind = attr_fault(item, kept, &attrs[i], &bytes, &ret->type);
        ret->bytes = bytes;
        if (ret->kind == INDEX_FAULT_NONE && bytes > bytes_max)
            ret->kind =
                bytes_max == KEY_HASH_BYTES_MAX ? INDEX_FAULT_HASH_LONG : INDEX_FAULT_RANGE_LONG;
        if (ret->kind != INDEX_FAULT_NONE)
            return false;
    }
    return true;
}

static bool are_sound(struct tc_slice item, const struct index_attr *attrs, size_t count) {
    struct item_value v;
    for (size_t i = 0; i < count; i++)
        if (!item_get(item, attrs[i].name, &v) || !index_value_ok(&attrs[i], v))
            return false;
    return true;
}

/* Everything is there and as it must be, and still no key comes out of it: it is too long. */
static bool length_check(const struct index_def *d, struct tc_slice item, struct tc_slice base_key,
                         struct index_fault *ret) {
    struct tc_buf key = {0};
    const bool fits = !are_sound(item, d->hash, d->hash_count) ||
                      !are_sound(item, d->range, d->range_count) ||
                      index_row_key(d, item, base_key, &key);
    tc_buf_deinit(&key);
    if (!fits)
        ret->kind = INDEX_FAULT_KEY_LONG;
    return fits;
}

/* What the item takes with its row in a local index; a row is no larger than its item, so that only
 * large items are looked at. */
static bool size_check(const struct index_schema *s, const struct index_def *d,
                       struct tc_slice item, uint64_t item_bytes, struct tc_slice base_key,
                       struct index_fault *ret) {
    struct tc_buf key = {0}, row = {0};
    if (d->global || 2 * item_bytes <= ITEM_BYTES_MAX)
        return true;
    bool fits = true;
    if (index_row_key(d, item, base_key, &key)) {
        index_row_item(s, d, item, &row);
        fits = item_bytes + item_size_bytes(tc_buf_slice(&row)) <= ITEM_BYTES_MAX;
    }
    tc_buf_deinit(&key);
    tc_buf_deinit(&row);
    if (!fits)
        ret->kind = INDEX_FAULT_ITEM_LONG;
    return fits;
}

/* Of several indexes that refuse the item the first by name is told, as by the service. */
static bool keys_check(const struct index_schema *s, struct tc_slice item, struct tc_slice kept,
                       struct index_fault *ret) {
    for (size_t i = 0; i < s->def_count; i++) {
        const struct index_def *d = &s->defs[i];
        struct index_fault f = {.def = d};
        if ((!attrs_check(item, kept, d->hash, d->hash_count, KEY_HASH_BYTES_MAX, &f) ||
             !attrs_check(item, kept, d->range, d->range_count, KEY_RANGE_BYTES_MAX, &f)) &&
            (ret->kind == INDEX_FAULT_NONE || tc_slice_cmp(d->name, ret->def->name) < 0))
            *ret = f;
    }
    return ret->kind == INDEX_FAULT_NONE;
}

bool index_item_check(const struct index_schema *s, struct tc_slice item, struct tc_slice kept,
                      struct tc_slice base_key, struct index_fault *ret_fault) {
    const uint64_t item_bytes = index_schema_has_local(s) ? item_size_bytes(item) : 0;
    *ret_fault = (struct index_fault){0};
    if (!keys_check(s, item, kept, ret_fault))
        return false;
    for (size_t i = 0; i < s->def_count; i++) {
        const struct index_def *d = &s->defs[i];
        ret_fault->def = d;
        if (!length_check(d, item, base_key, ret_fault) ||
            !size_check(s, d, item, item_bytes, base_key, ret_fault))
            return false;
    }
    return true;
}

static void text_type(const struct index_fault *f, bool updated, struct tc_buf *out) {
    if (updated)
        tc_buf_append_str(out, "The update expression attempted to update the secondary index key "
                               "to unsupported type");
    else
        tc_buf_printf(out,
                      "One or more parameter values were invalid: Type mismatch for Index Key "
                      "%.*s Expected: %s Actual: %s IndexName: %.*s",
                      TC_SLICE_ARGS(f->attr->name), item_type_name(f->attr->type),
                      item_type_name(f->type), TC_SLICE_ARGS(f->def->name));
}

static void text_empty(const struct index_fault *f, bool updated, struct tc_buf *out) {
    const char *what = f->type == ITEM_B ? "binary" : "string";
    if (updated)
        tc_buf_printf(out,
                      "One or more parameter values are not valid. The update expression attempted "
                      "to update a secondary index key to a value that is not supported. The "
                      "AttributeValue for a key attribute cannot contain an empty %s value.",
                      what);
    else
        tc_buf_printf(out,
                      "One or more parameter values are not valid. A value specified for a "
                      "secondary index key is not supported. The AttributeValue for a key "
                      "attribute cannot contain an empty %s value. IndexName: %.*s, IndexKey: %.*s",
                      what, TC_SLICE_ARGS(f->def->name), TC_SLICE_ARGS(f->attr->name));
}

static void text_long(const struct index_fault *f, bool updated, size_t bytes_max,
                      struct tc_buf *out) {
    if (updated)
        tc_buf_append_str(out, "The update expression attempted to update the secondary index key "
                               "beyond allowed size limits");
    else
        tc_buf_printf(out,
                      "One or more parameter values were invalid: Size limit exceeded for Index "
                      "Key %.*s Actual Size: %zu bytes Max Size: %zu bytes IndexName: %.*s",
                      TC_SLICE_ARGS(f->attr->name), f->bytes, bytes_max,
                      TC_SLICE_ARGS(f->def->name));
}

void index_fault_text(const struct index_fault *fault, bool updated, struct tc_buf *out) {
    switch (fault->kind) {
    case INDEX_FAULT_NONE:
        break;
    case INDEX_FAULT_TYPE:
        text_type(fault, updated, out);
        break;
    case INDEX_FAULT_EMPTY:
        text_empty(fault, updated, out);
        break;
    case INDEX_FAULT_HASH_LONG:
        text_long(fault, updated, KEY_HASH_BYTES_MAX, out);
        break;
    case INDEX_FAULT_RANGE_LONG:
        text_long(fault, updated, KEY_RANGE_BYTES_MAX, out);
        break;
    case INDEX_FAULT_ITEM_LONG:
        tc_buf_append_str(out, updated ? "Item size to update has exceeded the maximum allowed size"
                                       : "Item size has exceeded the maximum allowed size");
        break;
    case INDEX_FAULT_KEY_LONG:
        tc_buf_printf(out,
                      "One or more parameter values were invalid: the keys of table and index "
                      "contain too many zero bytes. IndexName: %.*s",
                      TC_SLICE_ARGS(fault->def->name));
        break;
    }
}
