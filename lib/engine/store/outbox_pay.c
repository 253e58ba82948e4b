/* What was answered: outbox rows whose index rows are all there are deleted, others wait. */
#include "base/mutant.h"
#include "base/probe.h"
#include "core/index/index_aux.h"
#include "engine/store/apply.h"
#include "engine/store/group.h"
#include "engine/store/outbox.h"
#include "engine/store/own.h"

uint64_t store__outbox_backoff_ns(const struct store *s, uint32_t refusals) {
    uint64_t wait_ms = (uint64_t)STORE_OUTBOX_WAIT_MIN_MS << (refusals < 8 ? refusals : 8);
    if (wait_ms > STORE_OUTBOX_WAIT_MAX_MS)
        wait_ms = STORE_OUTBOX_WAIT_MAX_MS;
    uint64_t wait_ns = wait_ms * STORE_MS_NS;
    return wait_ns + s->env.random(s->env.user) % wait_ns;
}

tc_err store__outbox_propose(struct replica *r, const struct entry_mutation *mutations,
                             size_t count, uint64_t *ret_index) {
    return store__own_write(r, mutations, count, store__apply_hlc_ns(r), /* if_room= */ true,
                            ret_index);
}

/* ---- what was paid is deleted */

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

void store__outbox_delete_paid(struct replica *r, const struct delivery *d) {
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
    if (store__outbox_leads(o))
        store__outbox_delete_paid(r, d);
    store__owed_delivered(s, &o->owed, d);
    store__outbox_wake(s);
}
