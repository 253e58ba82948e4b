/* The requests of one peer that wait for an answer: slots, found by the id that travels.
 *
 * An id is generation << 16 | slot, so a late answer to a request that ended never hits its
 * successor. Generations start at 1: ids below 65536 are free for other use (heartbeats).
 * Not thread-safe: the peer's lock guards it. Memory: one array of frames_max slots, whose pages
 * are touched only as far as they were ever used.
 */
#ifndef TC_RPC_WINDOW_PRIVATE_H
#define TC_RPC_WINDOW_PRIVATE_H

#include "rpc/peer.h"

struct rpc__slot {
    uint64_t id; /* 0: free */
    rpc_reply_fn done;
    void *user;
    uint64_t deadline_ns; /* UINT64_MAX: none */
    uint64_t seq;         /* outbox chunk it went to */
    uint64_t bytes;       /* of the window */
    uint32_t session;     /* which stream it went to */
    uint32_t next_free;   /* index + 1; 0: end */
};

struct rpc__window {
    struct rpc__slot *slots;
    uint32_t slot_max, slot_used; /* used: high-water mark */
    uint32_t free_head;           /* index + 1 */
    uint32_t count;               /* outstanding */
    uint64_t generation;
    uint64_t bytes, bytes_max; /* outstanding requests and queued one-way frames */
    uint64_t next_deadline_ns; /* no request ends before */
};

void rpc__window_init(struct rpc__window *w, uint32_t slot_max, uint64_t bytes_max);
void rpc__window_deinit(struct rpc__window *w);
/* TC_EBUSY: no room for so many bytes (an empty window always has) or no slot. */
TC_MUST_USE tc_err rpc__window_room(const struct rpc__window *w, uint64_t bytes, bool request);
/* A new slot with an id; there is room. */
struct rpc__slot *rpc__window_add(struct rpc__window *w, uint64_t bytes, uint64_t deadline_ns);
struct rpc__slot *rpc__window_find(struct rpc__window *w, uint64_t id);
void rpc__window_remove(struct rpc__window *w, struct rpc__slot *slot);
/* The next slot from *at on that has met its deadline, or NULL; then next_deadline_ns is exact if
 * the walk began at 0 and nothing was added since. */
struct rpc__slot *rpc__window_expired(struct rpc__window *w, uint64_t now_ns, uint32_t *at);
/* The next slot from *at on of that session, or NULL. */
struct rpc__slot *rpc__window_of_session(struct rpc__window *w, uint32_t session, uint32_t *at);

#endif
