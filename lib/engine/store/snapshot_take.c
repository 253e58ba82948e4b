/* Receiving whole copies: which of them is taken, and when one is given up or asked for. */
#include "engine/store/snapshot_take.h"

#include "base/crc32c.h"
#include "engine/store/directory.h"
#include "engine/store/snapshot.h"

/* ---- chunks */

static bool wanted(const struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    bool behind = c->index > r->applied.index && c->index > r->status.last.index;
    return r->paxos && c->index >= r->status.base.index && c->base_index <= c->index &&
           (r->state == REPLICA_DAMAGED || r->state == REPLICA_LOG ||
            (r->state == REPLICA_OK && behind));
}

/* This store takes enough copies already. */
static bool busy(const struct store *s) {
    uint32_t count = 0;
    for (size_t i = 0; i < s->replica_count; i++)
        count += s->replicas[i]->take != NULL;
    return count >= store__directory_copies_max(s);
}

static void refuse(struct replica *r, const Tercet__Pb__SnapshotChunk *c, tc_err err) {
    store__take_answer(r, c->from, c->snapshot_id, c->seq, err);
}

/* index says how far back the own log reaches. */
static void ask(struct replica *r, uint32_t whom) {
    if (whom == 0 || whom == r->rid)
        return;
    Tercet__Pb__SnapshotChunk chunk = TERCET__PB__SNAPSHOT_CHUNK__INIT;
    chunk.ack = true;
    chunk.index = r->status.base.index;
    store__snapshot_post(r, whom, &chunk);
}

static bool may_begin(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    if (store__take_lacks_log(r, c)) {
        store__take_base(r, c);
        refuse(r, c, TC_EEXISTS);
        return false;
    }
    if (!wanted(r, c)) {
        if (r->state == REPLICA_LOG && c->index < r->status.base.index)
            ask(r, c->from); /* a newer one: this log does not reach back so far */
        return false;
    }
    if (busy(r->store)) {
        refuse(r, c, TC_EBUSY);
        return false;
    }
    return store__take_begin(r, c) == TC_OK;
}

void store__snapshot_taken(struct replica *r, const Tercet__Pb__SnapshotChunk *c) {
    if (tc_crc32c(0, c->data.data, c->data.len) != c->crc)
        return;
    if (c->seq == 0 && r->take == NULL && !may_begin(r, c))
        return;
    const struct snapshot_take *take = r->take;
    if (take == NULL || take->id != c->snapshot_id || take->next_seq != c->seq || take->full ||
        take->failed || take->jobs_out >= STORE_SEND_WINDOW_COUNT)
        return; /* the sender's patience ends and it starts over */
    store__take_load(r, c);
}

/* ---- time */

uint64_t store__snapshot_take_floor(const struct replica *r) {
    return r->take ? r->take->at.index : UINT64_MAX;
}

void store__snapshot_take_tick(struct replica *r, uint64_t now_ns) {
    if (r->take == NULL && r->state == REPLICA_DAMAGED && now_ns >= r->ask_ns) {
        r->ask_ns = now_ns + (uint64_t)SNAPSHOT_ASK_MS * STORE_MS_NS;
        ask(r, r->status.leader);
    }
    if (r->take == NULL)
        return;
    store__take_swap(r);
    if (r->take->jobs_out == 0 && !r->take->full &&
        now_ns > r->take->progress_ns + (uint64_t)SNAPSHOT_PATIENCE_MS * STORE_MS_NS)
        store__take_give_up(r, "no more chunks came");
}

void store__snapshot_tick(struct replica *r, uint64_t now_ns) {
    store__snapshot_sends_tick(r, now_ns);
    store__snapshot_take_tick(r, now_ns);
}

void store__snapshot_forget(struct replica *r) {
    store__snapshot_sends_drop(r);
    store__take_free(r);
}
