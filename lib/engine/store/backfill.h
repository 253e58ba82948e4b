/* store__backfill: an index that came to a table with items, filled by the table's groups.
 *
 * Each group's leader walks its items in order and sends the rows that follow from them
 * (delivery.h); for expiry times (id 0) it writes the rows into its own group. How far it is stands
 * in rows 0x13, so another leader, or a part of the group, goes on from there.
 *
 * A walk begins after an entry that this term proposed with the schema in force is applied. Then
 * every write that was decided without the index is applied too, and is seen by the walk; every
 * other one has an outbox row of its own, and a newer time than the walk's rows: their version is
 * the hybrid time of the newest write applied when the item was read.
 *
 * It stands behind requests: one batch at a time, with a pause as long as the batch took.
 */
#ifndef TC_ENGINE_STORE_BACKFILL_H
#define TC_ENGINE_STORE_BACKFILL_H

#include "core/index/index.h"
#include "engine/store/delivery.h"

enum {
    STORE_BACKFILL_TASKS_MAX = INDEX_DEFS_MAX + 1,
    STORE_BACKFILL_LOOKS_MAX = 256, /* rows of the B-tree looked at for one batch */
    STORE_BACKFILL_SAVE_BATCHES = 16,
    STORE_BACKFILL_PAUSE_MIN_MS = 2,
};

struct store_outbox;

struct backfill_task {
    uint8_t id;
    uint64_t tag; /* whose progress it is: core/index/index_aux.h */
    bool done;
    uint64_t items;
    struct tc_buf after;
    uint64_t end_index; /* of the entry that says that it is done; 0: not proposed */
};

struct store_backfill {
    struct backfill_task tasks[STORE_BACKFILL_TASKS_MAX];
    size_t task_count;
    uint64_t mark_index; /* the walk waits for it; 0: not proposed */
    struct delivery *out;
    struct tc_buf next; /* where the walk stands once it is there */
    uint64_t next_items;
    bool next_end;
    uint32_t unsaved; /* batches since the progress was written */
    uint64_t began_ns;
    uint64_t wait_ns;
    uint32_t refusals;
};

/* A term began, or the schema changed. */
void store__backfill_begin(struct store_outbox *o);
void store__backfill_end(struct store_outbox *o);
/* Something is left to be done. */
bool store__backfill_busy(const struct store_outbox *o);
/* A global index is being filled, and what was decided without it may not all be applied: no row of
 * it may leave yet, for the next write of its item may not know that it is there. */
bool store__backfill_unmarked(const struct store_outbox *o);
/* Which tasks there are and which are done, as a number: what is planned by. */
uint64_t store__backfill_done_bits(const struct store_outbox *o);
/* The next step, if it is its time. Returns when it wants to be asked again. */
uint64_t store__backfill_serve(struct store_outbox *o, uint64_t now_ns);
void store__backfill_delivered(struct replica *r, const struct delivery *d);

#endif
