/* Checks of untrusted bytes. Only the canonical form passes: minimal varints, sorted and unique
 * names and set elements, canonical numbers, exact lengths. */
#include "base/utf8.h"
#include "core/item/item_private.h"
#include "core/number/number.h"

static tc_err check_value(struct item_cursor *c, unsigned level);

static tc_err take_varint(struct item_cursor *c, uint64_t *ret_value) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        if (c->at == c->end)
            return TC_ECORRUPT;
        const uint8_t byte = *c->at++;
        if (byte == 0 && shift > 0)
            return TC_ECORRUPT;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = v;
            return TC_OK;
        }
    }
    return TC_ECORRUPT;
}

static tc_err take_lenbytes(struct item_cursor *c, struct tc_slice *ret_bytes) {
    uint64_t len;
    TC_TRY(take_varint(c, &len));
    if (len > item__left(c))
        return TC_ECORRUPT;
    *ret_bytes = item__bytes(c, len);
    return TC_OK;
}

static tc_err take_string(struct item_cursor *c, struct tc_slice *ret_text) {
    struct tc_slice text;
    TC_TRY(take_lenbytes(c, &text));
    if (!tc_utf8_valid(text))
        return TC_ECORRUPT;
    *ret_text = text;
    return TC_OK;
}

static tc_err take_number(struct item_cursor *c, struct tc_slice *ret_number) {
    struct tc_slice bytes;
    TC_TRY(take_lenbytes(c, &bytes));
    TC_TRY(number_check(bytes));
    *ret_number = bytes;
    return TC_OK;
}

static tc_err take_content(struct item_cursor *c, enum item_type scalar, struct tc_slice *ret) {
    if (scalar == ITEM_S)
        return take_string(c, ret);
    if (scalar == ITEM_N)
        return take_number(c, ret);
    TC_ASSERT(scalar == ITEM_B);
    return take_lenbytes(c, ret);
}

/* count attributes, which must end where the cursor ends. */
static tc_err check_attributes(struct item_cursor *c, unsigned level) {
    uint64_t count;
    TC_TRY(take_varint(c, &count));
    struct tc_slice before = TC_SLICE_EMPTY;
    for (uint64_t i = 0; i < count; i++) {
        struct tc_slice name;
        TC_TRY(take_string(c, &name));
        if (name.len > ITEM_NAME_BYTES_MAX || (i > 0 && tc_slice_cmp(before, name) >= 0))
            return TC_ECORRUPT;
        TC_TRY(check_value(c, level));
        before = name;
    }
    return c->at == c->end ? TC_OK : TC_ECORRUPT;
}

static tc_err check_list(struct item_cursor *c, unsigned level) {
    uint64_t count;
    TC_TRY(take_varint(c, &count));
    for (uint64_t i = 0; i < count; i++)
        TC_TRY(check_value(c, level));
    return c->at == c->end ? TC_OK : TC_ECORRUPT;
}

static tc_err check_set(struct item_cursor *c, enum item_type scalar) {
    uint64_t count;
    TC_TRY(take_varint(c, &count));
    if (count == 0)
        return TC_ECORRUPT;
    struct tc_slice before = TC_SLICE_EMPTY;
    for (uint64_t i = 0; i < count; i++) {
        struct tc_slice element;
        TC_TRY(take_content(c, scalar, &element));
        if (i > 0 && tc_slice_cmp(before, element) >= 0)
            return TC_ECORRUPT;
        before = element;
    }
    return c->at == c->end ? TC_OK : TC_ECORRUPT;
}

static tc_err check_container(struct item_cursor *c, enum item_type type, unsigned level) {
    struct tc_slice body;
    TC_TRY(take_lenbytes(c, &body));
    struct item_cursor inner = item__cursor(body);
    if (type == ITEM_M)
        return check_attributes(&inner, level + 1);
    if (type == ITEM_L)
        return check_list(&inner, level + 1);
    if (type == ITEM_SS)
        return check_set(&inner, ITEM_S);
    return check_set(&inner, type == ITEM_NS ? ITEM_N : ITEM_B);
}

static tc_err check_value(struct item_cursor *c, unsigned level) {
    if (level > ITEM_DEPTH_MAX)
        return TC_ELIMIT;
    if (c->at == c->end)
        return TC_ECORRUPT;
    const uint8_t type = *c->at++;
    struct tc_slice content;
    switch (type) {
    case ITEM_NULL:
        return TC_OK;
    case ITEM_BOOL:
        return c->at < c->end && *c->at++ <= 1 ? TC_OK : TC_ECORRUPT;
    case ITEM_S:
    case ITEM_N:
    case ITEM_B:
        return take_content(c, (enum item_type)type, &content);
    case ITEM_M:
    case ITEM_L:
    case ITEM_SS:
    case ITEM_NS:
    case ITEM_BS:
        return check_container(c, (enum item_type)type, level);
    default:
        return TC_ECORRUPT;
    }
}

tc_err item_check(struct tc_slice item) {
    if (item.len > ITEM_ENCODED_BYTES_MAX)
        return TC_ELIMIT;
    if (item.len == 0)
        return TC_ECORRUPT;
    struct item_cursor c = item__cursor(item);
    return check_attributes(&c, /* level= */ 1);
}

tc_err item_value_check(struct tc_slice encoded_value) {
    if (encoded_value.len > ITEM_ENCODED_BYTES_MAX)
        return TC_ELIMIT;
    if (encoded_value.len == 0)
        return TC_ECORRUPT;
    struct item_cursor c = item__cursor(encoded_value);
    TC_TRY(check_value(&c, /* level= */ 1));
    return c.at == c.end ? TC_OK : TC_ECORRUPT;
}
