/* store_waits: answers of one group that wait until a log index is applied.
 *
 * A write waits for its own entry. An answer that is a read of the leader's pipeline (a failed
 * condition, a refused update) waits for the newest pending write it saw, because before that is
 * committed it may never have happened (REPLICATION.md B8).
 *
 * One owner, one thread. Memory: heap; bodies are referenced.
 * Invariant: ordered by index, so that completion takes from the front.
 */
#ifndef TC_ENGINE_STORE_WAIT_H
#define TC_ENGINE_STORE_WAIT_H

#include "base/blob.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "core/entry/entry.h"

enum store_wait_kind {
    STORE_WAIT_WRITE, /* answered from its entry's body */
    STORE_WAIT_READ,  /* the answer is already made */
    STORE_WAIT_INDEX, /* answered with the index alone: a mark of a scrub */
    STORE_WAIT_ROWS,  /* ... rows of a global index */
};

struct store_wait {
    struct tc_list link;
    enum store_wait_kind kind;
    uint64_t index;
    uint64_t token;
    uint32_t want;        /* WRITE: bits of ItemRequest.want */
    struct tc_blob *body; /* WRITE: the entry's */
    uint8_t id[ENTRY_REQUEST_ID_BYTES];
    tc_err err;           /* READ */
    struct tc_buf answer; /* READ: packed reply */
};

struct store_waits {
    struct tc_list queue;
    size_t count;
    struct tc_map writes; /* request id -> struct store_wait, the first of that id */
};

void store_waits_init(struct store_waits *w);
/* Nothing may be waiting. */
void store_waits_deinit(struct store_waits *w);
/* Enter a wait (heap, consumed) at its place by index. */
void store_waits_add_take(struct store_waits *w, struct store_wait *wait);
/* The pending write with this request id, or NULL. */
const struct store_wait *store_waits_find(const struct store_waits *w,
                                          const uint8_t id[ENTRY_REQUEST_ID_BYTES]);
/* The first wait with index <= applied, taken out; NULL: none. The caller frees it. */
struct store_wait *store_waits_pop(struct store_waits *w, uint64_t applied);
/* The last wait with index >= first, taken out; NULL: none. */
struct store_wait *store_waits_pop_last(struct store_waits *w, uint64_t first);
void store_wait_free(struct store_wait *wait);

#endif
