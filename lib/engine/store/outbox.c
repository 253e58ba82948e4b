#include "engine/store/outbox.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/group.h"

#include <stdlib.h>

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

bool store__outbox_leads(const struct store_outbox *o) {
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
    if (!store__outbox_leads(o) || o->schema_version != r->schema->version)
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

/* ---- taking turns */

/* Returns when this group wants to be asked again. */
static uint64_t take_turn(struct store_outbox *o, uint64_t now_ns) {
    struct store *s = o->r->store;
    uint64_t next_ns = store__owed_tick(s, &o->owed, now_ns);
    tc_list_push_back(&s->outboxes, &o->link);
    if (!knows_schema(o))
        return store__earlier(next_ns, now_ns + STORE_OUTBOX_AGAIN_MS * STORE_MS_NS);
    if (o->r->aux.outbox_count > 0)
        next_ns = store__earlier(next_ns, store__outbox_serve(o, now_ns));
    if (store__outbox_leads(o) && store__backfill_busy(o))
        next_ns = store__earlier(next_ns, store__backfill_serve(o, now_ns));
    return next_ns;
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
        if (store__outbox_leads(o) && has_work(o))
            next_ns = store__earlier(next_ns, take_turn(o, now_ns));
        else
            store__owed_end(s, &o->owed); /* comes again with an outbox row, or with a term */
    }
    s->outbox_ns = next_ns;
}

/* ---- how much it is */

bool store__outbox_full(const struct replica *r) {
    return r->aux.outbox_count >= r->store->options.outbox_rows_max;
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
