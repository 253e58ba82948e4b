/* What leaves: the next outbox rows in order, and the index rows that follow from their items. */
#include "base/probe.h"
#include "core/index/index_aux.h"
#include "engine/store/group.h"
#include "engine/store/newest.h"
#include "engine/store/outbox.h"
#include "engine/store/replica.h"

/* ---- one outbox row */

void store__outbox_add_row(struct delivery *d, const struct index_schema *schema,
                           const struct index_def *def, struct tc_slice item,
                           struct tc_slice base_key, uint64_t version, struct tc_buf *ret_key) {
    struct tc_buf row = {0};
    tc_buf_clear(ret_key);
    if (item.len == 0 || !index_row_key(def, item, base_key, ret_key))
        return;
    index_row_item(schema, def, item, &row);
    store__delivery_add(d, def->table_id, tc_buf_slice(ret_key), tc_buf_slice(&row), version);
    tc_buf_deinit(&row);
}

/* The row that should be there, and nothing under the other keys where one may stand. */
static void add_index(struct delivery *d, const struct index_schema *schema,
                      const struct index_def *def, const struct index_outbox *owed,
                      struct tc_slice item, struct tc_slice base_key) {
    struct tc_buf key = {0};
    store__outbox_add_row(d, schema, def, item, base_key, owed->hlc_ns, &key);
    for (size_t i = 0; i < owed->count; i++)
        if (owed->refs[i].id == def->id && !tc_slice_eq(owed->refs[i].key, tc_buf_slice(&key)))
            store__delivery_add(d, def->table_id, owed->refs[i].key, TC_SLICE_EMPTY, owed->hlc_ns);
    tc_buf_deinit(&key);
}

static void note_strangers(const struct index_schema *schema, const struct index_outbox *owed) {
    for (size_t i = 0; i < owed->count; i++)
        if (index_schema_find(schema, owed->refs[i].id) == NULL)
            TC_PROBE("index: an outbox row names an index that is no more");
}

/* One outbox row. value is copied: reading the item ends the cursor's loan. */
static tc_err add_owed(struct store_outbox *o, struct delivery *d, struct tc_slice key,
                       struct tc_slice value, struct tc_buf *copy) {
    const struct index_schema *schema = o->r->schema;
    struct index_outbox owed;
    struct tc_slice base_key, item;
    tc_buf_clear(copy);
    tc_buf_append_slice(copy, value);
    TC_TRY(index_outbox_key_decode(key, &base_key));
    TC_TRY(index_outbox_decode(tc_buf_slice(copy), &owed));
    note_strangers(schema, &owed);
    TC_TRY(store__newest_applied(o->r, base_key, &item));
    store__delivery_own(d, key, owed.hlc_ns);
    if (o->round_ns == 0 || owed.hlc_ns < o->round_ns)
        o->round_ns = owed.hlc_ns;
    for (size_t i = 0; i < schema->def_count; i++)
        if (schema->defs[i].global && index_outbox_concerns(&owed, schema->defs[i].id))
            add_index(d, schema, &schema->defs[i], &owed, item, base_key);
    return TC_OK;
}

/* ---- a batch */

static tc_err add_at(struct store_outbox *o, struct delivery *d, struct btree_cursor *c,
                     struct tc_buf *copy) {
    struct tc_slice key = tc_buf_slice(&c->key), value;
    if (store_overlay_deletes(&o->r->overlay, key))
        return TC_OK; /* it was paid, and is on its way out */
    TC_TRY(btree_cursor_value(c, &value));
    return add_owed(o, d, key, value, copy);
}

/* As many as fit. */
static tc_err collect(struct store_outbox *o, struct delivery *d) {
    struct btree_cursor c;
    struct tc_buf start = {0}, end = {0}, copy = {0};
    index_kind_range(INDEX_KIND_OUTBOX, &start, &end);
    btree_cursor_init(&c, o->r->tree);
    tc_err err = o->after.len ? btree_cursor_seek(&c, BTREE_GT, tc_buf_slice(&o->after))
                              : btree_cursor_seek(&c, BTREE_GE, tc_buf_slice(&start));
    while (err == TC_OK && d->owner_count < STORE_OUTBOX_ITEMS_MAX && !store__delivery_full(d)) {
        if (tc_slice_cmp(tc_buf_slice(&c.key), tc_buf_slice(&end)) >= 0)
            break;
        err = add_at(o, d, &c, &copy);
        if (err == TC_OK)
            err = btree_cursor_next(&c);
    }
    btree_cursor_deinit(&c);
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
    tc_buf_deinit(&copy);
    return err == TC_EEND ? TC_OK : err;
}

/* The round is over: what it met first is the oldest that is known. */
static void wrap(struct store_outbox *o) {
    o->oldest_ns = o->round_ns;
    o->round_ns = 0;
    tc_buf_clear(&o->after);
}

/* What is owed next, from the first row on again behind the last one. */
static tc_err collect_round(struct store_outbox *o, struct delivery *d) {
    bool at_start = o->after.len == 0;
    TC_TRY(collect(o, d));
    if (d->owner_count > 0)
        return TC_OK;
    wrap(o);
    return at_start ? TC_OK : collect(o, d);
}

static void send_batch(struct store_outbox *o, uint64_t now_ns) {
    struct delivery *d = store__delivery_new(o->r, DELIVERY_OUTBOX);
    tc_err err = collect_round(o, d);
    if (err != TC_OK) {
        store__delivery_free(d);
        store__replica_damaged(o->r, "an outbox row, an item or their page is damaged");
        return;
    }
    if (d->owner_count == 0) { /* all that is left is leaving already */
        o->wait_ns = now_ns + STORE_OUTBOX_AGAIN_MS * STORE_MS_NS;
    } else {
        tc_buf_clear(&o->after);
        tc_buf_append_slice(&o->after, store__delivery_owner_key(d, d->owner_count - 1));
    }
    if (d->row_count > 0) {
        o->out = d;
        store__delivery_start(o->r->store, d);
        return;
    }
    store__outbox_delete_paid(o->r, d); /* of indexes that are no more */
    store__delivery_free(d);
}

uint64_t store__outbox_serve(struct store_outbox *o, uint64_t now_ns) {
    uint64_t again_ns = now_ns + STORE_OUTBOX_AGAIN_MS * STORE_MS_NS;
    if (o->out)
        return UINT64_MAX;
    if (o->wait_ns > now_ns)
        return o->wait_ns;
    if (!store__delivery_may_start(o->r->store) || store__group_may_read(o->r) != TC_OK ||
        store__backfill_unmarked(o))
        return again_ns;
    send_batch(o, now_ns);
    return o->out ? UINT64_MAX : o->wait_ns > now_ns ? o->wait_ns : again_ns;
}
