/* store__outbox: what a table's group owes to its global indexes, and how its leader pays it.
 *
 * Outbox rows stand in the B-tree (core/index/index_aux.h) and are counted there (aux.h). While
 * there are any, the leader takes them in order, reads each item as applied, sends the rows of its
 * indexes (delivery.h), and when all are there deletes those outbox rows that no write has changed
 * since: a changed one has a newer time. One batch of a group is on its way at a time; groups take
 * turns. A group whose rows were refused waits, longer each time, by a random part more. A group
 * without outbox rows is in no list.
 *
 * Invariant: an outbox row is deleted only after every row that follows from the state at its time,
 * or from a newer one, is committed in the index.
 */
#ifndef TC_ENGINE_STORE_OUTBOX_H
#define TC_ENGINE_STORE_OUTBOX_H

#include "engine/store/backfill.h"
#include "engine/store/delivery.h"
#include "engine/store/owed.h"

enum {
    STORE_OUTBOX_ITEMS_MAX = 64, /* of one batch; one entry deletes their rows */
    STORE_OUTBOX_AGAIN_MS = 5,   /* what is on its way out of the group, or finds no room, is looked
                                    at again */
    STORE_OUTBOX_WAIT_MIN_MS = 20,
    STORE_OUTBOX_WAIT_MAX_MS = 2000,
};

struct store_outbox {
    struct replica *r;
    struct tc_list link;     /* in store.outboxes while there is something to send */
    uint64_t term;           /* that this is about */
    uint64_t schema_version; /* ... and what is in force */
    struct delivery *out;    /* on its way */
    struct tc_buf after;     /* the outbox row behind which the next batch begins */
    uint64_t wait_ns;        /* nothing is sent before */
    uint32_t refusals;       /* batches in a row with a refused row */
    uint64_t oldest_ns;      /* hybrid time of the oldest row met in the last round; 0: none */
    uint64_t round_ns;       /* the same, of this round so far */
    struct store_backfill backfill;
    struct store_owed owed;
};

/* A replica is looked at: begin what its leadership or schema asks for, or end it. */
void store__outbox_upkeep(struct replica *r);
void store__outbox_free(struct replica *r);
/* A write was applied at a leader (r->outbox is there): it may have left something to be sent. */
void store__outbox_applied(struct replica *r);

/* No new outbox row fits: writes that need one are throttled. */
bool store__outbox_full(const struct replica *r);

/* Send what is due, group by group. */
void store__outbox_tick(struct store *s, uint64_t now_ns);
/* Look again in the next tick. */
void store__outbox_wake(struct store *s);
/* Hybrid time of the oldest row that is known; 0: none is. */
uint64_t store__outbox_oldest_ns(const struct store_outbox *o);

/* This leader's term is the one that the outbox is about. */
bool store__outbox_leads(const struct store_outbox *o);

/* ---- outbox_batch.c */

/* Send one batch of this group, if it is its time. Returns when it wants to be asked again. */
uint64_t store__outbox_serve(struct store_outbox *o, uint64_t now_ns);
/* Append the rows of one index that follow from the item, as one owner's. item empty: none does. */
void store__outbox_add_row(struct delivery *d, const struct index_schema *schema,
                           const struct index_def *def, struct tc_slice item,
                           struct tc_slice base_key, uint64_t version, struct tc_buf *ret_key);

/* ---- outbox_pay.c */

/* All answers to a batch are there. */
void store__outbox_delivered(struct replica *r, const struct delivery *d);
/* Delete the outbox rows of a batch that are paid and that no write has changed since. */
void store__outbox_delete_paid(struct replica *r, const struct delivery *d);
/* Propose a WRITE of the leader's own, which no request asked for.
 *   Errors   those of store__group_propose; TC_EFULL (no room in the log) */
TC_MUST_USE tc_err store__outbox_propose(struct replica *r, const struct entry_mutation *mutations,
                                         size_t count, uint64_t *ret_index);
/* How long to wait after so many refusals: STORE_OUTBOX_WAIT_MIN_MS doubled each time, and up to as
 * much again by chance. */
uint64_t store__outbox_backoff_ns(const struct store *s, uint32_t refusals);

#endif
