/* judge: the verdict on a whole run, in two halves. replay.c replays the archive's log of a line of
 * groups and says what stood under each key at each index; judge.c holds the answers against that.
 */
#ifndef TC_SIM_STORE_JUDGE_H
#define TC_SIM_STORE_JUDGE_H

#include "sim/store/world.h"

struct version {
    uint64_t index;
    uint64_t stamp; /* 0: no item from here on */
    uint64_t count;
    uint64_t due_s; /* 0: never */
};

struct versions {
    struct version *at; /* ascending index; at[0] is the beginning: nothing */
    size_t count;
};

struct judge {
    struct world *w;
    uint32_t group; /* the root */
    uint32_t part;  /* the group whose log is replayed */
    struct versions keys[WORLD_KEYS_MAX];
    uint64_t hlc_ns; /* of the newest entry */
};

const struct version *judge_newest(const struct judge *j, uint32_t key);
void judge_add_version(struct judge *j, uint32_t key, struct version v);
/* Every group of the line, parents first: what breaks a rule is the failure of the world. */
void judge_replay(struct judge *j);

#endif
