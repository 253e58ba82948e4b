/* wal index: which record of a group is live, and where it is. No I/O.
 *
 * One function, wal__index_add, gives a record its meaning (see wal.h), for appends and for
 * recovery alike, so that what a restart rebuilds is what was there before.
 * Invariant: a group's items are sorted by index; without gaps once wal__index_settle ran.
 * Memory: heap. One owner, one thread.
 */
#ifndef TC_ENGINE_WAL_INDEX_H
#define TC_ENGINE_WAL_INDEX_H

#include "base/map.h"
#include "engine/wal/wal.h"

/* Slot of a record that is not laid out yet. */
#define WAL_NOWHERE UINT32_MAX

struct wal_place {
    uint32_t slot;
    uint32_t offset; /* of the record header in the segment */
};

struct wal_item {
    struct wal_entry entry;
    struct wal_place place;
    struct tc_blob *body; /* cached, or NULL */
};

struct wal_state_item {
    uint64_t lsn; /* 0: none */
    struct wal_place place;
    struct wal_record rec;
    struct tc_blob *body; /* always in memory; NULL: empty */
    bool lost;            /* the newest one is damaged */
};

struct wal_group_index {
    uint64_t gid;
    struct wal_item *items; /* live ones: items[head .. head + count) */
    size_t head;
    size_t count;
    size_t cap;
    struct wal_state_item states[WAL_STATE_TYPES];
};

struct wal_index {
    struct tc_map groups; /* gid -> wal_group_index */
    uint64_t cached_bytes;
    /* A record stopped living at its place (called when the place is not WAL_NOWHERE). */
    void (*released)(void *user, struct wal_place place);
    void (*occupied)(void *user, struct wal_place place);
    void *user;
};

struct wal_new {
    struct wal_record rec;
    uint64_t lsn;
    struct wal_place place;
    uint32_t body_len;
    bool faulty;
    bool recovering; /* in-place copies may come before or without what they copy */
};

void wal__index_deinit(struct wal_index *x);
struct wal_group_index *wal__index_group(const struct wal_index *x, uint64_t gid);
struct wal_item *wal__index_find(struct wal_group_index *g, uint64_t idx);
/* Enter a record; takes a reference on body when it keeps it.
 *   Errors  TC_ENOTFOUND  in place, not recovering, and no such entry */
TC_MUST_USE tc_err wal__index_add(struct wal_index *x, const struct wal_new *n,
                                  struct tc_blob *body);
/* A queued record got its place. */
void wal__index_place(struct wal_index *x, const struct wal_record *rec, uint64_t lsn,
                      struct wal_place place);
void wal__index_forget(struct wal_index *x, uint64_t gid);
void wal__index_trim(struct wal_index *x, uint64_t gid, uint64_t idx);
void wal__index_uncache(struct wal_index *x, struct wal_item *item);
/* Recovery is over: what stands below a gap was trimmed before the crash. */
void wal__index_settle(struct wal_index *x);
/* Every gid, ascending; the caller frees. */
uint64_t *wal__index_gids(const struct wal_index *x, size_t *ret_count);

static inline bool wal__is_state(uint16_t type) {
    return type >= WAL_HARDSTATE && type < WAL_HARDSTATE + WAL_STATE_TYPES;
}

/* What a cached body counts against the cache bound. */
static inline uint64_t wal__body_cost(uint32_t len) {
    return (uint64_t)len + 64;
}

#endif
