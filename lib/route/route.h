/* route: where a table's items are, and one storage request's way there and back.
 *
 * Caches table records and partitions. Every use of either, hit or miss, asks memds once (DESIGN
 * §2, FEATURES row 11): memds' load follows the traffic and never the misses. A miss waits for that
 * same answer. A storage node reached by mistake corrects the cache in one hop. When memds knows no
 * such table the system group itself is asked, at a bounded rate, so that a table is usable the
 * moment its creation was acknowledged.
 *
 * A cached table that memds does not know leaves the cache once the system group says that it is
 * no more, and the partitions of it and of its global indexes go with it. Beyond the bounds below,
 * partitions that were not used of late go, table by table.
 *
 * A request to storage is sent to the leader (or, for eventually consistent reads, to the replica
 * nearest by zone, unless this router wrote there a moment ago) and sent again, with the same
 * request id, while that is safe and its deadline allows: writes are recognised by storage when
 * they arrive twice (docs/decisions/0002).
 *
 * Threads: all functions are thread-safe; one instance serves all loops. Callbacks run on an rpc
 * thread, on the retry thread, or inside the call itself; they must not block.
 * Memory: calls are the caller's structs, untouched by anybody else from the callback on.
 */
#ifndef TC_ROUTE_ROUTE_H
#define TC_ROUTE_ROUTE_H

#include "core/item/item.h"
#include "daemon/options.h"
#include "proto/memds.pb-c.h"
#include "proto/storage.pb-c.h"
#include "proto/table.pb-c.h"
#include "rpc/peer.h"

enum {
    ROUTE_ATTEMPT_MS = 2000,
    ROUTE_TABLES_MAX = 65536,      /* cached */
    ROUTE_PARTITIONS_MAX = 262144, /* cached, of all tables; about 1.5 KB each */
    ROUTE_LOOKUPS_MAX = 65536,     /* waiting for memds; beyond, refreshes are dropped */
    ROUTE_CONFIRMS_PER_S = 200,    /* reads of the system group for tables memds does not know */
};

struct route;

struct route_config {
    struct rpc *rpc;
    const struct daemon_addrs *memds;
    const char *zone;
    size_t partitions_max; /* 0: ROUTE_PARTITIONS_MAX */
};

/* An immutable, counted table record. */
struct route_table {
    int refs; /* atomic */
    Tercet__Pb__TableDescriptor *descriptor;
    struct tc_buf packed; /* route's own: as memds answered, to know the same answer again */
    bool doubted;         /* route's own: the system group is being asked whether it exists */
};

void route_table_unref(struct route_table *t);

/* Find a table by name. done gets a reference (with TC_OK), TC_ENOTFOUND, or TC_EUNAVAILABLE. */
struct route_find {
    struct tc_slice name; /* stays valid until done */
    uint64_t deadline_ns;
    void (*done)(struct route_find *f, tc_err err, struct route_table *table);
    void *user;
    struct route_find *next; /* route's own from here */
    bool confirming;
    struct tc_buf scratch;
    Tercet__Pb__ItemRequest *request;
    struct route_call *call;
};

enum route_call_kind {
    ROUTE_ITEM,  /* request.item */
    ROUTE_RANGE, /* request.range */
    ROUTE_INDEX, /* request.index: rows in order of key, all inside one partition */
};

/* One storage request. gid, epoch and (for writes) request_id are filled in by route. */
struct route_call {
    enum route_call_kind kind;
    union {
        Tercet__Pb__ItemRequest item;
        Tercet__Pb__RangeRequest range;
        Tercet__Pb__IndexRequest index;
    } request;
    uint64_t table_id;
    struct tc_slice key; /* the partition is the one whose range holds it */
    bool before;         /* instead: the partition that holds what stands right before key */
    bool any_replica;    /* eventually consistent: any storage replica will do */
    uint64_t deadline_ns;
    /* err is the server's or the final local one. reply is NULL unless a node answered; an
     * ItemReply, RangeReply or IndexReply, freed by route after done returns. partition is the one
     * served by. TC_EMOVED (ROUTE_INDEX): the rows stand in more than one partition; nothing was
     * written by the attempt that found it out. */
    void (*done)(struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                 const Tercet__Pb__Partition *partition);
    void *user;

    /* route's own from here. */
    struct route *route;
    struct route_call *next;
    struct route_partition *partition;
    uint64_t due_ns;
    uint32_t attempts;
    bool maybe_applied; /* an attempt ended with an unknown outcome */
    uint8_t request_id[16];
};

TC_MUST_USE tc_err route_new(const struct route_config *config, struct route **ret_route);
/* Wait until no find or call is under way; from then on they are answered TC_EUNAVAILABLE at once.
 * Blocks; not from a callback. For callers whose threads cannot be ended before what they asked for
 * is answered: stop, end them, free. NULL is a no-op. */
void route_stop(struct route *r);
/* Stops first. Nobody calls route any more. Blocks. Call before rpc_stop. NULL is a no-op. */
void route_free(struct route *r);

void route_find(struct route *r, struct route_find *f);
/* A table's descriptor, to be freed with free_unpacked. NULL: the bytes are none, or it has not one
 * key attribute or two, each of a type that keys may have; whoever has one relies on that. */
Tercet__Pb__TableDescriptor *route_table_unpack(struct tc_slice bytes);
/* What a strong read of the system table showed: newer than the cache or ignored. */
void route_learn_table(struct route *r, const Tercet__Pb__TableDescriptor *d);

void route_call(struct route *r, struct route_call *c);
/* Where the cached partition that holds key ends: appended to ret_end (nothing: the table's end).
 * False: it is not cached; the next call for key will have it so. Asks nobody. */
bool route_partition_end(struct route *r, uint64_t table_id, struct tc_slice key,
                         struct tc_buf *ret_end);

/* An item of the table was written here a moment ago: what follows from it elsewhere is on its way,
 * and seen by leaders first. */
bool route_wrote_lately(const struct route *r, uint64_t table_id);

/* True once the system group could be found: the router can serve. */
bool route_ready(struct route *r);
/* Forget every cached table and partition (tests, operators). */
void route_flush(struct route *r);

struct route_stats {
    uint64_t finds, find_misses;
    uint64_t calls, call_misses;
    uint64_t lookups; /* asked of memds: one for each find and each call */
    uint64_t dropped; /* refreshes dropped because memds did not keep up */
    uint64_t retries;
    uint64_t moved; /* corrected by a storage node */
    uint64_t confirms;
    uint64_t tables, partitions; /* cached now */
};
void route_stats(struct route *r, struct route_stats *ret_stats);

#endif
