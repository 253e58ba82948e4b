/* The bytes of a schema. */
#include "core/index/index.h"

#include "base/reader.h"

enum {
    LAYOUT = 1,
    FLAG_GLOBAL = 1,
};

/* ---- what a schema may be */

static bool name_ok(struct tc_slice name) {
    return name.len > 0 && name.len <= INDEX_NAME_BYTES_MAX;
}

static bool attr_ok(const struct index_attr *a) {
    return name_ok(a->name) && (a->type == ITEM_S || a->type == ITEM_N || a->type == ITEM_B);
}

static bool attr_same(const struct index_attr *a, const struct index_attr *b) {
    return a->type == b->type && tc_slice_eq(a->name, b->name);
}

static bool keys_ok(const struct index_schema *s, const struct index_def *d) {
    if (d->hash_count == 0 || d->hash_count > INDEX_KEY_ATTRS_MAX ||
        d->range_count > INDEX_KEY_ATTRS_MAX)
        return false;
    for (size_t i = 0; i < d->hash_count; i++)
        if (!attr_ok(&d->hash[i]))
            return false;
    for (size_t i = 0; i < d->range_count; i++)
        if (!attr_ok(&d->range[i]))
            return false;
    if (d->global)
        return d->table_id != 0;
    return d->table_id == 0 && s->has_range && d->hash_count == 1 && d->range_count == 1 &&
           attr_same(&d->hash[0], &s->hash);
}

static bool projection_ok(const struct index_schema *s, const struct index_def *d,
                          size_t attribute_at) {
    if (d->projection != INDEX_INCLUDE)
        return d->attribute_count == 0 &&
               (d->projection == INDEX_ALL || d->projection == INDEX_KEYS_ONLY);
    if (d->attribute_count == 0 || d->attribute_at != attribute_at ||
        d->attribute_count > s->attribute_count - attribute_at)
        return false;
    for (size_t i = 0; i < d->attribute_count; i++)
        if (!name_ok(s->attributes[attribute_at + i]))
            return false;
    return true;
}

static bool defs_ok(const struct index_schema *s) {
    size_t attributes = 0, locals = 0;
    bool used[UINT8_MAX + 1] = {false};
    for (size_t i = 0; i < s->def_count; i++) {
        const struct index_def *d = &s->defs[i];
        if (d->id == 0 || used[d->id] || d->name.len > INDEX_NAME_BYTES_MAX || !keys_ok(s, d) ||
            !projection_ok(s, d, attributes))
            return false;
        used[d->id] = true;
        attributes += d->attribute_count;
        locals += !d->global;
    }
    return attributes == s->attribute_count && locals <= INDEX_LOCAL_MAX &&
           s->def_count - locals <= INDEX_GLOBAL_MAX;
}

static bool schema_ok(const struct index_schema *s) {
    return s->version > 0 && (s->kind == INDEX_TABLE || s->kind == INDEX_GLOBAL) &&
           attr_ok(&s->hash) && (!s->has_range || attr_ok(&s->range)) &&
           s->ttl.len <= INDEX_NAME_BYTES_MAX && s->def_count <= INDEX_DEFS_MAX &&
           s->attribute_count <= INDEX_ATTRIBUTES_MAX && defs_ok(s);
}

/* ---- encoding */

static void put_name(struct tc_buf *out, struct tc_slice name) {
    tc_buf_append_varint(out, name.len);
    tc_buf_append_slice(out, name);
}

static void put_attr(struct tc_buf *out, const struct index_attr *a) {
    tc_buf_append_u8(out, (uint8_t)a->type);
    put_name(out, a->name);
}

static void put_attrs(struct tc_buf *out, const struct index_attr *attrs, size_t count) {
    tc_buf_append_u8(out, (uint8_t)count);
    for (size_t i = 0; i < count; i++)
        put_attr(out, &attrs[i]);
}

static void put_def(struct tc_buf *out, const struct index_schema *s, const struct index_def *d) {
    tc_buf_append_u8(out, d->id);
    tc_buf_append_u8(out, d->global ? FLAG_GLOBAL : 0);
    tc_buf_append_u8(out, (uint8_t)d->projection);
    tc_buf_append_varint(out, d->table_id);
    put_name(out, d->name);
    put_attrs(out, d->hash, d->hash_count);
    put_attrs(out, d->range, d->range_count);
    tc_buf_append_u8(out, (uint8_t)d->attribute_count);
    for (size_t i = 0; i < d->attribute_count; i++)
        put_name(out, s->attributes[d->attribute_at + i]);
}

tc_err index_schema_encode(const struct index_schema *s, struct tc_buf *out) {
    if (!schema_ok(s))
        return TC_EINVAL;
    tc_buf_append_u8(out, LAYOUT);
    tc_buf_append_varint(out, s->version);
    tc_buf_append_u8(out, (uint8_t)s->kind);
    tc_buf_append_u8(out, s->has_range ? 2 : 1);
    put_attr(out, &s->hash);
    if (s->has_range)
        put_attr(out, &s->range);
    put_name(out, s->ttl);
    tc_buf_append_varint(out, s->ttl_tag);
    tc_buf_append_u8(out, (uint8_t)s->def_count);
    for (size_t i = 0; i < s->def_count; i++)
        put_def(out, s, &s->defs[i]);
    return TC_OK;
}

/* ---- decoding */

static void take_attr(struct tc_reader *r, struct index_attr *ret) {
    ret->type = (enum item_type)tc_reader_u8(r);
    ret->name = tc_reader_lenbytes(r);
}

static size_t take_attrs(struct tc_reader *r, struct index_attr *ret) {
    const size_t count = tc_reader_u8(r);
    if (count > INDEX_KEY_ATTRS_MAX)
        return count; /* refused by the check */
    for (size_t i = 0; i < count; i++)
        take_attr(r, &ret[i]);
    return count;
}

static bool take_def(struct tc_reader *r, struct index_schema *s, struct index_def *d) {
    d->id = tc_reader_u8(r);
    const uint8_t flags = tc_reader_u8(r);
    d->global = flags == FLAG_GLOBAL;
    d->projection = (enum index_projection)tc_reader_u8(r);
    d->table_id = tc_reader_varint(r);
    d->name = tc_reader_lenbytes(r);
    d->hash_count = take_attrs(r, d->hash);
    d->range_count = take_attrs(r, d->range);
    d->attribute_count = tc_reader_u8(r);
    d->attribute_at = s->attribute_count;
    if (flags > FLAG_GLOBAL || d->attribute_count > INDEX_ATTRIBUTES_MAX - s->attribute_count)
        return false;
    for (size_t i = 0; i < d->attribute_count; i++)
        s->attributes[s->attribute_count++] = tc_reader_lenbytes(r);
    return tc_reader_ok(r);
}

/* Everything before the indexes. */
static bool take_head(struct tc_reader *r, struct index_schema *s) {
    if (tc_reader_u8(r) != LAYOUT)
        return false;
    s->version = tc_reader_varint(r);
    s->kind = (enum index_schema_kind)tc_reader_u8(r);
    const uint8_t keys = tc_reader_u8(r);
    if (keys != 1 && keys != 2)
        return false;
    s->has_range = keys == 2;
    take_attr(r, &s->hash);
    if (s->has_range)
        take_attr(r, &s->range);
    s->ttl = tc_reader_lenbytes(r);
    s->ttl_tag = tc_reader_varint(r);
    return tc_reader_ok(r);
}

tc_err index_schema_decode(struct tc_slice bytes, struct index_schema *ret_schema) {
    struct tc_reader r = tc_reader(bytes);
    struct index_schema *s = ret_schema;
    memset(s, 0, sizeof *s);
    if (bytes.len > INDEX_SCHEMA_BYTES_MAX || !take_head(&r, s))
        return TC_ECORRUPT;
    const size_t count = tc_reader_u8(&r);
    if (count > INDEX_DEFS_MAX)
        return TC_ECORRUPT;
    for (; s->def_count < count; s->def_count++)
        if (!take_def(&r, s, &s->defs[s->def_count]))
            return TC_ECORRUPT;
    return tc_reader_at_end(&r) && schema_ok(s) ? TC_OK : TC_ECORRUPT;
}

uint64_t index_schema_version(struct tc_slice bytes) {
    struct tc_reader r = tc_reader(bytes);
    if (tc_reader_u8(&r) != LAYOUT)
        return 0;
    const uint64_t version = tc_reader_varint(&r);
    return tc_reader_ok(&r) ? version : 0;
}

/* ---- look-ups */

static bool has(const struct index_schema *s, bool global) {
    for (size_t i = 0; i < s->def_count; i++)
        if (s->defs[i].global == global)
            return true;
    return false;
}

bool index_schema_has_local(const struct index_schema *s) {
    return s->kind == INDEX_TABLE && has(s, /* global= */ false);
}

bool index_schema_has_global(const struct index_schema *s) {
    return s->kind == INDEX_TABLE && has(s, /* global= */ true);
}

const struct index_def *index_schema_find(const struct index_schema *s, uint8_t id) {
    for (size_t i = 0; i < s->def_count; i++)
        if (s->defs[i].id == id)
            return &s->defs[i];
    return NULL;
}
