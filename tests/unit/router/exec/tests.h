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

/* test_settings.c */
void settings_decreases(void **state);
void settings_decreases_of_a_day(void **state);
void settings_throughput_limits(void **state);
void settings_billing_switches(void **state);
void settings_maxima(void **state);
void settings_warm(void **state);
void settings_warm_after_merge(void **state);
void settings_class(void **state);
void settings_ttl(void **state);
void settings_tags(void **state);

/* test_index.c */
void index_is_recorded(void **state);
void index_numbers_go_round(void **state);
void index_has_limits(void **state);
void index_keeps_types(void **state);
void index_decreases(void **state);
void index_maxima_have_bounds(void **state);
void index_is_dropped(void **state);
void index_throughput_changes(void **state);
void index_follows_the_billing_mode(void **state);
void index_start_keys(void **state);

#endif
