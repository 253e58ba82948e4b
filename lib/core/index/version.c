/* The version of a row in a global index: a binary attribute whose empty name sorts first. */
#include "core/index/index.h"

#include "base/assert.h"
#include "base/reader.h"

enum {
    VERSION_BYTES = 8,
    /* name length 0, type, length, bytes */
    ATTRIBUTE_BYTES = 1 + 1 + 1 + VERSION_BYTES,
};

/* Count and the bytes behind it. */
static uint64_t head(struct tc_slice row, struct tc_slice *ret_rest) {
    struct tc_reader r = tc_reader(row);
    const uint64_t count = row.len ? tc_reader_varint(&r) : 0;
    *ret_rest = r.rest;
    return count;
}

static bool starts_with_version(struct tc_slice rest) {
    return rest.len >= ATTRIBUTE_BYTES && rest.data[0] == 0 && rest.data[1] == ITEM_B &&
           rest.data[2] == VERSION_BYTES;
}

void index_version_put(struct tc_slice row, uint64_t hlc_ns, struct tc_buf *out) {
    struct tc_slice rest;
    const uint64_t count = head(row, &rest);
    TC_ASSERT(!starts_with_version(rest));
    tc_buf_append_varint(out, count + 1);
    tc_buf_append_u8(out, 0);
    tc_buf_append_u8(out, ITEM_B);
    tc_buf_append_u8(out, VERSION_BYTES);
    tc_buf_append_u64be(out, hlc_ns);
    tc_buf_append_slice(out, rest);
}

bool index_version_take(struct tc_slice row, uint64_t *ret_hlc_ns) {
    struct tc_slice rest;
    if (head(row, &rest) == 0 || !starts_with_version(rest))
        return false;
    struct tc_reader r = tc_reader(tc_slice_from(rest, ATTRIBUTE_BYTES - VERSION_BYTES));
    *ret_hlc_ns = tc_reader_u64be(&r);
    return true;
}

void index_version_strip(struct tc_slice row, struct tc_buf *out) {
    struct tc_slice rest;
    const uint64_t count = head(row, &rest);
    if (count == 0 || !starts_with_version(rest)) {
        tc_buf_append_slice(out, row);
        return;
    }
    tc_buf_append_varint(out, count - 1);
    tc_buf_append_slice(out, tc_slice_from(rest, ATTRIBUTE_BYTES));
}

bool index_version_is_gone(struct tc_slice row) {
    struct tc_slice rest;
    return head(row, &rest) == 1 && rest.len == ATTRIBUTE_BYTES && starts_with_version(rest);
}
