/* Splits and merges that are under way when the faults are over: they come to their end first,
 * before anybody asks whether all groups have what they should. */
#include "sim/store/world.h"

bool world_end_settled(struct world *w, uint32_t group) {
    return w->groups[group].merged ? world_merge_settled(w, group) : world_split_settled(w, group);
}

static bool all_have_ended(struct world *w, uint32_t *ret_group) {
    for (uint32_t g = 0; g < w->group_count; g++) {
        *ret_group = g;
        if (world_group_ends(&w->groups[g]) && !world_end_settled(w, g))
            return false;
    }
    return true;
}

void world_ends_settle(struct world *w) {
    uint32_t group = 0;
    if (!all_have_ended(w, &group) && !world_settles(w, all_have_ended, &group))
        world_fail(w, "liveness: group %u: its split or merge is not finished everywhere", group);
}
