/* A compact notation for values and items, so that tests read like the rules they check:
 * 12  'text'  x'00ff'  true  false  null  [1,'a']  {k:1}  <1,2>  <'a','b'>  <x'00'>
 * An item is a map. Bad notation fails the test. */
#ifndef TESTS_EXPR_NOTATION_H
#define TESTS_EXPR_NOTATION_H

#include "core/expr/expr.h"

/* Append the encoded value, or the encoded item, of text. */
void put_value(struct tc_buf *out, const char *text);
void put_item(struct tc_buf *out, const char *text);
/* The notation of an encoded item; empty: "none". */
void show_item(struct tc_buf *out, struct tc_slice item);

/* Placeholders and buffers of one request. */
struct request {
    struct expr_binding names[8];
    struct expr_binding values[20];
    struct expr_bindings name_table;
    struct expr_bindings value_table;
    struct tc_buf bytes[20];
    struct tc_arena scratch;
    struct expr_ctx ctx;
    struct tc_buf program;
    struct tc_buf diag;
    struct tc_buf out;
};

/* names "#a=a #b=b", values ":a=1 :b='x'"; separated by single spaces, none within. */
void request_init(struct request *r, const char *names, const char *values);
void request_deinit(struct request *r);
/* Compile into r->program, cleared first. */
tc_err request_compile(struct request *r, enum expr_kind kind, const char *text);
const char *request_diag(struct request *r);

int condition_tests(void);
int error_tests(void);
int key_tests(void);
int legacy_tests(void);
int update_tests(void);
int model_tests(void);
int update_model_tests(void);

#endif
