/* Disks that are full for a while, and disks that are slow for so long that their store asks to be
 * emptied (core/disk). Both come from numbers of their own, so a seed without them is what it was.
 */
#ifndef TC_SIM_STORE_DISK_H
#define TC_SIM_STORE_DISK_H

#include "base/prng.h"

struct world;
struct world_node;
struct world_op;
struct store_disk;

struct world_disks {
    struct tc_prng prng;
    uint64_t next_ns;       /* of the next fault */
    uint64_t full_count;    /* disks that got full */
    uint64_t drained_count; /* stores that asked to be emptied because of a slow disk */
};

/* Of one node. */
struct world_disk {
    uint64_t full_until_ns; /* 0: there is room */
    bool filled;            /* it was full in this life: writes may have failed */
    bool refused;           /* its store takes no writes, as far as was seen */
    uint64_t drag_until_ns; /* log writes take long enough to count as slow */
    bool drains;            /* its store was seen to ask for being emptied */
};

/* Look at every store, and now and then fill a disk or slow one down. */
void world_disk_next(struct world *w);
/* Room for everybody, and quick disks, from now on. */
void world_disk_calm(struct world *w);
/* Demand that every store takes writes and replicas again, but for those whose disks failed. */
void world_disk_settle(struct world *w);
/* Its process ended; it starts again with a disk as full as it is. */
void world_disk_stopped(struct world_node *n);
/* How long a batch takes on a disk that is slow for long, in ns. */
uint64_t world_disk_slowed(const struct world_node *n, uint64_t delay_ns);
/* A request is about to be given to n: note it if its store takes no writes. */
void world_disk_asked(struct world_node *n, uint64_t token);
/* ... and its answer, which must not be that it was done. */
void world_disk_answered(struct world_node *n, uint64_t token, bool done);
/* n took a new replica; is: how its disk was before. */
void world_disk_took_replica(struct world_node *n, const struct store_disk *is);
/* Its store asks to be emptied, or takes no replica: as the control plane knows. */
bool world_disk_drains(const struct world_node *n);
bool world_disk_takes_replicas(const struct world_node *n);

#endif
