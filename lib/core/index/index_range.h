/* Ranges of rows of an index, for queries: building blocks, and key conditions as [start, end).
 *
 * A row's key begins with what index_append_hash gives, goes on with index_append_range for each
 * range attribute in order, and ends with the item's own key, so that equal index keys have one row
 * for each item. Order by bytes is order by value. Values must have the types of the index and be
 * checked (index_value_ok). Pure; appends to the caller's buffers only.
 */
#ifndef TC_CORE_INDEX_RANGE_H
#define TC_CORE_INDEX_RANGE_H

#include "core/index/index.h"

enum index_compare {
    INDEX_ANY, /* no condition */
    INDEX_EQ,
    INDEX_LT,
    INDEX_LE,
    INDEX_GT,
    INDEX_GE,
    INDEX_BETWEEN,
    INDEX_BEGINS_WITH,
};

struct index_condition {
    const struct item_value *hash; /* def->hash_count values, all by equality */
    const struct item_value *equal;
    size_t equal_count;         /* the first range attributes by equality */
    enum index_compare compare; /* of the next one; INDEX_ANY where there is none */
    struct item_value low;      /* operand */
    struct item_value high;     /* BETWEEN: the upper one */
};

/* S, N or B, of the attribute's type, not empty. */
bool index_value_ok(const struct index_attr *attr, struct item_value v);
/* Common beginning of the rows with these hash values (def->hash_count of them). */
void index_append_hash(const struct index_def *def, const struct item_value *values,
                       struct tc_buf *out);
/* One more range value. */
void index_append_range(struct item_value v, struct tc_buf *out);
/* Beginning of all values that begin with v (S, B; may be empty). */
void index_append_range_prefix(struct item_value v, struct tc_buf *out);
/* Append the first key of the range and the first one behind it (empty: to the end of the index;
 * not for local ones). */
void index_range(const struct index_def *def, const struct index_condition *c, struct tc_buf *start,
                 struct tc_buf *end);

#endif
