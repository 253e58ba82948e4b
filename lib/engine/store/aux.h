/* store__aux: how many rows of a replica's B-tree are none of a client's items.
 *
 * Auxiliary rows, and in a group of a global index rows that are gone. Counted as they are applied
 * or loaded, kept in the checkpoint's stamp, so that no start has to read the B-tree.
 */
#ifndef TC_ENGINE_STORE_AUX_H
#define TC_ENGINE_STORE_AUX_H

#include "engine/store/store_private.h"

/* One more row. global: of a group of a global index. */
void store__aux_add(struct store_aux *a, bool global, struct tc_slice key, struct tc_slice value);
bool store__aux_is_global(const struct replica *r);
/* A mutation may change the count: cheap, for every mutation. */
static inline bool store__aux_concerns(const struct replica *r, struct tc_slice key) {
    return __builtin_expect((key.len > 8 && key.data[8] >= 0x10) || r->schema != NULL, 0);
}
/* Count the rows of local indexes anew, by reading the whole B-tree: once, for a stamp of an older
 * version that does not say. Errors: those of reading; the counts are then too small. */
TC_MUST_USE tc_err store__aux_recount(struct replica *r);
/* Apply it and count; errors of btree_put and btree_delete, but what is absent is deleted. */
TC_MUST_USE tc_err store__aux_apply(struct replica *r, const struct entry_mutation *m);

#endif
