/* Capacity units by FEATURES.md 2.3, in milli-units. */
#include "exec_private.h"

static uint64_t units(uint64_t bytes, uint64_t unit_bytes) {
    uint64_t whole = (bytes + unit_bytes - 1) / unit_bytes;
    return whole > 0 ? whole : 1;
}

uint64_t exec__write_mu(uint64_t old_bytes, uint64_t new_bytes) {
    uint64_t larger = old_bytes > new_bytes ? old_bytes : new_bytes;
    return units(larger, EXEC__WRITE_UNIT_BYTES) * EXEC__UNIT_MU;
}

uint64_t exec__read_mu(uint64_t bytes, bool consistent) {
    return units(bytes, EXEC__READ_UNIT_BYTES) * (consistent ? EXEC__UNIT_MU : EXEC__UNIT_MU / 2);
}

struct api_consumed exec__consumed(struct exec_op *op, unsigned detail, uint64_t units_mu) {
    return (struct api_consumed){
        .detail = detail,
        .table_name = tc_slice_str(op->table->descriptor->name),
        .units_mu = units_mu,
    };
}
