/* A running store's time: its clocks are watched, and everything that waits for time is looked at.
 */
#include "engine/store/store.h"

#include "base/assert.h"
#include "base/probe.h"
#include "engine/store/beat.h"
#include "engine/store/due.h"
#include "engine/store/group.h"
#include "engine/store/outbox.h"
#include "engine/store/store_private.h"
#include "engine/store/upkeep.h"

void store__check_clocks(struct store *s) {
    uint64_t mono_ns = store__now_ns(s), wall_ns = store__wall_ns(s);
    uint64_t mono_moved_ns = mono_ns - s->clock_mono_ns, wall_moved_ns = wall_ns - s->clock_wall_ns;
    uint64_t apart_ns = wall_moved_ns > mono_moved_ns ? wall_moved_ns - mono_moved_ns
                                                      : mono_moved_ns - wall_moved_ns;
    bool first = s->clock_mono_ns == 0;
    s->clock_mono_ns = mono_ns;
    s->clock_wall_ns = wall_ns;
    if (first || apart_ns < s->options.lease_ms * STORE_MS_NS / 4)
        return;
    TC_PROBE("store: the clocks moved apart");
    support_void(s->support, mono_ns);
    for (size_t i = 0; i < s->replica_count; i++) {
        struct paxos_event ev = {.type = PAXOS_EV_CLOCK_JUMP};
        if (s->replicas[i]->paxos)
            (void)store__group_step(s->replicas[i], &ev);
    }
}

void store_tick(struct store *s) {
    store__check_clocks(s);
    uint64_t now_ns = store__now_ns(s);
    store__flush(s);
    store__beat_listen(s, now_ns);
    store__due_tick(s, now_ns);
    store__outbox_tick(s, now_ns);
    store__beat_speak(s, now_ns);
    store__upkeep(s, now_ns);
}

void store_deliver(struct store *s) {
    if (s->outbox_ns != UINT64_MAX)
        store__outbox_tick(s, store__now_ns(s));
}

uint64_t store_deadline_ns(const struct store *s) {
    uint64_t at = store__earlier(s->upkeep_ns, store__beat_deadline_ns(s));
    at = store__earlier(at, s->outbox_ns);
    return store__earlier(at, store__due_deadline_ns(s));
}

bool store_behind(const struct store *s) {
    for (const struct tc_list *at = s->due.active.next; at != &s->due.active; at = at->next) {
        const struct replica *r = TC_CONTAINER(at, struct replica, active_link);
        if (r->applied.index < r->committed)
            return true;
    }
    return false;
}

const struct store_counters *store_counters(const struct store *s) {
    return &s->counters;
}
