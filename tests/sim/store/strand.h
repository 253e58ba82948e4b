/* strand: a group whose last storage replica lags below what its log replica has trimmed, and which
 * the archive gives its entries back. */
#ifndef TC_SIM_STORE_STRAND_H
#define TC_SIM_STORE_STRAND_H

#include "engine/store/store.h"

struct world;

struct world_strand {
    uint32_t stage; /* 0: not begun */
    uint32_t group;
    uint32_t dead;     /* node that stays down */
    uint32_t behind;   /* node that gets no entries */
    uint64_t until_ns; /* then the stage is given up */
    bool no_copies;    /* B-trees do not cross */
};

void world_strand_next(struct world *w);
/* Everything heals: what is still held back is let go. */
void world_strand_end(struct world *w);
/* This message does not cross now. */
bool world_strand_stops(const struct world *w, const struct store_effect *e, uint32_t to);

#endif
