/* Decimal text <-> number. */
#include "base/assert.h"
#include "core/number/number_private.h"

/* Exponents are clamped here while they are read: far beyond any legal number, far from overflow
 * even after the position of the point is added (texts are shorter than 2^30). */
enum {
    EXPONENT_CLAMP = 1 << 30
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static bool take(struct cursor *c, uint8_t a, uint8_t b) {
    if (c->at == c->end || (*c->at != a && *c->at != b))
        return false;
    c->at++;
    return true;
}

static bool at_digit(const struct cursor *c) {
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

/* What the mantissa amounts to: digits up to the last that is not zero, and where the point is. */
struct mantissa {
    struct number_digits digits;
    uint64_t seen_count;    /* digits of any kind */
    uint64_t significant;   /* from the first non-zero digit on */
    uint64_t kept;          /* significant without trailing zeros; may exceed what is stored */
    uint64_t before_point;  /* significant digits before the point */
    uint64_t zeros_leading; /* zeros between the point and the first non-zero digit */
};

static void add_digit(struct mantissa *m, uint8_t digit, bool after_point) {
    m->seen_count++;
    if (digit == 0 && m->significant == 0) {
        m->zeros_leading += after_point;
        return;
    }
    if (m->significant < NUMBER_DIGITS_MAX)
        m->digits.digit[m->significant] = digit;
    m->significant++;
    m->before_point += !after_point;
    if (digit != 0)
        m->kept = m->significant;
}

static void read_mantissa(struct cursor *c, struct mantissa *m) {
    for (; at_digit(c); c->at++)
        add_digit(m, (uint8_t)(*c->at - '0'), /* after_point= */ false);
    if (!take(c, '.', '.'))
        return;
    for (; at_digit(c); c->at++)
        add_digit(m, (uint8_t)(*c->at - '0'), /* after_point= */ true);
}

/* False: an exponent mark without digits. */
static bool read_exponent(struct cursor *c, int64_t *ret_exponent) {
    if (!take(c, 'e', 'E'))
        return true;
    const bool negative = take(c, '-', '-');
    if (!negative)
        (void)take(c, '+', '+');
    if (!at_digit(c))
        return false;
    int64_t v = 0;
    for (; at_digit(c); c->at++) {
        if (v < EXPONENT_CLAMP)
            v = v * 10 + (*c->at - '0');
    }
    *ret_exponent = negative ? -v : v;
    return true;
}

/* The API reports magnitude before precision. */
static tc_err finish(struct mantissa *m, int64_t exponent, struct number *ret_number,
                     enum number_fault *ret_fault) {
    if (m->kept == 0) {
        m->digits.count = 0;
        return number__pack(&m->digits, ret_number, ret_fault);
    }
    exponent += m->before_point > 0 ? (int64_t)m->before_point - 1 : -(int64_t)m->zeros_leading - 1;
    if (exponent > NUMBER_EXPONENT_MAX)
        return number__fail(NUMBER_FAULT_OVERFLOW, ret_fault);
    if (exponent < NUMBER_EXPONENT_MIN)
        return number__fail(NUMBER_FAULT_UNDERFLOW, ret_fault);
    if (m->kept > NUMBER_DIGITS_MAX)
        return number__fail(NUMBER_FAULT_DIGITS, ret_fault);
    m->digits.exponent = (int)exponent;
    m->digits.count = (unsigned)m->kept;
    return number__pack(&m->digits, ret_number, ret_fault);
}

tc_err number_parse(struct tc_slice text, struct number *ret_number, enum number_fault *ret_fault) {
    if (ret_fault)
        *ret_fault = NUMBER_FAULT_NONE;
    if (text.len == 0 || text.len >= EXPONENT_CLAMP)
        return number__fail(NUMBER_FAULT_SYNTAX, ret_fault);
    struct cursor c = {text.data, text.data + text.len};
    struct mantissa m;
    memset(&m, 0, sizeof m);
    m.digits.negative = take(&c, '-', '-');
    if (!m.digits.negative)
        (void)take(&c, '+', '+');
    read_mantissa(&c, &m);
    int64_t exponent = 0;
    if (m.seen_count == 0 || !read_exponent(&c, &exponent) || c.at != c.end)
        return number__fail(NUMBER_FAULT_SYNTAX, ret_fault);
    return finish(&m, exponent, ret_number, ret_fault);
}

static uint8_t *put_zeros(uint8_t *at, int count) {
    for (int i = 0; i < count; i++)
        *at++ = '0';
    return at;
}

void number_append_text(struct tc_buf *out, struct tc_slice number) {
    struct number_digits d;
    number__unpack(number, &d);
    uint8_t *const start = tc_buf_reserve(out, NUMBER_TEXT_BYTES_MAX);
    uint8_t *at = start;
    if (d.negative)
        *at++ = '-';
    if (d.count == 0)
        *at++ = '0';
    else if (d.exponent < 0) {
        *at++ = '0';
        *at++ = '.';
        at = put_zeros(at, -d.exponent - 1);
    }
    for (unsigned i = 0; i < d.count; i++) {
        if (d.exponent >= 0 && (int)i == d.exponent + 1)
            *at++ = '.';
        *at++ = (uint8_t)('0' + d.digit[i]);
    }
    if (d.count > 0 && d.exponent >= 0)
        at = put_zeros(at, d.exponent + 1 - (int)d.count);
    TC_ASSERT(at - start <= NUMBER_TEXT_BYTES_MAX);
    out->len += (size_t)(at - start);
}
