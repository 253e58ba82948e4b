/* Strings. One scan checks everything and finds the end; only strings with escapes are copied. */
#include "base/assert.h"
#include "base/utf8.h"
#include "core/json/json_private.h"

/* Does any of eight bytes need a look: special, or not ASCII? */
static inline bool needs_look8(const uint8_t *at) {
    return json__special8(at) || !tc_utf8_ascii8(at);
}

static int hex4(const uint8_t *at) {
    int v = 0;
    for (int i = 0; i < 4; i++) {
        const uint8_t c = at[i];
        int digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* The code point of the \u escape (or pair of them) whose first 'u' is at `at`.
 * ret_len: bytes after the backslash. -1: malformed, or half a surrogate pair. */
static int unicode_escape(const uint8_t *at, const uint8_t *end, size_t *ret_len) {
    if (end - at < 5)
        return -1;
    const int first = hex4(at + 1);
    *ret_len = 5;
    if (first < 0xd800 || first > 0xdfff)
        return first;
    if (first >= 0xdc00 || end - at < 11 || at[5] != '\\' || at[6] != 'u')
        return -1;
    const int second = hex4(at + 7);
    if (second < 0xdc00 || second > 0xdfff)
        return -1;
    *ret_len = 11;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/* Length after the backslash of the escape at `at`, 0 if malformed. */
static size_t escape_len(const uint8_t *at, const uint8_t *end) {
    if (at == end)
        return 0;
    switch (*at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 1;
    case 'u': {
        size_t len = 0;
        return unicode_escape(at, end, &len) < 0 ? 0 : len;
    }
    default:
        return 0;
    }
}

/* Check from after the opening quote on; ret_end is the closing quote. */
static tc_err scan(struct json_reader *r, const uint8_t **ret_end, bool *ret_escaped) {
    const uint8_t *at = r->at + 1;
    const uint8_t *const end = r->end;
    bool escaped = false;
    for (;;) {
        while (end - at >= 8 && !needs_look8(at))
            at += 8;
        while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
            at++;
        if (at == end || *at < 0x20)
            return json__fail(r, TC_EINVAL, at);
        if (*at == '"')
            break;
        size_t len;
        if (*at == '\\') {
            escaped = true;
            len = escape_len(at + 1, end);
            len += len > 0;
        } else
            len = tc_utf8_char(at, end);
        if (len == 0)
            return json__fail(r, TC_EINVAL, at);
        at += len;
    }
    *ret_end = at;
    *ret_escaped = escaped;
    return TC_OK;
}

static uint8_t *put_utf8(uint8_t *to, uint32_t c) {
    if (c < 0x80)
        *to++ = (uint8_t)c;
    else if (c < 0x800) {
        *to++ = (uint8_t)(0xc0 | c >> 6);
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (uint8_t)(0xe0 | c >> 12);
        *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
    } else {
        *to++ = (uint8_t)(0xf0 | c >> 18);
        *to++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
    }
    return to;
}

static uint8_t simple_escape(uint8_t c) {
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* " \ / stand for themselves */
    }
}

/* Of scanned text; returns the end of what was written, never more than the source's length. */
static uint8_t *unescape(const uint8_t *at, const uint8_t *end, uint8_t *to) {
    while (at < end) {
        const uint8_t *slash = memchr(at, '\\', (size_t)(end - at));
        const size_t run = (size_t)((slash ? slash : end) - at);
        memcpy(to, at, run);
        to += run;
        at += run;
        if (slash == NULL)
            break;
        at++;
        if (*at != 'u') {
            *to++ = simple_escape(*at++);
            continue;
        }
        size_t len = 0;
        const int c = unicode_escape(at, end, &len);
        TC_ASSERT(c >= 0);
        to = put_utf8(to, (uint32_t)c);
        at += len;
    }
    return to;
}

tc_err json__string(struct json_reader *r, struct tc_slice *ret_text) {
    TC_ASSERT(r->at < r->end && *r->at == '"');
    const uint8_t *quote = NULL;
    bool escaped = false;
    TC_TRY(scan(r, &quote, &escaped));
    const uint8_t *const start = r->at + 1;
    if (escaped) {
        uint8_t *copy = tc_arena_alloc(r->arena, (size_t)(quote - start));
        if (copy == NULL)
            return json__fail(r, TC_ENOMEM, r->at);
        *ret_text = tc_slice(copy, (size_t)(unescape(start, quote, copy) - copy));
    } else
        *ret_text = tc_slice(start, (size_t)(quote - start));
    r->at = quote + 1;
    return TC_OK;
}

tc_err json__string_skip(struct json_reader *r) {
    TC_ASSERT(r->at < r->end && *r->at == '"');
    const uint8_t *quote = NULL;
    bool escaped = false;
    TC_TRY(scan(r, &quote, &escaped));
    r->at = quote + 1;
    return TC_OK;
}
