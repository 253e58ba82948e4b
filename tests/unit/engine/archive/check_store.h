/* What every object store must do, whatever it is made of; used with a directory and with S3. */
#ifndef TEST_ARCHIVE_CHECK_STORE_H
#define TEST_ARCHIVE_CHECK_STORE_H

#include "engine/archive/objstore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), TC_OK)

/* The store must be empty; it is empty again afterwards. */
void check_store(struct objstore *o);
/* More keys than one listing returns. */
void check_long_list(struct objstore *o);

#endif
