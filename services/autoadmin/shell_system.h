/* shell_system: reads and conditional writes of system records, through whoever leads group 1.
 *
 * Blocking calls of one thread. The leader is found by asking: a storage node that does not lead
 * answers with the newest membership it knows. Writes carry one request id through all retries, so
 * a write is never applied twice (docs/decisions/0002).
 */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_SYSTEM_H
#define TC_SERVICES_AUTOADMIN_SHELL_SYSTEM_H

#include "base/arena.h"
#include "daemon/options.h"
#include "engine/system/system.h"
#include "rpc/peer.h"

enum {
    SHELL_SYSTEM_DEADLINE_MS = 3000
};

struct shell_system {
    struct rpc *rpc;
    const struct daemon_addrs *storage;
    struct rpc_peer *peers[DAEMON_ADDRS_MAX];
    size_t leader_index; /* whom to ask first */
    uint64_t epoch;      /* of group 1 as last learnt */
};

struct shell_records {
    struct system_record *at; /* in the arena, as the bytes are */
    size_t count;
    size_t cap;
};

TC_MUST_USE tc_err shell_system_init(struct shell_system *s, struct rpc *rpc,
                                     const struct daemon_addrs *storage);
void shell_system_deinit(struct shell_system *s);

/* Every record of a kind. Errors: TC_EUNAVAILABLE (no leader in time), TC_ECORRUPT. */
TC_MUST_USE tc_err shell_system_read(struct shell_system *s, const char *kind,
                                     struct tc_arena *arena, struct shell_records *ret_records);
/* Write r if the stored version is `expected` (0: absent).
 * Errors: TC_ESTALE (another version is there), TC_EUNAVAILABLE, TC_EUNKNOWN */
TC_MUST_USE tc_err shell_system_write(struct shell_system *s, const struct system_record *r,
                                      uint64_t expected);
/* Delete the record if its version is `expected`. */
TC_MUST_USE tc_err shell_system_delete(struct shell_system *s, const char *kind,
                                       struct tc_slice name, uint64_t expected);

#endif
