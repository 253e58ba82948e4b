/* tc_slice: a borrowed view of bytes, passed by value and never stored beyond its owner's life.
 *
 * Comparison is by unsigned bytes, a proper prefix ordering before its extensions: the order of
 * storage keys everywhere in Tercet.
 */
#ifndef TC_BASE_SLICE_H
#define TC_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tc_slice {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

static inline struct tc_slice tc_slice(const void *data, size_t len) {
    return (struct tc_slice){.data = (const uint8_t *)data, .len = len};
}

static inline struct tc_slice tc_slice_str(const char *text) {
    return tc_slice(text, strlen(text));
}

#define TC_SLICE_LIT(text) ((struct tc_slice){(const uint8_t *)(text), sizeof(text) - 1})
#define TC_SLICE_EMPTY     ((struct tc_slice){NULL, 0})
/* For printf("%.*s", TC_SLICE_ARGS(s)). */
#define TC_SLICE_ARGS(s) (int)(s).len, (const char *)((s).len ? (s).data : (const uint8_t *)"")

static inline int tc_slice_cmp(struct tc_slice a, struct tc_slice b) {
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

static inline bool tc_slice_eq(struct tc_slice a, struct tc_slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool tc_slice_has_prefix(struct tc_slice s, struct tc_slice prefix) {
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

/* The bytes from offset on; offset may be at most s.len. */
static inline struct tc_slice tc_slice_from(struct tc_slice s, size_t offset) {
    return tc_slice(s.data ? s.data + offset : NULL, s.len - offset);
}

/* Cut everything before the first stop byte off *rest, and the stop with it; without one, all. */
static inline struct tc_slice tc_slice_cut(struct tc_slice *rest, uint8_t stop) {
    const uint8_t *at = rest->len ? (const uint8_t *)memchr(rest->data, stop, rest->len) : NULL;
    size_t len = at ? (size_t)(at - rest->data) : rest->len;
    struct tc_slice part = tc_slice(rest->data, len);
    *rest = tc_slice_from(*rest, at ? len + 1 : len);
    return part;
}

/* The value of a hexadecimal digit of either case, or -1. */
static inline int tc_hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#endif
