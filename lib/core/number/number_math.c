/* Exact decimal addition, and integers in and out. */
#include "base/assert.h"
#include "core/number/number_private.h"

/* Digits by decimal position over the whole legal range: slot 0 is the last digit that the smallest
 * magnitude may have, the top slot catches a carry out of the largest. */
enum {
    POSITION_MIN = NUMBER_EXPONENT_MIN - NUMBER_DIGITS_MAX + 1,
    SLOT_COUNT = NUMBER_EXPONENT_MAX + 1 - POSITION_MIN + 1,
};

/* The slots in use: [low, high]. */
struct wide {
    int low;
    int high;
    uint8_t digit[SLOT_COUNT];
};

static int slot_high(const struct number_digits *d) {
    return d->exponent - POSITION_MIN;
}

static int slot_low(const struct number_digits *d) {
    return slot_high(d) - (int)d->count + 1;
}

static unsigned digit_at(const struct number_digits *d, int slot) {
    const int i = slot_high(d) - slot;
    return i >= 0 && i < (int)d->count ? d->digit[i] : 0;
}

/* Order of |a| and |b|, both non-zero. */
static int compare_magnitude(const struct number_digits *a, const struct number_digits *b) {
    if (a->exponent != b->exponent)
        return a->exponent < b->exponent ? -1 : 1;
    const unsigned shared = a->count < b->count ? a->count : b->count;
    const int order = memcmp(a->digit, b->digit, shared);
    return order != 0 ? order : (a->count > b->count) - (a->count < b->count);
}

static void set_window(const struct number_digits *a, const struct number_digits *b,
                       struct wide *w) {
    w->low = slot_low(a) < slot_low(b) ? slot_low(a) : slot_low(b);
    w->high = 1 + (slot_high(a) > slot_high(b) ? slot_high(a) : slot_high(b));
    TC_ASSERT(w->low >= 0 && w->high < SLOT_COUNT);
}

static void add_magnitudes(const struct number_digits *a, const struct number_digits *b,
                           struct wide *w) {
    unsigned carry = 0;
    for (int s = w->low; s <= w->high; s++) {
        const unsigned sum = digit_at(a, s) + digit_at(b, s) + carry;
        w->digit[s] = (uint8_t)(sum % 10);
        carry = sum / 10;
    }
    TC_ASSERT(carry == 0);
}

/* |a| - |b|, |a| >= |b|. */
static void subtract_magnitudes(const struct number_digits *a, const struct number_digits *b,
                                struct wide *w) {
    unsigned borrow = 0;
    for (int s = w->low; s <= w->high; s++) {
        const unsigned minus = digit_at(b, s) + borrow;
        const unsigned plus = digit_at(a, s);
        borrow = plus < minus;
        w->digit[s] = (uint8_t)(plus + 10 * borrow - minus);
    }
    TC_ASSERT(borrow == 0);
}

static tc_err pack_wide(const struct wide *w, bool negative, struct number *ret_number,
                        enum number_fault *ret_fault) {
    struct number_digits d = {.negative = negative};
    int s = w->high;
    while (s >= w->low && w->digit[s] == 0)
        s--;
    d.exponent = s + POSITION_MIN;
    for (; s >= w->low && d.count < NUMBER_DIGITS_MAX; s--)
        d.digit[d.count++] = w->digit[s];
    while (d.count > 0 && d.digit[d.count - 1] == 0)
        d.count--;
    if (d.count == 0)
        d = (struct number_digits){0};
    struct number sum;
    TC_TRY(number__pack(&d, &sum, ret_fault));
    for (; s >= w->low; s--)
        if (w->digit[s] != 0)
            return number__fail(NUMBER_FAULT_DIGITS, ret_fault);
    *ret_number = sum;
    return TC_OK;
}

static tc_err add(const struct number_digits *a, const struct number_digits *b,
                  struct number *ret_number, enum number_fault *ret_fault) {
    if (ret_fault)
        *ret_fault = NUMBER_FAULT_NONE;
    if (a->count == 0 || b->count == 0)
        return number__pack(a->count == 0 ? b : a, ret_number, ret_fault);
    struct wide w;
    set_window(a, b, &w);
    if (a->negative == b->negative) {
        add_magnitudes(a, b, &w);
        return pack_wide(&w, a->negative, ret_number, ret_fault);
    }
    const bool a_wins = compare_magnitude(a, b) >= 0;
    if (a_wins)
        subtract_magnitudes(a, b, &w);
    else
        subtract_magnitudes(b, a, &w);
    return pack_wide(&w, a_wins ? a->negative : b->negative, ret_number, ret_fault);
}

tc_err number_add(struct tc_slice a, struct tc_slice b, struct number *ret_sum,
                  enum number_fault *ret_fault) {
    struct number_digits x;
    struct number_digits y;
    number__unpack(a, &x);
    number__unpack(b, &y);
    return add(&x, &y, ret_sum, ret_fault);
}

tc_err number_subtract(struct tc_slice a, struct tc_slice b, struct number *ret_difference,
                       enum number_fault *ret_fault) {
    struct number_digits x;
    struct number_digits y;
    number__unpack(a, &x);
    number__unpack(b, &y);
    y.negative = y.count > 0 && !y.negative;
    return add(&x, &y, ret_difference, ret_fault);
}

void number_from_u64(uint64_t v, struct number *ret_number) {
    struct number_digits d = {.exponent = -1};
    uint8_t reversed[20];
    for (; v > 0; v /= 10)
        reversed[++d.exponent] = (uint8_t)(v % 10);
    for (int i = d.exponent; i >= 0; i--)
        d.digit[d.count++] = reversed[i];
    while (d.count > 0 && d.digit[d.count - 1] == 0)
        d.count--;
    tc_err err = number__pack(&d, ret_number, NULL);
    TC_ASSERT(err == TC_OK);
}

/* |number| as an integer. */
static tc_err to_magnitude(const struct number_digits *d, uint64_t *ret_value) {
    uint64_t v = 0;
    if (d->count > 0 && (d->exponent < 0 || d->exponent >= 20 || (int)d->count > d->exponent + 1))
        return TC_ELIMIT;
    for (int i = 0; d->count > 0 && i <= d->exponent; i++) {
        const uint64_t digit = i < (int)d->count ? d->digit[i] : 0;
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, digit, &v))
            return TC_ELIMIT;
    }
    *ret_value = v;
    return TC_OK;
}

tc_err number_to_u64(struct tc_slice number, uint64_t *ret_value) {
    struct number_digits d;
    number__unpack(number, &d);
    return d.negative ? TC_ELIMIT : to_magnitude(&d, ret_value);
}

tc_err number_to_i64(struct tc_slice number, int64_t *ret_value) {
    struct number_digits d;
    number__unpack(number, &d);
    uint64_t v;
    TC_TRY(to_magnitude(&d, &v));
    if (v > (uint64_t)INT64_MAX + d.negative)
        return TC_ELIMIT;
    *ret_value = (int64_t)(d.negative ? 0 - v : v);
    return TC_OK;
}
