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
void test_intake_archives_in_order(void **state);
void test_intake_compares_replicas(void **state);
void test_intake_blames_the_archive(void **state);
void test_intake_refuses(void **state);
void test_intake_notes_both_parents(void **state);
void test_intake_gives_back(void **state);
void test_intake_fault_sweep(void **state);

#endif
