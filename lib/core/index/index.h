/* Secondary indexes and expiry times: which rows follow from an item (docs/protocols/index.md).
 *
 * A schema says what a group keeps besides items. Its bytes travel in the group's Partition, so it
 * is decoded from disk and network: everything is checked and bounded. The functions on rows are
 * pure and take checked items only. Decoded views borrow the bytes they were decoded from.
 *
 *   schema  u8 layout = 1 | varint version | u8 kind (1 table, 2 global index)
 *           | u8 key attribute count (1, 2) | attr* | lenbytes expiry attribute (empty: none)
 *           | varint expiry tag | u8 index count | index*
 *   attr    u8 type (S 1, N 2, B 3) | lenbytes name
 *   index   u8 id | u8 flags (1 global) | u8 projection | varint table id | lenbytes name
 *           | u8 hash count | attr* | u8 range count | attr* | u8 attribute count | lenbytes*
 *
 * Limits: as the API has them: 5 local and 20 global indexes, 100 projected attributes in all.
 */
#ifndef TC_CORE_INDEX_INDEX_H
#define TC_CORE_INDEX_INDEX_H

#include "core/item/item.h"

enum {
    INDEX_DEFS_MAX = 25,
    INDEX_LOCAL_MAX = 5,
    INDEX_GLOBAL_MAX = 20,
    INDEX_KEY_ATTRS_MAX = 4, /* hash attributes, and as many range attributes */
    INDEX_ATTRIBUTES_MAX = 100,
    INDEX_NAME_BYTES_MAX = 255,
    INDEX_SCHEMA_BYTES_MAX = 96 * 1024,
    INDEX_KEY_BYTES_MAX = 5180,   /* of a row: fits in a B-tree, with a time before it */
    INDEX_VERSION_SIZE_BYTES = 8, /* what the version adds to item_size_bytes of a row */
};

enum index_schema_kind {
    INDEX_TABLE = 1,
    INDEX_GLOBAL = 2, /* the group holds rows of a global index */
};

enum index_projection {
    INDEX_ALL = 1,
    INDEX_KEYS_ONLY = 2,
    INDEX_INCLUDE = 3,
};

struct index_attr {
    struct tc_slice name;
    enum item_type type; /* ITEM_S, ITEM_N, ITEM_B */
};

struct index_def {
    uint8_t id; /* 1.. within the table; what was dropped leaves its number free */
    bool global;
    uint64_t table_id;    /* of the partitions of a global index, never used before; local: 0 */
    struct tc_slice name; /* for error texts */
    struct index_attr hash[INDEX_KEY_ATTRS_MAX]; /* local: the table's own */
    size_t hash_count;
    struct index_attr range[INDEX_KEY_ATTRS_MAX];
    size_t range_count; /* local: 1 */
    enum index_projection projection;
    size_t attribute_at; /* INCLUDE: schema.attributes[attribute_at ..] */
    size_t attribute_count;
};

struct index_schema {
    uint64_t version; /* the higher one wins */
    enum index_schema_kind kind;
    struct index_attr hash; /* the table's key */
    struct index_attr range;
    bool has_range;
    struct tc_slice ttl; /* attribute with the expiry time; empty: none */
    uint64_t ttl_tag;    /* another number each time that it is enabled */
    struct index_def defs[INDEX_DEFS_MAX];
    size_t def_count;
    struct tc_slice attributes[INDEX_ATTRIBUTES_MAX];
    size_t attribute_count; /* those of defs, one after the other */
};

/*   Errors   TC_EINVAL  not a schema within the limits; nothing is appended */
TC_MUST_USE tc_err index_schema_encode(const struct index_schema *s, struct tc_buf *out);
/*   Errors   TC_ECORRUPT  not such bytes; ret_schema is then undefined */
TC_MUST_USE tc_err index_schema_decode(struct tc_slice bytes, struct index_schema *ret_schema);
/* The version alone; 0: bytes are none (empty, or not a schema's beginning). */
uint64_t index_schema_version(struct tc_slice bytes);
bool index_schema_has_local(const struct index_schema *s);
bool index_schema_has_global(const struct index_schema *s);
/* NULL: none. */
const struct index_def *index_schema_find(const struct index_schema *s, uint8_t id);

/* ---- rows */

/* Append the storage key of the item's row in that index. false: it has none, because a key
 * attribute is missing, of another type, empty, or too long; then nothing is appended.
 *   base_key   of the item in the table */
bool index_row_key(const struct index_def *def, struct tc_slice item, struct tc_slice base_key,
                   struct tc_buf *out);
/* Append the row itself: what is projected, always with the keys of table and index. */
void index_row_item(const struct index_schema *s, const struct index_def *def, struct tc_slice item,
                    struct tc_buf *out);
/* Append the storage key in the table, from the key attributes of an item or row. false: they are
 * not all there, or not such as keys may be; then nothing is appended. */
bool index_base_key(const struct index_schema *s, struct tc_slice item, struct tc_buf *out);

/* ---- the version of a row in a global index: an attribute with an empty name */

/* Append row with this version; row empty: one that is gone. */
void index_version_put(struct tc_slice row, uint64_t hlc_ns, struct tc_buf *out);
/* false: it has none. */
bool index_version_take(struct tc_slice row, uint64_t *ret_hlc_ns);
/* Append the row without it: what clients see. */
void index_version_strip(struct tc_slice row, struct tc_buf *out);
/* The row says only that it is gone. */
bool index_version_is_gone(struct tc_slice row);

/* ---- what a client must not write */

enum index_fault_kind {
    INDEX_FAULT_NONE,
    INDEX_FAULT_TYPE,
    INDEX_FAULT_EMPTY,
    INDEX_FAULT_HASH_LONG,  /* hash attributes together over 2048 bytes */
    INDEX_FAULT_RANGE_LONG, /* range attributes together over 1024 bytes */
    INDEX_FAULT_KEY_LONG,   /* many zero bytes: the row's key does not fit in a B-tree */
    INDEX_FAULT_ITEM_LONG,  /* item and its row in a local index together over ITEM_BYTES_MAX */
};

struct index_fault {
    enum index_fault_kind kind;
    const struct index_def *def; /* of the schema that was checked against */
    const struct index_attr *attr;
    enum item_type type; /* that it has instead */
    size_t bytes;        /* of the attributes up to attr, where they are too long */
};

/* May the item be written to the table? false: ret_fault says why not.
 *   kept   the item before an update, of which attributes that stay as they are were accepted
 *          before the index was made, perhaps; empty: all are checked */
bool index_item_check(const struct index_schema *s, struct tc_slice item, struct tc_slice kept,
                      struct tc_slice base_key, struct index_fault *ret_fault);
/* Append the service's text; updated: the item was made by an update expression. */
void index_fault_text(const struct index_fault *fault, bool updated, struct tc_buf *out);

#endif
