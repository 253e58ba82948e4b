/* Indexes of a table, as requests change them in its record; like exec_settings.h. */
#ifndef TC_ROUTER_EXEC_TABLE_INDEX_H
#define TC_ROUTER_EXEC_TABLE_INDEX_H

#include "exec_table.h"

#include "schema/schema.h"

/* A new table's indexes, all of them CREATING with it. */
enum api_error exec__add_indexes(const struct exec_settings *c, const struct api_create_table *in,
                                 Tercet__Pb__TableDescriptor *d);
/* GlobalSecondaryIndexUpdates, after the table's own billing mode was changed. */
enum api_error exec__change_indexes(const struct exec_settings *c,
                                    const struct api_update_table *in,
                                    Tercet__Pb__TableDescriptor *d);
/* Is it asked for no more than to give up an index that is being backfilled? That may be at any
 * time. */
bool exec__deletes_new_index(const struct api_update_table *in,
                             const Tercet__Pb__TableDescriptor *d);

/* Throughput that the index can take at once. */
uint64_t exec__index_warm_read(const Tercet__Pb__IndexDescriptor *x, bool on_demand);
uint64_t exec__index_warm_write(const Tercet__Pb__IndexDescriptor *x, bool on_demand);

/* exec_describe_index.c: the indexes and attribute definitions of a description; memory is the
 * request's. count: of what they hold, or NULL. */
void exec__describe_indexes(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                            const Tercet__Pb__TableCount *count, struct api_table_description *t);

#endif
