/* store__derive: the auxiliary rows of one write (core/index), by the schema in force here.
 *
 * Everything lives in the store's scratch arena, which the caller resets before read.
 */
#ifndef TC_ENGINE_STORE_DERIVE_H
#define TC_ENGINE_STORE_DERIVE_H

#include "core/index/index_derive.h"
#include "engine/store/store_private.h"

/* The group derives rows. */
static inline bool store__derives(const struct replica *r) {
    return __builtin_expect(r->schema != NULL, 0) && r->schema->kind == INDEX_TABLE;
}

struct store_derivation {
    struct index_write write;
    struct index_derived derived;
    uint64_t seen_index; /* pending entry that an auxiliary row comes from; 0: none */
};

/* Read the auxiliary rows of key, before the item itself. NULL with TC_OK: nothing follows.
 *   Errors   TC_ENOMEM, those of store__newest */
TC_MUST_USE tc_err store__derive_read(struct replica *r, struct tc_slice key,
                                      struct store_derivation **ret);
/* What follows from the change of the item; hlc_ns is the entry's.
 *   Errors   those of index_derive; message: the service's text with TC_EINVAL and TC_ELIMIT */
TC_MUST_USE tc_err store__derive(struct replica *r, struct store_derivation *d, bool updated,
                                 struct tc_slice old_item, struct tc_slice new_item,
                                 uint64_t hlc_ns, struct tc_buf *message);
/* Bytes that the local rows cost of the partition's capacity, each rounded up to units. */
uint64_t store__derive_local_bytes(const struct replica *r, const struct store_derivation *d);

#endif
