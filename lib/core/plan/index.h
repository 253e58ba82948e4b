/* index: the indexes of a table that lives, and what its groups know of them.
 *
 * What a table's groups keep besides items is their schema (core/index). The record says what it
 * should be; each group's leader reports what is in force. They are brought together in this order:
 *
 *   a new global index   placed (ids, records); its groups made and led; `backfilling`, by which it
 *                        enters the schema; ACTIVE when every group of the table, under that
 * schema, reports its backfill done an index that goes   out of the schema of every group of the
 * table first, so that nobody writes to it; then its replicas; then its records anything else
 * (expiry times) the schema gets a version of its own, and every group is told; so are groups that
 * were away, and children of splits
 *
 * The table is UPDATING until all its indexes are ACTIVE. One action per table and round changes
 * its record. Pure, like core/plan/plan.h, of which this is a part.
 */
#ifndef TC_CORE_PLAN_INDEX_H
#define TC_CORE_PLAN_INDEX_H

#include "core/plan/plan.h"

/* Add what the table's indexes, schema and status want; ids are taken from *next_id. */
void plan_indexes(const struct plan_snapshot *s, uint32_t table, uint64_t *next_id,
                  struct plan_out *out);
/* Does table_id belong to a table or an index that is being made or deleted as a whole? Its groups
 * are nobody else's business then. */
bool plan_is_unsettled(const struct plan_snapshot *s, uint64_t table_id);

#endif
