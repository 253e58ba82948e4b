/* Tests of the HTTP front door, in four files and one binary. */
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
    HTTP_GZIP_TESTS = 4,
};

extern const struct CMUnitTest http_parser_tests[HTTP_PARSER_TESTS];
extern const struct CMUnitTest http_tls_tests[HTTP_TLS_TESTS];
extern const struct CMUnitTest http_gzip_tests[HTTP_GZIP_TESTS];

#endif
