/* Query and Scan: what one page is gathered from. */
#ifndef TC_ROUTER_EXEC_PAGE_H
#define TC_ROUTER_EXEC_PAGE_H

#include "exec_index.h"

struct exec_page {
    const struct exec_index *index; /* NULL: the table itself */
    struct tc_buf start;            /* of the whole range, storage keys */
    struct tc_buf end;              /* empty: unbounded */
    struct tc_buf after;            /* exclusive start key; empty: none */
    struct tc_buf at;               /* where the next partition is looked for */
    struct tc_buf last;             /* LastEvaluatedKey as an item */
    bool reverse;
    uint64_t limit_left; /* items; 0: no limit was given */
    bool limited;
    uint64_t bytes; /* evaluated so far */
    uint64_t fetch_units;
    uint64_t count;
    uint64_t scanned;
    unsigned select;
};

/* The op's state from here on. */
struct exec_page *exec__page_new(struct exec_op *op);
/* Gather the page and answer; its range is set. */
void exec__page_run(struct exec_op *op);

#endif
