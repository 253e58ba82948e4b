/* store_overlay: the newest state of keys whose writes are proposed but not yet applied.
 *
 * The leader evaluates conditions and updates against the B-tree seen through this overlay, so that
 * writes to one item pipeline without waiting for each other (DESIGN.md 2, step 5). Each key knows
 * the index of its newest pending write; applying that index removes the key.
 *
 * One owner, one thread. Memory: heap; bodies are shared blobs, referenced while a key uses them.
 * Invariant: every index held is greater than the replica's applied index.
 */
#ifndef TC_ENGINE_STORE_OVERLAY_H
#define TC_ENGINE_STORE_OVERLAY_H

#include "base/blob.h"
#include "base/map.h"

struct store_overlay {
    struct tc_map keys; /* storage key -> struct overlay_slot */
};

struct store_overlay_hit {
    uint64_t index;       /* newest pending write of the key */
    bool present;         /* false: the pending write deletes it */
    struct tc_slice item; /* borrowed until the overlay changes */
};

void store_overlay_deinit(struct store_overlay *o);
/* Remember that the entry at index puts item (a view into body) under key, or deletes it when item
 * is empty. Takes a reference on body. */
void store_overlay_put(struct store_overlay *o, struct tc_slice key, uint64_t index,
                       struct tc_blob *body, struct tc_slice item);
bool store_overlay_get(const struct store_overlay *o, struct tc_slice key,
                       struct store_overlay_hit *ret_hit);
/* The newest pending write of the key deletes it. */
bool store_overlay_deletes(const struct store_overlay *o, struct tc_slice key);
/* The entry at index was applied: forget key unless a newer write of it is pending. */
void store_overlay_applied(struct store_overlay *o, struct tc_slice key, uint64_t index);
/* Leadership ended: what was pending is nobody's promise any more. */
void store_overlay_clear(struct store_overlay *o);

#endif
