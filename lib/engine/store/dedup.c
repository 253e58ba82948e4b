#include "engine/store/dedup.h"

#include "base/assert.h"

#include <stdlib.h>

struct dedup_slot {
    uint8_t id[ENTRY_REQUEST_ID_BYTES];
    uint64_t index;
    uint64_t added_ns;
    uint64_t gid;            /* of the log its entry stands in; 0: the owner's */
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

static void push(struct store_dedup *d, struct dedup_slot *slot_take) {
    slot_take->next = NULL;
    if (d->new)
        d->new->next = slot_take;
    else
        d->old = slot_take;
    d->new = slot_take;
    (void)tc_map_put(&d->ids, id_key(slot_take->id), slot_take);
}

void store_dedup_add(struct store_dedup *d, const uint8_t id[ENTRY_REQUEST_ID_BYTES],
                     uint64_t index, uint64_t now_ns) {
    if (d->new &&index <= d->new->index)
        return;
    struct dedup_slot *slot = malloc(sizeof *slot);
    TC_ASSERT(slot != NULL);
    *slot = (struct dedup_slot){.index = index, .added_ns = now_ns};
    memcpy(slot->id, id, sizeof slot->id);
    push(d, slot);
}

void store_dedup_copy(const struct store_dedup *from, uint64_t limit, uint64_t gid,
                      struct store_dedup *to) {
    for (const struct dedup_slot *at = from->old; at && at->index <= limit; at = at->next) {
        struct dedup_slot *slot = malloc(sizeof *slot);
        TC_ASSERT(slot != NULL);
        *slot = *at;
        slot->gid = at->gid ? at->gid : gid;
        push(to, slot);
    }
}

static struct dedup_slot *pop(struct dedup_slot **list) {
    struct dedup_slot *slot = *list;
    *list = slot->next;
    return slot;
}

void store_dedup_unite_take(struct store_dedup *a, struct store_dedup *b) {
    struct store_dedup both = {0};
    struct dedup_slot *left = a->old, *right = b->old;
    while (left || right) {
        bool from_left = right == NULL || (left && left->index <= right->index);
        push(&both, pop(from_left ? &left : &right));
    }
    tc_map_deinit(&a->ids);
    tc_map_deinit(&b->ids);
    *a = both;
    *b = (struct store_dedup){0};
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

uint64_t store_dedup_find(const struct store_dedup *d, const uint8_t id[ENTRY_REQUEST_ID_BYTES],
                          uint64_t *ret_gid) {
    const struct dedup_slot *slot = tc_map_get(&d->ids, id_key(id));
    *ret_gid = slot ? slot->gid : 0;
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
