/* What this router wrote a moment ago. A follower learns of the last write when the next one or a
 * beat comes, so an eventually consistent read of just that goes to the leader: a client that stays
 * at one router finds what it wrote. A table of hashes, not of keys: a slot is overwritten by what
 * meets it, and a forgotten write only means that the read may be stale, as it may always be. */
#include "route/route_private.h"

#include "base/hash.h"

#include <string.h>

enum {
    HASH_BYTES = 8,  /* of the partition key, at the beginning of a storage key */
    STAMP_BITS = 24, /* of milliseconds: 4.6 hours; the upper bits of a slot are the hash's */
};

#define STAMP_MASK ((1u << STAMP_BITS) - 1)

static uint64_t hash_of_item(uint64_t table_id, struct tc_slice key) {
    return tc_hash64(key, table_id);
}

static uint64_t hash_of_collection(uint64_t table_id, struct tc_slice key) {
    return tc_hash64(tc_slice(key.data, HASH_BYTES), ~table_id);
}

static uint64_t hash_of_group(uint64_t gid) {
    return tc_hash64(tc_slice(&gid, sizeof gid), 0);
}

static uint64_t hash_of_table(uint64_t table_id) {
    return tc_hash64(tc_slice(&table_id, sizeof table_id), 1);
}

static uint64_t stamp_of(uint64_t now_ns) {
    return now_ns / 1000000u & STAMP_MASK;
}

static void note(struct route__recent *recent, uint64_t hash, uint64_t now_ns) {
    uint64_t *slot = &recent->slots[hash % ROUTE__RECENT_SLOTS];
    __atomic_store_n(slot, (hash & ~(uint64_t)STAMP_MASK) | stamp_of(now_ns), __ATOMIC_RELAXED);
}

static bool noted(const struct route__recent *recent, uint64_t hash, uint64_t now_ns) {
    const uint64_t *at = &recent->slots[hash % ROUTE__RECENT_SLOTS];
    uint64_t slot = __atomic_load_n(at, __ATOMIC_RELAXED);
    uint64_t age_ms = (stamp_of(now_ns) - slot) & STAMP_MASK;
    return slot >> STAMP_BITS == hash >> STAMP_BITS && age_ms <= ROUTE__RECENT_MS;
}

void route__recent_wrote(struct route__recent *recent, uint64_t table_id, uint64_t gid,
                         struct tc_slice key, uint64_t now_ns) {
    note(recent, hash_of_item(table_id, key), now_ns);
    if (key.len >= HASH_BYTES)
        note(recent, hash_of_collection(table_id, key), now_ns);
    note(recent, hash_of_group(gid), now_ns);
    note(recent, hash_of_table(table_id), now_ns);
}

bool route__recent_table(const struct route__recent *recent, uint64_t table_id, uint64_t now_ns) {
    return noted(recent, hash_of_table(table_id), now_ns);
}

bool route_wrote_lately(const struct route *r, uint64_t table_id) {
    return route__recent_table(&r->recent, table_id, daemon_now_ns());
}

bool route__recent_item(const struct route__recent *recent, uint64_t table_id, struct tc_slice key,
                        uint64_t now_ns) {
    return noted(recent, hash_of_item(table_id, key), now_ns);
}

static bool is_one_collection(struct tc_slice start, struct tc_slice end) {
    return start.len >= HASH_BYTES && end.len >= HASH_BYTES &&
           memcmp(start.data, end.data, HASH_BYTES) == 0;
}

bool route__recent_range(const struct route__recent *recent, uint64_t table_id, uint64_t gid,
                         struct tc_slice start, struct tc_slice end, uint64_t now_ns) {
    if (is_one_collection(start, end))
        return noted(recent, hash_of_collection(table_id, start), now_ns);
    return noted(recent, hash_of_group(gid), now_ns);
}
