/* S, N and B, alone and as elements of sets. */
#include "base/assert.h"
#include "core/json/json_diag_private.h"
#include "core/json/json_item_private.h"
#include "core/number/number.h"

void json__invalid(struct json_item *j, const char *text, struct tc_slice detail) {
    if (j->diag->kind != JSON_DIAG_NONE)
        return;
    json__diag_set(j->diag, JSON_DIAG_VALIDATION, text);
    json__diag_add(j->diag, detail);
}

tc_err json__refuse(struct json_item *j, struct json_reader *r, const char *wanted, tc_err err) {
    TC_ASSERT(err != TC_OK);
    if (err == TC_ETYPE) {
        if (strcmp(wanted, "Map") == 0)
            json_diag_map(j->diag, JSON_DIAG_MODEL "AttributeValue", r);
        else
            json_diag_type(j->diag, wanted, r);
        return TC_EINVAL;
    }
    if (err == TC_ELIMIT) /* the reader's depth bound, which is beyond the API's */
        json__invalid(j, JSON_DEEP_TEXT, TC_SLICE_EMPTY);
    else
        json__diag_set(j->diag, JSON_DIAG_SERIALIZATION, "");
    return err;
}

/* Append type (if any) and length, and make room for len more bytes. */
static size_t put_head(struct tc_buf *out, enum item_type type, size_t len) {
    enum {
        HEAD_BYTES_MAX = 11
    };
    uint8_t *const start = tc_buf_reserve(out, len + HEAD_BYTES_MAX);
    uint8_t *to = start;
    if (type != 0)
        *to++ = (uint8_t)type;
    size_t v = len;
    for (; v >= 0x80; v >>= 7)
        *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    out->len += (size_t)(to - start);
    return out->len;
}

size_t json__put(struct json_item *j, enum item_type type, struct tc_slice content) {
    const size_t at = put_head(j->out, type, content.len);
    if (content.len > 0)
        memcpy(j->out->data + at, content.data, content.len);
    j->out->len += content.len;
    return at;
}

/* A number that is refused is replaced by zero: the value will not be used. */
static struct number parse_number(struct json_item *j, struct tc_slice text) {
    struct number n;
    enum number_fault fault;
    if (number_parse(text, &n, &fault) == TC_OK)
        return n;
    if (fault == NUMBER_FAULT_SYNTAX && text.len > 0)
        json__invalid(j, "The parameter cannot be converted to a numeric value: ", text);
    else
        json__invalid(j, number_fault_text(fault), TC_SLICE_EMPTY);
    number_from_u64(0, &n);
    return n;
}

static tc_err refuse_base64(struct json_item *j, enum json_base64_fault fault, struct tc_slice text,
                            size_t bad_at) {
    struct json_diag *d = j->diag;
    const enum json_diag_kind kind = JSON_DIAG_SERIALIZATION;
    if (fault == JSON_BASE64_LENGTH) {
        struct tc_buf count = {0};
        json_put_u64(&count, text.len);
        json__diag_set(d, kind,
                       "Base64 encoded length is expected a multiple of 4 bytes but found: ");
        json__diag_add(d, tc_buf_slice(&count));
        tc_buf_deinit(&count);
    } else if (fault == JSON_BASE64_CHARACTER) {
        json__diag_set(d, kind, "Invalid Base64 character: '");
        json__diag_add(d, tc_slice(text.data + bad_at, 1));
        json__diag_add(d, TC_SLICE_LIT("'"));
    } else
        json__diag_set(d, kind, "Invalid last non-pad Base64 character dectected");
    return TC_EINVAL;
}

/* Decode straight into out. */
static tc_err put_base64(struct json_item *j, enum item_type type, struct tc_slice text,
                         struct json_span *ret_span) {
    struct tc_buf *out = j->out;
    size_t len = 0;
    size_t bad_at = 0;
    size_t expected = text.len / 4 * 3;
    for (size_t i = 0; i < 2 && text.len >= 4 && text.data[text.len - 1 - i] == '='; i++)
        expected--;
    const size_t at = put_head(out, type, expected);
    uint8_t *const to = tc_buf_reserve(out, text.len / 4 * 3);
    const enum json_base64_fault fault = json_base64_decode(text, to, &len, &bad_at);
    if (fault != JSON_BASE64_OK)
        return refuse_base64(j, fault, text, bad_at);
    TC_ASSERT(len == expected);
    out->len += len;
    ret_span->key_at = at;
    ret_span->key_len = len;
    return TC_OK;
}

tc_err json__scalar(struct json_item *j, struct json_reader *r, enum item_type scalar, bool typed,
                    struct json_span *ret_span) {
    TC_ASSERT(scalar == ITEM_S || scalar == ITEM_N || scalar == ITEM_B);
    struct tc_slice text;
    const tc_err err = json_string(r, &text);
    if (err != TC_OK)
        return json__refuse(j, r, scalar == ITEM_B ? "Blob" : "String", err);
    const enum item_type type = typed ? scalar : (enum item_type)0;
    ret_span->at = j->out->len;
    if (scalar == ITEM_B)
        return put_base64(j, type, text, ret_span);
    if (scalar == ITEM_N) {
        const struct number n = parse_number(j, text);
        ret_span->key_at = json__put(j, type, number_slice(&n));
        ret_span->key_len = n.len;
        return TC_OK;
    }
    ret_span->key_at = json__put(j, type, text);
    ret_span->key_len = text.len;
    return TC_OK;
}
