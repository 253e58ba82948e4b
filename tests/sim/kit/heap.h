/* sim_heap: the future of a simulation, ordered by (virtual time, order of scheduling).
 *
 * Ties are broken by scheduling order, never by address, so one seed gives one run.
 * Memory: heap through tc_buf; payloads belong to whoever schedules and pops.
 */
#ifndef TC_SIM_HEAP_H
#define TC_SIM_HEAP_H

#include "base/buf.h"

struct sim_event {
    uint64_t at_ns;
    uint64_t seq;
    uint32_t kind;
    uint32_t node;
    uint64_t arg;
    void *data;
};

struct sim_heap {
    struct tc_buf mem;
    uint64_t next_seq;
};

void sim_heap_deinit(struct sim_heap *h);
void sim_heap_push(struct sim_heap *h, struct sim_event ev);
/* False when nothing is left. */
bool sim_heap_pop(struct sim_heap *h, struct sim_event *ret_event);

#endif
