#include "engine/store/apply.h"

#include "base/assert.h"
#include "engine/store/aux.h"
#include "engine/store/log.h"
#include "engine/store/members.h"
#include "engine/store/outbox.h"
#include "engine/store/replica.h"
#include "engine/store/scrub.h"
#include "engine/store/split.h"
#include "engine/store/tables.h"

void store__apply_learn_time(struct replica *r, uint64_t hlc_ns) {
    if (hlc_ns > r->hlc_ns)
        r->hlc_ns = hlc_ns;
}

uint64_t store__apply_hlc_ns(struct replica *r) {
    uint64_t wall_ns = store__wall_ns(r->store);
    r->hlc_ns = wall_ns > r->hlc_ns ? wall_ns : r->hlc_ns + 1;
    return r->hlc_ns;
}

static tc_err apply_mutation(struct replica *r, const struct entry_mutation *m) {
    if (r->gid == STORE_SYSTEM_GID)
        store__tables_changing(r, m);
    if (store__aux_concerns(r, m->key))
        return store__aux_apply(r, m);
    if (m->op == ENTRY_PUT)
        return btree_put(r->tree, m->key, m->item);
    tc_err err = btree_delete(r->tree, m->key);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

/* A mutation that was done before a refusal is simply done again: puts and deletes are idempotent
 * and nothing reads between. */
static tc_err apply_write(struct replica *r, const struct paxos_entry *e, struct tc_slice body) {
    struct entry_write w;
    TC_TRY(entry_write_decode(body, &w));
    struct entry_mutation m;
    for (struct entry_iter it = entry_iter(&w); entry_next(&it, &m);)
        TC_TRY(apply_mutation(r, &m));
    for (struct entry_iter it = entry_iter(&w); entry_next(&it, &m);)
        store_overlay_applied(&r->overlay, m.key, e->index);
    store_dedup_add(&r->dedup, w.request_id, e->index, store__now_ns(r->store));
    store__apply_learn_time(r, w.hlc_ns);
    r->applied_hlc_ns = w.hlc_ns;
    if (r->outbox)
        store__outbox_applied(r);
    return TC_OK;
}

static tc_err apply_scrub(struct replica *r, const struct paxos_entry *e, struct tc_slice body) {
    uint64_t hlc_ns = 0;
    TC_TRY(entry_scrub_decode(body, &hlc_ns));
    store__apply_learn_time(r, hlc_ns);
    store__scrub_remember(r, e);
    r->archive.wanted = e->index;
    return TC_OK;
}

static tc_err apply_body(struct replica *r, const struct paxos_entry *e, struct tc_slice body) {
    switch ((enum paxos_entry_type)e->type) {
    case PAXOS_WRITE:
        return apply_write(r, e, body);
    case PAXOS_SCRUB:
        return apply_scrub(r, e, body);
    case PAXOS_CONF:
        return store__members_apply(r, body);
    case PAXOS_LEAD:
    case PAXOS_GENESIS:
    case PAXOS_ARCHIVED:
        return TC_OK;
    case PAXOS_SPLIT:
    case PAXOS_SEAL:
    case PAXOS_MERGE:
        return store__seal_apply(r, e, body);
    case PAXOS_TXN_PREPARE:
    case PAXOS_TXN_COMMIT:
    case PAXOS_TXN_CANCEL:
        break;
    }
    return TC_ECORRUPT; /* nothing proposes these yet: a newer version's log */
}

static tc_err apply_entry(struct replica *r, const struct paxos_entry *e) {
    struct tc_blob *body = NULL;
    if (store__log_body(r, e, &body) != TC_OK)
        return TC_EUNAVAILABLE; /* repaired in place by a peer; then it is applied */
    tc_err err = apply_body(r, e, tc_blob_slice(body));
    if (err == TC_OK) {
        r->checkpoint.log_bytes += WAL_HEADER_BYTES + body->len;
        r->store->counters.applied++;
    }
    tc_blob_unref(body);
    return err;
}

/* The entry could not be applied. Lack of memory is cured by a checkpoint; anything else means that
 * this copy cannot follow its log any more and must come from another replica. */
static void cannot_apply(struct replica *r, tc_err err) {
    if (r->store->failed) {
        r->stalled = true; /* the disk failed, this copy did not */
        return;
    }
    if (err == TC_EUNAVAILABLE)
        return;
    if (err == TC_EBUSY || err == TC_EFULL) {
        r->stalled = true;
        r->checkpoint.wanted = true;
        return;
    }
    store__replica_damaged(r, err == TC_ECORRUPT ? "an entry or a page it needs is damaged"
                                                 : "an entry could not be applied");
}

void store__apply(struct replica *r) {
    for (int i = 0; i < STORE_APPLY_COUNT_MAX; i++) {
        if (r->state != REPLICA_OK || r->stalled || r->applied.index >= r->committed)
            return;
        const struct paxos_entry *e = paxos_entry_at(r->paxos, r->applied.index + 1);
        if (e == NULL) {
            store__replica_damaged(r, "the log does not reach back to the B-tree");
            return;
        }
        tc_err err = apply_entry(r, e);
        if (err != TC_OK) {
            cannot_apply(r, err);
            return;
        }
        r->applied = (struct paxos_mark){e->index, e->ballot, e->chain};
        r->noted = e->index;
    }
}

void store__apply_expect(struct replica *r, uint64_t index, struct tc_blob *body) {
    struct entry_write w;
    tc_err err = entry_write_decode(tc_blob_slice(body), &w);
    TC_ASSERT(err == TC_OK);
    struct entry_mutation m;
    for (struct entry_iter it = entry_iter(&w); entry_next(&it, &m);)
        store_overlay_put(&r->overlay, m.key, index, body, m.item);
}

static void note(struct replica *r, const struct paxos_entry *e) {
    struct tc_blob *body = NULL;
    struct entry_write w;
    if (e->type != PAXOS_WRITE || (e->flags & PAXOS_FAULTY) ||
        store__log_body(r, e, &body) != TC_OK)
        return;
    if (entry_write_decode(tc_blob_slice(body), &w) == TC_OK) {
        store_dedup_add(&r->dedup, w.request_id, e->index, store__now_ns(r->store));
        store__apply_learn_time(r, w.hlc_ns);
    }
    tc_blob_unref(body);
}

void store__apply_note(struct replica *r) {
    uint64_t last = r->committed < r->applied.index ? r->committed : r->applied.index;
    if (r->noted < r->status.base.index)
        r->noted = r->status.base.index;
    while (r->noted < last) {
        const struct paxos_entry *e = paxos_entry_at(r->paxos, r->noted + 1);
        if (e == NULL)
            return; /* the tail behind a snapshot is still on its way */
        note(r, e);
        r->noted++;
    }
}
