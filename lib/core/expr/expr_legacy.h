/* The API's legacy parameters (Expected, ScanFilter, QueryFilter, KeyConditions, AttributeUpdates,
 * AttributesToGet) as the same programs and key ranges that expressions compile to. Storage knows
 * no difference.
 *
 * Pure. Names are those of top-level attributes, 1 to ITEM_NAME_BYTES_MAX bytes, and stand for
 * themselves: a dot is part of the name and no word is reserved. Values are encoded. Names and
 * values are borrowed for the call; scratch is used as by expr_compile. Neither the number of
 * conditions nor of values is bounded, only the bytes of the program.
 *
 * Errors everywhere below; out is as it was:
 *   TC_EINVAL  the parameters are at fault, diag has the client-facing text
 *   TC_ENOMEM  the arena's bound was reached; diag is untouched
 */
#ifndef TC_CORE_EXPR_LEGACY_H
#define TC_CORE_EXPR_LEGACY_H

#include "core/expr/expr.h"

enum expr_compare {
    EXPR_COMPARE_EQ = 1,
    EXPR_COMPARE_NE,
    EXPR_COMPARE_LT,
    EXPR_COMPARE_LE,
    EXPR_COMPARE_GT,
    EXPR_COMPARE_GE,
    EXPR_COMPARE_BETWEEN,     /* two values, the lower one first */
    EXPR_COMPARE_IN,          /* any number of values */
    EXPR_COMPARE_NOT_NULL,    /* no value: the attribute exists */
    EXPR_COMPARE_NULL,        /* no value: it does not */
    EXPR_COMPARE_BEGINS_WITH, /* one value, as of all others */
    EXPR_COMPARE_CONTAINS,
    EXPR_COMPARE_NOT_CONTAINS, /* of an attribute that exists */
};

/* The caller has checked that there are as many values as op takes. */
struct expr_legacy_condition {
    struct tc_slice name;
    enum expr_compare op;
    const struct tc_slice *values;
    size_t count;
};

struct expr_legacy_conditions {
    const struct expr_legacy_condition *at;
    size_t count; /* at least 1 */
    bool any;     /* one must hold; else all */
};

/* Append a program of kind EXPR_CONDITION or EXPR_FILTER. */
TC_MUST_USE tc_err expr_legacy_compile(enum expr_kind kind, const struct expr_legacy_conditions *c,
                                       struct tc_arena *scratch, struct tc_buf *out,
                                       struct tc_buf *diag);

/* KeyConditions against the schema that is queried. Operators that no key condition can have are
 * refused as such. */
TC_MUST_USE tc_err expr_legacy_compile_key(const struct expr_legacy_conditions *c,
                                           const struct expr_key_schema *schema,
                                           struct tc_arena *scratch,
                                           struct expr_key_range *ret_range, struct tc_buf *diag);

enum expr_legacy_action {
    EXPR_LEGACY_PUT = 1,
    EXPR_LEGACY_ADD,    /* a number, a set, or a list whose elements are appended */
    EXPR_LEGACY_DELETE, /* a set; without a value the whole attribute */
};

struct expr_legacy_update {
    struct tc_slice name;
    enum expr_legacy_action action;
    struct tc_slice value; /* TC_SLICE_EMPTY: none */
};

/* Append a program of kind EXPR_UPDATE; count is at least 1. */
TC_MUST_USE tc_err expr_legacy_compile_updates(const struct expr_legacy_update *at, size_t count,
                                               struct tc_arena *scratch, struct tc_buf *out,
                                               struct tc_buf *diag);

/* Append a program of kind EXPR_PROJECTION; count is at least 1.
 *   Errors  TC_EINVAL  "... Duplicate value in attribute name: a" */
TC_MUST_USE tc_err expr_legacy_compile_names(const struct tc_slice *names, size_t count,
                                             struct tc_arena *scratch, struct tc_buf *out,
                                             struct tc_buf *diag);

#endif
