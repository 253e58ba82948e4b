/* Tests of the HTTP front door, in three files and one binary. */
#ifndef TC_TEST_HTTP_H
#define TC_TEST_HTTP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    HTTP_PARSER_TESTS = 4,
    HTTP_TLS_TESTS = 2,
};

extern const struct CMUnitTest http_parser_tests[HTTP_PARSER_TESTS];
extern const struct CMUnitTest http_tls_tests[HTTP_TLS_TESTS];

#endif
