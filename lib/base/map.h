/* tc_map: a hash map from byte keys to pointers; open addressing, keys copied and owned.
 *
 * Iteration order depends on the insertion history only (hashing is seeded with a constant), but
 * decisions in pure code must not depend on it. tc_map_u64_key gives integer keys.
 * Memory: heap; a zeroed struct is a valid empty map. Values belong to the caller.
 */
#ifndef TC_BASE_MAP_H
#define TC_BASE_MAP_H

#include "base/slice.h"

struct tc_map_slot;

struct tc_map {
    struct tc_map_slot *slots;
    size_t cap;   /* power of two or 0 */
    size_t count; /* live entries */
    size_t dead;  /* tombstones */
};

void tc_map_deinit(struct tc_map *m);
/* NULL if absent. */
void *tc_map_get(const struct tc_map *m, struct tc_slice key);
/* Insert or replace; returns the value that was there before, or NULL. value must not be NULL. */
void *tc_map_put(struct tc_map *m, struct tc_slice key, void *value);
/* Returns the removed value, or NULL. */
void *tc_map_del(struct tc_map *m, struct tc_slice key);
/* Walk: start with *at = 0; false at the end. The entry just returned may be deleted. */
bool tc_map_next(const struct tc_map *m, size_t *at, struct tc_slice *ret_key, void **ret_value);

static inline struct tc_slice tc_map_u64_key(const uint64_t *key) {
    return tc_slice(key, sizeof *key);
}

#endif
