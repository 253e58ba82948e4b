/* quota: how one table's throughput is divided among the routers that serve it (global admission).
 *
 * Every router reports each second what it consumed and refused; the answer is the rate it may
 * admit until its next report. Shares follow demand: a router that needs less than an even part
 * leaves the rest to the others, and what nobody needs is spread evenly, so that a router that
 * starts up can start serving at once. All state is derived from the reports and may be lost at any
 * time: routers go on with their last share.
 *
 * Pure: time is an argument; fixed memory.
 * Invariant: the shares last handed to routers that still count never sum to more than the limit,
 * but for the time between one router's report and the others' next ones (at most QUOTA_VALID_NS).
 * Bound when every gac is dead: each router admits at most its last share, so all together at most
 * the limit; a router that never had a share admits the limit alone.
 *
 * Source: "Amazon DynamoDB", USENIX ATC 2022, section 4.2.
 */
#ifndef TC_CORE_QUOTA_H
#define TC_CORE_QUOTA_H

#include "base/slice.h"

enum {
    QUOTA_ROUTERS_MAX = 64,
    QUOTA_NAME_BYTES_MAX = 64,
    QUOTA_VALID_MS = 2000,
};

#define QUOTA_EXPIRY_NS UINT64_C(3000000000) /* a router silent for so long counts no more */

/* Milli-units per second. */
struct quota_rates {
    uint64_t read_mu;
    uint64_t write_mu;
};

struct quota_router {
    char name[QUOTA_NAME_BYTES_MAX];
    uint64_t seen_ns;
    struct quota_rates demand;
};

struct quota_table {
    uint64_t version; /* of the descriptor the limits come from */
    struct quota_rates limit;
    struct quota_router routers[QUOTA_ROUTERS_MAX];
    uint32_t count;
};

struct quota_report {
    struct tc_slice router;
    uint64_t version;
    struct quota_rates limit;
    struct quota_rates demand; /* consumed and refused, per second */
};

/* Take a report and return that router's share. Limits of an older version are ignored. When
 * QUOTA_ROUTERS_MAX other routers are alive the share is zero. */
struct quota_rates quota_take_report(struct quota_table *t, const struct quota_report *report,
                                     uint64_t now_ns);

/* Which of count gac nodes looks after a table: highest hash of (node, table) wins, so that a node
 * that comes or goes moves only its own tables. rank 0 is the owner, 1 the next one if it is dead.
 */
size_t quota_ring_pick(uint64_t table_id, const char *const *nodes, size_t count, size_t rank);

#endif
