#include "engine/store/admit.h"

#include "core/key/key.h"
#include "engine/store/group.h"

tc_err store__admit_route(const struct replica *r, uint64_t epoch, struct tc_slice key) {
    if (r == NULL)
        return TC_EMOVED;
    const Tercet__Pb__Partition *p = r->desc->partition;
    if (epoch != 0 && epoch > p->epoch)
        return TC_ENOTLEADER;
    if (epoch != 0 && epoch < p->epoch)
        return TC_EMOVED;
    if (key.len && !key_in_range(key, store__bytes(p->start), store__bytes(p->end)))
        return TC_EMOVED;
    return TC_OK;
}

tc_err store__admit_read(struct replica *r, bool consistent) {
    if (r->state != REPLICA_OK)
        return TC_ENOTLEADER;
    if (consistent)
        return store__group_may_read(r);
    return store__group_fresh(r) ? TC_OK : TC_EUNAVAILABLE;
}

tc_err store__admit_write(struct replica *r) {
    struct store *s = r->store;
    TC_TRY(store__group_may_read(r));
    if (r->blocked || r->stalled || r->waits.count >= STORE_WAITING_COUNT_MAX ||
        store_dedup_full(&r->dedup))
        return TC_EBUSY;
    struct wal_space space = wal_space(s->wal);
    if (space.used_bytes >= s->options.wal_max_bytes) {
        s->counters.refused_full++;
        return TC_EFULL;
    }
    return space.queued_bytes >= s->queue_max_bytes ? TC_EBUSY : TC_OK;
}

void store__admit_charge_read(struct replica *r, uint64_t bytes, bool consistent) {
    (void)r;
    (void)bytes;
    (void)consistent;
}

void store__admit_charge_write(struct replica *r, uint64_t bytes) {
    (void)r;
    (void)bytes;
}
