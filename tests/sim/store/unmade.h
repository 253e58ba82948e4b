/* unmade: a group that begins without one of its replicas: the node was away when the group was
 * made, the others were enough, and whoever made it went on. The group has to become whole by
 * itself. Some of the time the node is told after all, much too late: what came in between must not
 * suffer. */
#ifndef TC_SIM_STORE_UNMADE_H
#define TC_SIM_STORE_UNMADE_H

#include "base/buf.h"

#include <stdint.h>

struct world;

struct world_unmade {
    uint32_t group;
    uint32_t member;       /* index among the group's first members; its rid is one more */
    struct tc_buf request; /* what its node was to be told; empty: all were made */
};

/* Choose the replica that is not made, before groups are. */
void world_unmade_draw(struct world *w);
bool world_unmade_is(const struct world *w, uint32_t group, uint32_t member);
void world_unmade_late(struct world *w);

#endif
