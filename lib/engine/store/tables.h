/* store__tables: the leader of the system group tells memds about tables (docs/CONTRACTS.md). */
#ifndef TC_ENGINE_STORE_TABLES_H
#define TC_ENGINE_STORE_TABLES_H

#include "engine/store/store_private.h"

/* The mutation is about to be applied to the system group. */
void store__tables_changing(struct replica *r, const struct entry_mutation *m);
/* Push the next count table records in turn, if this replica leads the system group; at the end the
 * turn begins anew. */
void store__tables_push(struct replica *r, size_t count);

#endif
