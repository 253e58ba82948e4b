/* Beats and acknowledgements: sending, taking, falling silent. */
#include "core/support/support_private.h"

static struct listed *listed(const struct slot *t, size_t *ret_count) {
    *ret_count = t->wakes.len / sizeof(struct listed);
    return (struct listed *)(void *)t->wakes.data;
}

/* ---- time */

static void note_silence(struct support *s, struct slot *t, uint64_t now_ns) {
    if (!t->silent && t->heard_ns + s->p.suspect_ns <= now_ns) {
        TC_PROBE("support: a peer's beats stopped");
        TC_TRACE(s->p.trace, "no beat of slot %" PRIu32 " -> silent", t->index);
        t->silent = s->changed = true;
    }
    if (!t->deaf && t->acked_ns + s->p.suspect_ns <= now_ns) {
        TC_PROBE("support: a peer's acknowledgements stopped");
        TC_TRACE(s->p.trace, "no acknowledgement of slot %" PRIu32 " -> deaf", t->index);
        t->deaf = s->changed = true;
    }
}

void support_tick(struct support *s, uint64_t now_ns) {
    size_t count;
    struct slot *slots = support__slots(s, &count);
    for (size_t i = 0; i < count; i++)
        note_silence(s, &slots[i], now_ns);
}

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t support_deadline_ns(const struct support *s) {
    size_t count;
    const struct slot *slots = support__slots(s, &count);
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct slot *t = &slots[i];
        if (t->holders > 0)
            at = min_u64(at, t->due_ns);
        if (!t->silent)
            at = min_u64(at, t->heard_ns + s->p.suspect_ns);
        if (!t->deaf)
            at = min_u64(at, t->acked_ns + s->p.suspect_ns);
    }
    return at;
}

bool support_take_changed(struct support *s) {
    bool changed = s->changed;
    s->changed = false;
    return changed;
}

void support_void(struct support *s, uint64_t now_ns) {
    size_t count;
    struct slot *slots = support__slots(s, &count);
    s->floor_ns = now_ns;
    for (size_t i = 0; i < count; i++)
        slots[i].echo_ns = 0;
}

/* ---- beats out */

static void fill_wakes(struct support *s, struct slot *t, struct support_beat *b) {
    size_t count;
    struct listed *l = listed(t, &count);
    tc_buf_clear(&s->beat_wakes);
    b->partial = count > SUPPORT_WAKES_MAX;
    b->wake_count = b->partial ? SUPPORT_WAKES_MAX : count;
    for (size_t i = 0; i < b->wake_count; i++) {
        if (l[i].sent_ns == 0)
            l[i].sent_ns = b->sent_ns;
        tc_buf_append(&s->beat_wakes, &l[i].wake, sizeof l[i].wake);
    }
    if (b->partial)
        TC_PROBE("support: more wakes than one beat holds");
    b->wakes = (const struct support_wake *)(const void *)s->beat_wakes.data;
}

/* Beats to all peers go together: the phase is the clock's, not the slot's. */
bool support_next_beat(struct support *s, uint64_t now_ns, struct support_beat *ret_beat) {
    size_t count;
    struct slot *slots = support__slots(s, &count);
    for (size_t i = 0; i < count; i++) {
        struct slot *t = &slots[i];
        if (t->holders == 0 || t->due_ns > now_ns || t->sent_ns >= now_ns)
            continue;
        t->due_ns = (now_ns / s->p.beat_ns + 1) * s->p.beat_ns;
        t->sent_ns = now_ns;
        *ret_beat = (struct support_beat){.boot = s->p.boot, .sent_ns = now_ns};
        memcpy(ret_beat->from, s->p.store, SUPPORT_UUID_BYTES);
        memcpy(ret_beat->to, t->store, SUPPORT_UUID_BYTES);
        fill_wakes(s, t, ret_beat);
        return true;
    }
    return false;
}

/* ---- beats in */

tc_err support_recv_beat(struct support *s, uint64_t now_ns, const struct support_beat *b,
                         struct support_ack *ret_ack) {
    uint32_t found = support_find(s, b->from);
    size_t count;
    (void)support__slots(s, &count);
    if (b->boot == 0 || memcmp(b->to, s->p.store, SUPPORT_UUID_BYTES) != 0 ||
        (found == 0 && count >= SUPPORT_SLOTS_MAX))
        return TC_EINVAL;
    if (found == 0) {
        TC_PROBE("support: a beat of a store that was not known");
        found = support__slot_of(s, b->from);
    }
    struct slot *t = support__slot(s, found);
    if (b->boot < t->boot || (b->boot == t->boot && b->sent_ns <= t->beat_ns)) {
        TC_PROBE("support: an old beat was dropped");
        return TC_EINVAL;
    }
    if (b->boot > t->boot || t->silent) {
        TC_TRACE(s->p.trace, "beat of slot %" PRIu32 " boot %" PRIu64 " -> %s", found, b->boot,
                 b->boot > t->boot ? "a new process" : "heard again");
        s->changed = true;
    }
    if (b->boot > t->boot)
        t->until_ns = t->fresh_ns = 0; /* whatever the process before led is led no more */
    t->boot = b->boot;
    t->beat_ns = b->sent_ns;
    t->heard_ns = now_ns;
    t->until_ns = now_ns + s->p.lease_ns;
    t->silent = false;
    if (!b->partial)
        t->fresh_ns = now_ns;
    *ret_ack = (struct support_ack){
        .boot = s->p.boot, .epoch = t->epoch, .to_boot = b->boot, .echo_ns = b->sent_ns};
    memcpy(ret_ack->from, s->p.store, SUPPORT_UUID_BYTES);
    memcpy(ret_ack->to, b->from, SUPPORT_UUID_BYTES);
    return TC_OK;
}

/* ---- acknowledgements in */

static void forget_wakes(struct slot *t, uint64_t echo_ns) {
    size_t count, done = 0;
    struct listed *l = listed(t, &count);
    while (done < count && l[done].sent_ns != 0 && l[done].sent_ns <= echo_ns)
        done++;
    if (done == 0)
        return;
    memmove(l, l + done, (count - done) * sizeof *l);
    t->wakes.len = (count - done) * sizeof *l;
}

/* The supporter's process or epoch is another one: what was fortified there is void. */
static bool renewed(const struct slot *t, const struct support_ack *a) {
    return a->boot > t->acker_boot || (a->boot == t->acker_boot && a->epoch > t->acker_epoch);
}

void support_recv_ack(struct support *s, uint64_t now_ns, const struct support_ack *a) {
    uint32_t found = support_find(s, a->from);
    if (found == 0 || memcmp(a->to, s->p.store, SUPPORT_UUID_BYTES) != 0 || a->boot == 0 ||
        a->to_boot != s->p.boot || a->echo_ns > now_ns)
        return;
    struct slot *t = support__slot(s, found);
    bool renew = renewed(t, a);
    if (!renew && (a->boot < t->acker_boot || a->epoch < t->acker_epoch)) {
        TC_PROBE("support: an acknowledgement of an older epoch was dropped");
        return;
    }
    if (renew)
        t->echo_ns = 0;
    t->acker_boot = a->boot;
    t->acker_epoch = a->epoch;
    if (a->echo_ns >= s->floor_ns && a->echo_ns > t->echo_ns)
        t->echo_ns = a->echo_ns;
    if (renew || t->deaf)
        s->changed = true;
    t->acked_ns = now_ns;
    t->deaf = false;
    forget_wakes(t, a->echo_ns);
}
