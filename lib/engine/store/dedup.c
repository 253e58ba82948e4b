#include "engine/store/dedup.h"

#include "base/assert.h"

#include <stdlib.h>

struct dedup_slot {
    uint8_t id[ENTRY_REQUEST_ID_BYTES];
    uint64_t index;
    uint64_t added_ns;
    struct dedup_slot *next; /* newer */
};

static struct tc_slice id_key(const uint8_t *id) {
    return tc_slice(id, ENTRY_REQUEST_ID_BYTES);
}

static void drop_oldest(struct store_dedup *d) {
    struct dedup_slot *slot = d->old;
    TC_ASSERT(slot != NULL);
    d->old = slot->next;
    if (d->old == NULL)
        d->new = NULL;
    /* A newer entry with the same id owns the map's slot now. */
    if (tc_map_get(&d->ids, id_key(slot->id)) == slot)
        (void)tc_map_del(&d->ids, id_key(slot->id));
    free(slot);
}

void store_dedup_deinit(struct store_dedup *d) {
    while (d->old)
        drop_oldest(d);
    tc_map_deinit(&d->ids);
}

void store_dedup_add(struct store_dedup *d, const uint8_t id[ENTRY_REQUEST_ID_BYTES],
                     uint64_t index, uint64_t now_ns) {
    if (d->new &&index <= d->new->index)
        return;
    struct dedup_slot *slot = malloc(sizeof *slot);
    TC_ASSERT(slot != NULL);
    *slot = (struct dedup_slot){.index = index, .added_ns = now_ns};
    memcpy(slot->id, id, sizeof slot->id);
    if (d->new)
        d->new->next = slot;
    else
        d->old = slot;
    d->new = slot;
    (void)tc_map_put(&d->ids, id_key(id), slot);
}

void store_dedup_copy(const struct store_dedup *from, uint64_t limit, struct store_dedup *to) {
    for (const struct dedup_slot *slot = from->old; slot && slot->index <= limit; slot = slot->next)
        store_dedup_add(to, slot->id, slot->index, slot->added_ns);
}

void store_dedup_prepend_take(struct store_dedup *d, struct store_dedup *older) {
    if (older->new == NULL)
        return;
    TC_ASSERT(d->old == NULL || older->new->index < d->old->index);
    for (struct dedup_slot *slot = older->old; slot; slot = slot->next)
        if (tc_map_get(&d->ids, id_key(slot->id)) == NULL)
            (void)tc_map_put(&d->ids, id_key(slot->id), slot);
    older->new->next = d->old;
    if (d->new == NULL)
        d->new = older->new;
    d->old = older->old;
    older->old = older->new = NULL;
    tc_map_deinit(&older->ids);
    older->ids = (struct tc_map){0};
}

uint64_t store_dedup_find(const struct store_dedup *d, const uint8_t id[ENTRY_REQUEST_ID_BYTES]) {
    const struct dedup_slot *slot = tc_map_get(&d->ids, id_key(id));
    return slot ? slot->index : 0;
}

bool store_dedup_full(const struct store_dedup *d) {
    return d->ids.count >= STORE_DEDUP_COUNT_MAX;
}

void store_dedup_expire(struct store_dedup *d, uint64_t now_ns) {
    while (d->old && now_ns > d->old->added_ns + STORE_DEDUP_KEEP_NS)
        drop_oldest(d);
}

uint64_t store_dedup_oldest_index(const struct store_dedup *d) {
    return d->old ? d->old->index : UINT64_MAX;
}
