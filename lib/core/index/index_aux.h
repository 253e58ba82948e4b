/* Auxiliary rows: keys beside items in a group's B-tree, and what stands there.
 *
 *   0x10 collection  hash | 0x10 | escaped partition key            u64be bytes
 *   0x11 local row   hash | 0x11 | escaped partition key | id | ..  projected item
 *   0x12 outbox      8 zero bytes | 0x12 | base key                 see struct index_outbox
 *   0x13 backfill    8 zero bytes | 0x13 | u8 index id              see struct index_backfill
 *   0x14 expiry      8 zero bytes | 0x14 | u64be seconds | base key u8 1
 *
 * Values never are empty, for an empty one means a delete in a WRITE. Keys and values come from
 * disk: decoders check everything. Pure.
 */
#ifndef TC_CORE_INDEX_AUX_H
#define TC_CORE_INDEX_AUX_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    INDEX_OUTBOX_KEYS_MAX = 64, /* that wait for one item */
    INDEX_OUTBOX_BYTES_MAX = 512 * 1024,
};

enum index_kind {
    INDEX_KIND_ITEM = 0,
    INDEX_KIND_COLLECTION = 0x10,
    INDEX_KIND_LOCAL = 0x11,
    INDEX_KIND_OUTBOX = 0x12,
    INDEX_KIND_BACKFILL = 0x13,
    INDEX_KIND_EXPIRY = 0x14,
    INDEX_KIND_OTHER = 0xff, /* auxiliary, but of no kind known here */
};

/* What a row of a B-tree is: cheap, for every key that is met. */
enum index_kind index_key_kind(struct tc_slice key);
static inline bool index_key_is_auxiliary(struct tc_slice key) {
    return key.len > 8 && key.data[8] >= 0x10;
}
/* Where the row belongs, when a group is split: the item's key. Empty: to every part (backfill). */
struct tc_slice index_key_home(struct tc_slice key);
/* All rows whose home is not their own key stand below this one. */
struct tc_slice index_key_after_homeless(void);

void index_collection_key(struct tc_slice base_key, struct tc_buf *out);
void index_outbox_key(struct tc_slice base_key, struct tc_buf *out);
void index_backfill_key(uint8_t id, struct tc_buf *out);
void index_expiry_key(uint64_t seconds, struct tc_slice base_key, struct tc_buf *out);
/* The first key of a kind that stands at hash zero, and the first one behind; appended. */
void index_kind_range(enum index_kind kind, struct tc_buf *start, struct tc_buf *end);

/* Errors of all decoders: TC_ECORRUPT. Results borrow. */
TC_MUST_USE tc_err index_outbox_key_decode(struct tc_slice key, struct tc_slice *ret_base_key);
TC_MUST_USE tc_err index_backfill_key_decode(struct tc_slice key, uint8_t *ret_id);
TC_MUST_USE tc_err index_expiry_key_decode(struct tc_slice key, uint64_t *ret_seconds,
                                           struct tc_slice *ret_base_key);

/* Of a local row: its id stands behind head_bytes. */
TC_MUST_USE tc_err index_local_key_decode(struct tc_slice key, size_t *ret_head_bytes,
                                          uint8_t *ret_id);

void index_collection_value(uint64_t bytes, struct tc_buf *out);
TC_MUST_USE tc_err index_collection_decode(struct tc_slice value, uint64_t *ret_bytes);
void index_expiry_value(struct tc_buf *out);

/* u8 layout = 2 | u64 hlc_ns | u8 count | u8 id* (ascending) | u8 count | (u8 id, lenbytes key)*
 * Layout 1, of older versions, has no list of ids: all indexes may have changed. */
struct index_outbox_ref {
    uint8_t id;
    struct tc_slice key; /* in the index */
};
struct index_outbox {
    uint64_t hlc_ns;     /* of the newest write */
    bool all;            /* it does not say which indexes changed */
    uint64_t changed[4]; /* bits of their ids; see index_outbox_mark */
    struct index_outbox_ref refs[INDEX_OUTBOX_KEYS_MAX];
    size_t count;
};
void index_outbox_encode(const struct index_outbox *o, struct tc_buf *out);
TC_MUST_USE tc_err index_outbox_decode(struct tc_slice value, struct index_outbox *ret_outbox);
/* The row of this index changed; is it among those that did? */
void index_outbox_mark(struct index_outbox *o, uint8_t id);
bool index_outbox_concerns(const struct index_outbox *o, uint8_t id);
/* Add a reference unless it is there. TC_ETHROTTLED: no room. */
TC_MUST_USE tc_err index_outbox_add(struct index_outbox *o, struct index_outbox_ref ref);

/* u8 layout = 1 | u8 done | u64 tag | varint items | lenbytes after: the base key behind which the
 * walk goes on (empty: from the beginning). */
struct index_backfill {
    bool done;
    uint64_t tag;   /* table id of the index, or ttl_tag: that of another one says nothing */
    uint64_t items; /* looked at */
    struct tc_slice after;
};
void index_backfill_encode(const struct index_backfill *b, struct tc_buf *out);
TC_MUST_USE tc_err index_backfill_decode(struct tc_slice value, struct index_backfill *ret);
/* Append what a group merged of two neighbours has done, from what each of them has (left, right;
 * empty: nothing). Appends nothing where it is to begin anew. */
void index_backfill_unite(struct tc_slice left, struct tc_slice right, struct tc_buf *out);

#endif
