/* The node is to stop: its leaderships go to others first. */
#include "engine/store/group.h"

/* It leads, or has handed over a moment ago and hears nobody yet who took over: the resignation may
 * still be on its way, and this replica's promise may be what the successor needs. */
static bool is_needed(const struct replica *r) {
    uint64_t lease_ns = r->store->options.lease_ms * STORE_MS_NS;
    if (r->status.role == PAXOS_LEADER)
        return true;
    return r->status.successor != 0 && store__now_ns(r->store) < r->term_ended_ns + lease_ns;
}

bool store_drain(struct store *s) {
    bool needed = false;
    for (size_t i = 0; i < s->replica_count; i++) {
        store__group_flush(s->replicas[i]);
        (void)store__group_resign(s->replicas[i], /* leaves= */ false);
        needed = needed || is_needed(s->replicas[i]);
    }
    return !needed;
}
