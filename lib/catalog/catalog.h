/* catalog: reads and conditional writes of the system tables' records, through whoever leads
 * group 1.
 *
 * Blocking calls of one thread. The leader is found by asking: a storage node that does not lead
 * answers with the newest membership it knows. Writes carry one request id through all retries, so
 * a write is never applied twice (docs/decisions/0002).
 */
#ifndef TC_CATALOG_H
#define TC_CATALOG_H

#include "base/arena.h"
#include "engine/system/system.h"
#include "rpc/peer.h"

enum {
    CATALOG_ADDRS_MAX = 64,
    CATALOG_DEADLINE_MS = 3000
};

struct catalog {
    struct rpc *rpc;
    const char *const *addrs; /* storage nodes, HOST:PORT; the caller's */
    size_t addr_count;
    struct rpc_peer *peers[CATALOG_ADDRS_MAX];
    size_t leader_index; /* whom to ask first */
    uint64_t epoch;      /* of group 1 as last learnt */
};

struct catalog_records {
    struct system_record *at; /* in the arena, as the bytes are */
    size_t count;
    size_t cap;
};

TC_MUST_USE tc_err catalog_init(struct catalog *s, struct rpc *rpc, const char *const *addrs,
                                size_t addr_count);
void catalog_deinit(struct catalog *s);

/* Every record of a kind. Errors: TC_EUNAVAILABLE (no leader in time), TC_ECORRUPT. */
TC_MUST_USE tc_err catalog_read(struct catalog *s, const char *kind, struct tc_arena *arena,
                                struct catalog_records *ret_records);
/* Write r if the stored version is `expected` (0: absent).
 * Errors: TC_ESTALE (another version is there), TC_EUNAVAILABLE, TC_EUNKNOWN */
TC_MUST_USE tc_err catalog_write(struct catalog *s, const struct system_record *r,
                                 uint64_t expected);
/* Delete the record if its version is `expected`. */
TC_MUST_USE tc_err catalog_delete(struct catalog *s, const char *kind, struct tc_slice name,
                                  uint64_t expected);

#endif
