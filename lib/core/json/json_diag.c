/* Texts of refusals, in the words that clients of the API know. */
#include "base/assert.h"
#include "core/json/json_diag_private.h"

void json__diag_set(struct json_diag *d, enum json_diag_kind kind, const char *text) {
    TC_ASSERT(kind != JSON_DIAG_NONE);
    d->kind = kind;
    d->text[0] = 0;
    json__diag_add(d, tc_slice_str(text));
}

void json__diag_add(struct json_diag *d, struct tc_slice text) {
    const size_t used = strlen(d->text);
    const size_t room = sizeof d->text - 1 - used;
    size_t len = text.len < room ? text.len : room;
    while (len < text.len && len > 0 && (text.data[len] & 0xc0) == 0x80)
        len--;
    if (len > 0)
        memcpy(d->text + used, text.data, len);
    d->text[used + len] = 0;
}

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

static enum json_type type_of(const struct json_reader *r) {
    struct json_reader look = *r;
    return json_peek(&look);
}

static bool is_decimal(const struct json_reader *r) {
    struct json_reader look = *r;
    struct tc_slice text;
    if (json_number(&look, &text) != TC_OK)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '.' || (text.data[i] | 0x20) == 'e')
            return true;
    return false;
}

static const char *token_name(const struct json_reader *r) {
    switch (type_of(r)) {
    case JSON_NUMBER:
        return is_decimal(r) ? "DECIMAL_VALUE" : "NUMBER_VALUE";
    case JSON_TRUE:
        return "TRUE_VALUE";
    case JSON_FALSE:
        return "FALSE_VALUE";
    case JSON_STRING:
        return "STRING_VALUE";
    case JSON_NULL:
    case JSON_END:
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    return "NULL_VALUE";
}

static void say(struct json_diag *d, const char *before, const char *name, const char *after) {
    json__diag_set(d, JSON_DIAG_SERIALIZATION, before);
    json__diag_add(d, tc_slice_str(name));
    json__diag_add(d, tc_slice_str(after));
}

#define UNRECOGNIZED "Unrecognized collection type "

void json_diag_map(struct json_diag *diag, const char *element, const struct json_reader *r) {
    if (type_of(r) == JSON_ARRAY)
        say(diag, UNRECOGNIZED "java.util.Map<java.lang.String, ", element, ">");
    else
        say(diag, "Unexpected field type", "", "");
}

void json_diag_struct(struct json_diag *diag, const char *name, bool member,
                      const struct json_reader *r) {
    if (type_of(r) == JSON_ARRAY && name == NULL)
        say(diag, "Start of list found where not expected", "", "");
    else if (type_of(r) == JSON_ARRAY)
        say(diag, UNRECOGNIZED "class " JSON_DIAG_MODEL, name, "");
    else
        say(diag, member ? "Unexpected field type" : "Unexpected value type in payload", "", "");
}

void json_diag_type(struct json_diag *diag, const char *wanted, const struct json_reader *r) {
    const enum json_type got = type_of(r);
    if (got == JSON_OBJECT)
        say(diag, "Start of structure or map found where not expected", "", "");
    else if (is(wanted, "AttributeValue"))
        json_diag_struct(diag, wanted, /* member= */ false, r);
    else if (got == JSON_ARRAY && is(wanted, "Blob"))
        say(diag, UNRECOGNIZED "class java.nio.ByteBuffer", "", "");
    else if (got == JSON_ARRAY)
        say(diag, UNRECOGNIZED "class java.lang.", wanted, "");
    else if (is(wanted, "List"))
        say(diag, "Unexpected field type", "", "");
    else if (is(wanted, "Blob"))
        say(diag, "only base-64-encoded strings are convertible to bytes", "", "");
    else if (is(wanted, "Boolean") && got == JSON_STRING)
        say(diag, "Unexpected token received from parser", "", "");
    else
        say(diag, token_name(r), " cannot be converted to ", wanted);
}
