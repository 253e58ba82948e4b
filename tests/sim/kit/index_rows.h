/* index_rows: do the auxiliary rows of a group say what its items say?
 *
 * It shares no code with core/index: what a local row, a size of a collection or an expiry row must
 * be is written here once more, by the page (docs/protocols/index.md). One local index over one
 * attribute with the keys projected, and one expiry attribute.
 *
 * Rows are fed in the order of the B-tree and copied. One thread; heap.
 */
#ifndef TC_SIM_KIT_INDEX_ROWS_H
#define TC_SIM_KIT_INDEX_ROWS_H

#include "base/buf.h"
#include "core/item/item.h"

struct index_rows {
    uint8_t local_id; /* 0: no local index */
    const char *hash; /* key attributes of the table */
    const char *range;
    const char *local;
    const char *ttl;       /* NULL: none */
    struct tc_slice start; /* the group's range */
    struct tc_slice end;
    bool ttl_items;  /* every item must have its expiry row */
    bool ttl_strict; /* ... and no expiry row is without its item */
    struct index_row *rows;
    size_t count;
    uint64_t items;
    uint64_t auxiliary;
    uint64_t locals; /* rows of local indexes, and their bytes with keys */
    uint64_t local_bytes;
    char problem[256]; /* "" as long as all is well */
};

void index_rows_add(struct index_rows *r, struct tc_slice key, struct tc_slice value);
/* Every row was added: false, and problem says what is wrong. */
bool index_rows_check(struct index_rows *r);
void index_rows_deinit(struct index_rows *r);

#endif
