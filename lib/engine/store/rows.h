/* store__rows: rows of a global index, taken in by the leader of a group of that index.
 *
 * Each row has a version: the hybrid time of the table's group at the state that it shows. A row
 * that is not newer than what stands under its key changes nothing, so rows may come late, twice
 * and in any order. A row that is gone stays as a version alone (index_version_is_gone), and a row
 * 0x14 says when it may be dropped: STORE_GONE_S after its version. No message lives that long, and
 * none of an older state is sent once the newer one is applied in the table's group.
 */
#ifndef TC_ENGINE_STORE_ROWS_H
#define TC_ENGINE_STORE_ROWS_H

#include "engine/store/store_private.h"

enum {
    STORE_GONE_S = 15 * 60,
};

/* When a row that is gone since this version may be dropped, in seconds since 1970. */
uint64_t store__rows_gone_until_s(uint64_t version);

#endif
