/* store__delivery: rows of global indexes on their way from a group of their table.
 *
 * A delivery is one batch: rows for one or more indexes, each of which follows from an owner (an
 * outbox row, or the walk of a backfill). It leaves as effects STORE_INDEX, each with rows of one
 * index in order of key; each is answered once, row by row. Then whoever began it is told which
 * owners have all their rows there. It may be gone by then: a delivery knows its group by number
 * and its leader's term, and is forgotten where that is over.
 *
 * Bounded: STORE_DELIVERIES_MAX at a time and STORE_DELIVERY_BYTES_OUT bytes of rows in this store.
 */
#ifndef TC_ENGINE_STORE_DELIVERY_H
#define TC_ENGINE_STORE_DELIVERY_H

#include "engine/store/store_private.h"

enum {
    STORE_DELIVERIES_MAX = 256,
    STORE_DELIVERY_BYTES_OUT = 16 << 20, /* beyond, nothing new leaves */
    STORE_DELIVERY_ROWS_MAX = 256,       /* then a batch is full */
    STORE_DELIVERY_BYTES_MAX = 256 << 10,
    STORE_DELIVERY_CALLS_MAX = 128, /* effects of one */
};

enum delivery_kind {
    DELIVERY_OUTBOX,
    DELIVERY_BACKFILL,
};

struct delivery_row {
    uint64_t table_id; /* of the index */
    struct tc_slice key;
    struct tc_slice item; /* empty: no row */
    uint64_t version;
    uint32_t owner;
    size_t key_at, item_at; /* in bytes, until it starts */
};

struct delivery_owner {
    size_t key_at; /* in bytes */
    size_t key_len;
    uint64_t hlc_ns;
    bool failed;
};

struct delivery_call {
    uint32_t first;
    uint32_t count;
    bool answered;
};

struct delivery {
    struct tc_list link; /* in store.deliveries once it started */
    uint64_t id;
    uint64_t gid;
    uint64_t term;
    enum delivery_kind kind;
    struct tc_buf bytes; /* keys and items */
    struct delivery_row *rows;
    size_t row_count, row_cap;
    struct delivery_owner *owners;
    size_t owner_count, owner_cap;
    struct delivery_call calls[STORE_DELIVERY_CALLS_MAX];
    size_t call_count;
    size_t calls_out;
    tc_err err; /* the worst answer: TC_OK, or one that some row got */
};

struct delivery *store__delivery_new(const struct replica *r, enum delivery_kind kind);
void store__delivery_free(struct delivery *d);
/* The next owner; key is copied. Rows added from now on are its own. */
void store__delivery_own(struct delivery *d, struct tc_slice key, uint64_t hlc_ns);
/* Copies. The rows of one delivery have different keys within each index. */
void store__delivery_add(struct delivery *d, uint64_t table_id, struct tc_slice key,
                         struct tc_slice item, uint64_t version);
/* No more owners fit. */
bool store__delivery_full(const struct delivery *d);
struct tc_slice store__delivery_owner_key(const struct delivery *d, size_t owner);
/* This store may let another one go now. */
bool store__delivery_may_start(const struct store *s);
/* Send it (it has rows); from now on the store owns it, and hands it to store__outbox_delivered or
 * store__backfill_delivered before it frees it. */
void store__delivery_start(struct store *s, struct delivery *d);
void store__deliveries_deinit(struct store *s);

#endif
