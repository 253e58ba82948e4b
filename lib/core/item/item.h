/* Items and attribute values in Tercet's binary encoding (docs/CONTRACTS.md, "Item encoding").
 *
 * Pure; views borrow the encoded bytes. The encoding is canonical: two equal items have equal
 * bytes. item_check must accept bytes from disk or network once before the walkers are used on
 * them; walkers on checked bytes cannot fail. The level of a top attribute's value is 1, of what it
 * contains 2; no value may be deeper than ITEM_DEPTH_MAX.
 *
 * Limits (DynamoDB developer guide): 400 KB per item, 32 levels, names <= 64 KiB.
 */
#ifndef TC_CORE_ITEM_H
#define TC_CORE_ITEM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    ITEM_BYTES_MAX = 400 * 1024,
    ITEM_DEPTH_MAX = 32,
    ITEM_NAME_BYTES_MAX = 65535,
    ITEM_ENCODED_BYTES_MAX = 2 * 1024 * 1024, /* bound on encoded bytes of a legal item */
};

enum item_type {
    ITEM_S = 1,
    ITEM_N = 2,
    ITEM_B = 3,
    ITEM_BOOL = 4,
    ITEM_NULL = 5,
    ITEM_M = 6,
    ITEM_L = 7,
    ITEM_SS = 8,
    ITEM_NS = 9,
    ITEM_BS = 10,
};

/* One value: its type and the bytes after the type byte (S, N, B: the content alone, without the
 * length; M, L, sets: from the count on; BOOL: one byte; NULL: empty). Elements of sets have no
 * type byte, so their encoded starts at the length. */
struct item_value {
    enum item_type type;
    struct tc_slice body;
    struct tc_slice encoded; /* type byte to end, as it stands in the item */
};

/* Walks attributes of an item or map (named), or elements of a list or set (unnamed). */
struct item_iter {
    struct tc_slice rest;
    uint64_t left;
    enum item_type of; /* ITEM_M, ITEM_L, ITEM_SS, ITEM_NS, ITEM_BS */
};

/* Whole check of untrusted bytes: structure, canonical order, UTF-8, numbers, depth.
 *   Errors  TC_ECORRUPT  anything else than the canonical bytes of one item (value)
 *           TC_ELIMIT    longer than ITEM_ENCODED_BYTES_MAX, or too deep
 */
TC_MUST_USE tc_err item_check(struct tc_slice item);
TC_MUST_USE tc_err item_value_check(struct tc_slice encoded_value);

struct item_iter item_iter(struct tc_slice item);
struct item_iter item_value_iter(struct item_value v); /* M, L, SS, NS, BS */
/* False at the end. ret_name is empty for lists and sets; NULL if not wanted. */
bool item_next(struct item_iter *it, struct tc_slice *ret_name, struct item_value *ret_value);
/* Attribute by exact name. */
bool item_get(struct tc_slice item, struct tc_slice name, struct item_value *ret_value);
bool item_map_get(struct item_value map, struct tc_slice name, struct item_value *ret_value);
bool item_list_get(struct item_value list, uint64_t index, struct item_value *ret_value);
/* Elements of a list or set, attributes of a map. */
uint64_t item_value_count(struct item_value v);
/* Is content (a string's bytes, a number's bytes) an element of the set? */
bool item_set_has(struct item_value set, struct tc_slice content);
/* Decode one encoded value that stands at the start of bytes (checked bytes). */
struct item_value item_value_at(struct tc_slice encoded);

/* Sizes by the API's arithmetic (FEATURES.md 2.2), in bytes. */
uint64_t item_size_bytes(struct tc_slice item);
uint64_t item_value_size_bytes(struct item_value v);

/* "S", "NS", "BOOL" ... */
const char *item_type_name(enum item_type type);

/* Building: attributes may be added in any order; finish sorts, rejects duplicate names
 * (TC_EEXISTS) and appends the encoded item to out. The builder borrows names and values. */
struct item_builder {
    struct item_attr *attrs;
    size_t count;
    size_t cap;
};
struct item_attr {
    struct tc_slice name;
    struct tc_slice value; /* encoded value */
};
/* In place, by name; never worse than n log n, for names come from clients. */
void item_sort_attrs(struct item_attr *attrs, size_t count);
void item_builder_deinit(struct item_builder *b);
void item_builder_add(struct item_builder *b, struct tc_slice name, struct tc_slice encoded_value);
TC_MUST_USE tc_err item_builder_finish(struct item_builder *b, struct tc_buf *out);

/* finish as a value of type M. */
TC_MUST_USE tc_err item_builder_finish_map(struct item_builder *b, struct tc_buf *out);

/* Append a list, set or map whose count elements stand encoded, one after another and in canonical
 * order, in elements (which must not be part of out). */
void item_put_container(struct tc_buf *out, enum item_type type, uint64_t count,
                        struct tc_slice elements);
/* Append one element of a set (of: ITEM_SS, ITEM_NS, ITEM_BS) from its content. */
void item_put_element(struct tc_buf *out, enum item_type of, struct tc_slice content);
/* Append an encoded value that already exists. */
void item_put_value(struct tc_buf *out, struct item_value v);

/* Encode scalars. */
void item_put_string(struct tc_buf *out, struct tc_slice text);
void item_put_binary(struct tc_buf *out, struct tc_slice bytes);
void item_put_bool(struct tc_buf *out, bool value);
void item_put_null(struct tc_buf *out);
/* Decimal text, e.g. "-12.5e3". TC_EINVAL: not a number; TC_ELIMIT: more than 38 digits or out of
 * range. Nothing is appended on failure. */
TC_MUST_USE tc_err item_put_number(struct tc_buf *out, struct tc_slice text);
/* Canonical number bytes (core/number). */
void item_put_number_bytes(struct tc_buf *out, struct tc_slice number);

#endif
