/* admit: the table limits as this router enforces them.
 *
 * Each provisioned table has a read and a write bucket filled at this router's share of the table's
 * throughput; an on-demand table has one for each maximum that it was given. Once a second every
 * table that saw traffic is reported to its gac node, which answers with the next share; when no
 * gac answers, the last share goes on (static stability), and a table that never had one is held to
 * its whole limit here. What has no limit is admitted here and held by the partitions' own buckets
 * at storage.
 *
 * Threads: all functions are thread-safe, short and non-blocking, but for new and free.
 */
#ifndef TC_ROUTER_ADMIT_H
#define TC_ROUTER_ADMIT_H

#include "daemon/options.h"
#include "proto/table.pb-c.h"
#include "rpc/rpc.h"

enum {
    ADMIT_REPORT_MS = 1000,
    ADMIT_TABLES_MAX = 65536,
    ADMIT_BURST_S = 300,       /* of a share, that an idle router collects */
    ADMIT_MAXIMUM_BURST_S = 1, /* the same, of an on-demand table's maximum */
    ADMIT_DEBT_S = 5,          /* of a share, that one expensive request may overdraw */
    ADMIT_DEBT_MU = 500000,    /* and at least this much: one largest item */
};

struct admit;

struct admit_config {
    struct rpc *rpc;
    const struct daemon_addrs *gac; /* may be empty: every table is held to its limit here alone */
    const char *router;             /* this node's name */
};

TC_MUST_USE tc_err admit_new(const struct admit_config *config, struct admit **ret_admit);
/* Call before rpc_stop. NULL is a no-op. Blocks. */
void admit_free(struct admit *a);

/* May a request be sent now? The exact cost is charged when it is known. A refusal is counted as
 * demand, so that the share follows. */
bool admit_open(struct admit *a, const Tercet__Pb__TableDescriptor *table, bool write);
/* Charge what a request consumed, in milli-units. */
void admit_charge(struct admit *a, const Tercet__Pb__TableDescriptor *table, bool write,
                  uint64_t cost_mu);

#endif
