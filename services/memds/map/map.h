/* The routing map of a memds node: which records exist, which of two wins, what a lookup answers.
 *
 * Records in one Perkle tree (proto/memds.proto): "t/" name -> TableRecord, "p/" table_id(8, BE)
 * start -> Partition. Order of versions: TableRecord.version; Partition (epoch, leader_round), a
 * removal after every round of its epoch.
 *
 * No I/O and no clock: times are arguments (now_ns monotonic, now_ms wall time since 1970).
 * Single-threaded. Memory: heap, bounded by record_count_max.
 *
 * Warm: the map may be taken for complete, so that absence can be told. It becomes so when a round
 * with a warm peer is complete, or when MAP_WARM_NS have passed and storage has pushed something.
 * Until then, and for any hole in a table that has partitions, a miss is TC_EUNAVAILABLE.
 */
#ifndef TC_SERVICES_MEMDS_MAP_H
#define TC_SERVICES_MEMDS_MAP_H

#include "core/perkle/perkle.h"
#include "core/perkle/perkle_sync.h"
#include "proto/memds.pb-c.h"

enum {
    MAP_TOMBSTONE_MS = 10 * 60 * 1000,
    MAP_PURGED_COUNT_MAX = 1000, /* at a time */
    MAP_LOOKUPS_MAX = 4096,      /* in one request */
};

#define MAP_WARM_NS UINT64_C(2000000000)

struct map {
    struct perkle tree;
    struct tc_buf scratch;
    uint64_t started_ns;
    bool pushed;     /* storage has told something */
    bool peer_heard; /* a whole round with a warm peer */
};

struct map_found {
    tc_err err;
    struct tc_slice table;     /* packed TableRecord; empty: not asked for */
    struct tc_slice partition; /* packed Partition */
};

struct map_counts {
    uint64_t taken; /* records that were news */
    uint64_t stale; /* older or known */
    uint64_t refused;
};

void map_init(struct map *m, uint64_t record_count_max, uint64_t now_ns);
void map_deinit(struct map *m);
bool map_warm(const struct map *m, uint64_t now_ns);

/* Merge what a storage node pushed. Every record stands alone: bad ones are counted as refused.
 *   Errors  TC_ENOMEM  record_count_max; other records were taken
 */
TC_MUST_USE tc_err map_push(struct map *m, const Tercet__Pb__PushRequest *push, uint64_t now_ms,
                            struct map_counts *counts);

/* Answer one lookup; views are valid until the map changes.
 *   found.err  TC_EINVAL       neither a table name nor an id
 *              TC_ENOTFOUND    no such table (the map is warm, or a tombstone says so)
 *              TC_EUNAVAILABLE this node does not know: ask another, or later
 */
struct map_found map_lookup(struct map *m, const Tercet__Pb__Lookup *lookup, uint64_t now_ns);
/* Append the answers to a whole request as a packed LookupReply.
 *   Errors  TC_EINVAL  more than MAP_LOOKUPS_MAX; nothing appended
 */
TC_MUST_USE tc_err map_append_reply(struct map *m, const Tercet__Pb__LookupRequest *request,
                                    uint64_t now_ns, struct tc_buf *out);

/* A peer asks for a prefix: append the packed SyncReply. Errors: TC_ELIMIT (prefix too long) */
TC_MUST_USE tc_err map_append_sync(struct map *m, struct tc_slice prefix, uint64_t now_ns,
                                   struct tc_buf *out);
/* A peer's answer to a prefix that this round asked for. ret_warm: what the peer says of itself.
 *   Errors  TC_ECORRUPT  a record contradicts its key or version, or as perkle_sync_take; the
 *                        round goes on
 */
TC_MUST_USE tc_err map_take_sync(struct perkle_sync *round, struct tc_slice prefix,
                                 const Tercet__Pb__SyncReply *reply, uint64_t now_ms,
                                 bool *ret_warm);
/* A round came to its end without loss, and the peer was warm throughout. */
void map_peer_heard(struct map *m);

#endif
