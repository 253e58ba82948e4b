/* Anti-entropy between two Perkle trees: one side walks down where hashes differ and merges the
 * records it finds. A round pulls only; when each side runs rounds, both become equal.
 *
 * Pure. A round is a step machine: perkle_sync_next gives prefixes to ask the peer for, several at
 * a time; perkle_sync_take merges one answer, in any order. Memory: the prefixes yet to ask, at
 * most PERKLE_SYNC_PENDING_MAX; more differences than that wait for the next round.
 */
#ifndef TC_CORE_PERKLE_SYNC_H
#define TC_CORE_PERKLE_SYNC_H

#include "core/perkle/perkle.h"

enum {
    PERKLE_SYNC_PENDING_MAX = 4096,
    PERKLE_SYNC_IN_FLIGHT_MAX = 32,
    PERKLE_ANSWER_RECORDS_MAX = 64,
    PERKLE_ANSWER_BYTES_MAX = 256 * 1024, /* of records; a single one may be longer */
};

/* What a node says about one prefix: all its records when they are few, else the record at the
 * fork and the parts below it. */
struct perkle_answer {
    struct tc_slice prefix;
    struct tc_hash128 hash;
    size_t child_count;
    size_t record_count;
    struct perkle_part children[PERKLE_CHILDREN_MAX];
    struct perkle_record records[PERKLE_ANSWER_RECORDS_MAX];
};

/* Views into the tree, valid until it changes. */
void perkle_answer(const struct perkle *t, struct tc_slice prefix, struct perkle_answer *ret);

struct perkle_sync {
    struct perkle *tree;
    struct tc_buf pending; /* stack: bytes of a prefix, then its u16 length */
    size_t pending_count;
    size_t in_flight_count;
    uint64_t changed_count; /* records merged that were new here */
    bool incomplete;        /* something was skipped or refused: not equal after this round */
};

/* Begin a round: everything before it is forgotten. The tree must outlive it. */
void perkle_sync_start(struct perkle_sync *s, struct perkle *tree);
void perkle_sync_deinit(struct perkle_sync *s);
/* The next prefix to ask for; replaces ret_prefix. False: none may be asked now. */
bool perkle_sync_next(struct perkle_sync *s, struct tc_buf *ret_prefix);
/* Merge the answer to a prefix that was asked.
 *   Errors  TC_ECORRUPT  the answer does not belong to its prefix; as much as was good is merged
 *           others       of perkle_put; the round goes on and is incomplete
 */
TC_MUST_USE tc_err perkle_sync_take(struct perkle_sync *s, const struct perkle_answer *a,
                                    uint64_t now_ms);
/* A prefix that was asked will not be answered. */
void perkle_sync_lost(struct perkle_sync *s);
/* Nothing is asked and nothing is left to ask. */
bool perkle_sync_done(const struct perkle_sync *s);

#endif
