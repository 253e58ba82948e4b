/* Key conditions as ranges of rows. */
#include "core/index/index_range.h"

#include "base/assert.h"
#include "base/hash.h"
#include "core/index/index_private.h"
#include "core/key/key.h"

enum {
    HASH_SEED = 0, /* part of the stored format */
};

/* The rows of a global index lie by the hash of all hash values as they stand in the key. */
static void append_global_hash(const struct index_def *def, const struct item_value *values,
                               struct tc_buf *out) {
    const size_t at = out->len;
    tc_buf_append_u64be(out, 0);
    for (size_t i = 0; i < def->hash_count; i++)
        index__append_escaped(out, values[i]);
    const struct tc_slice escaped =
        tc_slice(out->data + at + INDEX__HASH_BYTES, out->len - at - INDEX__HASH_BYTES);
    const uint64_t hash = tc_hash64(escaped, HASH_SEED);
    for (int i = 0; i < INDEX__HASH_BYTES; i++)
        out->data[at + (size_t)i] = (uint8_t)(hash >> (8 * (INDEX__HASH_BYTES - 1 - i)));
}

void index_append_hash(const struct index_def *def, const struct item_value *values,
                       struct tc_buf *out) {
    for (size_t i = 0; i < def->hash_count; i++)
        TC_ASSERT(index_value_ok(&def->hash[i], values[i]));
    if (def->global) {
        append_global_hash(def, values, out);
        return;
    }
    const size_t at = out->len;
    key_append_hash(out, values[0]);
    /* The kind goes between hash and partition key, the index behind both. */
    tc_buf_append_u8(out, 0);
    memmove(out->data + at + INDEX__HASH_BYTES + 1, out->data + at + INDEX__HASH_BYTES,
            out->len - at - INDEX__HASH_BYTES - 1);
    out->data[at + INDEX__HASH_BYTES] = INDEX__LOCAL;
    tc_buf_append_u8(out, def->id);
}

void index_append_range(struct item_value v, struct tc_buf *out) {
    index__append_escaped(out, v);
}

void index_append_range_prefix(struct item_value v, struct tc_buf *out) {
    index__append_escaped_open(out, v);
}

/* The bound that lies before all rows with v, or behind them. */
static void append_bound(struct tc_slice prefix, struct item_value v, bool behind,
                         struct tc_buf *out) {
    struct tc_buf key = {0};
    tc_buf_append_slice(&key, prefix);
    index_append_range(v, &key);
    if (behind)
        key_append_prefix_end(out, tc_buf_slice(&key));
    else
        tc_buf_append_slice(out, tc_buf_slice(&key));
    tc_buf_deinit(&key);
}

static void append_begins(struct tc_slice prefix, struct item_value v, struct tc_buf *start,
                          struct tc_buf *end) {
    tc_buf_append_slice(start, prefix);
    index_append_range_prefix(v, start);
    key_append_prefix_end(end, tc_buf_slice(start));
}

static void compare_range(struct tc_slice prefix, const struct index_condition *c,
                          struct tc_buf *start, struct tc_buf *end) {
    const enum index_compare how = c->compare;
    if (how == INDEX_BEGINS_WITH) {
        append_begins(prefix, c->low, start, end);
        return;
    }
    if (how == INDEX_LT || how == INDEX_LE)
        tc_buf_append_slice(start, prefix);
    else
        append_bound(prefix, c->low, how == INDEX_GT, start);
    if (how == INDEX_GT || how == INDEX_GE)
        key_append_prefix_end(end, prefix);
    else
        append_bound(prefix, how == INDEX_BETWEEN ? c->high : c->low, how != INDEX_LT, end);
}

void index_range(const struct index_def *def, const struct index_condition *c, struct tc_buf *start,
                 struct tc_buf *end) {
    TC_ASSERT(start->len == 0 && end->len == 0);
    TC_ASSERT(c->equal_count + (c->compare != INDEX_ANY) <= def->range_count);
    struct tc_buf prefix = {0};
    index_append_hash(def, c->hash, &prefix);
    for (size_t i = 0; i < c->equal_count; i++)
        index_append_range(c->equal[i], &prefix);
    if (c->compare == INDEX_ANY) {
        tc_buf_append_slice(start, tc_buf_slice(&prefix));
        key_append_prefix_end(end, tc_buf_slice(&prefix));
    } else {
        compare_range(tc_buf_slice(&prefix), c, start, end);
    }
    tc_buf_deinit(&prefix);
}
