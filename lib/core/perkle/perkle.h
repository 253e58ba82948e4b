/* Perkle: a sorted map of byte keys to versioned records that is a Patricia tree (radix tree with
 * compressed paths) and a Merkle tree at once. Two trees with equal records have equal hashes
 * under every prefix, whatever the order of their puts; the hash of any prefix is kept up to date.
 *
 * Pure; single-threaded. Memory: heap through base, bounded by record_count_max and the sizes
 * below; keys and values are copied in. A record is alive or a tombstone (dead_until_ms != 0, no
 * value): tombstones take part in versions and hashes and are purged when their wall time comes.
 *
 * Merging is a semilattice, so any exchange order converges: the greater of (version, tombstone
 * over alive, dead_until_ms, value bytes) wins.
 *
 * Invariants: a node without a record has at least two children (the root: any number); children
 * are sorted by their first byte; count and live of a node are the sums over its subtree.
 *
 * Named and used as in Elhemali et al., "Amazon DynamoDB" (USENIX ATC 2022), section 6.6.
 */
#ifndef TC_CORE_PERKLE_H
#define TC_CORE_PERKLE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/slice.h"

enum {
    PERKLE_KEY_BYTES_MAX = 8192,
    PERKLE_VALUE_BYTES_MAX = 1 << 20,
    PERKLE_CHILDREN_MAX = 256,
};

struct perkle_version {
    uint64_t major;
    uint64_t minor;
};

struct perkle_record {
    struct tc_slice key;
    struct tc_slice value;
    struct perkle_version version;
    uint64_t dead_until_ms; /* wall ms since 1970; 0: alive */
};

enum perkle_kind {
    PERKLE_ANY,
    PERKLE_LIVE,
    PERKLE_DEAD,
};

/* A part of the keys: all that start with prefix. */
struct perkle_part {
    struct tc_slice prefix;
    struct tc_hash128 hash; /* zero when there are no records */
    uint64_t count;
};

struct perkle {
    struct tc_buf nodes; /* pool of struct perkle_node, by index */
    struct tc_buf scratch;
    uint32_t root;
    uint32_t free; /* head of the list of unused nodes */
    uint64_t record_count_max;
};

void perkle_init(struct perkle *t, uint64_t record_count_max);
void perkle_deinit(struct perkle *t);
/* All records and tombstones; alive ones only. */
uint64_t perkle_count(const struct perkle *t);
uint64_t perkle_live_count(const struct perkle *t);

/* Merge one record in. now_ms is wall time; a tombstone whose time has passed erases an older
 * record and is not kept.
 *
 *   ret_changed  NULL if not wanted
 *   Errors       TC_ELIMIT   key or value too long, or a tombstone with a value; tree unchanged
 *                TC_ENOMEM   record_count_max reached; tree unchanged
 */
TC_MUST_USE tc_err perkle_put(struct perkle *t, const struct perkle_record *record, uint64_t now_ms,
                              bool *ret_changed);
/* Drop a record altogether; false: there was none. Peers that have it will bring it back. */
bool perkle_erase(struct perkle *t, struct tc_slice key);
/* Drop the tombstones whose time has come, at most count_max; returns how many. */
uint64_t perkle_purge(struct perkle *t, uint64_t now_ms, uint64_t count_max);

/* Lookups. False: none. Views are valid until the next change of the tree. */
bool perkle_get(const struct perkle *t, struct tc_slice key, struct perkle_record *ret_record);
/* Greatest record <= key (< key if strict). */
bool perkle_floor(const struct perkle *t, struct tc_slice key, bool strict, enum perkle_kind kind,
                  struct perkle_record *ret_record);
/* Least record >= key (> key if strict). Walking a prefix: ceiling, then strict ceilings. */
bool perkle_ceiling(const struct perkle *t, struct tc_slice key, bool strict, enum perkle_kind kind,
                    struct perkle_record *ret_record);

/* Hash and count of everything under a prefix. */
void perkle_part(const struct perkle *t, struct tc_slice prefix, struct perkle_part *ret_part);
/* Split the part under prefix: its longest common prefix's record, if any, and the disjoint parts
 * that make up the rest, in key order (at most PERKLE_CHILDREN_MAX, written to children).
 * Returns their number. */
size_t perkle_children(const struct perkle *t, struct tc_slice prefix,
                       struct perkle_part children[PERKLE_CHILDREN_MAX], bool *ret_has_record,
                       struct perkle_record *ret_record);

/* All invariants, hashes included; for tests and simulation. */
bool perkle_check(struct perkle *t);
/* Would b replace a? */
bool perkle_newer(const struct perkle_record *b, const struct perkle_record *a);

#endif
