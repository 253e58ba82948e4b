/* Keys and the few fields that are read without unpacking; shared by the files of memds/map. */
#ifndef TC_SERVICES_MEMDS_MAP_PRIVATE_H
#define TC_SERVICES_MEMDS_MAP_PRIVATE_H

#include "memds/map/map.h"

/* Replace key by the storage key of a table record, or of a partition. */
void map__table_key(struct tc_buf *key, const char *name);
void map__partition_key(struct tc_buf *key, uint64_t table_id, struct tc_slice start);

/* Fields of a packed message, found by walking it once (values were checked when they came in):
 * the last varint field, or bytes field, of that number; zero or empty if absent. */
uint64_t map__varint_field(struct tc_slice packed, uint32_t number);
struct tc_slice map__bytes_field(struct tc_slice packed, uint32_t number);

enum {
    MAP__PARTITION_GID = 1,
    MAP__PARTITION_END = 4,
    MAP__TABLE_ID = 2,
};

#endif
