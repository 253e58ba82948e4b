/* The record of a suspect disk, from any bytes. */
#include "base/assert.h"
#include "core/disk/disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct disk d, again;
    struct disk_options o = disk_options_default();
    uint8_t bytes[DISK_RECORD_BYTES_MAX];
    disk_init(&d, &o);
    tc_err err = disk_record_decode(&d, tc_slice(data, size));
    TC_ASSERT(disk_check(&d));
    TC_ASSERT(TC_IMPLIES(err != TC_OK, d.error_count == 0));
    disk_init(&again, &o);
    size_t len = disk_record_encode(&d, bytes);
    TC_ASSERT(disk_record_decode(&again, tc_slice(bytes, len)) == TC_OK);
    TC_ASSERT(again.error_count == d.error_count);
    return 0;
}
