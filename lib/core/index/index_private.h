/* Escaped values, shared by rows and ranges: type byte, bytes with 00 -> 00 FF, then 00 00. */
#ifndef TC_CORE_INDEX_PRIVATE_H
#define TC_CORE_INDEX_PRIVATE_H

#include "core/index/index.h"

enum {
    INDEX__HASH_BYTES = 8,
    INDEX__COLLECTION = 0x10,
    INDEX__LOCAL = 0x11,
};

void index__append_escaped(struct tc_buf *out, struct item_value v);
/* Without the end: what all values that begin with v begin with. */
void index__append_escaped_open(struct tc_buf *out, struct item_value v);
/* hash | kind | escaped partition key, of a base key; false: it is none. */
bool index__append_home(struct tc_buf *out, struct tc_slice base_key, uint8_t kind);

#endif
