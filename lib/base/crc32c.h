/* CRC-32C (Castagnoli), as in iSCSI RFC 3720: the checksum of every record, page and frame. */
#ifndef TC_BASE_CRC32C_H
#define TC_BASE_CRC32C_H

#include "base/slice.h"

/* Continue from crc (0 to start); the result of one call is the crc of the next. */
uint32_t tc_crc32c(uint32_t crc, const void *data, size_t len);
/* The table-driven path, always compiled, so that tests hold the hardware path against it. */
uint32_t tc_crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
