#include "engine/store/admit.h"

#include "core/key/key.h"
#include "engine/store/disk.h"
#include "engine/store/fresh.h"
#include "engine/store/group.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"

enum {
    LOG_RESERVE_SEGMENTS = 2, /* for what is decided already, and for trimming */
};

tc_err store__admit_route(const struct replica *r, uint64_t epoch, struct tc_slice key) {
    if (r == NULL)
        return TC_EMOVED;
    const Tercet__Pb__Partition *p = r->desc->partition;
    TC_TRY(store__seal_admit(r));
    if (epoch != 0 && epoch > p->epoch)
        return TC_ENOTLEADER;
    if (epoch != 0 && epoch < p->epoch)
        return TC_EMOVED;
    if (key.len && !key_in_range(key, proto_slice(p->start), proto_slice(p->end)))
        return TC_EMOVED;
    return TC_OK;
}

/* ---- the partition's buckets */

enum {
    READ_UNIT_BYTES = 4096,
    WRITE_UNIT_BYTES = 1024,
    BURST_S = 300, /* seconds of unused capacity that are kept (DESIGN.md 6) */
    DEBT_S = 2,
};

static struct bucket_config limits(uint64_t units_per_s) {
    uint64_t rate_mu = units_per_s * 1000;
    return (struct bucket_config){
        .rate_mu_per_s = rate_mu, .burst_mu = rate_mu * BURST_S, .debt_mu_max = rate_mu * DEBT_S};
}

void store__admit_init(struct replica *r) {
    const struct store_options *o = &r->store->options;
    bool system = r->gid == STORE_SYSTEM_GID;
    uint64_t now_ns = store__now_ns(r->store);
    struct bucket_config reads = limits(o->read_units), writes = limits(o->write_units);
    r->limits_reads = o->read_units > 0 && !system;
    r->limits_writes = o->write_units > 0 && !system;
    bucket_init(&r->reads, &reads, now_ns);
    bucket_init(&r->writes, &writes, now_ns);
}

static uint64_t units_mu(uint64_t bytes, uint64_t unit_bytes, uint64_t unit_mu) {
    uint64_t units = (bytes + unit_bytes - 1) / unit_bytes;
    return (units ? units : 1) * unit_mu;
}

void store__admit_charge_read(struct replica *r, uint64_t bytes, bool consistent) {
    uint64_t mu = units_mu(bytes, READ_UNIT_BYTES, consistent ? 1000 : 500);
    if (r->limits_reads)
        bucket_debit(&r->reads, mu, store__now_ns(r->store));
}

void store__admit_charge_write(struct replica *r, uint64_t bytes) {
    if (r->limits_writes)
        bucket_debit(&r->writes, units_mu(bytes, WRITE_UNIT_BYTES, 1000), store__now_ns(r->store));
}

/* Admitted while any tokens are left; the exact cost is known afterwards only. */
static tc_err check_bucket(struct replica *r, bool limited, struct bucket *b) {
    if (!limited || bucket_open(b, store__now_ns(r->store)))
        return TC_OK;
    r->store->counters.throttled++;
    return TC_ETHROTTLED;
}

/* ---- admission */

tc_err store__admit_read(struct replica *r, bool consistent) {
    if (r->state != REPLICA_OK)
        return TC_ENOTLEADER;
    if (consistent)
        TC_TRY(store__group_may_read(r));
    else if (!store__fresh(r))
        return TC_EUNAVAILABLE;
    return check_bucket(r, r->limits_reads, &r->reads);
}

tc_err store__admit_write(struct replica *r, bool deletes) {
    struct store *s = r->store;
    TC_TRY(store__group_may_read(r));
    if (r->blocked || r->stalled || r->waits.count >= STORE_WAITING_COUNT_MAX ||
        store_dedup_full(&r->dedup))
        return TC_EBUSY;
    bool system = r->gid == STORE_SYSTEM_GID; /* what it holds is needed to make room */
    TC_TRY(store__disk_admit_write(s, deletes || system));
    if (r->schema_unknown)
        return TC_EUNAVAILABLE;
    struct wal_space space = wal_space(s->wal);
    if (space.no_room ||
        space.used_bytes + LOG_RESERVE_SEGMENTS * s->options.segment_bytes >= space.max_bytes) {
        s->counters.refused_full++;
        return TC_EFULL;
    }
    if (store__log_bytes_coming(s) >= s->queue_max_bytes)
        return TC_EBUSY;
    return check_bucket(r, r->limits_writes, &r->writes);
}
