#include "engine/store/backfill.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "engine/store/backfill_task.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"

/* The entry after which the walk may begin. */
static bool is_marked(struct store_outbox *o, const struct backfill_task *t) {
    struct store_backfill *b = &o->backfill;
    if (TC_MUTANT(73) && o->r->applied_hlc_ns > 0) /* before what is under way is applied */
        return true;
    if (b->mark_index == 0 && store__backfill_mark(o, t) != TC_OK)
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
    struct backfill_task *t = store__backfill_current(o);
    uint64_t again_ns = now_ns + STORE_OUTBOX_AGAIN_MS * STORE_MS_NS;
    if (t && t->end_index > 0 && o->r->applied.index >= t->end_index) {
        t->done = true;
        t = store__backfill_current(o);
    }
    if (t == NULL || b->out)
        return UINT64_MAX;
    if (b->wait_ns > now_ns)
        return b->wait_ns;
    if (t->end_index > 0 || !store__delivery_may_start(o->r->store) ||
        store__group_may_read(o->r) != TC_OK || !is_marked(o, t))
        return again_ns;
    b->began_ns = now_ns;
    if (store__backfill_step(o, t) != TC_OK) {
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
    struct backfill_task *t = store__backfill_current(o);
    struct store *s = r->store;
    b->out = NULL;
    TC_ASSERT(t != NULL);
    s->counters.index_rows_sent += d->row_count;
    b->refusals = d->owners[0].failed ? b->refusals + 1 : 0;
    if (d->owners[0].failed && !TC_MUTANT(75)) { /* else on, whatever the index said */
        s->counters.index_refused++;
        b->wait_ns = store__now_ns(s) + store__outbox_backoff_ns(s, b->refusals - 1);
    } else {
        store__backfill_advance(o, t);
        pause(o);
    }
    store__outbox_wake(s);
}
