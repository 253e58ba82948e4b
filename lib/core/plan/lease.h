/* plan_lease: which of several autoadmins acts, decided over one versioned record.
 *
 * The holder raises the record's version every PLAN_LEASE_RENEW_NS. Another one takes the record
 * over when it has watched the same version for PLAN_LEASE_NS by its own monotonic clock; clocks of
 * different machines are never compared. Both writes are conditional on the version that was read,
 * so at most one wins. A paused holder that wakes up finds its write refused: that refusal, not the
 * clock, is the fence, and every action it plans is conditional on versions too.
 *
 * Pure.
 */
#ifndef TC_CORE_PLAN_LEASE_H
#define TC_CORE_PLAN_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#define PLAN_LEASE_NS       UINT64_C(5000000000)
#define PLAN_LEASE_RENEW_NS UINT64_C(1000000000)

struct plan_lease {
    uint64_t version;  /* last seen; 0: no record */
    uint64_t since_ns; /* when this version was first seen */
    bool seen;
};

enum plan_lease_action {
    PLAN_LEASE_WATCH, /* somebody else holds it: do nothing */
    PLAN_LEASE_TAKE,  /* write it, version + 1; act only if the write succeeds */
    PLAN_LEASE_RENEW, /* likewise */
    PLAN_LEASE_ACT,   /* held, no renewal due */
};

/* version and mine as read from the record just now (0 and false: there is none). */
enum plan_lease_action plan_lease_step(struct plan_lease *l, uint64_t version, bool mine,
                                       uint64_t now_ns);

#endif
