/* The unpacked form of a number, shared by parsing, printing and arithmetic. */
#ifndef TC_CORE_NUMBER_PRIVATE_H
#define TC_CORE_NUMBER_PRIVATE_H

#include "core/number/number.h"

/* Value = (negative ? -1 : 1) * 0.d1 d2 d3 .. * 10^(exponent + 1), d1 != 0; count 0: zero.
 * Digits are 0..9, without trailing zeros. */
struct number_digits {
    bool negative;
    int exponent; /* of the leading digit */
    unsigned count;
    uint8_t digit[NUMBER_DIGITS_MAX];
};

/* Set the fault, if it is wanted; the error code that goes with it. */
tc_err number__fail(enum number_fault fault, enum number_fault *ret_fault);
/* Checked bytes -> digits. */
void number__unpack(struct tc_slice bytes, struct number_digits *ret_digits);
/* Digits -> canonical bytes. Errors: TC_ELIMIT, the exponent is out of range. */
TC_MUST_USE tc_err number__pack(const struct number_digits *d, struct number *ret_number,
                                enum number_fault *ret_fault);

#endif
