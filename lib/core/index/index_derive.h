/* index_derive: what a write of one item must also do to auxiliary rows, and what that costs.
 *
 * A function of the schema, the item before and after, and the auxiliary rows before. The result
 * goes into the same WRITE entry behind the item's own mutation.
 *
 * Memory: mutations point into the scratch arena.
 */
#ifndef TC_CORE_INDEX_DERIVE_H
#define TC_CORE_INDEX_DERIVE_H

#include "base/arena.h"
#include "core/entry/entry.h"
#include "core/index/index.h"

#define INDEX_COLLECTION_BYTES_MAX (10ull << 30) /* the service's; a node may be told another */
/* The service's text, by which a router knows this refusal from others of TC_ELIMIT. */
#define INDEX_COLLECTION_FULL_TEXT "Collection size exceeded."

enum {
    /* collection, outbox, two of each local index, two of the expiry time */
    INDEX_MUTATIONS_MAX = 2 + 2 * INDEX_LOCAL_MAX + 2,
    INDEX_UNIT_BYTES = 1024, /* of a write */
};

struct index_write {
    struct tc_slice key;
    struct tc_slice old_item; /* empty: none */
    struct tc_slice new_item; /* empty: deleted */
    bool updated;             /* by an update expression: what it left alone is not checked again */
    uint64_t hlc_ns;
    uint64_t collection_bytes;     /* before; read where index_schema_has_local */
    uint64_t collection_bytes_max; /* beyond it no write lets the collection grow */
    struct tc_slice outbox;        /* row before, empty: none; read where index_schema_has_global */
    bool outbox_full;              /* the group takes no new outbox row */
};

struct index_units {
    uint8_t id;
    uint32_t units; /* at least 1 */
};

struct index_derived {
    struct entry_mutation mutations[INDEX_MUTATIONS_MAX];
    size_t count;
    struct index_units units[INDEX_DEFS_MAX]; /* of the indexes that change */
    size_t unit_count;
    uint64_t collection_bytes; /* afterwards */
    struct index_fault fault;  /* with TC_EINVAL */
};

/* ret_derived is meaningful with TC_OK; fault with TC_EINVAL too.
 *   Errors   TC_EINVAL      the new item must not be written: fault
 *            TC_ELIMIT      the item collection would grow beyond collection_bytes_max
 *            TC_ETHROTTLED  too much waits for the global indexes
 *            TC_ECORRUPT    the outbox row is damaged
 *            TC_ENOMEM      scratch is too small */
TC_MUST_USE tc_err index_derive(const struct index_schema *s, const struct index_write *w,
                                struct tc_arena *scratch, struct index_derived *ret_derived);

/* The expiry time of an item: whole seconds since 1970. false: none, or it is no such number. */
bool index_expiry_of(const struct index_schema *s, struct tc_slice item, uint64_t *ret_seconds);

/* What the answer to a write says besides the item, as it stands in the entry, so that a repeated
 * request is answered alike: varint collection bytes | varint count | (u8 id, varint units)*.
 *   Errors   TC_ECORRUPT  not such bytes; results are then undefined */
struct index_answer {
    uint64_t collection_bytes;
    struct index_units units[INDEX_DEFS_MAX];
    size_t unit_count;
};
void index_answer_encode(const struct index_derived *d, struct tc_buf *out);
TC_MUST_USE tc_err index_answer_decode(struct tc_slice bytes, struct index_answer *ret_answer);

#endif
