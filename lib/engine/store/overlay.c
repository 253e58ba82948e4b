#include "engine/store/overlay.h"

#include "base/assert.h"

#include <stdlib.h>

struct overlay_slot {
    uint64_t index;
    struct tc_blob *body;
    struct tc_slice item;
};

static void slot_free(struct overlay_slot *slot) {
    if (slot == NULL)
        return;
    tc_blob_unref(slot->body);
    free(slot);
}

void store_overlay_put(struct store_overlay *o, struct tc_slice key, uint64_t index,
                       struct tc_blob *body, struct tc_slice item) {
    struct overlay_slot *slot = malloc(sizeof *slot);
    TC_ASSERT(slot != NULL);
    *slot = (struct overlay_slot){.index = index, .body = tc_blob_ref(body), .item = item};
    struct overlay_slot *before = tc_map_put(&o->keys, key, slot);
    TC_ASSERT(TC_IMPLIES(before != NULL, before->index <= index));
    slot_free(before);
}

bool store_overlay_get(const struct store_overlay *o, struct tc_slice key,
                       struct store_overlay_hit *ret_hit) {
    const struct overlay_slot *slot = tc_map_get(&o->keys, key);
    if (slot == NULL)
        return false;
    *ret_hit = (struct store_overlay_hit){
        .index = slot->index, .present = slot->item.len > 0, .item = slot->item};
    return true;
}

bool store_overlay_deletes(const struct store_overlay *o, struct tc_slice key) {
    struct store_overlay_hit hit;
    return store_overlay_get(o, key, &hit) && !hit.present;
}

void store_overlay_applied(struct store_overlay *o, struct tc_slice key, uint64_t index) {
    struct overlay_slot *slot = tc_map_get(&o->keys, key);
    if (slot == NULL || slot->index > index)
        return;
    (void)tc_map_del(&o->keys, key);
    slot_free(slot);
}

void store_overlay_clear(struct store_overlay *o) {
    size_t at = 0;
    struct tc_slice key;
    void *slot = NULL;
    while (tc_map_next(&o->keys, &at, &key, &slot))
        slot_free(slot);
    tc_map_deinit(&o->keys);
}

void store_overlay_deinit(struct store_overlay *o) {
    store_overlay_clear(o);
}
