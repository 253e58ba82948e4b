/* Tests of the archive's formats, by file. */
#ifndef TEST_ARCHIVE_H
#define TEST_ARCHIVE_H

#include "check_store.h"

void test_segment_round_trip(void **state);
void test_segment_damage(void **state);
void test_segment_refuses_wrong(void **state);
void test_manifest_round_trip(void **state);
void test_manifest_holes(void **state);
void test_manifest_store(void **state);
void test_snapshot(void **state);

#endif
