/* sim_history: linearizability of reads, writes and conditional writes, judged from outside.
 *
 * Every answer carries the version (log index) of the value read or written, so the order that must
 * explain the history is given and needs no search: an operation is legal iff its version is not
 * below the newest version of its key that anybody had been told before it was invoked (a write's
 * must be above it), and equal versions of a key mean equal values. Judged at each completion.
 * Operations whose outcome is unknown are simply never completed.
 *
 * Memory: heap; a zeroed struct is an empty history.
 */
#ifndef TC_SIM_HISTORY_H
#define TC_SIM_HISTORY_H

#include "base/map.h"

enum {
    SIM_HISTORY_KEYS_MAX = 64,
};

enum sim_op_kind {
    SIM_READ,
    SIM_WRITE,
    SIM_CONDITIONAL, /* write if the key's version is still `expected` */
};

struct sim_op {
    enum sim_op_kind kind;
    uint32_t key;
    uint64_t value;    /* written; unique */
    uint64_t expected; /* CONDITIONAL */
    uint64_t floor;    /* set by invoke */
};

struct sim_history {
    uint64_t told[SIM_HISTORY_KEYS_MAX]; /* newest version anyone knows of, per key */
    struct tc_map values;                /* version -> value, of what was told */
    uint64_t completed_count;
};

void sim_history_deinit(struct sim_history *h);
void sim_history_invoke(struct sim_history *h, struct sim_op *op);
/* A read (or a condition that failed, which is a read) told this version and value; version 0 is a
 * key never written. Returns what is wrong, or NULL. */
const char *sim_history_read(struct sim_history *h, const struct sim_op *op, uint64_t version,
                             uint64_t value);
/* A write was acknowledged with version; before is the version it replaced. */
const char *sim_history_write(struct sim_history *h, const struct sim_op *op, uint64_t version,
                              uint64_t before);

#endif
