/* A log on a simulated disk beside its model; tests by file. */
#ifndef TEST_WAL_RIG_H
#define TEST_WAL_RIG_H

#include "model.h"

enum {
    SEGMENT = 64 * 1024,
};

struct rig {
    struct sim_fs *disk;
    struct wal *wal;
    struct model model;
    struct tc_prng prng;
    uint64_t acked_lsn;
};

struct wal_options rig_options(void);
struct rig *rig_new(uint64_t seed);
void rig_free(struct rig *r);
void rig_reopen(struct rig *r);
/* Write one batch; false when the machine died in it. */
bool rig_write_batch(struct rig *r);
/* Make room as a store would: trim everything durable, copy forward what is left. */
void rig_relieve(struct rig *r);
/* Random steps; false when the machine died in them. */
bool rig_run(struct rig *r, int steps);
/* Power loss, recovery, comparison with the model of what was acknowledged. */
void rig_crash_and_check(struct rig *r);
/* One entry of known content; its lsn. */
uint64_t rig_append_one(struct rig *r, uint64_t gid, uint64_t idx, uint32_t len);

void test_rot_is_never_silent(void **state);
void test_damaged_body_is_named_and_repaired(void **state);
void test_later_batch_is_proof(void **state);
void test_remains_of_torn_batch_are_dead(void **state);
void test_damaged_head_is_read_by_tail(void **state);
void test_both_frames_gone_is_said(void **state);
void test_damaged_state_is_lost_until_newer(void **state);
void test_segment_header_may_rot(void **state);
void test_lost_segment_is_said(void **state);
void test_lying_sync_is_noticed(void **state);
void test_segment_of_a_dead_process(void **state);

#endif
