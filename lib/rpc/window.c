#include "rpc/window_private.h"

#include "base/assert.h"

#include <stdlib.h>

void rpc__window_init(struct rpc__window *w, uint32_t slot_max, uint64_t bytes_max) {
    TC_ASSERT(slot_max > 0 && slot_max <= RPC_PEER_FRAMES_MAX);
    *w = (struct rpc__window){.slot_max = slot_max,
                              .bytes_max = bytes_max,
                              .generation = 1,
                              .next_deadline_ns = UINT64_MAX};
    w->slots = calloc(slot_max, sizeof w->slots[0]);
    TC_ASSERT(w->slots != NULL);
}

void rpc__window_deinit(struct rpc__window *w) {
    free(w->slots);
    w->slots = NULL;
}

tc_err rpc__window_room(const struct rpc__window *w, uint64_t bytes, bool request) {
    if (request && w->count == w->slot_max)
        return TC_EBUSY;
    return w->bytes == 0 || w->bytes + bytes <= w->bytes_max ? TC_OK : TC_EBUSY;
}

struct rpc__slot *rpc__window_add(struct rpc__window *w, uint64_t bytes, uint64_t deadline_ns) {
    TC_ASSERT(w->count < w->slot_max);
    uint32_t index = w->free_head ? w->free_head - 1 : w->slot_used++;
    struct rpc__slot *slot = &w->slots[index];
    if (w->free_head)
        w->free_head = slot->next_free;
    TC_ASSERT(index < w->slot_max && slot->id == 0);
    *slot = (struct rpc__slot){
        .id = w->generation++ << 16 | index, .deadline_ns = deadline_ns, .bytes = bytes};
    w->count++;
    w->bytes += bytes;
    if (deadline_ns < w->next_deadline_ns)
        w->next_deadline_ns = deadline_ns;
    return slot;
}

struct rpc__slot *rpc__window_find(struct rpc__window *w, uint64_t id) {
    uint32_t index = id & 0xffff;
    if (id == 0 || index >= w->slot_used || w->slots[index].id != id)
        return NULL;
    return &w->slots[index];
}

void rpc__window_remove(struct rpc__window *w, struct rpc__slot *slot) {
    TC_ASSERT(slot->id != 0 && w->count > 0 && w->bytes >= slot->bytes);
    w->count--;
    w->bytes -= slot->bytes;
    slot->id = 0;
    slot->next_free = w->free_head;
    w->free_head = (uint32_t)(slot - w->slots) + 1;
}

struct rpc__slot *rpc__window_expired(struct rpc__window *w, uint64_t now_ns, uint32_t *at) {
    if (*at == 0)
        w->next_deadline_ns = UINT64_MAX;
    while (*at < w->slot_used) {
        struct rpc__slot *slot = &w->slots[(*at)++];
        if (slot->id == 0)
            continue;
        if (slot->deadline_ns <= now_ns)
            return slot;
        if (slot->deadline_ns < w->next_deadline_ns)
            w->next_deadline_ns = slot->deadline_ns;
    }
    return NULL;
}

struct rpc__slot *rpc__window_of_session(struct rpc__window *w, uint32_t session, uint32_t *at) {
    while (*at < w->slot_used) {
        struct rpc__slot *slot = &w->slots[(*at)++];
        if (slot->id != 0 && slot->session == session)
            return slot;
    }
    return NULL;
}
