/* trace: holds a run of the simulated core against the rules of models/trace.pml.
 *
 * It watches every step of every node (sim_observer), turns what was done into steps of the machine
 * and rejects the run at the first one that the rules do not allow, or after which the machine and
 * the node differ. The machine's nodes are what is durable: a step of theirs is taken when the unit
 * that holds it is, and what a restarted node recovered must be a state on that way.
 *
 * The runs must have one configuration, no trimming and no rot: the model has no snapshots, no
 * membership and no unreadable entries. Leases and reads are not looked at.
 */
#ifndef TC_TESTS_MODEL_TRACE_H
#define TC_TESTS_MODEL_TRACE_H

#include "model/machine/machine.h"
#include "sim/core/cluster.h"

struct trace_node {
    struct tc_buf pending; /* struct trace_item[], oldest first */
    uint64_t seq;          /* newest unit */
    uint64_t durable_seq;
    enum paxos_role role;
    uint64_t ballot;
    uint64_t commit;
};

struct trace {
    struct machine machine;
    struct trace_node nodes[SIM_NODES_MAX];
    struct sim_observer observer; /* give this to the simulator */
    uint64_t step_count;          /* steps of the machine */
    uint64_t restart_count;
    bool rejected;
    char why[SIM_TEXT_MAX];
};

void trace_init(struct trace *t, uint32_t nodes);
void trace_deinit(struct trace *t);

#endif
