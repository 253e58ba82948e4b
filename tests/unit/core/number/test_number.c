#include "base/prng.h"
#include "core/number/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The reference: sign and one decimal digit per position from 10^130 down to 10^-170. */
enum {
    TOP = 130,
    PLACES = 301
};

struct reference {
    int sign;
    int digit[PLACES];
};

static struct reference reference_of(const char *plain) {
    struct reference r = {.sign = 1};
    if (*plain == '-') {
        r.sign = -1;
        plain++;
    }
    const char *point = strchr(plain, '.');
    const int whole = point ? (int)(point - plain) : (int)strlen(plain);
    int exponent = whole - 1;
    bool zero = true;
    for (; *plain; plain++) {
        if (*plain == '.')
            continue;
        r.digit[TOP - exponent--] = *plain - '0';
        zero = zero && *plain == '0';
    }
    if (zero)
        r.sign = 0;
    return r;
}

static int compare_magnitude(const struct reference *a, const struct reference *b) {
    for (int i = 0; i < PLACES; i++) {
        if (a->digit[i] != b->digit[i])
            return a->digit[i] < b->digit[i] ? -1 : 1;
    }
    return 0;
}

static int compare(const struct reference *a, const struct reference *b) {
    if (a->sign != b->sign)
        return a->sign < b->sign ? -1 : 1;
    return a->sign * compare_magnitude(a, b);
}

static struct reference sum(const struct reference *a, const struct reference *b) {
    struct reference r = {.sign = a->sign};
    int carry = 0;
    if (a->sign == 0 || b->sign == 0)
        return a->sign == 0 ? *b : *a;
    const bool subtract = a->sign != b->sign;
    if (subtract && compare_magnitude(a, b) < 0) {
        const struct reference *t = a;
        a = b;
        b = t;
        r.sign = a->sign;
    }
    bool zero = true;
    for (int i = PLACES - 1; i >= 0; i--) {
        int d = a->digit[i] + (subtract ? -b->digit[i] : b->digit[i]) + carry;
        carry = d < 0 ? -1 : d > 9;
        r.digit[i] = d - 10 * carry;
        zero = zero && r.digit[i] == 0;
    }
    if (zero)
        r.sign = 0;
    return r;
}

/* Digits from the first that is not zero to the last. */
static int digit_count(const struct reference *r) {
    int first = -1;
    int last = -1;
    for (int i = 0; i < PLACES; i++) {
        if (r->digit[i] == 0)
            continue;
        first = first < 0 ? i : first;
        last = i;
    }
    return r->sign == 0 ? 0 : last - first + 1;
}

static struct number parse(const char *text) {
    struct number n;
    assert_int_equal(number_parse(tc_slice_str(text), &n, NULL), TC_OK);
    assert_int_equal(number_check(number_slice(&n)), TC_OK);
    return n;
}

static const char *print(const struct number *n) {
    static char text[NUMBER_TEXT_BYTES_MAX + 1];
    struct tc_buf b = {0};
    number_append_text(&b, number_slice(n));
    assert_true(b.len < sizeof text);
    memcpy(text, b.data, b.len);
    text[b.len] = 0;
    tc_buf_deinit(&b);
    return text;
}

static void canonical_text(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"0e999999999999", "0"},
        {"000.000", "0"},
        {"1", "1"},
        {"+1", "1"},
        {"1.", "1"},
        {".5", "0.5"},
        {"-12.5e3", "-12500"},
        {"100000", "100000"},
        {"1e5", "100000"},
        {"0.001", "0.001"},
        {"1E-3", "0.001"},
        {"00012.3400", "12.34"},
        {"-0.050", "-0.05"},
        {"99", "99"},
        {"12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
        {"123456789012345678901234567890123456780000",
         "123456789012345678901234567890123456780000"},
        {"1234567890.12345678901234567890", "1234567890.1234567890123456789"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct number n = parse(pairs[i][0]);
        assert_string_equal(print(&n), pairs[i][1]);
    }
}

static void extremes(void **state) {
    (void)state;
    struct number n = parse("-9.9999999999999999999999999999999999999E+125");
    assert_int_equal(n.len, NUMBER_BYTES_MAX);
    assert_int_equal(strlen(print(&n)), 127);
    n = parse("-1.2345678901234567890123456789012345678E-130");
    assert_int_equal(strlen(print(&n)), NUMBER_TEXT_BYTES_MAX);
    assert_int_equal(number_size_bytes(number_slice(&n)), 21);
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum number_fault fault;
    } cases[] = {
        {"", NUMBER_FAULT_SYNTAX},
        {"abc", NUMBER_FAULT_SYNTAX},
        {"-", NUMBER_FAULT_SYNTAX},
        {".", NUMBER_FAULT_SYNTAX},
        {"1e", NUMBER_FAULT_SYNTAX},
        {"1e+", NUMBER_FAULT_SYNTAX},
        {"1 ", NUMBER_FAULT_SYNTAX},
        {" 1", NUMBER_FAULT_SYNTAX},
        {"1..2", NUMBER_FAULT_SYNTAX},
        {"0x1", NUMBER_FAULT_SYNTAX},
        {"--1", NUMBER_FAULT_SYNTAX},
        {"1e126", NUMBER_FAULT_OVERFLOW},
        {"NaN", NUMBER_FAULT_SYNTAX},
        {"1e99999999999999999999", NUMBER_FAULT_OVERFLOW},
        {"-1e126", NUMBER_FAULT_OVERFLOW},
        {"1e-131", NUMBER_FAULT_UNDERFLOW},
        {"0.1e-130", NUMBER_FAULT_UNDERFLOW},
        {"1e-99999999999999999999", NUMBER_FAULT_UNDERFLOW},
        {"123456789012345678901234567890123456789", NUMBER_FAULT_DIGITS},
        {"-1.23456789012345678901234567890123456789", NUMBER_FAULT_DIGITS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct number n = {.len = 77};
        enum number_fault fault;
        const tc_err err = number_parse(tc_slice_str(cases[i].text), &n, &fault);
        assert_int_equal(err, cases[i].fault == NUMBER_FAULT_SYNTAX ? TC_EINVAL : TC_ELIMIT);
        assert_int_equal(fault, cases[i].fault);
        assert_int_equal(n.len, 77);
        assert_true(strlen(number_fault_text(fault)) > 10);
    }
}

static void sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"0", 1},     {"1", 2},      {"-1", 3},     {"12", 2},
                 {"123", 3},   {"12345", 4},  {"-27", 3},    {"100000000", 2},
                 {"-12.5", 4}, {"1.2", 3},    {"123.4", 4},  {"100.05", 4},
                 {"0.001", 2}, {"0.0123", 3}, {"1e-130", 2}, {"9.99e125", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct number n = parse(cases[i].text);
        assert_int_equal(number_size_bytes(number_slice(&n)), cases[i].bytes);
    }
}

/* Few distinct digits and exponents, so that equal, adjacent and prefix cases are common. */
static struct number random_number(struct tc_prng *p) {
    char text[128];
    size_t len = 0;
    if (tc_prng_chance(p, 1, 2))
        text[len++] = '-';
    const bool narrow = tc_prng_chance(p, 3, 4);
    const uint64_t digits = narrow ? tc_prng_between(p, 1, 4) : tc_prng_between(p, 1, 38);
    text[len++] = (char)('0' + tc_prng_below(p, 10));
    text[len++] = '.';
    for (uint64_t i = 1; i < digits; i++)
        text[len++] = (char)('0' + (narrow ? 9 * tc_prng_below(p, 2) : tc_prng_below(p, 10)));
    const int64_t span = narrow ? 2 : 80;
    const int64_t exponent = (int64_t)tc_prng_below(p, (uint64_t)(2 * span + 1)) - span;
    snprintf(text + len, sizeof text - len, "e%d", (int)exponent);
    return parse(text);
}

/* The sum is exact, or refused for its digits. */
static void check_sum(tc_err err, const struct number *got, enum number_fault fault,
                      const struct reference *want) {
    if (digit_count(want) > NUMBER_DIGITS_MAX) {
        assert_int_equal(err, TC_ELIMIT);
        assert_int_equal(fault, NUMBER_FAULT_DIGITS);
        return;
    }
    assert_int_equal(err, TC_OK);
    assert_int_equal(number_check(number_slice(got)), TC_OK);
    struct reference is = reference_of(print(got));
    assert_int_equal(compare(&is, want), 0);
}

static void order_and_sums_match_reference(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(11);
    for (int i = 0; i < 4000; i++) {
        const struct number a = random_number(&p);
        const struct number b = random_number(&p);
        const struct reference x = reference_of(print(&a));
        struct reference y = reference_of(print(&b));
        const int order = tc_slice_cmp(number_slice(&a), number_slice(&b));
        assert_int_equal((order > 0) - (order < 0), compare(&x, &y));
        struct number got;
        enum number_fault fault;
        tc_err err = number_add(number_slice(&a), number_slice(&b), &got, &fault);
        struct reference want = sum(&x, &y);
        check_sum(err, &got, fault, &want);
        err = number_subtract(number_slice(&a), number_slice(&b), &got, &fault);
        y.sign = -y.sign;
        want = sum(&x, &y);
        check_sum(err, &got, fault, &want);
    }
}

static void sums_out_of_range(void **state) {
    (void)state;
    const struct number big = parse("9.9999999999999999999999999999999999999e125");
    const struct number one = parse("1e125");
    const struct number tiny = parse("1.1e-130");
    const struct number tiny2 = parse("1e-130");
    struct number r = {.len = 3};
    enum number_fault fault;
    assert_int_equal(number_add(number_slice(&big), number_slice(&one), &r, &fault), TC_ELIMIT);
    assert_int_equal(fault, NUMBER_FAULT_OVERFLOW);
    assert_int_equal(number_subtract(number_slice(&tiny), number_slice(&tiny2), &r, &fault),
                     TC_ELIMIT);
    assert_int_equal(fault, NUMBER_FAULT_UNDERFLOW);
    assert_int_equal(r.len, 3);
    assert_int_equal(number_add(number_slice(&big), number_slice(&tiny), &r, &fault), TC_ELIMIT);
    assert_int_equal(fault, NUMBER_FAULT_DIGITS);
    assert_int_equal(r.len, 3);
    assert_int_equal(number_subtract(number_slice(&big), number_slice(&big), &r, &fault), TC_OK);
    assert_string_equal(print(&r), "0");
}

static void integers(void **state) {
    (void)state;
    static const uint64_t values[] = {0, 1, 9, 10, 100, 12300, 1700000000, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct number n;
        char text[32];
        uint64_t back = 5;
        number_from_u64(values[i], &n);
        snprintf(text, sizeof text, "%llu", (unsigned long long)values[i]);
        assert_string_equal(print(&n), text);
        assert_int_equal(number_to_u64(number_slice(&n), &back), TC_OK);
        assert_true(back == values[i]);
    }
    uint64_t u;
    int64_t v = 0;
    struct number n = parse("-9223372036854775808");
    assert_int_equal(number_to_i64(number_slice(&n), &v), TC_OK);
    assert_true(v == INT64_MIN);
    assert_int_equal(number_to_u64(number_slice(&n), &u), TC_ELIMIT);
    n = parse("9223372036854775808");
    assert_int_equal(number_to_i64(number_slice(&n), &v), TC_ELIMIT);
    n = parse("18446744073709551616");
    assert_int_equal(number_to_u64(number_slice(&n), &u), TC_ELIMIT);
    n = parse("1.5");
    assert_int_equal(number_to_u64(number_slice(&n), &u), TC_ELIMIT);
    n = parse("0.1");
    assert_int_equal(number_to_u64(number_slice(&n), &u), TC_ELIMIT);
}

/* What the check accepts must be exactly what parsing the printed text gives back. */
static void check_accepts_canonical_only(void **state) {
    (void)state;
    struct tc_prng p = tc_prng(5);
    unsigned accepted = 0;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[NUMBER_BYTES_MAX + 1];
        size_t len = (size_t)tc_prng_between(&p, 0, tc_prng_chance(&p, 1, 2) ? 5 : sizeof bytes);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)tc_prng_u64(&p);
        if (len > 0)
            bytes[0] = tc_prng_chance(&p, 1, 2) ? 0x00 : 0xff;
        if (len > 0 && bytes[0] == 0 && tc_prng_chance(&p, 3, 4))
            bytes[len - 1] = 0xff;
        if (number_check(tc_slice(bytes, len)) != TC_OK)
            continue;
        struct tc_buf text = {0};
        struct number n;
        number_append_text(&text, tc_slice(bytes, len));
        assert_int_equal(number_parse(tc_buf_slice(&text), &n, NULL), TC_OK);
        assert_true(tc_slice_eq(number_slice(&n), tc_slice(bytes, len)));
        tc_buf_deinit(&text);
        accepted++;
    }
    assert_true(accepted > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text),
        cmocka_unit_test(extremes),
        cmocka_unit_test(refusals),
        cmocka_unit_test(sizes),
        cmocka_unit_test(order_and_sums_match_reference),
        cmocka_unit_test(sums_out_of_range),
        cmocka_unit_test(integers),
        cmocka_unit_test(check_accepts_canonical_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
