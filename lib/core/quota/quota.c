#include "core/quota/quota.h"

#include "base/assert.h"
#include "base/hash.h"

/* Part of the limit set aside evenly, so that a router without demand yet can start. */
enum {
    FLOOR_PART = 20
};

static struct quota_router *find(struct quota_table *t, struct tc_slice name) {
    for (uint32_t i = 0; i < t->count; i++)
        if (tc_slice_eq(tc_slice_str(t->routers[i].name), name))
            return &t->routers[i];
    return NULL;
}

static void expire(struct quota_table *t, uint64_t now_ns) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->count; i++)
        if (now_ns < t->routers[i].seen_ns + QUOTA_EXPIRY_NS)
            t->routers[kept++] = t->routers[i];
    t->count = kept;
}

static uint64_t demand_of(const struct quota_router *r, bool write) {
    return write ? r->demand.write_mu : r->demand.read_mu;
}

/* a * b / c without overflow for rates below 2^63 / 2^32 each. */
static uint64_t part(uint64_t a, uint64_t b, uint64_t c) {
    return c == 0 ? 0 : a / c * b + a % c * b / c;
}

/* Everybody gets the floor; the rest goes by demand while demand exceeds it, else everybody gets
 * the demand and an even part of what is left. */
static uint64_t share(const struct quota_table *t, const struct quota_router *me, uint64_t limit,
                      bool write) {
    uint64_t total = 0;
    TC_ASSERT(t->count > 0);
    for (uint32_t i = 0; i < t->count; i++)
        total += demand_of(&t->routers[i], write);
    uint64_t mine = demand_of(me, write);
    if (total <= limit)
        return mine + (limit - total) / t->count;
    uint64_t floor = limit / FLOOR_PART / t->count;
    return floor + part(limit - floor * t->count, mine, total);
}

struct quota_rates quota_take_report(struct quota_table *t, const struct quota_report *report,
                                     uint64_t now_ns) {
    expire(t, now_ns);
    if (report->version >= t->version) {
        t->version = report->version;
        t->limit = report->limit;
    }
    struct quota_router *me = find(t, report->router);
    if (me == NULL) {
        if (t->count == QUOTA_ROUTERS_MAX || report->router.len >= QUOTA_NAME_BYTES_MAX)
            return (struct quota_rates){0};
        me = &t->routers[t->count++];
        *me = (struct quota_router){0};
        memcpy(me->name, report->router.data, report->router.len);
    }
    me->seen_ns = now_ns;
    me->demand = report->demand;
    return (struct quota_rates){.read_mu = share(t, me, t->limit.read_mu, /* write= */ false),
                                .write_mu = share(t, me, t->limit.write_mu, /* write= */ true)};
}

size_t quota_ring_pick(uint64_t table_id, const char *const *nodes, size_t count, size_t rank) {
    TC_ASSERT(count > 0 && count <= QUOTA_ROUTERS_MAX);
    uint64_t scores[QUOTA_ROUTERS_MAX];
    for (size_t i = 0; i < count; i++)
        scores[i] = tc_hash64(tc_slice_str(nodes[i]), table_id);
    size_t best = 0;
    for (size_t taken = 0; taken <= rank % count; taken++) {
        best = 0;
        for (size_t i = 1; i < count; i++)
            if (scores[i] > scores[best])
                best = i;
        if (taken < rank % count)
            scores[best] = 0;
    }
    return best;
}
