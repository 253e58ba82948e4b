/* index: the indexes of a table that lives, and what its groups know of them.
 *
 * What a table's groups keep besides items is their schema (core/index). The record says what it
 * should be; each group's leader reports what is in force. They are brought together in this order:
 *
 *   - a new global index is placed (ids, records); its groups are made and led; it enters the
 *     schema when `backfilling` is set; it is ACTIVE when every group of the table, under that
 *     schema, reports its backfill done
 *   - an index with more throughput is split until its partitions can take that, then it is ACTIVE
 *   - an index that goes leaves the schema of every group of the table first, so that nobody writes
 *     to it; then its replicas go, then its records
 *   - any other change (expiry times) gives the schema a version of its own, and every group is
 *     told; so are groups that were away, and children of splits
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

/* Is there such an id among the table's own and its indexes'? */
bool plan_has_unsettled(const struct plan_table *t);

#endif
