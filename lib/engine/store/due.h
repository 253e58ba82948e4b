/* store__due: which replicas a tick has to look at, so that a quiet group costs nothing.
 *
 * A replica that did anything is *active* and looked at in each tick, until it has been calm for a
 * while. One whose machine wants a tick at some time waits in a heap by that time. All the others
 * are swept: each is looked at about once per second, or once in ten seconds where there are ten
 * thousand, a few per tick, for whatever has no time of its own (request ids that expire,
 * checkpoints by age, logs to be trimmed, removed replicas). When the nodes' support changed, the
 * sweep hurries: everybody is looked at within a few ticks.
 *
 * Elections are paced. When a node with thousands of groups falls silent, or all nodes start, every
 * group misses its leader in the same moment; would all of them ask and campaign at once, no answer
 * would come in time, the nodes' beats would drown too, and nothing would ever be elected. A
 * follower that wants a tick takes one of a bounded number per second; a late tick does its machine
 * no harm.
 *
 * Invariant: a replica with an unfinished unit, unapplied entries, a copy or a change of members
 * under way is active.
 */
#ifndef TC_ENGINE_STORE_DUE_H
#define TC_ENGINE_STORE_DUE_H

#include "engine/store/store_private.h"

enum {
    DUE_TICK_MS = 9,          /* between two ticks while something goes on */
    DUE_ACTIVE_MS = 300,      /* after the last event */
    DUE_SWEEP_MS = 1000,      /* a round over all replicas, at least ... */
    DUE_SWEEP_PER_S = 1000,   /* ... and no more of them per second */
    DUE_SWEEP_SHORT_MS = 250, /* the same while a group lacks a member */
    DUE_SWEEP_SHORT_PER_S = 20000,
    DUE_HURRY_COUNT_MIN = 256,   /* replicas looked at per tick in a hurry, at least */
    DUE_ASKS_BURST = 256,        /* replicas that look for a leader at once ... */
    DUE_ASKS_PER_S = 400,        /* ... and then so many per second */
    DUE_ASKS_PRESSED_PER_S = 40, /* while the shell is behind with its work (store_press) */
    DUE_ASKS_TICK_MS = 50,       /* no tick counts for more: one that is late is overloaded */
    DUE_WAIT_MS = 100,           /* the others wait for so long ... */
    DUE_WAIT_SPREAD_MS = 300,    /* ... and up to so much more, by group */
};

void store__due_init(struct store *s);
void store__due_deinit(struct store *s);
/* Something happened to it. */
void store__due_touch(struct replica *r, uint64_t now_ns);
/* It goes. */
void store__due_drop(struct replica *r);
/* Every replica must look again soon (PAXOS_EV_TICK). */
void store__due_all(struct store *s);
/* Look at who is due. */
void store__due_tick(struct store *s, uint64_t now_ns);
/* When somebody is. */
uint64_t store__due_deadline_ns(const struct store *s);

/* ---- due_heap.c */

/* The replica's machine named its deadline: r->deadline_ns. UINT64_MAX: it waits for nothing. */
void store__due_set(struct replica *r);
/* Take it out; it is in the heap. */
void store__due_heap_remove(struct store_due *d, struct replica *r);

#endif
