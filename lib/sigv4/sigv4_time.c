#include "base/assert.h"
#include "sigv4/sigv4_private.h"

#include <stdio.h>

/* Days since 1970-01-01 of a proleptic Gregorian date, counting years from March so that the leap
 * day is the last of its year. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
    if (month <= 2)
        year--;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static bool take_digits(struct tc_slice text, size_t at, size_t count, int64_t *ret_value) {
    int64_t value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *ret_value = value;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month) {
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

tc_err sigv4__time_parse(struct tc_slice text, uint64_t *ret_s) {
    int64_t year, month, day, hour, minute, second;
    if (text.len != SIGV4__TIMESTAMP_CHARS || text.data[8] != 'T' || text.data[15] != 'Z')
        return TC_EINVAL;
    if (!take_digits(text, 0, 4, &year) || !take_digits(text, 4, 2, &month) ||
        !take_digits(text, 6, 2, &day) || !take_digits(text, 9, 2, &hour) ||
        !take_digits(text, 11, 2, &minute) || !take_digits(text, 13, 2, &second))
        return TC_EINVAL;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 60)
        return TC_EINVAL;
    *ret_s =
        (uint64_t)(((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second);
    return TC_OK;
}

void sigv4__time_format(uint64_t unix_s, char ret_text[SIGV4__TIMESTAMP_CHARS + 1]) {
    int64_t days = (int64_t)(unix_s / 86400) + 719468;
    int64_t era = days / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    unsigned second = (unsigned)(unix_s % 86400);
    char text[64];
    int len =
        snprintf(text, sizeof text, "%04d%02d%02dT%02u%02u%02uZ", (int)year, (int)month,
                 (int)(doy - (153 * mp + 2) / 5 + 1), second / 3600, second / 60 % 60, second % 60);
    TC_ASSERT(len == SIGV4__TIMESTAMP_CHARS);
    memcpy(ret_text, text, SIGV4__TIMESTAMP_CHARS + 1);
}
