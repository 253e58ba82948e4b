/* Derived mutations of one write. */
#include "core/index/index_derive.h"

#include "base/assert.h"
#include "base/reader.h"
#include "core/index/index_aux.h"
#include "core/number/number.h"

/* One state of the item as an index shows it; key empty: it has no row. */
struct view {
    struct tc_slice key; /* in scratch */
    struct tc_slice row; /* until the next index's */
};

struct derivation {
    const struct index_schema *s;
    const struct index_write *w;
    struct tc_arena *scratch;
    struct tc_buf buf;     /* one key or value at a time, then kept in scratch */
    struct tc_buf rows[2]; /* before and after */
    struct index_outbox outbox;
    bool mark; /* a global index changes: the outbox row is written */
    struct index_derived *out;
};

/* What stands in buf, kept in scratch. */
static tc_err keep(struct derivation *d, struct tc_slice *ret) {
    const struct tc_slice kept = tc_arena_dup(d->scratch, tc_buf_slice(&d->buf));
    tc_buf_clear(&d->buf);
    if (kept.data == NULL)
        return TC_ENOMEM;
    *ret = kept;
    return TC_OK;
}

static void add(struct derivation *d, enum entry_op op, struct tc_slice key, struct tc_slice item) {
    TC_ASSERT(d->out->count < INDEX_MUTATIONS_MAX);
    d->out->mutations[d->out->count++] = (struct entry_mutation){op, key, item};
}

/* ---- rows of indexes */

static tc_err view_of(struct derivation *d, const struct index_def *def, struct tc_slice item,
                      struct tc_buf *row, struct view *ret) {
    *ret = (struct view){0};
    if (item.len == 0 || !index_row_key(def, item, d->w->key, &d->buf))
        return TC_OK;
    TC_TRY(keep(d, &ret->key));
    if (def->projection == INDEX_ALL) {
        ret->row = item;
        return TC_OK;
    }
    tc_buf_clear(row);
    index_row_item(d->s, def, item, row);
    ret->row = tc_buf_slice(row);
    return TC_OK;
}

static uint64_t row_bytes(const struct view *v) {
    return v->key.len ? item_size_bytes(v->row) : 0;
}

static uint32_t units_of(uint64_t bytes) {
    return (uint32_t)((bytes + INDEX_UNIT_BYTES - 1) / INDEX_UNIT_BYTES);
}

/* A row that stays where it is costs by the larger of both; one that moves, a delete and a put. */
static void charge(struct derivation *d, uint8_t id, const struct view *before,
                   const struct view *after) {
    const uint64_t was = row_bytes(before), is = row_bytes(after);
    const bool moved = !tc_slice_eq(before->key, after->key);
    const uint32_t units = moved ? units_of(was) + units_of(is) : units_of(was > is ? was : is);
    d->out->units[d->out->unit_count++] = (struct index_units){id, units};
}

static tc_err change_local(struct derivation *d, const struct view *before,
                           const struct view *after) {
    struct tc_slice row = after->row;
    if (before->key.len && !tc_slice_eq(before->key, after->key))
        add(d, ENTRY_DELETE, before->key, TC_SLICE_EMPTY);
    d->out->collection_bytes += row_bytes(after);
    d->out->collection_bytes -= row_bytes(before);
    if (after->key.len == 0)
        return TC_OK;
    if (row.data != d->w->new_item.data)
        row = tc_arena_dup(d->scratch, row);
    if (row.data == NULL)
        return TC_ENOMEM;
    add(d, ENTRY_PUT, after->key, row);
    return TC_OK;
}

/* The key that the item has now is read from the item when the row is sent. */
static tc_err change_global(struct derivation *d, uint8_t id, const struct view *before,
                            const struct view *after) {
    d->mark = true;
    index_outbox_mark(&d->outbox, id);
    if (before->key.len == 0 || tc_slice_eq(before->key, after->key))
        return TC_OK;
    return index_outbox_add(&d->outbox, (struct index_outbox_ref){id, before->key});
}

static tc_err derive_index(struct derivation *d, const struct index_def *def) {
    struct view before, after;
    TC_TRY(view_of(d, def, d->w->old_item, &d->rows[0], &before));
    TC_TRY(view_of(d, def, d->w->new_item, &d->rows[1], &after));
    if (tc_slice_eq(before.key, after.key) && tc_slice_eq(before.row, after.row))
        return TC_OK;
    charge(d, def->id, &before, &after);
    if (def->global)
        return change_global(d, def->id, &before, &after);
    return change_local(d, &before, &after);
}

/* ---- the other rows */

static tc_err finish_outbox(struct derivation *d) {
    struct tc_slice key, value;
    if (!d->mark)
        return TC_OK;
    if (d->w->outbox.len == 0 && d->w->outbox_full)
        return TC_ETHROTTLED;
    d->outbox.hlc_ns = d->w->hlc_ns;
    index_outbox_key(d->w->key, &d->buf);
    TC_TRY(keep(d, &key));
    index_outbox_encode(&d->outbox, &d->buf);
    TC_TRY(keep(d, &value));
    add(d, ENTRY_PUT, key, value);
    return TC_OK;
}

/* The items of the table count too. */
static tc_err finish_collection(struct derivation *d) {
    const struct index_write *w = d->w;
    struct tc_slice key, value;
    uint64_t *bytes = &d->out->collection_bytes;
    *bytes += w->new_item.len ? item_size_bytes(w->new_item) : 0;
    *bytes -= w->old_item.len ? item_size_bytes(w->old_item) : 0;
    if (*bytes == w->collection_bytes)
        return TC_OK;
    if (*bytes > w->collection_bytes_max && *bytes > w->collection_bytes)
        return TC_ELIMIT;
    index_collection_key(w->key, &d->buf);
    TC_TRY(keep(d, &key));
    if (*bytes == 0) {
        add(d, ENTRY_DELETE, key, TC_SLICE_EMPTY);
        return TC_OK;
    }
    index_collection_value(*bytes, &d->buf);
    TC_TRY(keep(d, &value));
    add(d, ENTRY_PUT, key, value);
    return TC_OK;
}

bool index_expiry_of(const struct index_schema *s, struct tc_slice item, uint64_t *ret_seconds) {
    struct item_value v;
    return s->kind == INDEX_TABLE && s->ttl.len > 0 && item.len > 0 && item_get(item, s->ttl, &v) &&
           v.type == ITEM_N && number_to_u64(v.body, ret_seconds) == TC_OK;
}

static tc_err add_expiry(struct derivation *d, enum entry_op op, uint64_t seconds) {
    struct tc_slice key, value = TC_SLICE_EMPTY;
    index_expiry_key(seconds, d->w->key, &d->buf);
    TC_TRY(keep(d, &key));
    if (op == ENTRY_PUT) {
        index_expiry_value(&d->buf);
        TC_TRY(keep(d, &value));
    }
    add(d, op, key, value);
    return TC_OK;
}

static tc_err finish_expiry(struct derivation *d) {
    uint64_t was = 0, is = 0;
    const bool had = index_expiry_of(d->s, d->w->old_item, &was);
    const bool has = index_expiry_of(d->s, d->w->new_item, &is);
    if (had && has && was == is)
        return TC_OK;
    if (had)
        TC_TRY(add_expiry(d, ENTRY_DELETE, was));
    return has ? add_expiry(d, ENTRY_PUT, is) : TC_OK;
}

static tc_err derive(struct derivation *d) {
    if (d->w->outbox.len > 0)
        TC_TRY(index_outbox_decode(d->w->outbox, &d->outbox));
    for (size_t i = 0; i < d->s->def_count; i++)
        TC_TRY(derive_index(d, &d->s->defs[i]));
    if (index_schema_has_local(d->s))
        TC_TRY(finish_collection(d));
    TC_TRY(finish_outbox(d));
    return finish_expiry(d);
}

tc_err index_derive(const struct index_schema *s, const struct index_write *w,
                    struct tc_arena *scratch, struct index_derived *ret_derived) {
    TC_ASSERT(s->kind == INDEX_TABLE);
    struct derivation d = {.s = s, .w = w, .scratch = scratch, .out = ret_derived};
    d.outbox.count = 0;
    ret_derived->count = 0;
    ret_derived->unit_count = 0;
    ret_derived->collection_bytes = w->collection_bytes;
    const struct tc_slice kept = w->updated ? w->old_item : TC_SLICE_EMPTY;
    if (w->new_item.len && !index_item_check(s, w->new_item, kept, w->key, &ret_derived->fault))
        return TC_EINVAL;
    tc_err err = derive(&d);
    tc_buf_deinit(&d.buf);
    tc_buf_deinit(&d.rows[0]);
    tc_buf_deinit(&d.rows[1]);
    return err;
}

/* ---- the answer */

void index_answer_encode(const struct index_derived *d, struct tc_buf *out) {
    tc_buf_append_varint(out, d->collection_bytes);
    tc_buf_append_varint(out, d->unit_count);
    for (size_t i = 0; i < d->unit_count; i++) {
        tc_buf_append_u8(out, d->units[i].id);
        tc_buf_append_varint(out, d->units[i].units);
    }
}

tc_err index_answer_decode(struct tc_slice bytes, struct index_answer *ret_answer) {
    struct tc_reader r = tc_reader(bytes);
    ret_answer->collection_bytes = tc_reader_varint(&r);
    const uint64_t count = tc_reader_varint(&r);
    if (!tc_reader_ok(&r) || count > INDEX_DEFS_MAX)
        return TC_ECORRUPT;
    for (size_t i = 0; i < count; i++) {
        const uint8_t id = tc_reader_u8(&r);
        const uint64_t units = tc_reader_varint(&r);
        if (units > UINT32_MAX)
            return TC_ECORRUPT;
        ret_answer->units[i] = (struct index_units){id, (uint32_t)units};
    }
    ret_answer->unit_count = count;
    return tc_reader_at_end(&r) ? TC_OK : TC_ECORRUPT;
}
