/* Cursors over item bytes: one that trusts them (walkers) and one that does not (checks). */
#ifndef TC_CORE_ITEM_PRIVATE_H
#define TC_CORE_ITEM_PRIVATE_H

#include "base/assert.h"
#include "core/item/item.h"

struct item_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct item_cursor item__cursor(struct tc_slice s) {
    return (struct item_cursor){s.data, s.data + s.len};
}

static inline size_t item__left(const struct item_cursor *c) {
    return (size_t)(c->end - c->at);
}

/* Of checked bytes. */
static inline uint64_t item__varint(struct item_cursor *c) {
    TC_ASSERT(c->at < c->end);
    uint64_t v = *c->at++;
    if (v < 0x80)
        return v;
    v &= 0x7f;
    for (unsigned shift = 7; shift < 64; shift += 7) {
        TC_ASSERT(c->at < c->end);
        const uint8_t byte = *c->at++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return v;
}

static inline struct tc_slice item__bytes(struct item_cursor *c, uint64_t len) {
    TC_ASSERT(len <= item__left(c));
    const struct tc_slice s = tc_slice(c->at, (size_t)len);
    c->at += len;
    return s;
}

static inline struct tc_slice item__lenbytes(struct item_cursor *c) {
    const uint64_t len = item__varint(c);
    return item__bytes(c, len);
}

/* Decode the value at the cursor, type byte first, and move past it. */
struct item_value item__value(struct item_cursor *c);

#endif
