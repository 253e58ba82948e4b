/* Tests of route that main in test_cache.c runs too. */
#ifndef TC_TESTS_ROUTE_H
#define TC_TESTS_ROUTE_H

/* test_stop.c */
void calls_while_route_stops(void **state);
/* test_recent.c */
void own_writes_are_remembered_for_a_moment(void **state);
/* test_index.c */
void rows_astride_are_given_back(void **state);
void partition_end_is_told(void **state);

#endif
