#include "engine/store/due.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/archive.h"
#include "engine/store/digest.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/learner.h"
#include "engine/store/log.h"
#include "engine/store/snapshot.h"
#include "engine/store/split.h"
#include "engine/store/upkeep.h"

#include <stdlib.h>

/* ---- life */

void store__due_init(struct store *s) {
    tc_list_init(&s->due.active);
}

void store__due_deinit(struct store *s) {
    free((void *)s->due.heap);
    s->due.heap = NULL;
}

void store__due_touch(struct replica *r, uint64_t now_ns) {
    r->active_until_ns = now_ns + (uint64_t)DUE_ACTIVE_MS * STORE_MS_NS;
    if (tc_list_empty(&r->active_link))
        tc_list_push_back(&r->store->due.active, &r->active_link);
    r->store->due.busy = true;
}

void store__due_drop(struct replica *r) {
    store__digest_drop(r);
    if (r->heap_at)
        store__due_heap_remove(&r->store->due, r);
    tc_list_remove(&r->active_link);
}

void store__due_all(struct store *s) {
    s->due.hurry = s->replica_count;
}

/* ---- the pace of elections */

static void count_asks(struct store_due *d, uint64_t now_ns) {
    uint64_t tick_ns = (uint64_t)DUE_ASKS_TICK_MS * STORE_MS_NS;
    uint64_t passed_ns = now_ns - d->asks_ns < tick_ns ? now_ns - d->asks_ns : tick_ns;
    uint64_t rate = d->pressed ? DUE_ASKS_PRESSED_PER_S : DUE_ASKS_PER_S;
    uint64_t more = passed_ns * rate / (1000 * (uint64_t)STORE_MS_NS);
    if (more == 0 && d->asks_ns != 0)
        return;
    d->asks_left = d->asks_ns == 0 ? DUE_ASKS_BURST : d->asks_left + more;
    d->asks_left = d->asks_left < DUE_ASKS_BURST ? d->asks_left : DUE_ASKS_BURST;
    d->asks_ns = now_ns;
}

/* Nobody waits whose tick cannot be the begin of an election. */
static bool must_wait(struct replica *r) {
    struct store_due *d = &r->store->due;
    if (r->status.role != PAXOS_FOLLOWER)
        return false;
    if (d->asks_left == 0)
        return true;
    d->asks_left--;
    return false;
}

static void wait_for_turn(struct replica *r, uint64_t now_ns) {
    TC_PROBE("store: a group waits for its turn to look for a leader");
    uint64_t spread = r->gid * 0x9e3779b97f4a7c15u % DUE_WAIT_SPREAD_MS;
    r->deadline_ns = now_ns + (DUE_WAIT_MS + spread) * STORE_MS_NS;
    store__due_set(r);
}

void store_press(struct store *s, bool pressed) {
    s->due.pressed = pressed;
}

/* ---- looking */

/* Nothing is under way that the next tick could bring on. */
static bool is_settled(const struct replica *r) {
    bool still = r->state == REPLICA_OK || r->state == REPLICA_LOG || r->state == REPLICA_LOST;
    return still && r->unit_count == 0 && r->applied.index >= r->committed &&
           r->unread_index == 0 && !r->hand_over && r->jobs_out == 0 && r->take == NULL &&
           r->sends == NULL && r->trim.index == 0 && store__heal_is_calm(r) &&
           (r->seal == NULL || r->seal->done);
}

static void look(struct replica *r, uint64_t now_ns) {
    if (r->paxos == NULL)
        return;
    if (r->deadline_ns <= now_ns) {
        struct paxos_event ev = {.type = PAXOS_EV_TICK};
        (void)store__group_step(r, &ev);
    }
    store__group_continue(r);
    store__log_unread(r);
    if (r->state != REPLICA_OK)
        (void)store__group_resign(r, /* leaves= */ true);
    store__group_hand_over(r, now_ns);
    store__snapshot_tick(r, now_ns);
    store__seal_tick(r, now_ns);
    store__archive_look(r, now_ns);
}

static void look_at_active(struct store *s, uint64_t now_ns, bool upkeep) {
    struct store_due *d = &s->due;
    struct tc_list *at = d->active.next;
    d->busy = false;
    while (at != &d->active) {
        struct replica *r = TC_CONTAINER(at, struct replica, active_link);
        look(r, now_ns);
        if (upkeep)
            store__upkeep_replica(r, now_ns);
        at = r->active_link.next;
        store__digest_note(r, now_ns);
        bool settled = is_settled(r);
        if (settled && now_ns >= r->active_until_ns)
            tc_list_remove(&r->active_link);
        d->busy = d->busy || !settled;
    }
}

static uint64_t sweep_round_ms(const struct store *s) {
    bool in_haste = s->due.shorts > 0;
    uint64_t least_ms = in_haste ? DUE_SWEEP_SHORT_MS : DUE_SWEEP_MS;
    uint64_t paced_ms =
        s->replica_count * 1000 / (in_haste ? DUE_SWEEP_SHORT_PER_S : DUE_SWEEP_PER_S);
    return paced_ms > least_ms ? paced_ms : least_ms;
}

/* How many replicas this tick sweeps: a share of the round, by the time since the last tick. */
static size_t sweep_count(struct store *s, uint64_t now_ns) {
    struct store_due *d = &s->due;
    uint64_t round_ms = sweep_round_ms(s);
    uint64_t passed_ns = now_ns - d->sweep_ns;
    uint64_t round_ns = round_ms * STORE_MS_NS;
    uint64_t share =
        passed_ns >= round_ns ? s->replica_count : s->replica_count * passed_ns / round_ns;
    if (share > 0 || passed_ns >= round_ns)
        d->sweep_ns = now_ns;
    return (size_t)share;
}

static void sweep(struct store *s, uint64_t now_ns) {
    struct store_due *d = &s->due;
    for (size_t n = sweep_count(s, now_ns); n > 0 && s->replica_count > 0; n--) {
        struct replica *r = s->replicas[d->sweep_at++ % s->replica_count];
        look(r, now_ns);
        store__upkeep_replica(r, now_ns);
        store__digest_note(r, now_ns);
        store__learner_sweep(r, now_ns); /* may delete it */
    }
}

/* Support changed: what each group must do about it, its own step decides. */
static void hurry(struct store *s, uint64_t now_ns) {
    struct store_due *d = &s->due;
    size_t n =
        s->replica_count / 8 > DUE_HURRY_COUNT_MIN ? s->replica_count / 8 : DUE_HURRY_COUNT_MIN;
    for (; n > 0 && d->hurry > 0 && s->replica_count > 0; n--, d->hurry--) {
        struct replica *r = s->replicas[d->hurry_at++ % s->replica_count];
        if (r->paxos == NULL)
            continue;
        struct paxos_event ev = {.type = PAXOS_EV_TICK};
        if (r->status.role != PAXOS_FOLLOWER) {
            (void)store__group_step(r, &ev);
        } else if (r->deadline_ns > now_ns) { /* in its turn */
            r->deadline_ns = now_ns;
            store__due_set(r);
        }
    }
}

void store__due_tick(struct store *s, uint64_t now_ns) {
    struct store_due *d = &s->due;
    d->ticked_ns = now_ns;
    count_asks(d, now_ns);
    hurry(s, now_ns);
    while (d->count > 0 && d->heap[1]->deadline_ns <= now_ns) {
        struct replica *r = d->heap[1];
        store__due_heap_remove(d, r);
        if (must_wait(r))
            wait_for_turn(r, now_ns);
        else
            store__due_touch(r, now_ns);
    }
    bool upkeep = now_ns >= d->upkeep_ns;
    if (upkeep)
        d->upkeep_ns = now_ns + (uint64_t)UPKEEP_EVERY_MS * STORE_MS_NS;
    look_at_active(s, now_ns, upkeep);
    sweep(s, now_ns);
}

uint64_t store__due_deadline_ns(const struct store *s) {
    const struct store_due *d = &s->due;
    uint64_t at = UINT64_MAX;
    if (d->hurry > 0)
        return 0;
    if (d->busy)
        at = d->ticked_ns + (uint64_t)DUE_TICK_MS * STORE_MS_NS;
    return d->count > 0 && d->heap[1]->deadline_ns < at ? d->heap[1]->deadline_ns : at;
}
