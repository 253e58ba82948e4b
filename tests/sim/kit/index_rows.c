#include "sim/kit/index_rows.h"

#include "base/assert.h"
#include "core/number/number.h"

#include <stdio.h>
#include <stdlib.h>

struct index_row {
    struct tc_buf key;
    struct tc_buf value;
    bool expected;
};

enum {
    HASH = 8,
    COLLECTION = 0x10,
    LOCAL = 0x11,
    OUTBOX = 0x12,
    BACKFILL = 0x13,
    EXPIRY = 0x14,
};

void index_rows_add(struct index_rows *r, struct tc_slice key, struct tc_slice value) {
    r->rows = realloc(r->rows, (r->count + 1) * sizeof *r->rows);
    TC_ASSERT(r->rows != NULL);
    struct index_row *row = &r->rows[r->count++];
    *row = (struct index_row){0};
    tc_buf_append_slice(&row->key, key);
    tc_buf_append_slice(&row->value, value);
    if (key.len > HASH && key.data[HASH] == LOCAL) {
        r->locals++;
        r->local_bytes += key.len + value.len;
    }
}

void index_rows_deinit(struct index_rows *r) {
    for (size_t i = 0; i < r->count; i++) {
        tc_buf_deinit(&r->rows[i].key);
        tc_buf_deinit(&r->rows[i].value);
    }
    free(r->rows);
    r->rows = NULL;
    r->count = 0;
}

static uint8_t kind_of(const struct index_row *row) {
    return row->key.len > HASH ? row->key.data[HASH] : 0;
}

static bool problem(struct index_rows *r, const char *what, struct tc_slice key) {
    size_t len = 0;
    if (r->problem[0])
        return false;
    len = (size_t)snprintf(r->problem, sizeof r->problem, "%s: ", what);
    for (size_t i = 0; i < key.len && len + 3 < sizeof r->problem; i++)
        len += (size_t)snprintf(r->problem + len, sizeof r->problem - len, "%02x", key.data[i]);
    return false;
}

static struct index_row *find(struct index_rows *r, struct tc_slice key) {
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = tc_slice_cmp(tc_buf_slice(&r->rows[mid].key), key);
        if (order == 0)
            return &r->rows[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void expect(struct index_rows *r, const char *what, struct tc_buf *key,
                   const struct tc_buf *value) {
    struct index_row *row = find(r, tc_buf_slice(key));
    if (row == NULL)
        problem(r, what, tc_buf_slice(key));
    else if (value && !tc_slice_eq(tc_buf_slice(&row->value), tc_buf_slice(value)))
        problem(r, "a row has another value than its item says", tc_buf_slice(key));
    else
        row->expected = true;
    tc_buf_deinit(key);
}

/* Where the sort key begins: behind 00 00, where 00 FF is a zero byte. */
static size_t range_at(struct tc_slice key) {
    size_t at = HASH + 1;
    while (at + 1 < key.len && !(key.data[at] == 0 && key.data[at + 1] == 0))
        at += key.data[at] == 0 ? 2 : 1;
    return at + 2;
}

static void append_home(struct tc_buf *out, struct tc_slice key, uint8_t kind) {
    tc_buf_append(out, key.data, HASH);
    tc_buf_append_u8(out, kind);
    tc_buf_append(out, key.data + HASH, range_at(key) - HASH);
}

static void append_escaped(struct tc_buf *out, struct item_value v) {
    tc_buf_append_u8(out, (uint8_t)v.type);
    for (size_t i = 0; i < v.body.len; i++) {
        tc_buf_append_u8(out, v.body.data[i]);
        if (v.body.data[i] == 0)
            tc_buf_append_u8(out, 0xff);
    }
    tc_buf_append_u16(out, 0);
}

static void add_attr(struct item_builder *b, struct tc_slice item, const char *name) {
    struct item_value v;
    if (name && item_get(item, tc_slice_str(name), &v))
        item_builder_add(b, tc_slice_str(name), v.encoded);
}

static uint64_t expect_local(struct index_rows *r, struct tc_slice key, struct tc_slice item) {
    struct item_value v;
    struct item_builder b = {0};
    struct tc_buf at = {0}, row = {0};
    if (r->local_id == 0 || !item_get(item, tc_slice_str(r->local), &v))
        return 0;
    append_home(&at, key, LOCAL);
    tc_buf_append_u8(&at, r->local_id);
    append_escaped(&at, v);
    tc_buf_append_slice(&at, tc_slice_from(key, range_at(key)));
    add_attr(&b, item, r->hash);
    add_attr(&b, item, r->range);
    add_attr(&b, item, r->local);
    tc_err err = item_builder_finish(&b, &row);
    TC_ASSERT(err == TC_OK);
    item_builder_deinit(&b);
    uint64_t bytes = item_size_bytes(tc_buf_slice(&row));
    expect(r, "an item has no local row", &at, &row);
    tc_buf_deinit(&row);
    return bytes;
}

static void expect_expiry(struct index_rows *r, struct tc_slice key, struct tc_slice item) {
    struct item_value v;
    uint64_t seconds = 0;
    struct tc_buf at = {0};
    if (r->ttl == NULL || !item_get(item, tc_slice_str(r->ttl), &v) || v.type != ITEM_N ||
        number_to_u64(v.body, &seconds) != TC_OK)
        return;
    tc_buf_append_u64be(&at, 0);
    tc_buf_append_u8(&at, EXPIRY);
    tc_buf_append_u64be(&at, seconds);
    tc_buf_append_slice(&at, key);
    if (r->ttl_items)
        expect(r, "an item has no expiry row", &at, NULL);
    struct index_row *row = at.len ? find(r, tc_buf_slice(&at)) : NULL;
    if (row)
        row->expected = true;
    tc_buf_deinit(&at);
}

/* Items of one collection stand together; its size is known when the next one begins. */
static void expect_collection(struct index_rows *r, struct tc_slice key, uint64_t bytes) {
    struct tc_buf at = {0}, value = {0};
    if (r->local_id == 0 || bytes == 0)
        return;
    append_home(&at, key, COLLECTION);
    tc_buf_append_u64be(&value, bytes);
    expect(r, "an item collection has no size", &at, &value);
    tc_buf_deinit(&value);
}

static void expect_all(struct index_rows *r) {
    struct tc_slice of = TC_SLICE_EMPTY; /* an item of the collection */
    uint64_t bytes = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct tc_slice key = tc_buf_slice(&r->rows[i].key);
        struct tc_slice item = tc_buf_slice(&r->rows[i].value);
        if (kind_of(&r->rows[i]) >= COLLECTION)
            continue;
        r->items++;
        bool same = of.len > 0 && range_at(of) == range_at(key) &&
                    memcmp(of.data, key.data, range_at(key)) == 0;
        if (!same) {
            expect_collection(r, of, bytes);
            bytes = 0;
        }
        of = key;
        bytes += item_size_bytes(item) + expect_local(r, key, item);
        expect_expiry(r, key, item);
    }
    expect_collection(r, of, bytes);
}

static bool inside(const struct index_rows *r, struct tc_slice key) {
    return tc_slice_cmp(key, r->start) >= 0 && (r->end.len == 0 || tc_slice_cmp(key, r->end) < 0);
}

/* A row that no item asks for: outbox and backfill rows may stand; an expiry row may be left of a
 * time when the items were not followed. */
static bool may_stand(struct index_rows *r, const struct index_row *row) {
    struct tc_slice key = tc_buf_slice(&row->key);
    switch (kind_of(row)) {
    case OUTBOX:
        return inside(r, tc_slice_from(key, HASH + 1)) || problem(r, "not of this group", key);
    case BACKFILL:
        return true;
    case EXPIRY:
        if (!inside(r, tc_slice_from(key, HASH + 1 + 8)))
            return problem(r, "not of this group", key);
        return !r->ttl_strict || row->expected || problem(r, "an expiry row without an item", key);
    default:
        return row->expected || problem(r, "a row without an item", key);
    }
}

bool index_rows_check(struct index_rows *r) {
    expect_all(r);
    for (size_t i = 0; i < r->count; i++) {
        const struct index_row *row = &r->rows[i];
        if (kind_of(row) < COLLECTION) {
            if (!inside(r, tc_buf_slice(&row->key)))
                return problem(r, "an item of another group", tc_buf_slice(&row->key));
            continue;
        }
        r->auxiliary++;
        if (!may_stand(r, row))
            return false;
    }
    return r->problem[0] == 0;
}
