/* store__span: which rows a range request means, and how to get past the others.
 *
 * Items of a table and auxiliary rows lie in one B-tree. A walk over items jumps over auxiliary
 * rows, one over rows of a local index jumps over everything else: never row by row.
 */
#ifndef TC_ENGINE_STORE_SPAN_H
#define TC_ENGINE_STORE_SPAN_H

#include "engine/btree/btree.h"

struct store_span {
    struct tc_slice start;
    struct tc_slice end;   /* exclusive; empty: unbounded */
    struct tc_slice after; /* where the page before this one ended; empty: none */
    bool reverse;
    uint8_t index_id;   /* rows of this local index; 0: items */
    struct tc_buf jump; /* scratch */
};

void store__span_deinit(struct store_span *s);
/* Put the cursor on the first row that is meant, or on the next one.
 *   Errors   TC_EEND  none is left; those of the B-tree */
TC_MUST_USE tc_err store__span_first(struct store_span *s, struct btree_cursor *c);
TC_MUST_USE tc_err store__span_next(struct store_span *s, struct btree_cursor *c);

#endif
