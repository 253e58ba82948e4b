/* The routing map of a memds node: which records exist, which of two wins, what a lookup answers.
 *
 * Records in one Perkle tree (proto/memds.proto): "t/" name -> TableRecord, "p/" table_id(8, BE)
 * start -> Partition. Order of versions: TableRecord.version; Partition (epoch, leader_round), a
 * removal after every round of its epoch.
 *
 * No I/O and no clock: times are arguments (now_ns monotonic, now_ms wall time since 1970; struct
 * map_time is both at one moment).
 * Single-threaded. Memory: heap, bounded by record_count_max.
 *
 * Warm: the map may be taken for complete, so that absence can be told. It becomes so when a round
 * with a warm peer is complete, or when MAP_WARM_NS have passed and storage has pushed something.
 * Until then, and for any hole in a table that has partitions, a miss is TC_EUNAVAILABLE.
 *
 * Alone: a removal is remembered for MAP_TOMBSTONE_MS. A node to which storage has not spoken for
 * nearly so long, neither itself nor through peers, may have missed one that nobody remembers any
 * more, and would bring back what was removed: it drops its map and begins anew (map_begin_anew).
 * A peer's word counts only as far as storage spoke to that peer: two nodes that are cut off
 * together do not keep each other in the belief that all is well.
 */
#ifndef TC_SERVICES_MEMDS_MAP_H
#define TC_SERVICES_MEMDS_MAP_H

#include "core/perkle/perkle.h"
#include "core/perkle/perkle_sync.h"
#include "proto/memds.pb-c.h"

enum {
    MAP_TOMBSTONE_MS = 10 * 60 * 1000,
    MAP_ALONE_MS = 9 * 60 * 1000, /* the rest is for what the nodes' clocks differ by */
    MAP_PURGED_COUNT_MAX = 1000,  /* at a time */
    MAP_LOOKUPS_MAX = 4096,       /* in one request */
};

#define MAP_WARM_NS UINT64_C(2000000000)

_Static_assert(MAP_ALONE_MS < MAP_TOMBSTONE_MS, "alone for longer than removals are remembered");

struct map_time {
    uint64_t ns; /* monotonic; may stand still while a machine sleeps */
    uint64_t ms; /* wall, since 1970; may jump */
};

struct map {
    struct perkle tree;
    struct tc_buf scratch;
    uint64_t started_ns;
    struct map_time
        told;        /* when storage last spoke, as far as this node heard; at first its start */
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

/* What a peer says of itself. */
struct map_word {
    bool warm;
    uint64_t told_ms_ago;
};

void map_init(struct map *m, uint64_t record_count_max, struct map_time now);
void map_deinit(struct map *m);
bool map_warm(const struct map *m, uint64_t now_ns);

/* Storage spoke to this node now. */
void map_told(struct map *m, struct map_time now);
/* By whichever clock says more. */
uint64_t map_told_ms_ago(const struct map *m, struct map_time now);
/* Before anything is answered or asked: if storage has not been heard for MAP_ALONE_MS, drop every
 * record and be cold. True: there were some; rounds that are under way must not count as whole. */
bool map_begin_anew(struct map *m, struct map_time now);

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
TC_MUST_USE tc_err map_append_sync(struct map *m, struct tc_slice prefix, struct map_time now,
                                   struct tc_buf *out);
/* A peer's answer to a prefix that this round asked for.
 *   Errors  TC_ECORRUPT  a record contradicts its key or version, or as perkle_sync_take; the
 *                        round goes on
 */
TC_MUST_USE tc_err map_take_sync(struct perkle_sync *round, struct tc_slice prefix,
                                 const Tercet__Pb__SyncReply *reply, uint64_t now_ms,
                                 struct map_word *ret_word);
/* A round that began then came to its end without loss; the peer was warm throughout, and storage
 * had spoken to it not longer than told_ms_ago before. */
void map_peer_heard(struct map *m, struct map_time began, uint64_t told_ms_ago);

#endif
