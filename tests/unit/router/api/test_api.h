/* Tests of the API layer: decoding, writing, and the whole of it over HTTP; one binary. */
#ifndef TC_TEST_API_H
#define TC_TEST_API_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    API_DECODE_TESTS = 11,
    API_WRITE_TESTS = 6,
    API_LEGACY_TESTS = 2,
    API_WIRE_TESTS = 5,
    API_TABLE_TESTS = 5,
    API_INDEX_TESTS = 4,
    API_ORDER_TESTS = 1,
};

extern const struct CMUnitTest api_decode_tests[API_DECODE_TESTS];
extern const struct CMUnitTest api_legacy_tests[API_LEGACY_TESTS];
extern const struct CMUnitTest api_wire_tests[API_WIRE_TESTS];
extern const struct CMUnitTest api_index_tests[API_INDEX_TESTS];
extern const struct CMUnitTest api_order_tests[API_ORDER_TESTS];
extern const struct CMUnitTest api_table_tests[API_TABLE_TESTS];
extern const struct CMUnitTest api_write_tests[API_WRITE_TESTS];

#endif
