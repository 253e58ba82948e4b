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
/* An entry was appended. Behind an installed snapshot the B-tree already holds what it says, but
 * its request id must be known. */
void store__apply_tail(struct replica *r, const struct paxos_entry *e);
/* Hybrid logical time for a new entry: wall time, but above everything in the log so far. */
uint64_t store__apply_hlc_ns(struct replica *r);

#endif
