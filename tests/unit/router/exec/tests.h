/* Tests of router_exec: what it computes without a network. */
#ifndef TC_TESTS_ROUTER_EXEC_H
#define TC_TESTS_ROUTER_EXEC_H

#include "router/exec/exec_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* test_range.c */
void range_of_strings(void **state);
void range_of_binaries(void **state);
void range_of_numbers(void **state);
void range_without_sort_key(void **state);

/* test_key.c */
void key_of_item(void **state);
void key_of_item_refusals(void **state);
void key_of_key(void **state);
void key_projected(void **state);

/* test_capacity.c */
void capacity_of_reads(void **state);
void capacity_of_writes(void **state);

#endif
