#include "rig.h"

struct wal_options rig_options(void) {
    struct wal_options o = wal_options_default();
    o.segment_bytes = SEGMENT;
    o.max_bytes = 12 * SEGMENT;
    o.queue_max_bytes = 40 * 1024;
    o.cache_max_bytes = 20 * 1024;
    memcpy(o.store_uuid, "0123456789abcdef", 16);
    return o;
}

void rig_reopen(struct rig *r) {
    struct wal_options o = rig_options();
    OK(wal_open(sim_fs_fs(r->disk), "d", &o, &r->wal));
}

struct rig *rig_new(uint64_t seed) {
    struct rig *r = calloc(1, sizeof *r);
    r->disk = sim_fs_new(seed);
    r->prng = tc_prng(seed + 77);
    OK(tc_fs_mkdir(sim_fs_fs(r->disk), "d"));
    rig_reopen(r);
    return r;
}

void rig_free(struct rig *r) {
    wal_close(r->wal);
    sim_fs_free(r->disk);
    free(r);
}

bool rig_write_batch(struct rig *r) {
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
    TC_IGNORE(wal_prepare_done(r->wal, p));
}

/* Make room as a store would: archive and checkpoint everything durable, then copy what is left. */
void rig_relieve(struct rig *r) {
    for (uint64_t gid = 1; gid <= MODEL_GROUPS; gid++) {
        struct model_group *g = &r->model.groups[gid];
        while (g->last > g->trimmed && g->entries[g->trimmed + 1]->lsn <= wal_durable_lsn(r->wal))
            model_trim(&r->model, r->wal, gid, g->trimmed + 1);
    }
    tc_err err = wal_copy_forward(r->wal, UINT64_MAX);
    assert_true(err == TC_OK || err == TC_EBUSY || err == TC_EFULL);
}

bool rig_run(struct rig *r, int steps) {
    for (int i = 0; i < steps; i++) {
        tc_err err = model_step(&r->model, r->wal, &r->prng);
        if (err == TC_EFULL)
            rig_relieve(r);
        if (tc_prng_chance(&r->prng, 1, 4))
            prepare(r);
        if (sim_fs_is_down(r->disk))
            return false; /* it died while it prepared a segment */
        bool due = err != TC_OK || tc_prng_chance(&r->prng, 1, 6);
        if (due && !rig_write_batch(r))
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

void rig_crash_and_check(struct rig *r) {
    uint64_t written = wal_last_lsn(r->wal);
    wal_close(r->wal);
    sim_fs_crash(r->disk);
    rig_reopen(r);
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

uint64_t rig_append_one(struct rig *r, uint64_t gid, uint64_t idx, uint32_t len) {
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
