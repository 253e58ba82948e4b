/* store__apply: from committed log entries to the B-tree. */
#ifndef TC_ENGINE_STORE_APPLY_H
#define TC_ENGINE_STORE_APPLY_H

#include "engine/store/store_private.h"

enum {
    STORE_APPLY_COUNT_MAX = 1024,
};

/* Apply what is committed and durable here, at most STORE_APPLY_COUNT_MAX entries: after a restart
 * there may be many, and the store must hear its peers meanwhile; a tick goes on. Stops early when
 * the B-tree must be written out first (r->stalled) or turns out damaged. */
void store__apply(struct replica *r);
/* The leader proposed body at index: its keys are to be read through the overlay from now on. */
void store__apply_expect(struct replica *r, uint64_t index, struct tc_blob *body);
/* What an installed snapshot holds was never applied here, but before this replica leads it must
 * know the request ids and the time of those entries: take them from the log, in order, as they are
 * known to be committed. */
void store__apply_note(struct replica *r);
/* Time in this log goes on above hlc_ns. */
void store__apply_learn_time(struct replica *r, uint64_t hlc_ns);
/* Hybrid logical time for a new entry: wall time, but above everything in the log so far. */
uint64_t store__apply_hlc_ns(struct replica *r);

#endif
