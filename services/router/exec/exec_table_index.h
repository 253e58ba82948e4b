/* Indexes of a table, as requests change them in its record; like exec_settings.h. */
#ifndef TC_ROUTER_EXEC_TABLE_INDEX_H
#define TC_ROUTER_EXEC_TABLE_INDEX_H

#include "exec_table.h"

#include "schema/schema.h"

#define EXEC_INVALID_VALUES "One or more parameter values were invalid: "

/* One more index of a table that is CREATING; its name is free and its keys are defined. Refused:
 * d is as it should not be written. */
enum api_error exec__index_add(const struct exec_settings *c, const struct api_index *asked,
                               bool global, const struct api_list *definitions,
                               Tercet__Pb__TableDescriptor *d);
/* A new table's indexes, all of them CREATING with it. */
enum api_error exec__add_indexes(const struct exec_settings *c, const struct api_create_table *in,
                                 Tercet__Pb__TableDescriptor *d);

/* ---- exec_table_index_change.c */
/* GlobalSecondaryIndexUpdates, after the table's own billing mode was changed. */
enum api_error exec__change_indexes(const struct exec_settings *c,
                                    const struct api_update_table *in,
                                    Tercet__Pb__TableDescriptor *d);
/* Is it asked for no more than to give up an index that is being backfilled? That may be at any
 * time. */
bool exec__deletes_new_index(const struct api_update_table *in,
                             const Tercet__Pb__TableDescriptor *d);

/* ---- exec_index_throughput.c */
enum api_error exec__index_set_units(const struct exec_settings *c,
                                     const struct api_throughput *asked,
                                     Tercet__Pb__IndexDescriptor *x);
/* Maxima and warm throughput; NULL: not asked for. on_demand: the table's mode. creating: the index
 * is new, and has no maximum that -1 could take away. */
enum api_error exec__index_set_limits(const struct exec_settings *c,
                                      const struct api_on_demand *maxima,
                                      const struct api_warm *warm, bool on_demand, bool creating,
                                      Tercet__Pb__IndexDescriptor *x);
/* Throughput that the index can take at once. */
uint64_t exec__index_warm_read(const Tercet__Pb__IndexDescriptor *x, bool on_demand);
uint64_t exec__index_warm_write(const Tercet__Pb__IndexDescriptor *x, bool on_demand);

/* ---- exec_describe_index.c */
/* The indexes and attribute definitions of a description; memory is the
 * request's. count: of what they hold, or NULL. */
void exec__describe_indexes(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                            const Tercet__Pb__TableCount *count, struct api_table_description *t);

#endif
