/* Rules of secondary indexes in CreateTable and UpdateTable; what depends on the table as it is now
 * is checked by the executor. */
#ifndef TC_ROUTER_API_CHECK_INDEX_H
#define TC_ROUTER_API_CHECK_INDEX_H

#include "router/api/api_decode.h"

/* Each is false when an error was reported. */
/* Indexes of a new table: their keys, projections, names, number and billing, and that every
 * attribute that is defined is a key of something. */
bool api_check_indexes(struct api_decoder *d, const struct api_create_table *in);
/* GlobalSecondaryIndexUpdates: at most one index is created or deleted. */
bool api_check_index_updates(struct api_decoder *d, const struct api_update_table *in);

#endif
