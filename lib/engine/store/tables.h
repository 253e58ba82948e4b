/* store__tables: the leader of the system group tells memds about tables (docs/CONTRACTS.md). */
#ifndef TC_ENGINE_STORE_TABLES_H
#define TC_ENGINE_STORE_TABLES_H

#include "engine/store/store_private.h"

/* The mutation is about to be applied to the system group. */
void store__tables_changing(struct replica *r, const struct entry_mutation *m);
/* Push every table record, if this replica leads the system group. */
void store__tables_push_all(struct replica *r);

#endif
