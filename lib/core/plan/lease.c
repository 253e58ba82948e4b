#include "core/plan/lease.h"

enum plan_lease_action plan_lease_step(struct plan_lease *l, uint64_t version, bool mine,
                                       uint64_t now_ns) {
    if (!l->seen || l->version != version) {
        l->seen = true;
        l->version = version;
        l->since_ns = now_ns;
    }
    uint64_t age_ns = now_ns - l->since_ns;
    if (version == 0)
        return PLAN_LEASE_TAKE;
    if (mine)
        return age_ns >= PLAN_LEASE_RENEW_NS ? PLAN_LEASE_RENEW : PLAN_LEASE_ACT;
    return age_ns >= PLAN_LEASE_NS ? PLAN_LEASE_TAKE : PLAN_LEASE_WATCH;
}
