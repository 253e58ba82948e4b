#include "engine/store/backfill.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "core/index/index_aux.h"
#include "core/index/index_derive.h"
#include "engine/store/group.h"
#include "engine/store/outbox.h"
#include "engine/store/replica.h"
#include "engine/store/span.h"

#include <stdlib.h>

enum {
    AGAIN_MS = 5,
    EXPIRY_ID = 0,
    EXPIRY_ROWS_MAX = 64, /* of one entry */
};

/* ---- what is to be done */

static void load(const struct replica *r, struct backfill_task *t) {
    struct tc_buf key = {0};
    struct tc_slice value;
    struct index_backfill b;
    index_backfill_key(t->id, &key);
    bool known = btree_get(r->tree, tc_buf_slice(&key), &value) == TC_OK &&
                 index_backfill_decode(value, &b) == TC_OK && b.tag == t->tag;
    if (known) {
        t->done = b.done;
        t->items = b.items;
        tc_buf_append_slice(&t->after, b.after);
        if (!b.done)
            TC_PROBE("index: a backfill goes on where another leader or group stopped");
    }
    tc_buf_deinit(&key);
}

static void add_task(struct store_outbox *o, uint8_t id, uint64_t tag) {
    struct store_backfill *b = &o->backfill;
    struct backfill_task *t = &b->tasks[b->task_count++];
    *t = (struct backfill_task){.id = id, .tag = tag};
    load(o->r, t);
}

void store__backfill_begin(struct store_outbox *o) {
    const struct index_schema *schema = o->r->schema;
    if (schema->ttl.len > 0)
        add_task(o, EXPIRY_ID, schema->ttl_tag);
    for (size_t i = 0; i < schema->def_count; i++)
        if (schema->defs[i].global)
            add_task(o, schema->defs[i].id, schema->defs[i].table_id);
}

void store__backfill_end(struct store_outbox *o) {
    struct store_backfill *b = &o->backfill;
    for (size_t i = 0; i < b->task_count; i++)
        tc_buf_deinit(&b->tasks[i].after);
    tc_buf_deinit(&b->next);
    *b = (struct store_backfill){0}; /* the answer of what is out finds that nobody waits */
}

static struct backfill_task *current(struct store_outbox *o) {
    for (size_t i = 0; i < o->backfill.task_count; i++)
        if (!o->backfill.tasks[i].done)
            return &o->backfill.tasks[i];
    return NULL;
}

bool store__backfill_busy(const struct store_outbox *o) {
    for (size_t i = 0; i < o->backfill.task_count; i++)
        if (!o->backfill.tasks[i].done)
            return true;
    return false;
}

bool store__backfill_unmarked(const struct store_outbox *o) {
    const struct store_backfill *b = &o->backfill;
    bool open = false;
    for (size_t i = 0; i < b->task_count; i++)
        open = open || (b->tasks[i].id != EXPIRY_ID && !b->tasks[i].done);
    if (TC_MUTANT(73)) /* they leave */
        return false;
    open = open && (b->mark_index == 0 || o->r->applied.index < b->mark_index);
    if (open)
        TC_PROBE("index: the outbox waited for the mark of a backfill");
    return open;
}

uint64_t store__backfill_done_bits(const struct store_outbox *o) {
    uint64_t bits = o->backfill.task_count;
    for (size_t i = 0; i < o->backfill.task_count; i++)
        bits = bits << 1 | o->backfill.tasks[i].done;
    return bits;
}

/* ---- progress */

static struct entry_mutation progress(const struct backfill_task *t, bool done, struct tc_buf *key,
                                      struct tc_buf *value) {
    struct index_backfill b = {
        .done = done, .tag = t->tag, .items = t->items, .after = tc_buf_slice(&t->after)};
    index_backfill_key(t->id, key);
    index_backfill_encode(&b, value);
    return (struct entry_mutation){
        .op = ENTRY_PUT, .key = tc_buf_slice(key), .item = tc_buf_slice(value)};
}

/* Write how far it is, behind the other mutations. */
static tc_err save(struct store_outbox *o, const struct backfill_task *t, bool done,
                   struct entry_mutation *mutations, size_t count, uint64_t *ret_index) {
    struct tc_buf key = {0}, value = {0};
    mutations[count] = progress(t, done, &key, &value);
    tc_err err = store__outbox_propose(o->r, mutations, count + 1, ret_index);
    if (err == TC_OK)
        o->backfill.unsaved = 0;
    tc_buf_deinit(&key);
    tc_buf_deinit(&value);
    return err;
}

/* The walk stands at next. */
static void advance(struct store_outbox *o, struct backfill_task *t) {
    struct store_backfill *b = &o->backfill;
    tc_buf_clear(&t->after);
    tc_buf_append_slice(&t->after, tc_buf_slice(&b->next));
    t->items = b->next_items;
    b->unsaved++;
}

static void advance_and_save(struct store_outbox *o, struct backfill_task *t) {
    struct store_backfill *b = &o->backfill;
    struct entry_mutation mutation[1];
    uint64_t index = 0;
    advance(o, t);
    if (!b->next_end && b->unsaved < STORE_BACKFILL_SAVE_BATCHES)
        return;
    /* If it cannot be written now, the end is met again by the next step. */
    if (save(o, t, b->next_end, mutation, 0, &index) == TC_OK && b->next_end)
        t->end_index = index;
}

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
        advance_and_save(o, t);
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
    uint64_t index = 0;
    index_expiry_value(&value);
    for (size_t i = 0, at = 0; i < e->count; at = e->ends[i++])
        mutations[i] = (struct entry_mutation){.op = ENTRY_PUT,
                                               .key = tc_slice(e->bytes.data + at, e->ends[i] - at),
                                               .item = tc_buf_slice(&value)};
    advance(o, t);
    tc_err err = save(o, t, o->backfill.next_end, mutations, e->count, &index);
    if (err == TC_OK && o->backfill.next_end)
        t->end_index = index;
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

/* ---- steps */

/* The entry after which the walk may begin. */
static bool is_marked(struct store_outbox *o, const struct backfill_task *t) {
    struct store_backfill *b = &o->backfill;
    struct entry_mutation mutation[1];
    if (TC_MUTANT(73) && o->r->applied_hlc_ns > 0) /* before what is under way is applied */
        return true;
    if (b->mark_index == 0 && save(o, t, /* done= */ false, mutation, 0, &b->mark_index) != TC_OK)
        return false;
    return o->r->applied.index >= b->mark_index;
}

static void pause(struct store_outbox *o) {
    struct store_backfill *b = &o->backfill;
    uint64_t now_ns = store__now_ns(o->r->store), took_ns = now_ns - b->began_ns;
    uint64_t least_ns = STORE_BACKFILL_PAUSE_MIN_MS * STORE_MS_NS;
    b->wait_ns = now_ns + (took_ns > least_ns ? took_ns : least_ns);
}

uint64_t store__backfill_serve(struct store_outbox *o, uint64_t now_ns) {
    struct store_backfill *b = &o->backfill;
    struct backfill_task *t = current(o);
    uint64_t again_ns = now_ns + AGAIN_MS * STORE_MS_NS;
    if (t && t->end_index > 0 && o->r->applied.index >= t->end_index) {
        t->done = true;
        t = current(o);
    }
    if (t == NULL || b->out)
        return UINT64_MAX;
    if (b->wait_ns > now_ns)
        return b->wait_ns;
    if (t->end_index > 0 || !store__delivery_may_start(o->r->store) ||
        store__group_may_read(o->r) != TC_OK || !is_marked(o, t))
        return again_ns;
    b->began_ns = now_ns;
    tc_err err = t->id == EXPIRY_ID ? step_expiry(o, t) : step_index(o, t);
    if (err != TC_OK) {
        store__replica_damaged(o->r, "an item or its page is damaged");
        return UINT64_MAX;
    }
    if (b->out)
        return UINT64_MAX;
    pause(o);
    return b->wait_ns;
}

void store__backfill_delivered(struct replica *r, const struct delivery *d) {
    struct store_outbox *o = r->outbox;
    if (o == NULL || o->backfill.out != d)
        return;
    struct store_backfill *b = &o->backfill;
    struct backfill_task *t = current(o);
    struct store *s = r->store;
    b->out = NULL;
    TC_ASSERT(t != NULL);
    s->counters.index_rows_sent += d->row_count;
    b->refusals = d->owners[0].failed ? b->refusals + 1 : 0;
    if (d->owners[0].failed && !TC_MUTANT(75)) { /* else on, whatever the index said */
        s->counters.index_refused++;
        b->wait_ns = store__now_ns(s) + store__outbox_backoff_ns(s, b->refusals - 1);
    } else {
        advance_and_save(o, t);
        pause(o);
    }
    store__outbox_wake(s);
}
