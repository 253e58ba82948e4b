#include "base/assert.h"
#include "core/json/json.h"
#include "core/json/json_private.h"

enum {
    U64_DIGITS_MAX = 20
};

static const char HEX[] = "0123456789abcdef";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The letter of a two-character escape, 0 if c has none. */
static uint8_t short_escape(uint8_t c) {
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static uint8_t *put_escaped(uint8_t *to, uint8_t c) {
    const uint8_t letter = short_escape(c);
    *to++ = '\\';
    if (letter) {
        *to++ = letter;
        return to;
    }
    TC_ASSERT(c < 0x20);
    to[0] = 'u';
    to[1] = to[2] = '0';
    to[3] = (uint8_t)HEX[c >> 4];
    to[4] = (uint8_t)HEX[c & 15];
    return to + 5;
}

static bool is_plain(uint8_t c) {
    return c >= 0x20 && c != '"' && c != '\\';
}

void json_put_string(struct tc_buf *out, struct tc_slice text) {
    enum {
        ESCAPED_BYTES_MAX = 6
    };
    uint8_t *to = tc_buf_reserve(out, text.len + 2);
    *to++ = '"';
    const uint8_t *at = text.data;
    const uint8_t *const end = at + text.len;
    while (at < end) {
        const uint8_t *run = at;
        while (end - at >= 8 && !json__special8(at))
            at += 8;
        while (at < end && is_plain(*at))
            at++;
        if (at > run)
            memcpy(to, run, (size_t)(at - run));
        to += at - run;
        if (at == end)
            break;
        out->len = (size_t)(to - out->data);
        to = tc_buf_reserve(out, ESCAPED_BYTES_MAX + (size_t)(end - at) + 1);
        to = put_escaped(to, *at++);
    }
    *to++ = '"';
    out->len = (size_t)(to - out->data);
    TC_ASSERT(out->len <= out->cap);
}

void json_put_key(struct tc_buf *out, const char *name) {
    tc_buf_append_u8(out, '"');
    tc_buf_append_str(out, name);
    tc_buf_append(out, "\":", 2);
}

void json_put_u64(struct tc_buf *out, uint64_t v) {
    uint8_t text[U64_DIGITS_MAX];
    size_t at = sizeof text;
    do {
        text[--at] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    tc_buf_append(out, text + at, sizeof text - at);
}

void json_put_i64(struct tc_buf *out, int64_t v) {
    if (v < 0)
        tc_buf_append_u8(out, '-');
    json_put_u64(out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void json_put_milli(struct tc_buf *out, uint64_t v_milli) {
    json_put_u64(out, v_milli / 1000);
    const unsigned milli = (unsigned)(v_milli % 1000);
    if (milli == 0)
        return;
    uint8_t text[4] = {'.', (uint8_t)('0' + milli / 100), (uint8_t)('0' + milli / 10 % 10),
                       (uint8_t)('0' + milli % 10)};
    size_t len = sizeof text;
    while (text[len - 1] == '0')
        len--;
    tc_buf_append(out, text, len);
}

void json_put_bool(struct tc_buf *out, bool v) {
    tc_buf_append_str(out, v ? "true" : "false");
}

void json_put_base64(struct tc_buf *out, struct tc_slice bytes) {
    uint8_t *to = tc_buf_reserve(out, bytes.len / 3 * 4 + 4 + 2);
    uint8_t *const start = to;
    *to++ = '"';
    size_t i = 0;
    for (; i + 3 <= bytes.len; i += 3) {
        const uint32_t v =
            (uint32_t)bytes.data[i] << 16 | (uint32_t)bytes.data[i + 1] << 8 | bytes.data[i + 2];
        *to++ = (uint8_t)BASE64[v >> 18];
        *to++ = (uint8_t)BASE64[v >> 12 & 63];
        *to++ = (uint8_t)BASE64[v >> 6 & 63];
        *to++ = (uint8_t)BASE64[v & 63];
    }
    const size_t left = bytes.len - i;
    if (left > 0) {
        const uint32_t v =
            (uint32_t)bytes.data[i] << 16 | (left == 2 ? (uint32_t)bytes.data[i + 1] << 8 : 0);
        *to++ = (uint8_t)BASE64[v >> 18];
        *to++ = (uint8_t)BASE64[v >> 12 & 63];
        *to++ = left == 2 ? (uint8_t)BASE64[v >> 6 & 63] : '=';
        *to++ = '=';
    }
    *to++ = '"';
    out->len += (size_t)(to - start);
    TC_ASSERT(out->len <= out->cap);
}

static int base64_value(uint8_t c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

static size_t padding_count(struct tc_slice text) {
    if (text.len == 0 || text.data[text.len - 1] != '=')
        return 0;
    return text.data[text.len - 2] == '=' ? 2 : 1;
}

enum json_base64_fault json_base64_decode(struct tc_slice text, uint8_t *at, size_t *ret_len,
                                          size_t *ret_bad_at) {
    if (text.len % 4 != 0)
        return JSON_BASE64_LENGTH;
    const size_t padding = padding_count(text);
    const size_t chars = text.len - padding;
    size_t len = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < chars; i++) {
        const int v = base64_value(text.data[i]);
        if (v < 0) {
            *ret_bad_at = i;
            return JSON_BASE64_CHARACTER;
        }
        bits = bits << 6 | (uint32_t)v;
        if (i % 4 != 0)
            at[len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    /* Bits that the last character holds beyond the last byte must be zero. */
    const uint32_t unused = padding == 2 ? 15 : padding == 1 ? 3 : 0;
    if ((bits & unused) != 0)
        return JSON_BASE64_LAST;
    *ret_len = len;
    return JSON_BASE64_OK;
}
