/* Storage keys: the order in which items of a table lie, and ranges of it.
 *
 *   u64be XXH3-64(partition key value bytes) ‖ escaped partition key ‖ sort key
 *
 * The escaped partition key is its type byte, then its bytes with 00 -> 00 FF, then 00 00. The sort
 * key stands raw (S, B: its bytes; N: the number's bytes), for nothing follows it. So one partition
 * key value is contiguous with its sort keys in order. Values must be S, N or B, already checked
 * with key_hash_check or key_range_check.
 *
 * Pure. Appending allocates in the caller's buffer only.
 */
#ifndef TC_CORE_KEY_H
#define TC_CORE_KEY_H

#include "base/buf.h"
#include "base/err.h"
#include "core/item/item.h"

enum {
    KEY_HASH_BYTES_MAX = 2048,  /* partition key value */
    KEY_RANGE_BYTES_MAX = 1024, /* sort key value */
    KEY_BYTES_MAX = 8 + 1 + 2 * KEY_HASH_BYTES_MAX + 2 + KEY_RANGE_BYTES_MAX,
    KEY_SEGMENTS_MAX = 1000000,
};

/* Is the value usable as a key?
 *   Errors  TC_ETYPE   not S, N or B
 *           TC_EINVAL  empty
 *           TC_ELIMIT  too long
 */
TC_MUST_USE tc_err key_hash_check(struct item_value v);
TC_MUST_USE tc_err key_range_check(struct item_value v);

/* Append the part of a storage key that one partition key value gives: also the common prefix of
 * all its items. */
void key_append_hash(struct tc_buf *out, struct item_value v);
/* Append the sort key (a prefix of one serves begins_with). */
void key_append_range(struct tc_buf *out, struct item_value v);

/* Append the least key greater than every key that starts with prefix. Appends nothing (in key
 * ranges: unbounded) when there is none, that is when prefix is empty or all 0xff. */
void key_append_prefix_end(struct tc_buf *out, struct tc_slice prefix);

/* Segment index of count of a parallel scan as the range [start, end): equal parts of the hash
 * space. The first start and the last end are empty (unbounded). Both are appended.
 * index < count <= KEY_SEGMENTS_MAX. */
void key_append_segment(uint32_t index, uint32_t count, struct tc_buf *start, struct tc_buf *end);

/* TC_ECORRUPT unless bytes have the shape of a storage key. ret_range_at (may be NULL) is the
 * offset at which the sort key begins. */
TC_MUST_USE tc_err key_check(struct tc_slice key, size_t *ret_range_at);

/* key in [start, end); an empty end is unbounded. */
static inline bool key_in_range(struct tc_slice key, struct tc_slice start, struct tc_slice end) {
    return tc_slice_cmp(key, start) >= 0 && (end.len == 0 || tc_slice_cmp(key, end) < 0);
}

#endif
