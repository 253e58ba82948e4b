/* The pull reader: structure, literals and numbers. Strings are in json_string.c. */
#include "core/json/json.h"

#include "base/assert.h"
#include "core/json/json_private.h"

struct json_reader json_reader(struct tc_slice bytes, struct tc_arena *arena, unsigned depth_max) {
    TC_ASSERT(depth_max <= JSON_DEPTH_MAX && arena != NULL);
    static const uint8_t nothing[1];
    const uint8_t *start = bytes.data ? bytes.data : nothing;
    return (struct json_reader){
        .start = start,
        .at = start,
        .end = start + bytes.len,
        .arena = arena,
        .depth_max = depth_max,
    };
}

tc_err json__fail(struct json_reader *r, tc_err err, const uint8_t *at) {
    TC_ASSERT(err != TC_OK && err != TC_ETYPE);
    TC_ASSERT(at >= r->start && at <= r->end);
    if (r->err == TC_OK) {
        r->err = err;
        r->error_offset = (size_t)(at - r->start);
    }
    return r->err;
}

static void skip_space(struct json_reader *r) {
    const uint8_t *at = r->at;
    while (at < r->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
    r->at = at;
}

enum json_type json_peek(struct json_reader *r) {
    if (r->err != TC_OK)
        return JSON_END;
    skip_space(r);
    if (r->at == r->end)
        return JSON_END;
    switch (*r->at) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    case '-':
        return JSON_NUMBER;
    default:
        return *r->at >= '0' && *r->at <= '9' ? JSON_NUMBER : JSON_END;
    }
}

/* Stand on a value of the wanted type, or say why not. */
static tc_err expect(struct json_reader *r, enum json_type wanted) {
    const enum json_type got = json_peek(r);
    if (got == wanted)
        return TC_OK;
    return got == JSON_END ? json__fail(r, TC_EINVAL, r->at) : TC_ETYPE;
}

static tc_err open_container(struct json_reader *r, enum json_type type) {
    TC_TRY(expect(r, type));
    if (r->depth == r->depth_max)
        return json__fail(r, TC_ELIMIT, r->at);
    r->at++;
    r->depth++;
    r->fresh = true;
    return TC_OK;
}

/* After '{' or '[', or after a value inside: is there another, or does the container close here? */
static tc_err next_member(struct json_reader *r, uint8_t close, bool *ret_more) {
    TC_ASSERT(r->depth > 0 || r->err != TC_OK);
    if (r->err != TC_OK)
        return r->err;
    skip_space(r);
    const bool fresh = r->fresh;
    r->fresh = false;
    if (r->at < r->end && *r->at == close) {
        r->at++;
        r->depth--;
        *ret_more = false;
        return TC_OK;
    }
    if (!fresh) {
        if (r->at == r->end || *r->at != ',')
            return json__fail(r, TC_EINVAL, r->at);
        r->at++;
    }
    *ret_more = true;
    return TC_OK;
}

tc_err json_object_begin(struct json_reader *r) {
    return open_container(r, JSON_OBJECT);
}

tc_err json_array_begin(struct json_reader *r) {
    return open_container(r, JSON_ARRAY);
}

tc_err json_array_next(struct json_reader *r, bool *ret_more) {
    return next_member(r, ']', ret_more);
}

static tc_err take_colon(struct json_reader *r) {
    skip_space(r);
    if (r->at == r->end || *r->at != ':')
        return json__fail(r, TC_EINVAL, r->at);
    r->at++;
    return TC_OK;
}

/* Stand on the key that must follow '{' or ','. */
static tc_err find_key(struct json_reader *r) {
    skip_space(r);
    if (r->at == r->end || *r->at != '"')
        return json__fail(r, TC_EINVAL, r->at);
    return TC_OK;
}

tc_err json_object_next(struct json_reader *r, bool *ret_more, struct tc_slice *ret_key) {
    bool more = false;
    TC_TRY(next_member(r, '}', &more));
    if (more) {
        struct tc_slice key;
        TC_TRY(find_key(r));
        TC_TRY(json__string(r, &key));
        TC_TRY(take_colon(r));
        *ret_key = key;
    }
    *ret_more = more;
    return TC_OK;
}

tc_err json__object_next_skip(struct json_reader *r, bool *ret_more) {
    bool more = false;
    TC_TRY(next_member(r, '}', &more));
    if (more) {
        TC_TRY(find_key(r));
        TC_TRY(json__string_skip(r));
        TC_TRY(take_colon(r));
    }
    *ret_more = more;
    return TC_OK;
}

tc_err json_string(struct json_reader *r, struct tc_slice *ret_text) {
    TC_TRY(expect(r, JSON_STRING));
    return json__string(r, ret_text);
}

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end) {
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

tc_err json_number(struct json_reader *r, struct tc_slice *ret_text) {
    TC_TRY(expect(r, JSON_NUMBER));
    const uint8_t *at = r->at;
    at += *at == '-';
    const uint8_t *digits = at;
    at = skip_digits(at, r->end);
    if (at == digits || (*digits == '0' && at - digits > 1))
        return json__fail(r, TC_EINVAL, digits);
    if (at < r->end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, r->end);
        if (at == digits)
            return json__fail(r, TC_EINVAL, at);
    }
    if (at < r->end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < r->end && (*at == '+' || *at == '-');
        digits = at;
        at = skip_digits(at, r->end);
        if (at == digits)
            return json__fail(r, TC_EINVAL, at);
    }
    *ret_text = tc_slice(r->at, (size_t)(at - r->at));
    r->at = at;
    return TC_OK;
}

tc_err json_integer(struct json_reader *r, int64_t min, int64_t max, int64_t *ret_value) {
    TC_ASSERT(min <= max);
    struct tc_slice text = TC_SLICE_EMPTY;
    TC_TRY(json_number(r, &text));
    TC_ASSERT(text.data != NULL && text.len > 0);
    const bool negative = text.data[0] == '-';
    int64_t v = 0;
    for (size_t i = negative; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return TC_ELIMIT;
        const int digit = text.data[i] - '0';
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, negative ? -digit : digit, &v))
            return TC_ELIMIT;
    }
    if (v < min || v > max)
        return TC_ELIMIT;
    *ret_value = v;
    return TC_OK;
}

static tc_err literal(struct json_reader *r, struct tc_slice word) {
    if ((size_t)(r->end - r->at) < word.len || memcmp(r->at, word.data, word.len) != 0)
        return json__fail(r, TC_EINVAL, r->at);
    r->at += word.len;
    return TC_OK;
}

tc_err json_bool(struct json_reader *r, bool *ret_value) {
    const bool is_true = json_peek(r) == JSON_TRUE;
    if (is_true)
        TC_TRY(literal(r, TC_SLICE_LIT("true")));
    else {
        TC_TRY(expect(r, JSON_FALSE));
        TC_TRY(literal(r, TC_SLICE_LIT("false")));
    }
    *ret_value = is_true;
    return TC_OK;
}

tc_err json_null(struct json_reader *r) {
    TC_TRY(expect(r, JSON_NULL));
    return literal(r, TC_SLICE_LIT("null"));
}

tc_err json_end(struct json_reader *r) {
    if (r->err != TC_OK)
        return r->err;
    TC_ASSERT(r->depth == 0);
    skip_space(r);
    return r->at == r->end ? TC_OK : json__fail(r, TC_EINVAL, r->at);
}
