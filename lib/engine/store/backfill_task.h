/* store__backfill, between its files: what is to be filled, how far it is, and the walk.
 *
 * backfill.c decides when a step is done; backfill_walk.c reads the next items and sends or writes
 * the rows that follow from them; backfill_task.c knows the tasks and keeps their progress.
 */
#ifndef TC_ENGINE_STORE_BACKFILL_TASK_H
#define TC_ENGINE_STORE_BACKFILL_TASK_H

#include "engine/store/outbox.h"

enum {
    STORE_BACKFILL_EXPIRY = 0, /* the id of the task that writes expiry rows; others: of an index */
};

/* ---- backfill_task.c */

/* The first task that is not done; NULL: all are. */
struct backfill_task *store__backfill_current(struct store_outbox *o);
/* Propose a row of progress that changes nothing: when it is applied, so is all that was decided
 * before. Sets mark_index. Errors: those of store__outbox_propose. */
TC_MUST_USE tc_err store__backfill_mark(struct store_outbox *o, const struct backfill_task *t);
/* The walk stands at backfill.next now; written down every STORE_BACKFILL_SAVE_BATCHES batches and
 * at the end. */
void store__backfill_advance(struct store_outbox *o, struct backfill_task *t);
/* The same with the walk's own mutations, of which there is room for one more, in one entry: always
 * written.
 *   Errors   those of store__outbox_propose; the task stands at next all the same */
TC_MUST_USE tc_err store__backfill_advance_with(struct store_outbox *o, struct backfill_task *t,
                                                struct entry_mutation *mutations, size_t count);

/* ---- backfill_walk.c */

/* The next batch: it is on its way (backfill.out), or all there was to do is done.
 *   Errors   TC_ECORRUPT, TC_EIO: an item or its page */
TC_MUST_USE tc_err store__backfill_step(struct store_outbox *o, struct backfill_task *t);

#endif
