#include "core/number/number.h"

#include "base/assert.h"
#include "core/number/number_private.h"

enum {
    CLASS_NEGATIVE = 0x00,
    CLASS_ZERO = 0x80,
    CLASS_POSITIVE = 0xff,
    EXPONENT_BIAS = -NUMBER_EXPONENT_MIN,
    PAIR_MAX = 100,
    NEGATIVE_END = 0xff,
};

_Static_assert(EXPONENT_BIAS + NUMBER_EXPONENT_MAX == 255, "the exponent fills one byte");

tc_err number__fail(enum number_fault fault, enum number_fault *ret_fault) {
    if (ret_fault)
        *ret_fault = fault;
    return fault == NUMBER_FAULT_SYNTAX ? TC_EINVAL : TC_ELIMIT;
}

tc_err number__pack(const struct number_digits *d, struct number *ret_number,
                    enum number_fault *ret_fault) {
    TC_ASSERT(d->count <= NUMBER_DIGITS_MAX);
    TC_ASSERT(TC_IMPLIES(d->count > 0, d->digit[0] != 0 && d->digit[d->count - 1] != 0));
    if (d->count == 0) {
        *ret_number = (struct number){.len = 1, .bytes = {CLASS_ZERO}};
        return TC_OK;
    }
    if (d->exponent > NUMBER_EXPONENT_MAX)
        return number__fail(NUMBER_FAULT_OVERFLOW, ret_fault);
    if (d->exponent < NUMBER_EXPONENT_MIN)
        return number__fail(NUMBER_FAULT_UNDERFLOW, ret_fault);
    const uint8_t flip = d->negative ? 0xff : 0x00;
    ret_number->bytes[0] = d->negative ? CLASS_NEGATIVE : CLASS_POSITIVE;
    ret_number->bytes[1] = (uint8_t)(d->exponent + EXPONENT_BIAS) ^ flip;
    uint8_t len = 2;
    for (unsigned i = 0; i < d->count; i += 2) {
        const unsigned low = i + 1 < d->count ? d->digit[i + 1] : 0;
        ret_number->bytes[len++] = (uint8_t)(d->digit[i] * 10u + low + 1u) ^ flip;
    }
    if (d->negative)
        ret_number->bytes[len++] = NEGATIVE_END;
    TC_ASSERT(len <= NUMBER_BYTES_MAX);
    ret_number->len = len;
    return TC_OK;
}

void number__unpack(struct tc_slice bytes, struct number_digits *ret_digits) {
    TC_ASSERT(bytes.len > 0 && bytes.len <= NUMBER_BYTES_MAX);
    struct number_digits *d = ret_digits;
    d->count = 0;
    d->exponent = 0;
    d->negative = bytes.data[0] == CLASS_NEGATIVE;
    if (bytes.data[0] == CLASS_ZERO)
        return;
    TC_ASSERT(bytes.len >= 3);
    const uint8_t flip = d->negative ? 0xff : 0x00;
    const size_t end = d->negative ? bytes.len - 1 : bytes.len;
    d->exponent = (bytes.data[1] ^ flip) - EXPONENT_BIAS;
    for (size_t i = 2; i < end; i++) {
        const unsigned pair = (bytes.data[i] ^ flip) - 1u;
        TC_ASSERT(pair < PAIR_MAX && d->count + 2 <= NUMBER_DIGITS_MAX);
        d->digit[d->count++] = (uint8_t)(pair / 10);
        d->digit[d->count++] = (uint8_t)(pair % 10);
    }
    if (d->digit[d->count - 1] == 0)
        d->count--;
}

tc_err number_check(struct tc_slice bytes) {
    if (bytes.len == 1 && bytes.data[0] == CLASS_ZERO)
        return TC_OK;
    if (bytes.len < 3 || (bytes.data[0] != CLASS_NEGATIVE && bytes.data[0] != CLASS_POSITIVE))
        return TC_ECORRUPT;
    const bool negative = bytes.data[0] == CLASS_NEGATIVE;
    const uint8_t flip = negative ? 0xff : 0x00;
    const size_t end = negative ? bytes.len - 1 : bytes.len;
    if (end < 3 || end > 2 + NUMBER_DIGITS_MAX / 2)
        return TC_ECORRUPT;
    if (negative && bytes.data[end] != NEGATIVE_END)
        return TC_ECORRUPT;
    for (size_t i = 2; i < end; i++) {
        const uint8_t pair = bytes.data[i] ^ flip;
        if (pair == 0 || pair > PAIR_MAX)
            return TC_ECORRUPT;
    }
    const bool leads_with_zero = (bytes.data[2] ^ flip) <= 10;
    const bool ends_with_zeros = (bytes.data[end - 1] ^ flip) == 1;
    return leads_with_zero || ends_with_zeros ? TC_ECORRUPT : TC_OK;
}

uint64_t number_size_bytes(struct tc_slice number) {
    TC_ASSERT(number.len > 0);
    if (number.data[0] == CLASS_ZERO)
        return 1;
    const bool negative = number.data[0] == CLASS_NEGATIVE;
    const uint8_t flip = negative ? 0xff : 0x00;
    const size_t end = number.len - negative;
    TC_ASSERT(end > 2);
    /* An odd last digit is padded with zero: pairs are d1 * 10 + d2 + 1. */
    const int count = 2 * (int)(end - 2) - (((number.data[end - 1] ^ flip) - 1) % 10 == 0);
    const int before_point = (number.data[1] ^ flip) - EXPONENT_BIAS + 1;
    const int whole = before_point < 0 ? 0 : before_point > count ? count : before_point;
    return 1u + (uint64_t)((whole + 1) / 2 + (count - whole + 1) / 2) + negative;
}

const char *number_fault_text(enum number_fault fault) {
    switch (fault) {
    case NUMBER_FAULT_SYNTAX:
        return "The parameter cannot be converted to a numeric value";
    case NUMBER_FAULT_OVERFLOW:
        return "Number overflow. Attempting to store a number with magnitude larger than "
               "supported range";
    case NUMBER_FAULT_UNDERFLOW:
        return "Number underflow. Attempting to store a number with magnitude smaller than "
               "supported range";
    case NUMBER_FAULT_DIGITS:
        return "Attempting to store more than 38 significant digits in a Number";
    case NUMBER_FAULT_NONE:
        break;
    }
    return "";
}
