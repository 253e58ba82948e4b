#include "base/utf8.h"

static bool continues(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

size_t tc_utf8_char(const uint8_t *at, const uint8_t *end) {
    const size_t left = (size_t)(end - at);
    const uint8_t lead = at[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4 || left < 2 || !continues(at[1]))
        return 0;
    if (lead < 0xe0)
        return 2;
    if (left < 3 || !continues(at[2]))
        return 0;
    if (lead < 0xf0) {
        const bool overlong = lead == 0xe0 && at[1] < 0xa0;
        const bool surrogate = lead == 0xed && at[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    const bool overlong = lead == 0xf0 && at[1] < 0x90;
    const bool beyond = lead == 0xf4 && at[1] >= 0x90;
    return left < 4 || !continues(at[3]) || overlong || beyond ? 0 : 4;
}

bool tc_utf8_valid(struct tc_slice text) {
    if (text.len == 0)
        return true;
    const uint8_t *at = text.data;
    const uint8_t *const end = at + text.len;
    while (at < end) {
        if (end - at >= 8 && tc_utf8_ascii8(at)) {
            at += 8;
            continue;
        }
        const size_t len = tc_utf8_char(at, end);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}
