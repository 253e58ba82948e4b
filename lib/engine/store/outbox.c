#include "engine/store/outbox.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "core/index/index_aux.h"
#include "engine/store/apply.h"
#include "engine/store/group.h"
#include "engine/store/newest.h"
#include "engine/store/replica.h"

#include <stdlib.h>

enum {
    AGAIN_MS = 5, /* what is on its way out of the group, or finds no room, is looked at again */
};

/* ---- terms */

static void sleep_until(struct store *s, uint64_t at_ns) {
    if (at_ns < s->outbox_ns)
        s->outbox_ns = at_ns;
}

void store__outbox_wake(struct store *s) {
    sleep_until(s, store__now_ns(s));
}

static void enlist(struct store_outbox *o) {
    struct store *s = o->r->store;
    if (tc_list_empty(&o->link))
        tc_list_push_back(&s->outboxes, &o->link);
    sleep_until(s, store__now_ns(s));
}

static bool has_work(const struct store_outbox *o) {
    return o->r->aux.outbox_count > 0 || store__backfill_busy(o);
}

static void end_term(struct store_outbox *o) {
    if (o->out)
        TC_PROBE("index: a term or a schema ended while rows were on their way");
    tc_list_remove(&o->link);
    o->term = 0;
    o->out = NULL; /* its answer finds that nobody waits */
    store__backfill_end(o);
    store__owed_end(o->r->store, &o->owed);
}

static void begin_term(struct store_outbox *o) {
    struct replica *r = o->r;
    if (o->term != r->term_ballot && r->aux.outbox_count > 0)
        TC_PROBE("index: a leader found rows that are owed since another one");
    end_term(o);
    o->term = r->term_ballot;
    o->schema_version = r->schema->version;
    o->wait_ns = 0;
    o->refusals = 0;
    o->oldest_ns = o->round_ns = 0;
    tc_buf_clear(&o->after);
    store__backfill_begin(o);
    if (has_work(o))
        enlist(o);
}

static bool leads(const struct store_outbox *o) {
    return o->term != 0 && o->term == o->r->term_ballot && store__group_leads(o->r);
}

/* The term was begun with the schema that is in force: else what is to be filled is not known yet.
 */
static bool knows_schema(const struct store_outbox *o) {
    return o->r->schema && o->schema_version == o->r->schema->version;
}

static bool is_wanted(const struct replica *r) {
    const struct index_schema *schema = r->schema;
    return schema && schema->kind == INDEX_TABLE &&
           (index_schema_has_global(schema) || schema->ttl.len > 0);
}

void store__outbox_upkeep(struct replica *r) {
    struct store_outbox *o = r->outbox;
    bool wanted = store__group_leads(r) && !r->seal && is_wanted(r);
    if (!wanted) {
        if (o)
            store__outbox_free(r);
        return;
    }
    if (o == NULL) {
        o = r->outbox = calloc(1, sizeof *o);
        TC_ASSERT(o != NULL);
        o->r = r;
        tc_list_init(&o->link);
        store__owed_init(&o->owed);
    }
    if (!leads(o) || o->schema_version != r->schema->version)
        begin_term(o);
}

void store__outbox_free(struct replica *r) {
    struct store_outbox *o = r->outbox;
    if (o == NULL)
        return;
    end_term(o);
    tc_buf_deinit(&o->after);
    free(o);
    r->outbox = NULL;
}

void store__outbox_applied(struct replica *r) {
    struct store_outbox *o = r->outbox;
    if (o->term == 0 || !has_work(o))
        return;
    if (o->refusals == 0)
        o->wait_ns = 0; /* what waited for rows that are leaving goes with the new one */
    enlist(o);
}

bool store__outbox_full(const struct replica *r) {
    return r->aux.outbox_count >= r->store->options.outbox_rows_max;
}

uint64_t store__outbox_backoff_ns(const struct store *s, uint32_t refusals) {
    uint64_t wait_ms = (uint64_t)STORE_OUTBOX_WAIT_MIN_MS << (refusals < 8 ? refusals : 8);
    if (wait_ms > STORE_OUTBOX_WAIT_MAX_MS)
        wait_ms = STORE_OUTBOX_WAIT_MAX_MS;
    uint64_t wait_ns = wait_ms * STORE_MS_NS;
    return wait_ns + s->env.random(s->env.user) % wait_ns;
}

/* ---- a batch */

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

/* One outbox row. value is copied: reading the item ends the cursor's loan. */
static void note_strangers(const struct index_schema *schema, const struct index_outbox *owed) {
    for (size_t i = 0; i < owed->count; i++)
        if (index_schema_find(schema, owed->refs[i].id) == NULL)
            TC_PROBE("index: an outbox row names an index that is no more");
}

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

/* Its deletion is under way. */
static bool is_leaving(const struct replica *r, struct tc_slice key) {
    struct store_overlay_hit hit;
    return store_overlay_get(&r->overlay, key, &hit) && !hit.present;
}

static tc_err collect(struct store_outbox *o, struct delivery *d) {
    struct btree_cursor c;
    struct tc_buf start = {0}, end = {0}, copy = {0};
    struct tc_slice value;
    index_kind_range(INDEX_KIND_OUTBOX, &start, &end);
    btree_cursor_init(&c, o->r->tree);
    tc_err err = o->after.len ? btree_cursor_seek(&c, BTREE_GT, tc_buf_slice(&o->after))
                              : btree_cursor_seek(&c, BTREE_GE, tc_buf_slice(&start));
    while (err == TC_OK && d->owner_count < STORE_OUTBOX_ITEMS_MAX && !store__delivery_full(d)) {
        struct tc_slice key = tc_buf_slice(&c.key);
        if (tc_slice_cmp(key, tc_buf_slice(&end)) >= 0)
            break;
        err = is_leaving(o->r, key) ? TC_OK : btree_cursor_value(&c, &value);
        if (err == TC_OK && !is_leaving(o->r, key))
            err = add_owed(o, d, key, value, &copy);
        if (err == TC_OK)
            err = btree_cursor_next(&c);
    }
    btree_cursor_deinit(&c);
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
    tc_buf_deinit(&copy);
    return err == TC_EEND ? TC_OK : err;
}

/* ---- what was paid is deleted */

static void put_request_id(const struct store *s, struct entry_write *w) {
    for (size_t i = 0; i < sizeof w->request_id; i += 8) {
        uint64_t bits = s->env.random(s->env.user);
        memcpy(w->request_id + i, &bits, sizeof bits);
    }
}

tc_err store__outbox_propose(struct replica *r, const struct entry_mutation *mutations,
                             size_t count, uint64_t *ret_index) {
    struct entry_write w = {.hlc_ns = store__apply_hlc_ns(r)};
    struct tc_buf bytes = {0};
    put_request_id(r->store, &w);
    entry_write_encode(&w, mutations, count, &bytes);
    struct tc_blob *body = tc_blob_dup(tc_buf_slice(&bytes));
    tc_err err = store__log_has_room(r->store) ? TC_OK : TC_EFULL;
    if (err == TC_OK)
        err = store__group_propose(r, PAXOS_WRITE, body, ret_index);
    if (err == TC_OK)
        store__apply_expect(r, *ret_index, body);
    tc_blob_unref(body);
    tc_buf_deinit(&bytes);
    return err;
}

/* No write has changed the row since it was read: neither an applied one nor one under way. */
static bool is_unchanged(struct replica *r, struct tc_slice key, uint64_t hlc_ns) {
    struct store_overlay_hit hit;
    struct tc_slice value;
    struct index_outbox owed;
    if (TC_MUTANT(70)) /* whatever stands there is deleted */
        return true;
    bool same = !store_overlay_get(&r->overlay, key, &hit) &&
                btree_get(r->tree, key, &value) == TC_OK &&
                index_outbox_decode(value, &owed) == TC_OK && owed.hlc_ns == hlc_ns;
    if (!same)
        TC_PROBE("index: a write changed an outbox row while its rows were on their way");
    return same;
}

static void delete_paid(struct replica *r, const struct delivery *d) {
    struct entry_mutation mutations[STORE_OUTBOX_ITEMS_MAX];
    uint64_t index = 0;
    size_t count = 0;
    for (size_t i = 0; i < d->owner_count; i++) {
        struct tc_slice key = store__delivery_owner_key(d, i);
        bool paid = !d->owners[i].failed || TC_MUTANT(76); /* whatever the index said */
        if (paid && is_unchanged(r, key, d->owners[i].hlc_ns))
            mutations[count++] = (struct entry_mutation){.op = ENTRY_DELETE, .key = key};
    }
    if (count > 0 && store__outbox_propose(r, mutations, count, &index) == TC_OK)
        r->store->counters.outbox_paid += count;
}

void store__outbox_delivered(struct replica *r, const struct delivery *d) {
    struct store_outbox *o = r->outbox;
    if (o == NULL || o->out != d)
        return;
    struct store *s = r->store;
    o->out = NULL;
    s->counters.index_rows_sent += d->row_count;
    o->refusals = d->err == TC_OK ? 0 : o->refusals + 1;
    if (d->err != TC_OK) {
        s->counters.index_refused++;
        TC_PROBE("index: rows were refused and will leave again");
        o->wait_ns = store__now_ns(s) + store__outbox_backoff_ns(s, o->refusals - 1);
    }
    if (leads(o))
        delete_paid(r, d);
    store__owed_delivered(s, &o->owed, d);
    store__outbox_wake(s);
}

/* ---- taking turns */

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
    if (d->owner_count == 0)
        o->wait_ns = now_ns + AGAIN_MS * STORE_MS_NS; /* all that is left is leaving already */
    else
        tc_buf_clear(&o->after);
    if (d->owner_count > 0)
        tc_buf_append_slice(&o->after, store__delivery_owner_key(d, d->owner_count - 1));
    if (d->row_count > 0) {
        o->out = d;
        store__delivery_start(o->r->store, d);
        return;
    }
    delete_paid(o->r, d); /* of indexes that are no more */
    store__delivery_free(d);
}

/* One batch of this group, if it is its time. Returns when it wants to be asked again. */
static uint64_t serve(struct store_outbox *o, uint64_t now_ns) {
    uint64_t again_ns = now_ns + AGAIN_MS * STORE_MS_NS;
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

void store__outbox_tick(struct store *s, uint64_t now_ns) {
    if (now_ns < s->outbox_ns)
        return;
    uint64_t next_ns = UINT64_MAX;
    size_t turns = 0;
    for (struct tc_list *at = s->outboxes.next; at != &s->outboxes; at = at->next)
        turns++;
    for (; turns > 0; turns--) {
        struct tc_list *at = tc_list_pop_front(&s->outboxes);
        struct store_outbox *o = TC_CONTAINER(at, struct store_outbox, link);
        if (!leads(o) || !has_work(o)) {
            store__owed_end(s, &o->owed);
            continue; /* comes again with an outbox row, or with a term */
        }
        next_ns = store__earlier(next_ns, store__owed_tick(s, &o->owed, now_ns));
        tc_list_push_back(&s->outboxes, at);
        if (!knows_schema(o)) {
            next_ns = store__earlier(next_ns, now_ns + AGAIN_MS * STORE_MS_NS);
            continue;
        }
        if (o->r->aux.outbox_count > 0)
            next_ns = store__earlier(next_ns, serve(o, now_ns));
        if (leads(o) && store__backfill_busy(o))
            next_ns = store__earlier(next_ns, store__backfill_serve(o, now_ns));
    }
    s->outbox_ns = next_ns;
}

void store_outbox_counts(const struct store *s, struct store_outbox_counts *ret) {
    uint64_t oldest_ns = 0, wall_ns = store__wall_ns(s);
    *ret = (struct store_outbox_counts){0};
    for (const struct tc_list *at = s->outboxes.next; at != &s->outboxes; at = at->next) {
        const struct store_outbox *o = TC_CONTAINER(at, struct store_outbox, link);
        uint64_t ns = store__outbox_oldest_ns(o);
        ret->rows += o->r->aux.outbox_count;
        if (ns > 0 && (oldest_ns == 0 || ns < oldest_ns))
            oldest_ns = ns;
    }
    if (oldest_ns > 0 && oldest_ns < wall_ns)
        ret->age_ms = (wall_ns - oldest_ns) / STORE_MS_NS;
}

uint64_t store__outbox_oldest_ns(const struct store_outbox *o) {
    if (o->r->aux.outbox_count == 0)
        return 0;
    return o->oldest_ns ? o->oldest_ns : o->round_ns;
}
