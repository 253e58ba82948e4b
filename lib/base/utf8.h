/* Strict UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef TC_BASE_UTF8_H
#define TC_BASE_UTF8_H

#include "base/slice.h"

/* Bytes of the character that starts at `at` (at < end): 1 to 4, or 0 if it is malformed. */
size_t tc_utf8_char(const uint8_t *at, const uint8_t *end);
bool tc_utf8_valid(struct tc_slice text);

/* Do the eight bytes at `at` hold only ASCII? */
static inline bool tc_utf8_ascii8(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return (word & 0x8080808080808080u) == 0;
}

#endif
