/* store__owed: answers to writes that wait for the rows they owe to global indexes.
 *
 * An index follows its table some time later, and nothing here changes that: the write is committed
 * and stays so whatever its rows do. But a client that reads the index as soon as it has its answer
 * should find what it wrote, and an index that keeps up has the rows after a millisecond or two. So
 * the leader answers a write that changes a row of a global index when its rows are committed
 * there, or after options.index_wait_ms, whichever comes first.
 *
 * A group is behind when a batch was refused or an answer had to go without its rows. It answers at
 * once then, until a batch takes all that is owed: an index in trouble costs the writes of its
 * table one wait, not one each.
 *
 * One owner (store_outbox), one thread. Memory: heap, at most STORE_OWED_MAX answers.
 * Invariant: every answer that was taken is given exactly once, at the end of the term at the
 * latest.
 */
#ifndef TC_ENGINE_STORE_OWED_H
#define TC_ENGINE_STORE_OWED_H

#include "engine/store/delivery.h"
#include "engine/store/wait.h"

enum {
    STORE_OWED_MAX = 256, /* answers of one group; beyond, they are given at once */
};

struct store_owed {
    struct tc_list queue; /* by the time at which they are given anyhow */
    size_t count;
    bool behind;
};

void store__owed_init(struct store_owed *owed);
/* Keep the answer to a write (STORE_WAIT_WRITE) that was applied a moment ago.
 *   Returns  true: wait is consumed. false: it is the caller's still, to be answered now */
bool store__owed_take(struct replica *r, struct store_wait *wait);
/* All answers to a batch are there: give those whose rows it brought. */
void store__owed_delivered(struct store *s, struct store_owed *owed, const struct delivery *d);
/* Give what has waited long enough. Returns when it wants to be asked again; UINT64_MAX: never. */
uint64_t store__owed_tick(struct store *s, struct store_owed *owed, uint64_t now_ns);
/* Give everything: the term ended, or nothing is owed any more. */
void store__owed_end(struct store *s, struct store_owed *owed);

#endif
