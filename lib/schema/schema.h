/* schema: what a table's record says that groups are to keep besides items, as core/index has it.
 *
 * The groups of a table know every local index, and every global one that is made and not on its
 * way out: one that is being created enters with its backfill. The groups of a global index know
 * that they are one, and the table's key. Names borrow from the record. Pure.
 */
#ifndef TC_SCHEMA_H
#define TC_SCHEMA_H

#include "core/index/index.h"
#include "proto/table.pb-c.h"

/* Of the table's groups. Version 0 in the record stands for 1.
 *   Errors   TC_EINVAL  the record is beyond the limits, or no schema */
TC_MUST_USE tc_err schema_of_table(const Tercet__Pb__TableDescriptor *d,
                                   struct index_schema *ret_schema);
/* The index as the router may read it: with its definition alone, known to groups or not.
 *   Errors   TC_EINVAL  as above */
TC_MUST_USE tc_err schema_of_index(const Tercet__Pb__TableDescriptor *d,
                                   const Tercet__Pb__IndexDescriptor *index,
                                   struct index_schema *ret_schema);

/* Append the bytes for the table's groups; nothing when they keep nothing and never did. */
TC_MUST_USE tc_err schema_append_table(const Tercet__Pb__TableDescriptor *d, struct tc_buf *out);
/* The same for the groups of a global index of the table. */
TC_MUST_USE tc_err schema_append_index(const Tercet__Pb__TableDescriptor *d, struct tc_buf *out);

/* Are the table's groups to know the index? */
bool schema_has_index(const Tercet__Pb__TableDescriptor *d,
                      const Tercet__Pb__IndexDescriptor *index);

#endif
