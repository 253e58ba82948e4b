/* Numbers of the API: up to 38 significant decimal digits, 1E-130 to 9.99..E+125, and zero.
 *
 * Pure; no allocation. The bytes are canonical (equal numbers have equal bytes) and order by
 * tc_slice_cmp as the numbers do. Layout (docs/CONTRACTS.md):
 *
 *   u8  class     0x00 negative, 0x80 zero (nothing follows), 0xff positive
 *   u8  exponent  decimal exponent of the leading digit + 130; complemented when negative
 *   u8* pairs     two significant digits each, d1*10 + d2 + 1, no trailing 00 pair, an odd last
 *                 digit padded with 0; complemented when negative, and then ended by 0xff
 *
 * Invariant: the first digit is not 0; the last pair is not 00.
 */
#ifndef TC_CORE_NUMBER_H
#define TC_CORE_NUMBER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    NUMBER_DIGITS_MAX = 38,
    NUMBER_EXPONENT_MIN = -130,
    NUMBER_EXPONENT_MAX = 125,
    NUMBER_BYTES_MAX = 2 + NUMBER_DIGITS_MAX / 2 + 1,
    NUMBER_TEXT_BYTES_MAX = 3 + 129 + NUMBER_DIGITS_MAX, /* "-0." 129 zeros, 38 digits */
};

struct number {
    uint8_t len;
    uint8_t bytes[NUMBER_BYTES_MAX];
};

/* Why a number was refused; the API has one message for each. */
enum number_fault {
    NUMBER_FAULT_NONE,
    NUMBER_FAULT_SYNTAX,
    NUMBER_FAULT_OVERFLOW,
    NUMBER_FAULT_UNDERFLOW,
    NUMBER_FAULT_DIGITS,
};

static inline struct tc_slice number_slice(const struct number *n) {
    return tc_slice(n->bytes, n->len);
}

/* Parse decimal text: [+-] digits [. digits] [eE [+-] digits], a digit before or after the point.
 *
 *   ret_fault  set on success too; NULL if not wanted
 *   Errors     TC_EINVAL  not a number
 *              TC_ELIMIT  over 38 significant digits, or magnitude out of range
 */
TC_MUST_USE tc_err number_parse(struct tc_slice text, struct number *ret_number,
                                enum number_fault *ret_fault);
void number_from_u64(uint64_t v, struct number *ret_number);
/* TC_ELIMIT: negative, fractional, or above UINT64_MAX. */
TC_MUST_USE tc_err number_to_u64(struct tc_slice number, uint64_t *ret_value);
/* TC_ELIMIT: fractional or outside int64. */
TC_MUST_USE tc_err number_to_i64(struct tc_slice number, int64_t *ret_value);
/* Append plain decimal text without an exponent: "-0.001", "100000". Checked bytes only. */
void number_append_text(struct tc_buf *out, struct tc_slice number);
/* TC_ECORRUPT: untrusted bytes that are not one canonical number. */
TC_MUST_USE tc_err number_check(struct tc_slice bytes);

/* a + b and a - b of checked numbers, exactly.
 *   Errors  TC_ELIMIT  the result is out of range or has more than 38 digits; ret_fault (may be
 *                      NULL) says which, magnitude before precision
 */
TC_MUST_USE tc_err number_add(struct tc_slice a, struct tc_slice b, struct number *ret_sum,
                              enum number_fault *ret_fault);
TC_MUST_USE tc_err number_subtract(struct tc_slice a, struct tc_slice b,
                                   struct number *ret_difference, enum number_fault *ret_fault);

/* Size by the API's arithmetic: one byte, one per two significant digits before the point, one per
 * two behind it, one more if negative. */
uint64_t number_size_bytes(struct tc_slice number);
/* The API's message for a fault; for SYNTAX without the ": text" that follows a non-empty text. */
const char *number_fault_text(enum number_fault fault);

#endif
