/* Golden files: bytes that an earlier version wrote and that this one must read, and where writing
 * is a function of the input alone, write bit for bit. TERCET_GOLDEN=write makes them anew; do that
 * only together with a new format version (docs/formats/README.md). */
#ifndef TEST_COMPAT_GOLDEN_H
#define TEST_COMPAT_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"

#define OK(expr) assert_int_equal((expr), TC_OK)

/* Append the file tests/compat/formats/<name>. */
void golden_read(const char *name, struct tc_buf *out);
/* The bytes must be those of the file. */
void golden_same(const char *name, struct tc_slice bytes);
/* A file that is written by hand only; true when it had to be made now. */
bool golden_make(const char *name, struct tc_slice bytes);
bool golden_writing(void);

int core_formats(void);
int archive_formats(void);
int store_formats(void);
int index_formats(void);

#endif
