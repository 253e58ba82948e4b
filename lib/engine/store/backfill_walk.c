/* A backfill's walk over the items of a group, and what follows from each of them. */
#include "base/mutant.h"
#include "core/index/index_aux.h"
#include "core/index/index_derive.h"
#include "engine/store/backfill_task.h"
#include "engine/store/span.h"

enum {
    EXPIRY_ROWS_MAX = 64, /* of one entry */
};

/* ---- the walk */

/* What a walk does with an item; false: the batch is full. */
typedef bool visit_fn(struct store_outbox *o, const struct backfill_task *t, struct tc_slice key,
                      struct tc_slice item, void *user);

static tc_err walk(struct store_outbox *o, const struct backfill_task *t, visit_fn *visit,
                   void *user) {
    struct store_backfill *b = &o->backfill;
    struct btree_cursor c;
    struct store_span span = {.after = tc_buf_slice(&t->after)};
    struct tc_slice item;
    bool room = true;
    b->next_items = t->items;
    btree_cursor_init(&c, o->r->tree);
    tc_err err = store__span_first(&span, &c);
    for (int looks = 0; err == TC_OK && room && looks < STORE_BACKFILL_LOOKS_MAX; looks++) {
        err = btree_cursor_value(&c, &item);
        if (err != TC_OK)
            break;
        room = visit(o, t, tc_buf_slice(&c.key), item, user);
        b->next_items++;
        tc_buf_clear(&b->next);
        tc_buf_append_slice(&b->next, tc_buf_slice(&c.key));
        err = store__span_next(&span, &c);
    }
    btree_cursor_deinit(&c);
    store__span_deinit(&span);
    b->next_end = err == TC_EEND;
    return err == TC_EEND ? TC_OK : err;
}

/* ---- a global index */

static bool visit_index(struct store_outbox *o, const struct backfill_task *t, struct tc_slice key,
                        struct tc_slice item, void *user) {
    struct delivery *d = user;
    struct tc_buf row_key = {0};
    const struct index_def *def = index_schema_find(o->r->schema, t->id);
    uint64_t version = o->r->applied_hlc_ns;
    if (TC_MUTANT(73)) /* ... as if it were, too */
        version = o->r->hlc_ns;
    store__outbox_add_row(d, o->r->schema, def, item, key, version, &row_key);
    tc_buf_deinit(&row_key);
    return !store__delivery_full(d);
}

static tc_err step_index(struct store_outbox *o, struct backfill_task *t) {
    struct delivery *d = store__delivery_new(o->r, DELIVERY_BACKFILL);
    store__delivery_own(d, TC_SLICE_EMPTY, 0);
    tc_err err = walk(o, t, visit_index, d);
    if (err == TC_OK && d->row_count > 0) {
        o->backfill.out = d;
        store__delivery_start(o->r->store, d);
        return TC_OK;
    }
    if (err == TC_OK)
        store__backfill_advance(o, t);
    store__delivery_free(d);
    return err;
}

/* ---- expiry times, in the group itself */

struct expiries {
    struct tc_buf bytes;
    size_t ends[EXPIRY_ROWS_MAX];
    size_t count;
};

/* An item with a write under way is that write's: it was decided with the expiry times in force. */
static bool visit_expiry(struct store_outbox *o, const struct backfill_task *t, struct tc_slice key,
                         struct tc_slice item, void *user) {
    struct expiries *e = user;
    struct store_overlay_hit hit;
    uint64_t seconds = 0;
    (void)t;
    if (store_overlay_get(&o->r->overlay, key, &hit) ||
        !index_expiry_of(o->r->schema, item, &seconds))
        return true;
    index_expiry_key(seconds, key, &e->bytes);
    e->ends[e->count++] = e->bytes.len;
    return e->count < EXPIRY_ROWS_MAX;
}

static tc_err write_expiries(struct store_outbox *o, struct backfill_task *t,
                             const struct expiries *e) {
    struct entry_mutation mutations[EXPIRY_ROWS_MAX + 1];
    struct tc_buf value = {0};
    index_expiry_value(&value);
    for (size_t i = 0, at = 0; i < e->count; at = e->ends[i++])
        mutations[i] = (struct entry_mutation){.op = ENTRY_PUT,
                                               .key = tc_slice(e->bytes.data + at, e->ends[i] - at),
                                               .item = tc_buf_slice(&value)};
    tc_err err = store__backfill_advance_with(o, t, mutations, e->count);
    tc_buf_deinit(&value);
    return err;
}

/* What could not be written is walked again. */
static tc_err step_expiry(struct store_outbox *o, struct backfill_task *t) {
    struct expiries e = {0};
    struct tc_buf before = {0};
    uint64_t items = t->items;
    tc_buf_append_slice(&before, tc_buf_slice(&t->after));
    tc_err err = walk(o, t, visit_expiry, &e);
    if (err == TC_OK && write_expiries(o, t, &e) != TC_OK) {
        t->items = items;
        tc_buf_deinit(&t->after);
        t->after = before;
        before = (struct tc_buf){0};
    }
    tc_buf_deinit(&before);
    tc_buf_deinit(&e.bytes);
    return err;
}

tc_err store__backfill_step(struct store_outbox *o, struct backfill_task *t) {
    return t->id == STORE_BACKFILL_EXPIRY ? step_expiry(o, t) : step_index(o, t);
}
