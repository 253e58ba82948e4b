#include "engine/store/fresh.h"

#define FRESH_NS 1000000000u /* eventual reads lag at most this much */

void store__fresh_note(struct replica *r) {
    if (r->lag_index == 0 || r->applied.index < r->lag_index ||
        r->applied.ballot != r->status.ballot)
        return;
    r->fresh_ns = r->lag_ns;
    r->lag_index = 0;
}

void store__fresh_heard(struct replica *r, uint64_t commit) {
    if (r->lag_index != 0)
        return;
    r->lag_index = commit;
    r->lag_ns = store__now_ns(r->store);
    store__fresh_note(r);
}

bool store__fresh(const struct replica *r) {
    if (r->state != REPLICA_OK || !quorum_may_serve(paxos_config(r->paxos), r->rid))
        return false;
    uint64_t fresh_ns = r->fresh_ns, quiet_ns = paxos_fresh_ns(r->paxos);
    if (quiet_ns > fresh_ns && r->applied.index >= r->status.commit)
        fresh_ns = quiet_ns;
    return r->status.serving || store__now_ns(r->store) < fresh_ns + FRESH_NS;
}
