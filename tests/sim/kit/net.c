#include "sim/kit/net.h"

#include "base/assert.h"

#include <string.h>

static uint64_t one_delay(struct sim_net *n) {
    if (tc_prng_chance(n->prng, n->opt.late_ppm, 1000000))
        return tc_prng_between(n->prng, n->opt.late_min_ns, n->opt.late_max_ns);
    return tc_prng_between(n->prng, n->opt.delay_min_ns, n->opt.delay_max_ns);
}

uint32_t sim_net_route(struct sim_net *n, uint32_t from, uint32_t to,
                       uint64_t ret_delays_ns[SIM_NET_COPIES_MAX]) {
    uint32_t copies = 0;
    if (!sim_net_open(n, from, to) || tc_prng_chance(n->prng, n->opt.drop_ppm, 1000000))
        return 0;
    ret_delays_ns[copies++] = one_delay(n);
    if (tc_prng_chance(n->prng, n->opt.duplicate_ppm, 1000000))
        ret_delays_ns[copies++] = one_delay(n);
    return copies;
}

bool sim_net_open(const struct sim_net *n, uint32_t from, uint32_t to) {
    TC_ASSERT(from < SIM_NET_NODES_MAX && to < SIM_NET_NODES_MAX);
    return !n->cut[from][to];
}

void sim_net_cut(struct sim_net *n, uint32_t from, uint32_t to) {
    TC_ASSERT(from < SIM_NET_NODES_MAX && to < SIM_NET_NODES_MAX);
    n->cut[from][to] = true;
}

void sim_net_heal(struct sim_net *n) {
    memset(n->cut, 0, sizeof n->cut);
}

void sim_net_isolate(struct sim_net *n, uint32_t node, uint32_t node_count, bool inward,
                     bool outward) {
    for (uint32_t other = 0; other < node_count; other++) {
        if (other == node)
            continue;
        if (outward)
            sim_net_cut(n, node, other);
        if (inward)
            sim_net_cut(n, other, node);
    }
}
