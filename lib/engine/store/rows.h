/* store__rows: rows of a global index, taken in by the leader of a group of that index.
 *
 * Each row has a version: the hybrid time of the table's group at the state that it shows. A row
 * that is not newer than what stands under its key changes nothing, so rows may come late, twice
 * and in any order. A row that is gone stays as a version alone (index_version_is_gone), and a row
 * 0x14 in the order of this group's own time says that it may be dropped one day: expire.h. No
 * message lives that long, and none of an older state is sent once the newer one is applied in the
 * table's group.
 */
#ifndef TC_ENGINE_STORE_ROWS_H
#define TC_ENGINE_STORE_ROWS_H

#include "engine/store/store_private.h"

/* Is it a request that some node may send: rows in order of key, as many as fit, none an auxiliary
 * one, each with a version and with an item that has attributes, none of them without a name?
 *   Errors   TC_EINVAL  it is not */
TC_MUST_USE tc_err store__rows_check(const Tercet__Pb__IndexRequest *req);

/* What stands in the row 0x14 of a row that is gone: u8 layout = 2 | u64be its version. */
void store__rows_gone_value(uint64_t version, struct tc_buf *out);
/*   Errors   TC_ECORRUPT  not such bytes */
TC_MUST_USE tc_err store__rows_gone_decode(struct tc_slice value, uint64_t *ret_version);

#endif
