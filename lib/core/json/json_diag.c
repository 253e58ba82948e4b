/* Texts of refusals, in the words that clients of the API know. */
#include "base/assert.h"
#include "core/json/json_diag_private.h"

#define MODEL "com.amazonaws.dynamodb.v20120810."

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

static const char *token_name(enum json_type got) {
    switch (got) {
    case JSON_NUMBER:
        return "NUMBER_VALUE";
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

static void array_text(struct json_diag *d, const char *wanted) {
    const char *of = "class java.lang.";
    const char *name = wanted;
    if (is(wanted, "Map")) {
        of = "java.util.Map<java.lang.String, " MODEL;
        name = "AttributeValue>";
    } else if (is(wanted, "Blob")) {
        of = "class java.nio.";
        name = "ByteBuffer";
    } else if (is(wanted, "AttributeValue"))
        of = "class " MODEL;
    json__diag_set(d, JSON_DIAG_SERIALIZATION, "Unrecognized collection type ");
    json__diag_add(d, tc_slice_str(of));
    json__diag_add(d, tc_slice_str(name));
}

void json_diag_type(struct json_diag *diag, const char *wanted, enum json_type got) {
    const enum json_diag_kind kind = JSON_DIAG_SERIALIZATION;
    if (got == JSON_OBJECT)
        json__diag_set(diag, kind, "Start of structure or map found where not expected");
    else if (got == JSON_ARRAY && is(wanted, "Structure"))
        json__diag_set(diag, kind, "Start of list found where not expected");
    else if (got == JSON_ARRAY)
        array_text(diag, wanted);
    else if (is(wanted, "List") || is(wanted, "Map"))
        json__diag_set(diag, kind, "Unexpected field type");
    else if (is(wanted, "AttributeValue") || is(wanted, "Structure"))
        json__diag_set(diag, kind, "Unexpected value type in payload");
    else if (is(wanted, "Blob"))
        json__diag_set(diag, kind, "only base-64-encoded strings are convertible to bytes");
    else if (is(wanted, "Boolean") && got == JSON_STRING)
        json__diag_set(diag, kind, "Unexpected token received from parser");
    else {
        json__diag_set(diag, kind, token_name(got));
        json__diag_add(diag, TC_SLICE_LIT(" cannot be converted to "));
        json__diag_add(diag, tc_slice_str(wanted));
    }
}
