/* store_dedup: which request ids of the recent log were applied, and where.
 *
 * A router repeats a request id for at most 10 s; a replica remembers every applied id for
 * STORE_DEDUP_KEEP_NS, and the log keeps its entries at least as long, so a repeat is answered from
 * its entry instead of being done again (docs/CONTRACTS.md). The table is a function of the log:
 * after a restart it is rebuilt from the retained tail.
 *
 * One owner, one thread. Memory: heap, STORE_DEDUP_COUNT_MAX ids at which the leader
 * refuses new writes, plus what its pipeline held then.
 * Invariant: ids leave in index order; what a merged group inherits from both its parents may share
 * indices, and an id that came later may keep one that came earlier a little longer.
 */
#ifndef TC_ENGINE_STORE_DEDUP_H
#define TC_ENGINE_STORE_DEDUP_H

#include "base/map.h"
#include "core/entry/entry.h"

#define STORE_DEDUP_KEEP_NS 30000000000u /* 30 s */

enum {
    STORE_DEDUP_COUNT_MAX = 1 << 20,
};

struct store_dedup {
    struct tc_map ids;      /* request id -> struct dedup_slot */
    struct dedup_slot *old; /* oldest first */
    struct dedup_slot *new;
};

void store_dedup_deinit(struct store_dedup *d);
/* Remember that the entry at index carries id. An index at or below the newest is one that was
 * applied before (a repaired replica replays its log) and changes nothing. */
void store_dedup_add(struct store_dedup *d, const uint8_t id[ENTRY_REQUEST_ID_BYTES],
                     uint64_t index, uint64_t now_ns);
/* Copy the ids up to index limit, with their age, behind those of another table. The entries of
 * those that are from's own stand in the log of group gid. */
void store_dedup_copy(const struct store_dedup *from, uint64_t limit, uint64_t gid,
                      struct store_dedup *to);
/* Put both tables in order of index; b is empty afterwards. */
void store_dedup_unite_take(struct store_dedup *a, struct store_dedup *b);
/* Put older, whose indices are all below those of d, before d; older is empty afterwards. */
void store_dedup_prepend_take(struct store_dedup *d, struct store_dedup *older);
/* Index of the entry that carries id, or 0; and the group in whose log it stands (0: the own). */
uint64_t store_dedup_find(const struct store_dedup *d, const uint8_t id[ENTRY_REQUEST_ID_BYTES],
                          uint64_t *ret_gid);
/* The leader must not propose another write: forgetting an id early could apply a repeat twice. */
bool store_dedup_full(const struct store_dedup *d);
/* Forget ids added before now - STORE_DEDUP_KEEP_NS. */
void store_dedup_expire(struct store_dedup *d, uint64_t now_ns);
/* The lowest index whose id is still kept: the log must not be trimmed up to it. UINT64_MAX: none.
 */
uint64_t store_dedup_oldest_index(const struct store_dedup *d);

#endif
