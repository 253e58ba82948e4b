/* DynamoDB JSON -> item encoding, one pass. */
#include "core/json/json_item.h"

#include "base/assert.h"
#include "core/json/json_diag_private.h"
#include "core/json/json_item_private.h"

#define INVALID "One or more parameter values were invalid: "

static const char EMPTY_TEXT[] =
    "Supplied AttributeValue is empty, must contain exactly one of the "
    "supported datatypes";
static const char MANY_TEXT[] = "Supplied AttributeValue has more than one datatypes set, must "
                                "contain exactly one of the supported datatypes";
static const char SIZE_TEXT[] = "Item size has exceeded the maximum allowed size";

static tc_err read_value(struct json_item *j, struct json_reader *r, unsigned level);

static void put_null(struct json_item *j) {
    tc_buf_append_u8(j->out, ITEM_NULL);
}

static enum item_type scalar_or_container(uint8_t letter) {
    switch (letter) {
    case 'S':
        return ITEM_S;
    case 'N':
        return ITEM_N;
    case 'B':
        return ITEM_B;
    case 'M':
        return ITEM_M;
    case 'L':
        return ITEM_L;
    default:
        return (enum item_type)0;
    }
}

static enum item_type set_of(enum item_type element) {
    switch ((int)element) {
    case ITEM_S:
        return ITEM_SS;
    case ITEM_N:
        return ITEM_NS;
    case ITEM_B:
        return ITEM_BS;
    default:
        return (enum item_type)0;
    }
}

/* The datatype that a member's name means; 0: none, the API ignores it. */
static enum item_type type_of(struct tc_slice name) {
    if (name.len == 1)
        return scalar_or_container(name.data[0]);
    if (name.len == 2 && name.data[1] == 'S')
        return set_of(scalar_or_container(name.data[0]));
    if (name.len == 4 && memcmp(name.data, "BOOL", 4) == 0)
        return ITEM_BOOL;
    if (name.len == 4 && memcmp(name.data, "NULL", 4) == 0)
        return ITEM_NULL;
    return (enum item_type)0;
}

static tc_err read_bool(struct json_item *j, struct json_reader *r, enum item_type type) {
    bool value;
    const tc_err err = json_bool(r, &value);
    if (err != TC_OK)
        return json__refuse(j, r, "Boolean", err);
    tc_buf_append_u8(j->out, (uint8_t)type);
    if (type == ITEM_BOOL)
        tc_buf_append_u8(j->out, value);
    else if (!value)
        json__invalid(j, INVALID "Null attribute value types must have the value of true",
                      TC_SLICE_EMPTY);
    return TC_OK;
}

static tc_err read_list(struct json_item *j, struct json_reader *r, unsigned level) {
    tc_err err = json_array_begin(r);
    if (err != TC_OK)
        return json__refuse(j, r, "List", err);
    tc_buf_append_u8(j->out, ITEM_L);
    struct json_open open = json__open(j, /* is_item= */ false);
    for (;; open.count++) {
        bool more = false;
        err = json_array_next(r, &more);
        if (err != TC_OK)
            return json__refuse(j, r, "List", err);
        if (!more)
            return json__close(j, &open);
        TC_TRY(read_value(j, r, level + 1));
    }
}

static void check_name(struct json_item *j, struct tc_slice name) {
    if (name.len == 0)
        json__invalid(j, INVALID "Attribute name must not be empty", TC_SLICE_EMPTY);
    if (name.len > ITEM_NAME_BYTES_MAX)
        json__invalid(j, "Attribute name is too large, must be less than 65536 bytes",
                      TC_SLICE_EMPTY);
}

/* Attributes up to the closing brace, as a map's or an item's body; level is that of their values.
 */
static tc_err read_attributes(struct json_item *j, struct json_reader *r, unsigned level,
                              struct json_open *open) {
    for (;;) {
        bool more = false;
        struct tc_slice name;
        tc_err err = json_object_next(r, &more, &name);
        if (err != TC_OK)
            return json__refuse(j, r, "Map", err);
        if (!more)
            break;
        check_name(j, name);
        struct json_span span = {.at = j->out->len, .key_len = name.len};
        span.key_at = json__put(j, (enum item_type)0, name);
        TC_TRY(read_value(j, r, level));
        json__entry(j, open, span);
    }
    const tc_err err = json__close(j, open);
    if (err == TC_EEXISTS) {
        json__diag_set(j->diag, JSON_DIAG_SERIALIZATION, "Duplicate attribute name in a map");
        return TC_EINVAL;
    }
    return err;
}

static tc_err read_map(struct json_item *j, struct json_reader *r, unsigned level) {
    const tc_err err = json_object_begin(r);
    if (err != TC_OK)
        return json__refuse(j, r, "Map", err);
    tc_buf_append_u8(j->out, ITEM_M);
    struct json_open open = json__open(j, /* is_item= */ false);
    return read_attributes(j, r, level + 1, &open);
}

static tc_err read_typed(struct json_item *j, struct json_reader *r, enum item_type type,
                         unsigned level) {
    struct json_span span;
    switch (type) {
    case ITEM_S:
    case ITEM_N:
    case ITEM_B:
        return json__scalar(j, r, type, /* typed= */ true, &span);
    case ITEM_BOOL:
    case ITEM_NULL:
        return read_bool(j, r, type);
    case ITEM_M:
        return read_map(j, r, level);
    case ITEM_L:
        return read_list(j, r, level);
    case ITEM_SS:
    case ITEM_NS:
    case ITEM_BS:
        return json__set(j, r, type);
    }
    TC_ASSERT(!"type_of gives known types");
    return TC_EINTERNAL;
}

static tc_err skip(struct json_item *j, struct json_reader *r) {
    const tc_err err = json_skip(r);
    return err == TC_OK ? TC_OK : json__refuse(j, r, "", err);
}

/* Members of {"S":"x"} up to the closing brace: exactly one must be a datatype that is not null. */
static tc_err read_members(struct json_item *j, struct json_reader *r, unsigned level) {
    unsigned seen_count = 0;
    for (;;) {
        bool more = false;
        struct tc_slice name;
        const tc_err err = json_object_next(r, &more, &name);
        if (err != TC_OK)
            return json__refuse(j, r, "AttributeValue", err);
        if (!more)
            break;
        const enum item_type type = type_of(name);
        if (type == 0 || json_peek(r) == JSON_NULL) {
            TC_TRY(skip(j, r));
            continue;
        }
        /* Of a second one only the faults are wanted, which are told before there being two. */
        const size_t kept = j->out->len;
        TC_TRY(read_typed(j, r, type, level));
        if (++seen_count > 1)
            j->out->len = kept;
    }
    if (seen_count == 0)
        put_null(j);
    if (seen_count != 1)
        json__invalid(j, seen_count == 0 ? EMPTY_TEXT : MANY_TEXT, TC_SLICE_EMPTY);
    return TC_OK;
}

/* Recursion is bounded: deeper values are skipped, and json_skip has the reader's bound. */
static tc_err read_value(struct json_item *j, struct json_reader *r, unsigned level) {
    const enum json_type got = json_peek(r);
    if (level > ITEM_DEPTH_MAX || got == JSON_NULL) {
        json__invalid(j, got == JSON_NULL ? EMPTY_TEXT : JSON_DEEP_TEXT, TC_SLICE_EMPTY);
        put_null(j);
        return skip(j, r);
    }
    const tc_err err = json_object_begin(r);
    if (err != TC_OK)
        return json__refuse(j, r, "AttributeValue", err);
    TC_TRY(read_members(j, r, level));
    if (j->out->len - j->base > ITEM_ENCODED_BYTES_MAX) {
        json__diag_set(j->diag, JSON_DIAG_VALIDATION, SIZE_TEXT);
        return TC_ELIMIT;
    }
    return TC_OK;
}

static void start(struct json_item *j, struct tc_buf *out, struct json_diag *diag) {
    j->out = out;
    j->diag = diag;
    j->base = out->len;
    tc_buf_clear(&j->spans);
    diag->kind = JSON_DIAG_NONE;
    diag->text[0] = 0;
}

static tc_err finish(struct json_item *j, tc_err err) {
    if (err == TC_OK && j->diag->kind != JSON_DIAG_NONE)
        err = TC_EINVAL;
    if (err != TC_OK)
        j->out->len = j->base;
    TC_ASSERT(err == TC_OK || j->diag->kind != JSON_DIAG_NONE);
    return err;
}

static tc_err read_item(struct json_item *j, struct json_reader *r) {
    const tc_err err = json_object_begin(r);
    if (err != TC_OK)
        return json__refuse(j, r, "Map", err);
    struct json_open open = json__open(j, /* is_item= */ true);
    return read_attributes(j, r, /* level= */ 1, &open);
}

tc_err json_item_read(struct json_item *j, struct json_reader *r, struct tc_buf *out,
                      struct json_diag *diag) {
    start(j, out, diag);
    return finish(j, read_item(j, r));
}

tc_err json_item_read_value(struct json_item *j, struct json_reader *r, struct tc_buf *out,
                            struct json_diag *diag) {
    start(j, out, diag);
    return finish(j, read_value(j, r, /* level= */ 1));
}
