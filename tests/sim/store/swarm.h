/* swarm: what one seed chose: sizes, timers, loads, and which faults there are. */
#ifndef TC_SIM_STORE_SWARM_H
#define TC_SIM_STORE_SWARM_H

#include "engine/store/store.h"
#include "sim/kit/net.h"

enum world_fault {
    FAULT_POWER,   /* one node loses power */
    FAULT_KILL,    /* one process dies */
    FAULT_ALL,     /* every node loses power */
    FAULT_PAUSE,   /* one process stands still, its clock runs */
    FAULT_CUT,     /* one node is cut off: from others, to others or both */
    FAULT_LINK,    /* one link is cut, one way */
    FAULT_HEAL,    /* links are mended */
    FAULT_SLOW,    /* one disk is slow for a while */
    FAULT_DISK,    /* a read, write or sync fails, or no space is left */
    FAULT_ROT,     /* a bit flips on the one disk that may rot */
    FAULT_TREE,    /* an operator has a B-tree taken again, on the same node */
    FAULT_ARCHIVE, /* the archive cannot be reached for a while */
    FAULT_WALL,    /* a wall clock jumps */
    FAULT_DRAIN,   /* one node gives its leaderships away */
    FAULT_KINDS,
};

/* What one seed chose; every figure has its unit. */
struct world_swarm {
    uint32_t nodes;
    uint32_t groups;
    uint32_t clients;
    uint32_t keys;
    uint32_t victim; /* the node that may rot */
    struct sim_net_options net;
    struct store_options store;
    uint64_t safety_ns;
    uint64_t fault_every_ns; /* on average */
    uint64_t think_ns;       /* longest pause of a client between requests */
    uint64_t batch_min_ns;
    uint64_t batch_max_ns;
    uint64_t job_max_ns;
    uint32_t value_bytes_max;
    uint64_t stale_max_ns; /* eventual reads lag at most this much */
    int32_t drift_ppm;     /* clocks run this much fast or slow at most */
    bool faults[FAULT_KINDS];
    /* Members change: more nodes than members, disks lost for good, moves, transfers. */
    bool reshape;
    uint32_t heals_per_node;
    bool strands;            /* the last storage replica of a group is left behind, once */
    bool fills;              /* disks get full and have room again */
    bool drags;              /* disks are slow for so long that their stores drain themselves */
    bool unmade;             /* one group begins without one of its replicas */
    uint32_t splits;         /* asked for at most */
    uint64_t split_every_ns; /* on average */
    uint32_t merges;         /* asked for at most */
    bool merging;            /* some are */
    /* The second group's table has a global index, in a group of its own (index.c). */
    bool indexed;
    uint64_t index_at_ns; /* put in force then, on items that are there; 0: from the beginning */
    bool follows;         /* tables have a local index and expiry times, and change their schemas */
};

struct world_swarm world_swarm_draw(uint64_t seed);

#endif
