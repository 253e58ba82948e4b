/* sim_net: what happens to a message between two nodes: lost, delayed, doubled, very late, or cut
 * off by a partition that may be one-way. It carries no messages, it only decides.
 *
 * Nodes are numbered from 0. All randomness comes from the given generator.
 */
#ifndef TC_SIM_NET_H
#define TC_SIM_NET_H

#include "base/prng.h"

enum {
    SIM_NET_NODES_MAX = 16,
    SIM_NET_COPIES_MAX = 2,
};

struct sim_net_options {
    uint64_t delay_min_ns;
    uint64_t delay_max_ns;
    uint32_t drop_ppm;
    uint32_t duplicate_ppm;
    uint32_t late_ppm; /* arrives after late_min to late_max instead */
    uint64_t late_min_ns;
    uint64_t late_max_ns;
};

struct sim_net {
    struct sim_net_options opt;
    struct tc_prng *prng;
    bool cut[SIM_NET_NODES_MAX][SIM_NET_NODES_MAX]; /* [from][to] */
};

/* Delays of the copies that arrive, in ns after now; returns how many there are (0: lost). */
uint32_t sim_net_route(struct sim_net *n, uint32_t from, uint32_t to,
                       uint64_t ret_delays_ns[SIM_NET_COPIES_MAX]);
/* A message that was on its way when the link was cut is lost too: ask again at arrival. */
bool sim_net_open(const struct sim_net *n, uint32_t from, uint32_t to);
void sim_net_cut(struct sim_net *n, uint32_t from, uint32_t to);
void sim_net_heal(struct sim_net *n);
/* Cut everything to (inward) or from (outward) one node. */
void sim_net_isolate(struct sim_net *n, uint32_t node, uint32_t node_count, bool inward,
                     bool outward);

#endif
