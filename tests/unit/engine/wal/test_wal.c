/* The log held against a model, over a disk that crashes, tears, rots and fails. */
#include "rig.h"

static void test_crashes(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rig *r = rig_new(seed);
        for (int life = 0; life < 8; life++) {
            if (tc_prng_chance(&r->prng, 2, 3))
                sim_fs_crash_after(r->disk, tc_prng_below(&r->prng, 120));
            rig_run(r, 150);
            rig_crash_and_check(r);
        }
        rig_free(r);
    }
}

static void test_runs_for_long_in_little_space(void **state) {
    (void)state;
    struct rig *r = rig_new(9);
    for (int life = 0; life < 12; life++) {
        assert_true(rig_run(r, 400));
        assert_true(rig_write_batch(r));
        rig_relieve(r);
        model_check(&r->model, r->wal, /* may_fault= */ false);
        rig_crash_and_check(r);
        if (r->model.count > MODEL_OPS_MAX / 2) {
            rig_free(r);
            r = rig_new((uint64_t)life + 100);
        }
    }
    assert_true(wal_space(r->wal).used_bytes <= wal_space(r->wal).max_bytes);
    rig_free(r);
}

static void test_restarts_use_no_space(void **state) {
    (void)state;
    struct rig *r = rig_new(4);
    rig_run(r, 60);
    assert_true(rig_write_batch(r));
    uint64_t before = wal_space(r->wal).used_bytes;
    for (int i = 0; i < 30; i++)
        rig_crash_and_check(r);
    assert_true(wal_space(r->wal).used_bytes <= before);
    rig_free(r);
}

/* Fail the n-th write or sync for every n: the log fails for good, a restart loses nothing acked.
 */
static void test_fault_sweep(void **state) {
    (void)state;
    for (int kind = SIM_WRITE_ERROR; kind <= SIM_SYNC_ERROR; kind++) {
        bool hit = true;
        for (uint64_t n = 0; hit; n++) {
            struct rig *r = rig_new(n);
            OK(sim_fs_fault(r->disk, &(struct sim_fault){.kind = (enum sim_fault_kind)kind,
                                                         .path_part = "d/seg",
                                                         .skip_count = n,
                                                         .hit_count = 1}));
            bool ok = rig_run(r, 120);
            hit = sim_fs_counters(r->disk)->faults_hit > 0;
            assert_true(hit || ok);
            if (!ok) {
                struct tc_blob *none = NULL;
                uint64_t lsn = 0;
                struct wal_record rec = {.gid = 1, .idx = 1, .type = 1};
                assert_int_equal(wal_append(r->wal, &rec, none, true, &lsn), TC_EIO);
                assert_int_equal(wal_forget(r->wal, 1, &lsn), TC_EIO);
                assert_null(wal_batch_take(r->wal));
            }
            rig_crash_and_check(r);
            rig_free(r);
        }
    }
}

static void test_refusals(void **state) {
    (void)state;
    struct rig *r = rig_new(1);
    struct wal_record rec = {.gid = 1, .idx = 1, .type = 1};
    uint64_t lsn = 0;
    struct wal_record bad = rec;
    bad.type = WAL_FRAME_HEAD;
    assert_int_equal(wal_append(r->wal, &bad, NULL, false, &lsn), TC_EINVAL);
    bad = rec;
    bad.flags = 0x4000;
    assert_int_equal(wal_append(r->wal, &bad, NULL, false, &lsn), TC_EINVAL);
    bad = rec;
    bad.idx = 0;
    assert_int_equal(wal_append(r->wal, &bad, NULL, false, &lsn), TC_EINVAL);
    bad = rec;
    bad.flags = WAL_IN_PLACE;
    assert_int_equal(wal_append(r->wal, &bad, NULL, false, &lsn), TC_ENOTFOUND);
    struct tc_blob *big = tc_blob_new(SEGMENT);
    assert_int_equal(wal_append(r->wal, &rec, big, false, &lsn), TC_EINVAL);
    tc_blob_unref(big);
    struct tc_blob *none = NULL;
    assert_int_equal(wal_read(r->wal, 1, 1, &none), TC_ENOTFOUND);
    assert_int_equal(wal_forget(r->wal, 1, &lsn), TC_ENOTFOUND);
    for (uint64_t i = 1; i < 10; i++)
        rig_append_one(r, 2, i, 4000);
    struct model_op op = {.kind = MODEL_ENTRY, .gid = 2, .idx = 10, .len = 4000, .type = 1};
    assert_int_equal(model_append(&r->model, r->wal, &op), TC_EBUSY);
    struct wal_batch *b = wal_batch_take(r->wal);
    assert_non_null(b);
    rig_append_one(r, 2, 10, 50);
    assert_null(wal_batch_take(r->wal));
    OK(wal_batch_done(r->wal, b, wal_batch_write(b), &lsn));
    OK(wal_flush(r->wal));
    rec.gid = 2;
    rec.idx = 11;
    rec.body_crc = 5;
    OK(wal_append(r->wal, &rec, NULL, false, &lsn));
    assert_int_equal(wal_flush(r->wal), TC_EIO);
    rig_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_damaged_body_is_named_and_repaired),
        cmocka_unit_test(test_later_batch_is_proof),
        cmocka_unit_test(test_remains_of_torn_batch_are_dead),
        cmocka_unit_test(test_damaged_head_is_read_by_tail),
        cmocka_unit_test(test_both_frames_gone_is_said),
        cmocka_unit_test(test_damaged_state_is_lost_until_newer),
        cmocka_unit_test(test_segment_header_may_rot),
        cmocka_unit_test(test_lost_segment_is_said),
        cmocka_unit_test(test_lying_sync_is_noticed),
        cmocka_unit_test(test_segment_of_a_dead_process),
        cmocka_unit_test(test_fault_sweep),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_restarts_use_no_space),
        cmocka_unit_test(test_runs_for_long_in_little_space),
        cmocka_unit_test(test_rot_is_never_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
