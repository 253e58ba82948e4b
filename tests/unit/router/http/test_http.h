/* Tests of the HTTP front door, in two files and one binary. */
#ifndef TC_TEST_HTTP_H
#define TC_TEST_HTTP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    HTTP_PARSER_TESTS = 4,
};

extern const struct CMUnitTest http_parser_tests[HTTP_PARSER_TESTS];

#endif
