/* Shared by route's files. Lock order: route.lock is the only lock; it is never held across a
 * callback, a send or any other module's function that may call back. */
#ifndef TC_ROUTE_ROUTE_PRIVATE_H
#define TC_ROUTE_ROUTE_PRIVATE_H

#include "base/arena.h"
#include "base/map.h"
#include "daemon/worker.h"
#include "engine/system/system.h"
#include "route/route.h"

#include <pthread.h>

enum {
    ROUTE__MEMDS_MAX = 16,
    ROUTE__PEERS_MAX = 256,
    ROUTE__BATCHES_IN_FLIGHT_MAX = 4,
    ROUTE__LOOKUPS_PER_BATCH_MAX = 256,
    ROUTE__LOOKUP_MS = 500,
    ROUTE__REFRESH_NS = 2 * 1000 * 1000, /* between batches for which nobody waits */
    ROUTE__RETRY_MIN_NS = 5 * 1000 * 1000,
    ROUTE__RETRY_MAX_NS = 100 * 1000 * 1000,
    ROUTE__RECENT_SLOTS = 4096,
    ROUTE__RECENT_MS = 300, /* twice the time between two beats of a group's leader */
};

struct route_partition {
    int refs;
    Tercet__Pb__Partition *pb;
    struct tc_buf packed; /* as memds answered; guarded by the lock */
};

/* One question to memds, with whoever waits for its answer. */
struct route_lookup {
    struct route_lookup *next;
    struct route_find *find; /* waits; NULL: a refresh */
    struct route_call *call;
    uint64_t table_id; /* 0: by name */
    bool before;       /* of the key, as in route_call */
    size_t len;        /* of bytes */
    uint8_t bytes[];   /* name or key */
};

struct route_batch;

struct route__partitions {
    struct route_partition **at; /* by start key */
    size_t count;
    size_t cap;
    bool used; /* since room was last made */
};

struct route__peer {
    char addr[128];
    struct rpc_peer *peer;
};

struct route__recent {
    uint64_t slots[ROUTE__RECENT_SLOTS]; /* atomic */
};

struct route {
    struct route_config config;
    pthread_mutex_t lock;
    pthread_mutex_t peers_lock; /* opening storage peers; taken without route.lock */
    bool closing;             /* finds and calls are refused, none is under way, and lookups end */
    struct tc_map tables;     /* name -> struct route_table */
    struct tc_map partitions; /* table id -> struct route__partitions */
    size_t partition_count;   /* of all of them */
    struct rpc_peer *memds[ROUTE__MEMDS_MAX];
    size_t memds_count;
    size_t memds_turn;
    struct route_lookup *queue_head, **queue_tail;
    size_t queue_count;
    size_t queue_waiters; /* of them, those that a find or call waits for */
    uint64_t refresh_ns;  /* when refreshes alone may leave again */
    bool refresh_armed;   /* the retry thread will flush then */
    uint32_t batches_in_flight;
    struct route__peer peers[ROUTE__PEERS_MAX];
    size_t peer_count;
    struct daemon_worker *retry; /* entries: struct route__due */
    struct route__due *due;      /* of the retry thread alone */
    uint64_t in_flight;          /* finds and calls not yet answered */
    pthread_cond_t idle;
    uint64_t confirm_window_ns;
    uint64_t confirms_in_window;
    bool ready;
    uint64_t id_seed[2]; /* random; request ids count up from here */
    uint64_t id_count;   /* atomic */
    struct route__recent recent;
    struct route_stats stats;
};

/* What the retry thread does when its time has come; without call and find: flush the lookups. */
struct route__due {
    struct route__due *next;
    uint64_t at_ns;
    struct route_call *call;
    struct route_find *find;
};

/* route_cache.c; all with the lock held. */
struct route_table *route__table_get(struct route *r, struct tc_slice name); /* a reference */
/* Takes d over. Returns a reference to the newest record of the name. */
struct route_table *route__table_put(struct route *r, Tercet__Pb__TableDescriptor *d);
/* It is no more: with it go the partitions of it and its indexes. */
void route__table_forget(struct route *r, struct tc_slice name);
struct route_partition *route__partition_get(struct route *r, uint64_t table_id,
                                             struct tc_slice key, bool before);
/* Takes p over; kept only if newer than what is known of its group and range. */
void route__partition_put(struct route *r, Tercet__Pb__Partition *p);
/* What memds answered to a lookup; bytes that the cache was made from change nothing. The table
 * comes with a reference, NULL: there is none, or the record is damaged. */
struct route_table *route__table_learn(struct route *r, struct tc_slice name,
                                       struct tc_slice packed);
void route__partition_learn(struct route *r, const struct route_lookup *l, struct tc_slice packed);
void route__cache_clear(struct route *r);
void route__partition_unref(struct route_partition *p);
bool route__partition_holds(const Tercet__Pb__Partition *p, struct tc_slice key, bool before);

/* route_lookup.c */
/* Queue a question; find or call (at most one) waits for it. With the lock held. */
void route__lookup_add(struct route *r, struct tc_slice name, uint64_t table_id,
                       struct tc_slice key, bool before, struct route_find *find,
                       struct route_call *call);
/* Send what is queued, or arm the timer that will; without the lock. */
void route__lookup_flush(struct route *r);
/* Forget what is queued; nobody waits for it. */
void route__lookups_drop(struct route *r);

/* route_room.c; with the lock held. */
void route__partitions_free(struct route__partitions *list);
/* Drop the partitions of a table or an index. */
void route__partitions_drop(struct route *r, uint64_t table_id);
/* Those of old's tables that now does not have; now NULL: all of them. */
void route__partitions_follow(struct route *r, const Tercet__Pb__TableDescriptor *old,
                              const Tercet__Pb__TableDescriptor *now);
/* If there are more than may be, drop some until a quarter is free, but none of table_id and none
 * of the system table. */
void route__partitions_make_room(struct route *r, uint64_t table_id);

/* route_find.c: memds answered, or did not. table is a reference or NULL. */
void route__find_answered(struct route *r, struct route_find *f, tc_err err,
                          struct route_table *table);
void route__find_retry(struct route *r, struct route_find *f);

/* route_doubt.c: memds knows no such table. If the cache does, ask the system group whether it is
 * gone. */
void route__doubt(struct route *r, struct tc_slice name);
/* route_find.c: count the find in and ask the system group, at the bounded rate; done is called. */
void route__find_confirm(struct route *r, struct route_find *f);

/* route_call.c */
void route__call_routed(struct route *r, struct route_call *c, tc_err err,
                        struct route_partition *p);
void route__call_again(struct route *r, struct route_call *c);
void route__finished(struct route *r);
/* Count a find or call in, with the lock held. One that waits for memds (missed) is counted twice:
 * it may be answered on another thread before its caller has left route; the caller then calls
 * route__finished. */
void route__begun(struct route *r, bool missed);

/* route_recent.c; any thread. An item, or any one that a range may hold, was written here not
 * longer than ROUTE__RECENT_MS ago. A range inside one partition key asks about that one only; any
 * other about the whole group. */
void route__recent_wrote(struct route__recent *recent, uint64_t table_id, uint64_t gid,
                         struct tc_slice key, uint64_t now_ns);
bool route__recent_table(const struct route__recent *recent, uint64_t table_id, uint64_t now_ns);
bool route__recent_item(const struct route__recent *recent, uint64_t table_id, struct tc_slice key,
                        uint64_t now_ns);
bool route__recent_range(const struct route__recent *recent, uint64_t table_id, uint64_t gid,
                         struct tc_slice start, struct tc_slice end, uint64_t now_ns);

/* route_retry.c */
void route__retry_call(struct route *r, struct route_call *c, uint64_t delay_ns);
void route__retry_find(struct route *r, struct route_find *f, uint64_t delay_ns);
void route__retry_flush(struct route *r, uint64_t at_ns);
uint64_t route__retry_run(void *user, void **entries, size_t count, uint64_t now_ns);

/* route_peers.c: the stream to a storage node, opened on first use. NULL: too many, or bad. */
struct rpc_peer *route__peer(struct route *r, const char *addr);

Tercet__Pb__Partition *route__partition_dup(const Tercet__Pb__Partition *p);

#endif
