/* Which row an item has in an index. */
#include "core/index/index_private.h"

#include "base/assert.h"
#include "base/hash.h"
#include "core/index/index_range.h"
#include "core/key/key.h"

enum {
    BASE_HASHED = 0, /* stands where a type byte would */
    LONG_SEED = 1,   /* part of the stored format */
};

/* ---- keys */

void index__append_escaped_open(struct tc_buf *out, struct item_value v) {
    struct tc_slice bytes = v.body;
    tc_buf_append_u8(out, (uint8_t)v.type);
    while (bytes.len > 0) {
        const uint8_t *zero = memchr(bytes.data, 0, bytes.len);
        const size_t run = zero ? (size_t)(zero - bytes.data) + 1 : bytes.len;
        tc_buf_append(out, bytes.data, run);
        if (zero)
            tc_buf_append_u8(out, 0xff);
        bytes = tc_slice_from(bytes, run);
    }
}

void index__append_escaped(struct tc_buf *out, struct item_value v) {
    index__append_escaped_open(out, v);
    tc_buf_append_u16(out, 0);
}

bool index__append_home(struct tc_buf *out, struct tc_slice base_key, uint8_t kind) {
    size_t range_at = 0;
    if (key_check(base_key, &range_at) != TC_OK)
        return false;
    tc_buf_append(out, base_key.data, INDEX__HASH_BYTES);
    tc_buf_append_u8(out, kind);
    tc_buf_append(out, base_key.data + INDEX__HASH_BYTES, range_at - INDEX__HASH_BYTES);
    return true;
}

bool index_value_ok(const struct index_attr *attr, struct item_value v) {
    return v.type == attr->type && v.body.len > 0;
}

/* The values of count key attributes; false: not all are there as they must be. */
static bool take_values(struct tc_slice item, const struct index_attr *attrs, size_t count,
                        size_t bytes_max, struct item_value *ret) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (!item_get(item, attrs[i].name, &ret[i]) || !index_value_ok(&attrs[i], ret[i]))
            return false;
        bytes += ret[i].body.len;
    }
    return bytes <= bytes_max;
}

/* The item's own key makes the row's unique. Where it does not fit, its hash does that. */
static void append_base(struct tc_buf *out, size_t from, struct tc_slice rest) {
    if (out->len - from + rest.len <= INDEX_KEY_BYTES_MAX) {
        tc_buf_append_slice(out, rest);
        return;
    }
    const struct tc_hash128 h = tc_hash128(rest, LONG_SEED);
    tc_buf_append_u8(out, BASE_HASHED);
    tc_buf_append_u64be(out, h.hi);
    tc_buf_append_u64be(out, h.lo);
}

static bool append_row_key(const struct index_def *def, struct tc_slice item,
                           struct tc_slice base_key, struct tc_buf *out) {
    struct item_value hash[INDEX_KEY_ATTRS_MAX], range[INDEX_KEY_ATTRS_MAX];
    const size_t from = out->len;
    size_t range_at = 0;
    if (key_check(base_key, &range_at) != TC_OK ||
        !take_values(item, def->hash, def->hash_count, KEY_HASH_BYTES_MAX, hash) ||
        !take_values(item, def->range, def->range_count, KEY_RANGE_BYTES_MAX, range))
        return false;
    index_append_hash(def, hash, out);
    for (size_t i = 0; i < def->range_count; i++)
        index_append_range(range[i], out);
    /* A local row shares hash and partition key with its item. */
    append_base(out, from, tc_slice_from(base_key, def->global ? INDEX__HASH_BYTES : range_at));
    return out->len - from <= INDEX_KEY_BYTES_MAX;
}

bool index_row_key(const struct index_def *def, struct tc_slice item, struct tc_slice base_key,
                   struct tc_buf *out) {
    const size_t before = out->len;
    if (append_row_key(def, item, base_key, out))
        return true;
    out->len = before;
    return false;
}

bool index_base_key(const struct index_schema *s, struct tc_slice item, struct tc_buf *out) {
    struct item_value hash, range = {0};
    if (!item_get(item, s->hash.name, &hash) || hash.type != s->hash.type ||
        key_hash_check(hash) != TC_OK)
        return false;
    if (s->has_range && (!item_get(item, s->range.name, &range) || range.type != s->range.type ||
                         key_range_check(range) != TC_OK))
        return false;
    key_append_hash(out, hash);
    if (s->has_range)
        key_append_range(out, range);
    return true;
}

/* ---- what is projected */

static bool among(const struct index_attr *attrs, size_t count, struct tc_slice name) {
    for (size_t i = 0; i < count; i++)
        if (tc_slice_eq(attrs[i].name, name))
            return true;
    return false;
}

static bool is_projected(const struct index_schema *s, const struct index_def *d,
                         struct tc_slice name) {
    if (tc_slice_eq(name, s->hash.name) || (s->has_range && tc_slice_eq(name, s->range.name)) ||
        among(d->hash, d->hash_count, name) || among(d->range, d->range_count, name))
        return true;
    for (size_t i = 0; i < d->attribute_count; i++)
        if (tc_slice_eq(s->attributes[d->attribute_at + i], name))
            return true;
    return false;
}

void index_row_item(const struct index_schema *s, const struct index_def *def, struct tc_slice item,
                    struct tc_buf *out) {
    if (def->projection == INDEX_ALL) {
        tc_buf_append_slice(out, item);
        return;
    }
    struct tc_slice name;
    struct item_value v;
    uint64_t count = 0;
    for (struct item_iter it = item_iter(item); item_next(&it, &name, &v);)
        count += is_projected(s, def, name);
    tc_buf_append_varint(out, count);
    for (struct item_iter it = item_iter(item); item_next(&it, &name, &v);) {
        if (!is_projected(s, def, name))
            continue;
        tc_buf_append_varint(out, name.len);
        tc_buf_append_slice(out, name);
        tc_buf_append_slice(out, v.encoded);
    }
}
