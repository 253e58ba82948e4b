/* Shared by the files of core/json only. */
#ifndef TC_CORE_JSON_PRIVATE_H
#define TC_CORE_JSON_PRIVATE_H

#include "core/json/json.h"

/* May any of eight bytes be a quote, a backslash or a control character? Each term sets the high
 * bit of the bytes it means (Mycroft's zero-byte test). A borrow, or a byte that is not ASCII, may
 * raise it in vain, which costs a slow step; nothing is ever hidden. */
static inline bool json__special8(const uint8_t *at) {
    uint64_t w;
    memcpy(&w, at, sizeof w);
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t quote = (w ^ (ones * '"')) - ones;
    const uint64_t backslash = (w ^ (ones * '\\')) - ones;
    const uint64_t control = w - ones * 0x20;
    return ((quote | backslash | control) & ~w & (ones * 0x80)) != 0;
}

/* Make the reader failed (the first failure stays) and return its error. */
tc_err json__fail(struct json_reader *r, tc_err err, const uint8_t *at);
/* The reader stands on the opening quote. */
TC_MUST_USE tc_err json__string(struct json_reader *r, struct tc_slice *ret_text);
TC_MUST_USE tc_err json__string_skip(struct json_reader *r);
/* json_object_next without the key. */
TC_MUST_USE tc_err json__object_next_skip(struct json_reader *r, bool *ret_more);

#endif
