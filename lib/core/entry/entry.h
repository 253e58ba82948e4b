/* Bodies of log entries: what a WRITE or a SCRUB says, independent of who reads the log.
 *
 * Pure; decoded views borrow the body. Applying a WRITE is a function of the state and these bytes
 * alone: conditions and updates were evaluated by the leader, so replicas, the archive's reference
 * copies and restores all reach the same items.
 *
 *   WRITE  u8 version = 1, or 2: with what else the answer says
 *          | u64 hlc_ns | 16 bytes request id | varint mutation count
 *          | mutations: u8 op (1 put, 2 delete) | lenbytes storage key | lenbytes item (empty:
 *            delete). The first is the request's own; then rows that follow from it (core/index)
 *          | version 2: lenbytes answer (index_answer_encode)
 *          | varint old_bytes (size of the item replaced by the API's arithmetic; 0: there was
 * none) | optional lenbytes old item (kept when the request wanted it back) SCRUB  u8 version = 1 |
 * u64 hlc_ns SPLIT  u8 version = 1 | u64 hlc_ns | u64 left gid | u64 right gid | lenbytes storage
 * key: the first of the right child SEAL   u8 version = 1 | u64 hlc_ns | u64 left gid | u64 merged
 * gid MERGE  u8 version = 1 | u64 hlc_ns | u64 merged gid | u64 epoch | u64 right gid | u64 index
 * of the right one's SEAL | u64 chain hash there | lenbytes the right one's end (empty: none)
 *
 * Limits: ENTRY_MUTATIONS_MAX mutations; keys and items are bounded by the log entry itself. An
 * item is not walked here: item_check is the reader's duty where the bytes are not trusted.
 */
#ifndef TC_CORE_ENTRY_H
#define TC_CORE_ENTRY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/reader.h"

enum {
    ENTRY_VERSION = 1,
    ENTRY_VERSION_ANSWER = 2,  /* of a WRITE */
    ENTRY_MUTATIONS_MAX = 100, /* items of one transaction */
    ENTRY_REQUEST_ID_BYTES = 16,
};

enum entry_op {
    ENTRY_PUT = 1,
    ENTRY_DELETE = 2,
};

struct entry_mutation {
    enum entry_op op;
    struct tc_slice key;
    struct tc_slice item; /* encoded item; empty for a delete */
};

struct entry_write {
    uint64_t hlc_ns;
    uint8_t request_id[ENTRY_REQUEST_ID_BYTES];
    uint64_t mutation_count;
    struct tc_slice mutations; /* encoded; entry_next walks them */
    struct tc_slice answer;    /* empty: nothing else is to be said */
    uint64_t old_bytes;
    bool has_old; /* old_item was kept */
    struct tc_slice old_item;
};

struct entry_iter {
    struct tc_reader rest;
    uint64_t left_count;
};

/* Append a WRITE body. mutations and mutation_count of w are ignored; the array is encoded. */
void entry_write_encode(const struct entry_write *w, const struct entry_mutation *mutations,
                        size_t count, struct tc_buf *out);
/* Check the whole structure of a WRITE body and give views into it.
 *   Errors   TC_ECORRUPT  not such a body; ret_write is untouched
 */
TC_MUST_USE tc_err entry_write_decode(struct tc_slice body, struct entry_write *ret_write);
/* Walk the mutations of a decoded write, in order; false at the end. */
struct entry_iter entry_iter(const struct entry_write *w);
bool entry_next(struct entry_iter *it, struct entry_mutation *ret_mutation);

void entry_scrub_encode(uint64_t hlc_ns, struct tc_buf *out);
TC_MUST_USE tc_err entry_scrub_decode(struct tc_slice body, uint64_t *ret_hlc_ns);

struct entry_split {
    uint64_t hlc_ns;
    uint64_t gids[2];    /* left, right: neither 0, nor equal */
    struct tc_slice key; /* not empty; borrowed */
};

void entry_split_encode(const struct entry_split *s, struct tc_buf *out);
/*   Errors   TC_ECORRUPT  not such a body; ret_split is untouched */
TC_MUST_USE tc_err entry_split_decode(struct tc_slice body, struct entry_split *ret_split);

/* In the log of the right one of two neighbours that are to become one. */
struct entry_seal {
    uint64_t hlc_ns;
    uint64_t left_gid;
    uint64_t merged_gid; /* neither 0, nor equal */
};

void entry_seal_encode(const struct entry_seal *s, struct tc_buf *out);
/*   Errors   TC_ECORRUPT  not such a body; ret_seal is untouched */
TC_MUST_USE tc_err entry_seal_decode(struct tc_slice body, struct entry_seal *ret_seal);

/* In the log of the left one: everything that the merged group starts from and that the left one's
 * replicas do not know by themselves. */
struct entry_merge {
    uint64_t hlc_ns;
    uint64_t merged_gid;
    uint64_t epoch; /* of the merged group */
    uint64_t right_gid;
    uint64_t right_index;
    uint64_t right_chain;
    struct tc_slice end; /* borrowed */
};

void entry_merge_encode(const struct entry_merge *m, struct tc_buf *out);
/*   Errors   TC_ECORRUPT  not such a body; ret_merge is untouched */
TC_MUST_USE tc_err entry_merge_decode(struct tc_slice body, struct entry_merge *ret_merge);

#endif
