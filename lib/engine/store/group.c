#include "engine/store/group.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/probe.h"
#include "engine/store/answer.h"
#include "engine/store/apply.h"
#include "engine/store/due.h"
#include "engine/store/expire.h"
#include "engine/store/fresh.h"
#include "engine/store/heal.h"
#include "engine/store/learner.h"
#include "engine/store/log.h"
#include "engine/store/members.h"
#include "engine/store/restore.h"
#include "engine/store/snapshot.h"

#include <stdlib.h>

enum {
    SETTLE_ROUNDS_MAX = 2,
    MESSAGE_BYTES_MAX = 1 << 20, /* bodies of one ACCEPT; a larger entry goes alone */
};

#define HAND_OVER_PAUSE_NS 5000000000u /* if every copy is damaged, they must not play ball */

struct paxos_options store__group_timers(const struct store *s) {
    uint64_t lease_ns = s->options.lease_ms * STORE_MS_NS;
    uint64_t batch_bytes =
        s->queue_max_bytes < MESSAGE_BYTES_MAX ? s->queue_max_bytes : MESSAGE_BYTES_MAX;
    return (struct paxos_options){.lease_ns = lease_ns,
                                  .beat_ns = lease_ns * 15 / 100,
                                  .suspect_ns = lease_ns / 2,
                                  .stall_ns = lease_ns,
                                  .batch_bytes_max = (uint32_t)batch_bytes};
}

/* ---- one step and what follows */

/* A term of this replica began or ended. */
static void follow_role(struct replica *r) {
    bool leads = r->status.role == PAXOS_LEADER;
    uint64_t term = leads ? r->status.ballot : 0;
    if (term != r->term_ballot) {
        if (r->term_ballot != 0) {
            store__answer_term_ended(r);
            r->term_ended_ns = store__now_ns(r->store);
        }
        store__heal_reset(r);
        store__expire_reset(r);
        r->term_ballot = term;
        r->blocked = false;
        r->announced = false;
        r->archive.asked = false;
        r->archive.offered = false;
    }
    if (!r->announced && r->status.serving) {
        r->announced = true;
        store__group_announce(r);
    }
}

/* A ballot of its own that it had not used before: who should lead was asked anew. */
static void note_campaign(struct replica *r) {
    bool own = r->status.role == PAXOS_CANDIDATE || r->status.role == PAXOS_LEADER;
    if (!own || r->status.ballot <= r->campaign_ballot)
        return;
    r->campaign_ballot = r->status.ballot;
    if (r->status.by_choice)
        r->store->counters.elections_by_choice++;
    else
        r->store->counters.elections++;
}

static tc_err step(struct replica *r, struct paxos_event *ev, struct paxos_out *out) {
    ev->now_ns = store__now_ns(r->store);
    tc_err err = paxos_step(r->paxos, ev, out);
    TC_DASSERT(paxos_check(r->paxos));
    r->status = paxos_status(r->paxos);
    r->deadline_ns = out->deadline_ns;
    store__due_set(r);
    store__due_touch(r, ev->now_ns);
    if (out->apply_index > r->committed)
        r->committed = out->apply_index;
    store__members_logged(r, out->appends, out->append_count);
    store__members_logged(r, out->repairs, out->repair_count);
    store__log_unit(r, out);
    store__log_sends(r, out);
    for (size_t i = 0; i < out->snapshot_count; i++)
        store__heal_below_base(r, out->snapshots[i]);
    if (out->restore_index != 0)
        store__restore_wanted(r, out->restore_index);
    if (out->base_changed && !r->restarting)
        store__log_base(r);
    if (out->role_changed)
        note_campaign(r);
    if (out->role_changed || r->term_ballot != 0)
        follow_role(r);
    return err;
}

static void tell(struct replica *r, enum paxos_event_type type, uint64_t index) {
    struct paxos_event ev = {.type = type, .index = index};
    struct paxos_out out;
    (void)step(r, &ev, &out);
}

/* Apply what is committed and tell paxos; a tick goes on with what is left. */
static void settle(struct replica *r) {
    store__learner_follow(r);
    for (int round = 0; round < SETTLE_ROUNDS_MAX; round++) {
        store__apply_note(r);
        store__apply(r);
        uint64_t known = r->applied.index < r->committed ? r->applied.index : r->committed;
        if (r->state != REPLICA_OK || known <= r->reported)
            break;
        r->reported = known;
        tell(r, PAXOS_EV_APPLIED, known);
    }
    if (r->blocked && r->applied.index >= r->status.last.index)
        r->blocked = false;
    store__fresh_note(r);
    store__answer_applied(r);
    if (r->state != REPLICA_OK && r->status.role == PAXOS_LEADER)
        (void)store__group_resign(r, /* leaves= */ true);
}

tc_err store__group_step(struct replica *r, struct paxos_event *ev) {
    struct paxos_out out;
    store__group_flush(r);
    tc_err err = step(r, ev, &out);
    settle(r);
    return err;
}

void store__group_continue(struct replica *r) {
    bool applies = r->state == REPLICA_OK && !r->stalled;
    if ((applies || r->status.log_only) && r->applied.index < r->committed)
        settle(r);
}

void store__group_durable(struct replica *r) {
    uint64_t seq = store__log_durable_seq(r);
    if (seq == 0)
        return;
    struct paxos_event ev = {.type = PAXOS_EV_DURABLE, .seq = seq};
    (void)store__group_step(r, &ev);
}

/* ---- proposals */

/* Paxos refused what was promised a place: nothing of it happened. Keys in the overlay may now name
 * entries that never will be, so nothing is evaluated until all that is pending is applied. */
static void proposals_refused(struct replica *r) {
    TC_PROBE("store: proposals refused after they had an index");
    uint64_t first = r->status.last.index + 1;
    store__answer_refused_from(r, first);
    store_overlay_clear(&r->overlay);
    r->blocked = true;
}

void store__group_flush(struct replica *r) {
    struct store_proposals *q = r->proposals;
    if (q == NULL || q->count == 0)
        return;
    tc_list_remove(&r->flush_link);
    struct paxos_event ev = {.type = PAXOS_EV_PROPOSE, .propose = {q->items, q->count}};
    struct paxos_out out;
    uint64_t first = r->status.last.index + 1;
    tc_err err = step(r, &ev, &out);
    TC_ASSERT(TC_IMPLIES(err == TC_OK, out.first_index == first));
    for (size_t i = 0; i < q->count; i++)
        tc_blob_unref(q->items[i].body);
    r->store->proposed_bytes -= q->bytes;
    q->count = 0;
    q->bytes = 0;
    if (err != TC_OK)
        proposals_refused(r);
    settle(r);
}

static bool pipeline_full(const struct replica *r) {
    uint64_t queued = r->proposals ? r->proposals->count : 0;
    return r->status.last.index + queued - r->applied.index >= STORE_PIPELINE_COUNT_MAX ||
           r->status.last.index - r->status.base.index + queued >=
               PAXOS_LOG_COUNT_MAX - PAXOS_PROPOSALS_MAX;
}

tc_err store__group_propose(struct replica *r, enum paxos_entry_type type, struct tc_blob *body,
                            uint64_t *ret_index) {
    if (!store__group_leads(r))
        return TC_ENOTLEADER;
    if (r->status.seal_index)
        return TC_EMOVED;
    if (r->blocked || pipeline_full(r))
        return TC_EBUSY;
    if (r->proposals && r->proposals->count == PAXOS_PROPOSALS_MAX) {
        store__group_flush(r);
        if (!store__group_leads(r) || r->blocked)
            return TC_EBUSY;
    }
    if (r->proposals == NULL)
        r->proposals = calloc(1, sizeof *r->proposals);
    struct store_proposals *q = r->proposals;
    TC_ASSERT(q != NULL);
    if (q->count == 0)
        tc_list_push_back(&r->store->flush_waiting, &r->flush_link);
    *ret_index = r->status.last.index + 1 + q->count;
    q->items[q->count++] = (struct paxos_proposal){
        .type = type, .body = tc_blob_ref(body), .body_crc = tc_crc32c(0, body->data, body->len)};
    return TC_OK;
}

/* ---- questions */

bool store__group_leads(const struct replica *r) {
    return r->state == REPLICA_OK && r->status.serving;
}

tc_err store__group_may_read(struct replica *r) {
    if (!store__group_leads(r))
        return TC_ENOTLEADER;
    store__check_clocks(r->store);
    struct paxos_event ev = {.type = PAXOS_EV_READ};
    struct paxos_out out;
    TC_TRY(step(r, &ev, &out));
    return out.read_err;
}

void store__group_hand_over(struct replica *r, uint64_t now_ns) {
    if (!r->hand_over || now_ns < r->hand_over_ns)
        return;
    TC_PROBE("store: a leader that cannot read its log hands over");
    r->hand_over = false;
    r->hand_over_ns = now_ns + HAND_OVER_PAUSE_NS;
    (void)store__group_resign(r, /* leaves= */ false);
}

bool store__group_resign(struct replica *r, bool leaves) {
    struct paxos_event ev = {.type = PAXOS_EV_RESIGN, .resign.leaves = leaves};
    struct paxos_out out;
    return r->paxos && r->status.role == PAXOS_LEADER && step(r, &ev, &out) == TC_OK;
}
