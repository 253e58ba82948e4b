/* Strict JSON (RFC 8259): a one-pass pull reader over bytes, and writing helpers.
 *
 * Pure. The reader builds no tree and allocates only for strings with escapes (in the arena given).
 * Strict means: UTF-8 without surrogates or overlong forms, no lone \u surrogate, no raw control
 * character, no trailing bytes, no comments, a depth bound. \u0000 is an ordinary character. The
 * reader does not look for duplicate keys; callers see every key.
 *
 * Errors of every reading function:
 *   TC_ETYPE   the value is of another JSON type; it was not consumed and json_peek tells which
 *   TC_EINVAL  not JSON; error_offset says where; the reader stays failed
 *   TC_ELIMIT  deeper than depth_max; stays failed
 *   TC_ENOMEM  the arena is full; stays failed
 *
 *   struct json_reader r = json_reader(bytes, &arena, 64);
 *   TC_TRY(json_object_begin(&r));
 *   for (;;) {
 *       TC_TRY(json_object_next(&r, &more, &key));
 *       if (!more) break;
 *       ... read or json_skip exactly one value ...
 *   }
 *   TC_TRY(json_end(&r));
 */
#ifndef TC_CORE_JSON_H
#define TC_CORE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    JSON_DEPTH_MAX = 128
};

enum json_type {
    JSON_END, /* nothing (more) to read, or a byte that starts no value */
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_reader {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    struct tc_arena *arena;
    unsigned depth;
    unsigned depth_max;
    bool fresh; /* a container was just opened: no comma may come yet */
    tc_err err; /* sticky; TC_ETYPE is never stored */
    size_t error_offset;
};

/* depth_max <= JSON_DEPTH_MAX containers inside each other. Bytes must outlive what is read. */
struct json_reader json_reader(struct tc_slice bytes, struct tc_arena *arena, unsigned depth_max);

/* The type of the next value, which stays unread. */
enum json_type json_peek(struct json_reader *r);
TC_MUST_USE tc_err json_object_begin(struct json_reader *r);
/* ret_more false: the object ended (and is consumed). Else the key; its value must be read next. */
TC_MUST_USE tc_err json_object_next(struct json_reader *r, bool *ret_more,
                                    struct tc_slice *ret_key);
TC_MUST_USE tc_err json_array_begin(struct json_reader *r);
TC_MUST_USE tc_err json_array_next(struct json_reader *r, bool *ret_more);
/* Unescaped UTF-8: a view of the source, or of the arena. */
TC_MUST_USE tc_err json_string(struct json_reader *r, struct tc_slice *ret_text);
/* Raw text of the number, grammar checked. */
TC_MUST_USE tc_err json_number(struct json_reader *r, struct tc_slice *ret_text);
/* An integer literal in [min, max]; fraction, exponent or out of bounds: TC_ELIMIT, consumed. */
TC_MUST_USE tc_err json_integer(struct json_reader *r, int64_t min, int64_t max,
                                int64_t *ret_value);
TC_MUST_USE tc_err json_bool(struct json_reader *r, bool *ret_value);
TC_MUST_USE tc_err json_null(struct json_reader *r);
/* Consume one value of any type, fully checked. */
TC_MUST_USE tc_err json_skip(struct json_reader *r);
/* json_skip, and the value's text without surrounding space, to be read later by another reader. */
TC_MUST_USE tc_err json_raw(struct json_reader *r, struct tc_slice *ret_text);
/* TC_EINVAL if anything but space is left. */
TC_MUST_USE tc_err json_end(struct json_reader *r);

/* Writing. Nothing adds commas: callers do. */
void json_put_string(struct tc_buf *out, struct tc_slice text); /* quoted and escaped */
void json_put_key(struct tc_buf *out, const char *name);        /* "name": , name needs no escape */
void json_put_u64(struct tc_buf *out, uint64_t v);
void json_put_i64(struct tc_buf *out, int64_t v);
void json_put_milli(struct tc_buf *out, uint64_t v_milli); /* 1500 -> 1.5 */
void json_put_bool(struct tc_buf *out, bool v);
void json_put_base64(struct tc_buf *out, struct tc_slice bytes); /* quoted */

/* Faults of base64 text, in the words of the API. */
enum json_base64_fault {
    JSON_BASE64_OK,
    JSON_BASE64_LENGTH,
    JSON_BASE64_CHARACTER,
    JSON_BASE64_LAST,
};
/* Decode standard padded base64 into at, which has room for text.len / 4 * 3 bytes.
 *   ret_bad_at  offset of the refused character, with JSON_BASE64_CHARACTER
 */
enum json_base64_fault json_base64_decode(struct tc_slice text, uint8_t *at, size_t *ret_len,
                                          size_t *ret_bad_at);

#endif
