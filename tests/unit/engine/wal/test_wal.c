/* The log held against a model, over a disk that crashes, tears, rots and fails. */
#include "model.h"

#include <stdio.h>

enum {
    SEGMENT = 64 * 1024,
};

static struct wal_options small(void) {
    struct wal_options o = wal_options_default();
    o.segment_bytes = SEGMENT;
    o.max_bytes = 12 * SEGMENT;
    o.queue_max_bytes = 40 * 1024;
    o.cache_max_bytes = 20 * 1024;
    memcpy(o.store_uuid, "0123456789abcdef", 16);
    return o;
}

struct rig {
    struct sim_fs *disk;
    struct wal *wal;
    struct model model;
    struct tc_prng prng;
    uint64_t acked_lsn;
};

static void reopen(struct rig *r) {
    struct wal_options o = small();
    OK(wal_open(sim_fs_fs(r->disk), "d", &o, &r->wal));
}

static struct rig *rig_new(uint64_t seed) {
    struct rig *r = calloc(1, sizeof *r);
    r->disk = sim_fs_new(seed);
    r->prng = tc_prng(seed + 77);
    OK(tc_fs_mkdir(sim_fs_fs(r->disk), "d"));
    reopen(r);
    return r;
}

static void rig_free(struct rig *r) {
    wal_close(r->wal);
    sim_fs_free(r->disk);
    free(r);
}

/* Write one batch; false when the machine died in it. */
static bool write_batch(struct rig *r) {
    struct wal_batch *b = wal_batch_take(r->wal);
    if (b == NULL)
        return true;
    tc_err err = wal_batch_write(b);
    uint64_t lsn = 0;
    tc_err done = wal_batch_done(r->wal, b, err, &lsn);
    assert_int_equal(done, err == TC_OK ? TC_OK : TC_EIO);
    if (err != TC_OK)
        return false;
    r->acked_lsn = lsn;
    return true;
}

static void prepare(struct rig *r) {
    struct wal_prepare *p = wal_prepare_take(r->wal);
    if (p == NULL)
        return;
    wal_prepare_run(p);
    wal_prepare_done(r->wal, p);
}

/* Make room as a store would: archive and checkpoint everything durable, then copy what is left. */
static void relieve(struct rig *r) {
    for (uint64_t gid = 1; gid <= MODEL_GROUPS; gid++) {
        struct model_group *g = &r->model.groups[gid];
        while (g->last > g->trimmed && g->entries[g->trimmed + 1]->lsn <= wal_durable_lsn(r->wal))
            model_trim(&r->model, r->wal, gid, g->trimmed + 1);
    }
    tc_err err = wal_copy_forward(r->wal, UINT64_MAX);
    assert_true(err == TC_OK || err == TC_EBUSY || err == TC_EFULL);
}

static bool run(struct rig *r, int steps) {
    for (int i = 0; i < steps; i++) {
        tc_err err = model_step(&r->model, r->wal, &r->prng);
        if (err == TC_EFULL)
            relieve(r);
        if (tc_prng_chance(&r->prng, 1, 4))
            prepare(r);
        if (sim_fs_is_down(r->disk))
            return false; /* it died while it prepared a segment */
        bool due = err != TC_OK || tc_prng_chance(&r->prng, 1, 6);
        if (due && !write_batch(r))
            return false;
        assert_true(err == TC_OK || err == TC_EBUSY || err == TC_EFULL);
        if (r->model.count > MODEL_OPS_MAX - 100)
            return true;
    }
    return true;
}

/* Before the owner trims again: whatever reappeared, no group has a gap. */
static void check_dense(void *user, const struct wal_group *g) {
    struct wal_entry e;
    for (uint64_t idx = g->first_idx; idx != 0 && idx <= g->last_idx; idx++)
        assert_true(wal_entry(user, g->gid, idx, &e));
}

static void crash_and_check(struct rig *r) {
    uint64_t written = wal_last_lsn(r->wal);
    wal_close(r->wal);
    sim_fs_crash(r->disk);
    reopen(r);
    const struct wal_report *report = wal_report(r->wal);
    assert_false(report->identity_lost);
    assert_int_equal(report->faulty_count, 0);
    assert_int_equal(report->state_lost_count, 0);
    assert_true(report->durable_lsn >= r->acked_lsn && report->durable_lsn <= written);
    wal_each_group(r->wal, check_dense, r->wal);
    model_rewind(&r->model, report->durable_lsn);
    r->acked_lsn = report->durable_lsn;
    for (uint64_t gid = 1; gid <= MODEL_GROUPS; gid++)
        wal_trim(r->wal, gid, r->model.groups[gid].trimmed);
    model_check(&r->model, r->wal, /* may_fault= */ false);
}

static void test_crashes(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rig *r = rig_new(seed);
        for (int life = 0; life < 8; life++) {
            if (tc_prng_chance(&r->prng, 2, 3))
                sim_fs_crash_after(r->disk, tc_prng_below(&r->prng, 120));
            run(r, 150);
            crash_and_check(r);
        }
        rig_free(r);
    }
}

static void test_runs_for_long_in_little_space(void **state) {
    (void)state;
    struct rig *r = rig_new(9);
    for (int life = 0; life < 12; life++) {
        assert_true(run(r, 400));
        assert_true(write_batch(r));
        relieve(r);
        model_check(&r->model, r->wal, /* may_fault= */ false);
        crash_and_check(r);
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
    run(r, 60);
    assert_true(write_batch(r));
    uint64_t before = wal_space(r->wal).used_bytes;
    for (int i = 0; i < 30; i++)
        crash_and_check(r);
    assert_true(wal_space(r->wal).used_bytes <= before);
    rig_free(r);
}

/* One flipped bit anywhere: everything acknowledged is intact, or named as damaged, or the log says
 * that it cannot name what is lost. */
static void test_rot_is_never_silent(void **state) {
    (void)state;
    int faulty = 0;
    int lost = 0;
    for (uint64_t seed = 1; seed <= 250; seed++) {
        struct rig *r = rig_new(seed);
        run(r, 60);
        assert_true(write_batch(r));
        wal_close(r->wal);
        sim_fs_restart(r->disk);
        char path[32];
        snprintf(path, sizeof path, "d/seg-%04u", (unsigned)tc_prng_below(&r->prng, 2));
        tc_err flipped = sim_fs_flip(r->disk, path, tc_prng_below(&r->prng, SEGMENT / 2),
                                     (unsigned)tc_prng_below(&r->prng, 8));
        reopen(r);
        const struct wal_report *report = wal_report(r->wal);
        assert_true(flipped == TC_OK || report->faulty_count == 0);
        faulty += report->faulty_count > 0 || report->state_lost_count > 0;
        lost += report->identity_lost;
        if (!report->identity_lost) {
            assert_int_equal(report->durable_lsn, r->acked_lsn);
            model_check(&r->model, r->wal, /* may_fault= */ true);
        }
        rig_free(r);
    }
    assert_true(faulty > 10);
    assert_true(lost <= 3);
}

static uint64_t append_one(struct rig *r, uint64_t gid, uint64_t idx, uint32_t len) {
    struct model_op op = {.kind = MODEL_ENTRY,
                          .gid = gid,
                          .idx = idx,
                          .ballot = 7,
                          .chain = idx * 1000 + gid,
                          .len = len,
                          .type = 2};
    OK(model_append(&r->model, r->wal, &op));
    return wal_last_lsn(r->wal);
}

/* Batches of one 4 KiB block each from offset 4096 on: batch n is at (n + 1) * 4096. */
static struct rig *rig_with_batches(unsigned count) {
    struct rig *r = rig_new(5);
    for (unsigned i = 1; i <= count; i++) {
        append_one(r, 1, i, 100);
        assert_true(write_batch(r));
    }
    return r;
}

static void flip_and_reopen(struct rig *r, const uint64_t *offsets, size_t count) {
    wal_close(r->wal);
    sim_fs_restart(r->disk);
    for (size_t i = 0; i < count; i++)
        OK(sim_fs_flip(r->disk, "d/seg-0000", offsets[i], 3));
    reopen(r);
}

enum {
    FRAME = 64 + 40 + 48,
    BODY = FRAME + 64 + 10,
};

static void test_damaged_body_is_named_and_repaired(void **state) {
    (void)state;
    /* In the middle, and in the very last batch, where only the mark knows that it counted. */
    for (unsigned which = 2; which <= 5; which += 3) {
        struct rig *r = rig_with_batches(5);
        uint64_t at = which * 4096 + BODY;
        flip_and_reopen(r, &at, 1);
        assert_int_equal(wal_report(r->wal)->faulty_count, 1);
        struct wal_group g;
        assert_true(wal_group(r->wal, 1, &g));
        assert_int_equal(g.last_idx, 5);
        assert_int_equal(g.faulty_count, 1);
        struct wal_entry e;
        assert_true(wal_entry(r->wal, 1, which, &e));
        assert_true(e.faulty && e.chain == which * 1000u + 1);
        struct tc_blob *body = NULL;
        assert_int_equal(wal_read(r->wal, 1, which, &body), TC_ECORRUPT);
        model_check(&r->model, r->wal, /* may_fault= */ true);
        body = model_body(e.chain, 100);
        struct wal_record rec = {.gid = 1,
                                 .idx = which,
                                 .ballot = e.ballot,
                                 .chain = e.chain,
                                 .body_crc = e.body_crc,
                                 .type = e.type,
                                 .flags = (uint16_t)(e.flags | WAL_IN_PLACE)};
        uint64_t lsn = 0;
        OK(wal_append(r->wal, &rec, body, false, &lsn));
        rec.ballot++;
        assert_int_equal(wal_append(r->wal, &rec, body, false, &lsn), TC_ENOTFOUND);
        tc_blob_unref(body);
        OK(wal_flush(r->wal));
        model_check(&r->model, r->wal, /* may_fault= */ false);
        wal_close(r->wal);
        reopen(r);
        assert_int_equal(wal_report(r->wal)->faulty_count, 0);
        model_check(&r->model, r->wal, /* may_fault= */ false);
        rig_free(r);
    }
}

/* Without the mark, the batch after a damaged one proves that it was acknowledged. */
static void test_later_batch_is_proof(void **state) {
    (void)state;
    for (unsigned which = 1; which <= 5; which++) {
        struct rig *r = rig_with_batches(5);
        uint64_t at = which * 4096 + BODY;
        wal_close(r->wal);
        OK(tc_fs_unlink(sim_fs_fs(r->disk), "d/mark"));
        OK(sim_fs_flip(r->disk, "d/seg-0000", at, 3));
        reopen(r);
        bool last = which == 5;
        assert_int_equal(wal_report(r->wal)->faulty_count, last ? 0 : 1);
        assert_int_equal(wal_report(r->wal)->torn_bytes, last ? 4096 : 0);
        assert_int_equal(wal_report(r->wal)->durable_lsn, last ? 4 : 5);
        assert_false(wal_report(r->wal)->identity_lost);
        rig_free(r);
    }
}

/* Remains of a large torn batch lie where a small one goes on; they must never be read again. */
static void test_remains_of_torn_batch_are_dead(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct rig *r = rig_new(seed);
        append_one(r, 1, 1, 100);
        assert_true(write_batch(r));
        for (uint64_t idx = 2; idx < 6; idx++)
            append_one(r, 1, idx, 1500);
        sim_fs_crash_after(r->disk, 0);
        assert_false(write_batch(r));
        crash_and_check(r);
        append_one(r, 1, r->model.groups[1].last + 1, 50);
        assert_true(write_batch(r));
        crash_and_check(r);
        append_one(r, 1, r->model.groups[1].last + 1, 50);
        assert_true(write_batch(r));
        crash_and_check(r);
        rig_free(r);
    }
}

static void test_damaged_head_is_read_by_tail(void **state) {
    (void)state;
    struct rig *r = rig_with_batches(5);
    uint64_t at[2] = {3 * 4096 + 20, 3 * 4096 + BODY};
    flip_and_reopen(r, at, 2);
    assert_int_equal(wal_report(r->wal)->faulty_count, 1);
    assert_false(wal_report(r->wal)->identity_lost);
    model_check(&r->model, r->wal, /* may_fault= */ true);
    rig_free(r);
}

static void test_both_frames_gone_is_said(void **state) {
    (void)state;
    for (unsigned which = 3; which <= 5; which += 2) {
        struct rig *r = rig_with_batches(5);
        uint64_t at[2] = {which * 4096 + 20, which * 4096 + 512 + 20};
        flip_and_reopen(r, at, 2);
        assert_true(wal_report(r->wal)->identity_lost);
        assert_int_equal(wal_report(r->wal)->durable_lsn, 5);
        rig_free(r);
    }
}

static void test_damaged_state_is_lost_until_newer(void **state) {
    (void)state;
    struct rig *r = rig_with_batches(2);
    struct model_op op = {.kind = MODEL_STATE, .gid = 1, .chain = 3, .len = 20};
    op.type = WAL_HARDSTATE;
    OK(model_append(&r->model, r->wal, &op));
    OK(wal_flush(r->wal));
    uint64_t at = 3 * 4096 + BODY;
    flip_and_reopen(r, &at, 1);
    assert_int_equal(wal_report(r->wal)->state_lost_count, 1);
    struct wal_group g;
    struct tc_slice body;
    assert_true(wal_group(r->wal, 1, &g) && g.state_lost);
    assert_false(wal_state(r->wal, 1, WAL_HARDSTATE, &body));
    OK(model_append(&r->model, r->wal, &op));
    assert_true(wal_group(r->wal, 1, &g) && !g.state_lost);
    rig_free(r);
}

static void test_segment_header_may_rot(void **state) {
    (void)state;
    struct rig *r = rig_with_batches(5);
    uint64_t at = 30;
    flip_and_reopen(r, &at, 1);
    assert_false(wal_report(r->wal)->identity_lost);
    model_check(&r->model, r->wal, /* may_fault= */ false);
    rig_free(r);
}

static void test_lost_segment_is_said(void **state) {
    (void)state;
    struct rig *r = rig_with_batches(30);
    assert_true(wal_space(r->wal).used_bytes > SEGMENT);
    wal_close(r->wal);
    OK(tc_fs_unlink(sim_fs_fs(r->disk), "d/seg-0000"));
    reopen(r);
    assert_true(wal_report(r->wal)->identity_lost);
    wal_close(r->wal);
    struct wal_options o = small();
    o.store_uuid[0]++;
    struct wal *other = NULL;
    assert_int_equal(wal_open(sim_fs_fs(r->disk), "d", &o, &other), TC_ECORRUPT);
    r->wal = NULL;
    rig_free(r);
}

/* A sync that lied: records that the mark vouches for are missed, not forgotten. */
static void test_lying_sync_is_noticed(void **state) {
    (void)state;
    int noticed = 0;
    int kept = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct rig *r = rig_new(seed);
        append_one(r, 1, 1, 3000);
        assert_true(write_batch(r));
        OK(sim_fs_fault(r->disk, &(struct sim_fault){.kind = SIM_SYNC_LIE, .path_part = "seg"}));
        append_one(r, 1, 2, 9000);
        assert_true(write_batch(r));
        wal_close(r->wal);
        sim_fs_crash(r->disk);
        reopen(r);
        const struct wal_report *report = wal_report(r->wal);
        struct wal_group g = {0};
        assert_true(wal_group(r->wal, 1, &g));
        noticed += report->identity_lost || report->faulty_count > 0;
        kept += g.last_idx == 2;
        rig_free(r);
    }
    assert_true(noticed > 5 && kept > 5);
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
            bool ok = run(r, 120);
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
            crash_and_check(r);
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
        append_one(r, 2, i, 4000);
    struct model_op op = {.kind = MODEL_ENTRY, .gid = 2, .idx = 10, .len = 4000, .type = 1};
    assert_int_equal(model_append(&r->model, r->wal, &op), TC_EBUSY);
    struct wal_batch *b = wal_batch_take(r->wal);
    assert_non_null(b);
    append_one(r, 2, 10, 50);
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
        cmocka_unit_test(test_fault_sweep),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_restarts_use_no_space),
        cmocka_unit_test(test_runs_for_long_in_little_space),
        cmocka_unit_test(test_rot_is_never_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
