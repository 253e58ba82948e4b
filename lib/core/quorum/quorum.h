/* quorum: who belongs to a replication group, and which sets of its members decide.
 *
 * A configuration names the members; a joint one (while a member is being replaced) carries a
 * second set, and then every decision needs a majority of both (REPLICATION.md B1, B10).
 * Pure; no allocation; structs are plain values of fixed size.
 *
 * Invariant (quorum_valid): rids are non-zero and unique in a set, a set that is used has 1 to
 * QUORUM_MEMBERS_MAX members of which at least one is STORAGE, version > 0.
 */
#ifndef TC_CORE_QUORUM_H
#define TC_CORE_QUORUM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    QUORUM_MEMBERS_MAX = 7,
    QUORUM_ZONE_BYTES_MAX = 31,
    QUORUM_UUID_BYTES = 16,
    QUORUM_VOTERS_MAX = 2 * QUORUM_MEMBERS_MAX, /* both sets of a joint configuration */
    QUORUM_ENCODED_BYTES_MAX = 1024,
    QUORUM_RID_MAX = 1 << 24, /* rids are below */
};

enum quorum_role {
    QUORUM_STORAGE = 1, /* log and B-tree: may lead and serve */
    QUORUM_LOG = 2,     /* log only: promises and accepts, never leads or serves */
};

struct quorum_member {
    uint32_t rid;
    enum quorum_role role;
    uint8_t store[QUORUM_UUID_BYTES];
    char zone[QUORUM_ZONE_BYTES_MAX + 1]; /* NUL terminated and padded */
};

struct quorum_set {
    uint32_t count; /* 0: this set is not used */
    struct quorum_member members[QUORUM_MEMBERS_MAX];
};

struct quorum_config {
    uint64_t version;          /* rises by one with every CONF entry */
    struct quorum_set sets[2]; /* sets[1] is used in a joint configuration only */
};

/* The distinct rids of both sets, in rising order. */
struct quorum_rids {
    uint32_t count;
    uint32_t rids[QUORUM_VOTERS_MAX];
};

bool quorum_valid(const struct quorum_config *c);
static inline bool quorum_is_joint(const struct quorum_config *c) {
    return c->sets[1].count > 0;
}
struct quorum_rids quorum_voters(const struct quorum_config *c);
/* The member with this rid, the newer set's word first; NULL if there is none. */
const struct quorum_member *quorum_find(const struct quorum_config *c, uint32_t rid);
/* Member of either set: its promises and acknowledgements count. */
bool quorum_may_vote(const struct quorum_config *c, uint32_t rid);
/* STORAGE in every set that names it: it may campaign, lead and serve. */
bool quorum_may_lead(const struct quorum_config *c, uint32_t rid);
bool quorum_may_serve(const struct quorum_config *c, uint32_t rid);

/* A value per rid, for the arithmetic below; rids that are absent count as 0. */
struct quorum_value {
    uint32_t rid;
    uint64_t value;
};
/* The largest v such that members with a value >= v are a quorum; 0 if there is none. With match
 * indices it is the committed index, with echoed send times the moment a quorum granted. */
uint64_t quorum_reached(const struct quorum_config *c, const struct quorum_value *values,
                        size_t count);
/* rids contains a majority of every set in use. */
bool quorum_has(const struct quorum_config *c, const uint32_t *rids, size_t count);

/* Append the encoding: u8 version = 1 | u64 config version | per set: u8 count, members {u32 rid,
 * u8 role, 16 bytes store, u8 zone length, zone}. */
void quorum_encode(const struct quorum_config *c, struct tc_buf *out);
/*   Errors   TC_ECORRUPT  not a valid configuration, or bytes follow it; ret_config is untouched */
TC_MUST_USE tc_err quorum_decode(struct tc_slice bytes, struct quorum_config *ret_config);

#endif
