/* Life of the machine, its slots, and the questions that groups ask of it. */
#include "core/support/support_private.h"

tc_err support_new(const struct support_params *params, struct support **ret_support) {
    struct tc_arena self = {0};
    if (params->boot == 0 || params->lease_ns == 0 || params->beat_ns == 0 ||
        params->suspect_ns == 0)
        return TC_EINVAL;
    struct support *s = tc_arena_calloc(&self, 1, sizeof *s);
    if (s == NULL)
        return TC_ENOMEM;
    s->self = self;
    s->p = *params;
    *ret_support = s;
    return TC_OK;
}

void support_free(struct support *s) {
    if (s == NULL)
        return;
    struct tc_arena self = s->self;
    size_t count;
    struct slot *slots = support__slots(s, &count);
    for (size_t i = 0; i < count; i++)
        tc_buf_deinit(&slots[i].wakes);
    tc_buf_deinit(&s->slots);
    tc_buf_deinit(&s->beat_wakes);
    tc_arena_deinit(&self);
}

struct slot *support__slots(const struct support *s, size_t *ret_count) {
    *ret_count = s->slots.len / sizeof(struct slot);
    return (struct slot *)(void *)s->slots.data;
}

struct slot *support__slot(const struct support *s, uint32_t slot) {
    size_t count;
    struct slot *slots = support__slots(s, &count);
    TC_ASSERT(slot >= 1 && slot <= count);
    return &slots[slot - 1];
}

uint32_t support_find(const struct support *s, const uint8_t *store) {
    size_t count;
    const struct slot *slots = support__slots(s, &count);
    for (size_t i = 0; i < count; i++)
        if (memcmp(slots[i].store, store, SUPPORT_UUID_BYTES) == 0)
            return (uint32_t)i + 1;
    return 0;
}

/* Slots are never given up: an epoch must not fall within one boot. */
uint32_t support__slot_of(struct support *s, const uint8_t *store) {
    uint32_t found = support_find(s, store);
    if (found != 0)
        return found;
    size_t count;
    struct slot fresh = {.epoch = 1, .silent = true, .deaf = true};
    memcpy(fresh.store, store, SUPPORT_UUID_BYTES);
    tc_buf_append(&s->slots, &fresh, sizeof fresh);
    (void)support__slots(s, &count);
    support__slot(s, (uint32_t)count)->index = (uint32_t)count;
    return (uint32_t)count;
}

uint32_t support_hold(struct support *s, const uint8_t *store) {
    uint32_t slot = support__slot_of(s, store);
    support__slot(s, slot)->holders++;
    return slot;
}

void support_drop(struct support *s, uint32_t slot) {
    struct slot *t = support__slot(s, slot);
    TC_ASSERT(t->holders > 0);
    t->holders--;
}

uint64_t support_own_boot(const struct support *s) {
    return s->p.boot;
}

uint64_t support_lease_ns(const struct support *s) {
    return s->p.lease_ns;
}

/* ---- as the supporter */

uint64_t support_boot(const struct support *s, uint32_t slot) {
    return support__slot(s, slot)->boot;
}

uint64_t support_epoch(const struct support *s, uint32_t slot) {
    return support__slot(s, slot)->epoch;
}

uint64_t support_until_ns(const struct support *s, uint32_t slot, uint64_t boot) {
    const struct slot *t = support__slot(s, slot);
    return boot != 0 && t->boot == boot ? t->until_ns : 0;
}

bool support_hears(const struct support *s, uint32_t slot, uint64_t boot, uint64_t now_ns) {
    const struct slot *t = support__slot(s, slot);
    return boot != 0 && t->boot == boot && t->heard_ns + s->p.suspect_ns > now_ns;
}

uint64_t support_beat_ns(const struct support *s, uint32_t slot) {
    return support__slot(s, slot)->beat_ns;
}

uint64_t support_fresh_ns(const struct support *s, uint32_t slot, uint64_t boot) {
    const struct slot *t = support__slot(s, slot);
    return boot != 0 && t->boot == boot ? t->fresh_ns : 0;
}

void support_raise(struct support *s, uint32_t slot, uint64_t epoch) {
    struct slot *t = support__slot(s, slot);
    TC_ASSERT(epoch <= t->epoch);
    if (epoch != t->epoch)
        return; /* another group did it already */
    TC_PROBE("support: an epoch was raised");
    t->epoch++;
    TC_TRACE(s->p.trace, "a group of slot %" PRIu32 " is promised away -> epoch %" PRIu64, slot,
             t->epoch);
}

/* ---- as the supported one */

uint64_t support_acker_boot(const struct support *s, uint32_t slot) {
    return support__slot(s, slot)->acker_boot;
}

uint64_t support_acker_epoch(const struct support *s, uint32_t slot) {
    return support__slot(s, slot)->acker_epoch;
}

uint64_t support_echo_ns(const struct support *s, uint32_t slot) {
    return support__slot(s, slot)->echo_ns;
}

uint64_t support_acked_ns(const struct support *s, uint32_t slot) {
    return support__slot(s, slot)->acked_ns;
}

bool support_acks(const struct support *s, uint32_t slot, uint64_t now_ns) {
    const struct slot *t = support__slot(s, slot);
    return t->acked_ns != 0 && t->acked_ns + s->p.suspect_ns > now_ns;
}

void support_wake(struct support *s, uint32_t slot, struct support_wake wake) {
    struct listed l = {.wake = wake};
    tc_buf_append(&support__slot(s, slot)->wakes, &l, sizeof l);
}
