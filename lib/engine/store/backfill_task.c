/* What is to be filled in this term, and how far it is: rows 0x13 of the group say so. */
#include "engine/store/backfill_task.h"

#include "base/mutant.h"
#include "base/probe.h"
#include "core/index/index_aux.h"
#include "core/index/index_derive.h"

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
        add_task(o, STORE_BACKFILL_EXPIRY, schema->ttl_tag);
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

/* ---- questions */

static size_t first_open(const struct store_backfill *b) {
    size_t i = 0;
    while (i < b->task_count && b->tasks[i].done)
        i++;
    return i;
}

struct backfill_task *store__backfill_current(struct store_outbox *o) {
    size_t i = first_open(&o->backfill);
    return i < o->backfill.task_count ? &o->backfill.tasks[i] : NULL;
}

bool store__backfill_busy(const struct store_outbox *o) {
    return first_open(&o->backfill) < o->backfill.task_count;
}

bool store__backfill_unmarked(const struct store_outbox *o) {
    const struct store_backfill *b = &o->backfill;
    bool open = false;
    for (size_t i = 0; i < b->task_count; i++)
        open = open || (b->tasks[i].id != STORE_BACKFILL_EXPIRY && !b->tasks[i].done);
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

tc_err store__backfill_mark(struct store_outbox *o, const struct backfill_task *t) {
    struct entry_mutation mutation[1];
    return save(o, t, /* done= */ false, mutation, 0, &o->backfill.mark_index);
}

/* If the end cannot be written now, it is met again by the next step. */
static tc_err save_step(struct store_outbox *o, struct backfill_task *t,
                        struct entry_mutation *mutations, size_t count) {
    uint64_t index = 0;
    bool end = o->backfill.next_end;
    TC_TRY(save(o, t, end, mutations, count, &index));
    if (end)
        t->end_index = index;
    return TC_OK;
}

void store__backfill_advance(struct store_outbox *o, struct backfill_task *t) {
    struct entry_mutation mutation[1];
    advance(o, t);
    if (o->backfill.next_end || o->backfill.unsaved >= STORE_BACKFILL_SAVE_BATCHES)
        (void)save_step(o, t, mutation, 0);
}

tc_err store__backfill_advance_with(struct store_outbox *o, struct backfill_task *t,
                                    struct entry_mutation *mutations, size_t count) {
    advance(o, t);
    return save_step(o, t, mutations, count);
}
