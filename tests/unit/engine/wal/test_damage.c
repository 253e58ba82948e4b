/* Rot, lost segments, lying syncs: what was acknowledged is there or is named. */
#include "rig.h"

#include <stdio.h>

/* One flipped bit anywhere: everything acknowledged is intact, or named as damaged, or the log says
 * that it cannot name what is lost. */
void test_rot_is_never_silent(void **state) {
    (void)state;
    int faulty = 0;
    int lost = 0;
    for (uint64_t seed = 1; seed <= 250; seed++) {
        struct rig *r = rig_new(seed);
        rig_run(r, 60);
        assert_true(rig_write_batch(r));
        wal_close(r->wal);
        sim_fs_restart(r->disk);
        char path[32];
        snprintf(path, sizeof path, "d/seg-%04u", (unsigned)tc_prng_below(&r->prng, 2));
        tc_err flipped = sim_fs_flip(r->disk, path, tc_prng_below(&r->prng, SEGMENT / 2),
                                     (unsigned)tc_prng_below(&r->prng, 8));
        rig_reopen(r);
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

/* Batches of one 4 KiB block each from offset 4096 on: batch n is at (n + 1) * 4096. */
static struct rig *rig_with_batches(unsigned count) {
    struct rig *r = rig_new(5);
    for (unsigned i = 1; i <= count; i++) {
        rig_append_one(r, 1, i, 100);
        assert_true(rig_write_batch(r));
    }
    return r;
}

static void flip_and_reopen(struct rig *r, const uint64_t *offsets, size_t count) {
    wal_close(r->wal);
    sim_fs_restart(r->disk);
    for (size_t i = 0; i < count; i++)
        OK(sim_fs_flip(r->disk, "d/seg-0000", offsets[i], 3));
    rig_reopen(r);
}

enum {
    FRAME = 64 + 40 + 48,
    BODY = FRAME + 64 + 10,
};

void test_damaged_body_is_named_and_repaired(void **state) {
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
        rig_reopen(r);
        assert_int_equal(wal_report(r->wal)->faulty_count, 0);
        model_check(&r->model, r->wal, /* may_fault= */ false);
        rig_free(r);
    }
}

/* Without the mark, the batch after a damaged one proves that it was acknowledged. */
void test_later_batch_is_proof(void **state) {
    (void)state;
    for (unsigned which = 1; which <= 5; which++) {
        struct rig *r = rig_with_batches(5);
        uint64_t at = which * 4096 + BODY;
        wal_close(r->wal);
        OK(tc_fs_unlink(sim_fs_fs(r->disk), "d/mark"));
        OK(sim_fs_flip(r->disk, "d/seg-0000", at, 3));
        rig_reopen(r);
        bool last = which == 5;
        assert_int_equal(wal_report(r->wal)->faulty_count, last ? 0 : 1);
        assert_int_equal(wal_report(r->wal)->torn_bytes, last ? 4096 : 0);
        assert_int_equal(wal_report(r->wal)->durable_lsn, last ? 4 : 5);
        assert_false(wal_report(r->wal)->identity_lost);
        rig_free(r);
    }
}

/* Remains of a large torn batch lie where a small one goes on; they must never be read again. */
void test_remains_of_torn_batch_are_dead(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct rig *r = rig_new(seed);
        rig_append_one(r, 1, 1, 100);
        assert_true(rig_write_batch(r));
        for (uint64_t idx = 2; idx < 6; idx++)
            rig_append_one(r, 1, idx, 1500);
        sim_fs_crash_after(r->disk, 0);
        assert_false(rig_write_batch(r));
        rig_crash_and_check(r);
        rig_append_one(r, 1, r->model.groups[1].last + 1, 50);
        assert_true(rig_write_batch(r));
        rig_crash_and_check(r);
        rig_append_one(r, 1, r->model.groups[1].last + 1, 50);
        assert_true(rig_write_batch(r));
        rig_crash_and_check(r);
        rig_free(r);
    }
}

void test_damaged_head_is_read_by_tail(void **state) {
    (void)state;
    struct rig *r = rig_with_batches(5);
    uint64_t at[2] = {3 * 4096 + 20, 3 * 4096 + BODY};
    flip_and_reopen(r, at, 2);
    assert_int_equal(wal_report(r->wal)->faulty_count, 1);
    assert_false(wal_report(r->wal)->identity_lost);
    model_check(&r->model, r->wal, /* may_fault= */ true);
    rig_free(r);
}

void test_both_frames_gone_is_said(void **state) {
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

void test_damaged_state_is_lost_until_newer(void **state) {
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

void test_segment_header_may_rot(void **state) {
    (void)state;
    struct rig *r = rig_with_batches(5);
    uint64_t at = 30;
    flip_and_reopen(r, &at, 1);
    assert_false(wal_report(r->wal)->identity_lost);
    model_check(&r->model, r->wal, /* may_fault= */ false);
    rig_free(r);
}

void test_lost_segment_is_said(void **state) {
    (void)state;
    struct rig *r = rig_with_batches(30);
    assert_true(wal_space(r->wal).used_bytes > SEGMENT);
    wal_close(r->wal);
    OK(tc_fs_unlink(sim_fs_fs(r->disk), "d/seg-0000"));
    rig_reopen(r);
    assert_true(wal_report(r->wal)->identity_lost);
    wal_close(r->wal);
    struct wal_options o = rig_options();
    o.store_uuid[0]++;
    struct wal *other = NULL;
    assert_int_equal(wal_open(sim_fs_fs(r->disk), "d", &o, &other), TC_ECORRUPT);
    r->wal = NULL;
    rig_free(r);
}

/* A sync that lied: records that the mark vouches for are missed, not forgotten. */
void test_lying_sync_is_noticed(void **state) {
    (void)state;
    int noticed = 0;
    int kept = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct rig *r = rig_new(seed);
        rig_append_one(r, 1, 1, 3000);
        assert_true(rig_write_batch(r));
        OK(sim_fs_fault(r->disk, &(struct sim_fault){.kind = SIM_SYNC_LIE, .path_part = "seg"}));
        rig_append_one(r, 1, 2, 9000);
        assert_true(rig_write_batch(r));
        wal_close(r->wal);
        sim_fs_crash(r->disk);
        rig_reopen(r);
        const struct wal_report *report = wal_report(r->wal);
        struct wal_group g = {0};
        assert_true(wal_group(r->wal, 1, &g));
        noticed += report->identity_lost || report->faulty_count > 0;
        kept += g.last_idx == 2;
        rig_free(r);
    }
    assert_true(noticed > 5 && kept > 5);
}

/* A process dies after it made a segment and before it made its name durable. The next one uses the
 * segment; when power goes then, what it acknowledged must be there (found by the suite simulator,
 * seed 124: the name was lost with everything in it). */
void test_segment_of_a_dead_process(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct rig *r = rig_new(seed);
        wal_close(r->wal);
        struct tc_file *f = NULL;
        OK(tc_fs_open(sim_fs_fs(r->disk), "d/seg-0000", TC_FS_CREATE | TC_FS_DIRECT | TC_FS_DSYNC,
                      &f));
        OK(tc_file_prewrite(f, SEGMENT));
        tc_file_close(f);
        sim_fs_restart(r->disk);
        rig_reopen(r);
        rig_append_one(r, 1, 1, 100);
        assert_true(rig_write_batch(r));
        wal_close(r->wal);
        sim_fs_crash(r->disk);
        rig_reopen(r);
        struct wal_group g = {0};
        assert_true(wal_group(r->wal, 1, &g));
        assert_int_equal(g.last_idx, 1);
        rig_free(r);
    }
}
