#include "test_archive.h"

#include "base/crc32c.h"
#include "core/paxos/paxos.h"
#include "engine/archive/intake.h"
#include "env/sim/sim.h"

#include <stdio.h>

enum {
    GID = 3,
    LOG = 60,
};

/* A log and its chain hashes; entry i says "entry i" and, in a changed log, something else. */
struct log {
    uint64_t chain[LOG + 1];
    int changed; /* 0: none */
};

static struct log log_make(int changed) {
    struct log l = {.chain = {99}, .changed = changed};
    for (uint64_t i = 1; i <= LOG; i++) {
        char body[32];
        int len = snprintf(body, sizeof body, "entry %d%s", (int)i, (int)i == changed ? "!" : "");
        struct paxos_entry e = {.index = i,
                                .ballot = 4,
                                .type = 2,
                                .body_crc = tc_crc32c(0, body, (size_t)len),
                                .body_len = (uint32_t)len};
        l.chain[i] = paxos_chain(GID, l.chain[i - 1], &e);
    }
    return l;
}

static void log_entries(const struct log *l, uint64_t first, uint64_t last, struct tc_buf *out) {
    for (uint64_t i = first; i <= last; i++) {
        char body[32];
        int len =
            snprintf(body, sizeof body, "entry %d%s", (int)i, (int)i == l->changed ? "!" : "");
        struct archive_entry e = {.index = i,
                                  .ballot = 4,
                                  .chain = l->chain[i],
                                  .type = 2,
                                  .body_crc = tc_crc32c(0, body, (size_t)len),
                                  .body = tc_slice(body, (size_t)len)};
        archive_entry_encode(&e, out);
    }
}

struct rig {
    struct sim_fs *disk;
    struct objstore *store;
    struct intake *in;
};

static struct rig rig_make(void) {
    struct rig r = {.disk = sim_fs_new(1)};
    OK(tc_fs_mkdir(sim_fs_fs(r.disk), "s"));
    OK(objstore_dir_new(sim_fs_fs(r.disk), "s", &r.store));
    r.in = intake_new(r.store, true);
    return r;
}

static void rig_free(struct rig *r) {
    intake_free(r->in);
    objstore_free(r->store);
    sim_fs_free(r->disk);
}

static tc_err offer(struct rig *r, const struct log *l, uint32_t rid, uint64_t first, uint64_t last,
                    bool entries, struct intake_reply *ret) {
    struct tc_buf encoded = {0};
    char node[16];
    snprintf(node, sizeof node, "storage-%u", rid);
    if (entries)
        log_entries(l, first, last, &encoded);
    struct intake_offer o = {
        .segment = {.gid = GID,
                    .table_id = 8,
                    .table = TC_SLICE_LIT("orders"),
                    .first = first,
                    .last = last,
                    .chain_before = first ? l->chain[first - 1] : 0,
                    .chain_after = first ? l->chain[last] : 0,
                    .last_ms = last,
                    .entries = tc_buf_slice(&encoded)},
        .node = tc_slice_str(node),
        .rid = rid,
    };
    memset(ret, 0, sizeof *ret);
    tc_err err = intake_take(r->in, &o, ret);
    tc_buf_deinit(&encoded);
    return err;
}

static void expect_status(void *user, const struct intake_group_status *g) {
    assert_int_equal(g->gid, GID);
    assert_string_equal(g->problem, user);
}

void test_intake_archives_in_order(void **state) {
    (void)state;
    struct rig r = rig_make();
    struct log l = log_make(0);
    struct intake_reply reply;
    OK(offer(&r, &l, 1, 0, 0, false, &reply));
    assert_true(reply.archived == 0 && reply.verify_first == 0 && reply.problem[0] == 0);
    OK(offer(&r, &l, 1, 1, 10, true, &reply));
    assert_true(reply.archived == 10 && reply.archived_chain == l.chain[10]);
    assert_int_equal(reply.verify_first, 0);
    /* A hole, a repeat and an overlap are answered with where to go on. */
    OK(offer(&r, &l, 1, 12, 20, true, &reply));
    assert_int_equal(reply.archived, 10);
    OK(offer(&r, &l, 1, 1, 10, true, &reply));
    OK(offer(&r, &l, 1, 5, 15, true, &reply));
    assert_true(reply.archived == 10 && reply.problem[0] == 0);
    OK(offer(&r, &l, 1, 11, 30, true, &reply));
    assert_int_equal(reply.archived, 30);
    /* A new archiver goes on from what is stored. */
    intake_free(r.in);
    r.in = intake_new(r.store, false);
    OK(offer(&r, &l, 1, 0, 0, false, &reply));
    assert_true(reply.archived == 30 && reply.archived_chain == l.chain[30]);
    OK(offer(&r, &l, 1, 31, 40, true, &reply));
    assert_int_equal(reply.archived, 40);
    struct archive_manifest m = {0};
    OK(archive_manifest_load(r.store, GID, &m));
    OK(archive_manifest_check(&m, NULL));
    assert_int_equal(m.segment_count, 3);
    archive_manifest_deinit(&m);
    rig_free(&r);
}

void test_intake_compares_replicas(void **state) {
    (void)state;
    struct rig r = rig_make();
    struct log l = log_make(0);
    struct log other = log_make(25);
    struct intake_reply reply;
    OK(offer(&r, &l, 1, 1, 10, true, &reply));
    OK(offer(&r, &l, 2, 0, 0, false, &reply));
    assert_true(reply.verify_first == 1 && reply.verify_last == 10);
    OK(offer(&r, &l, 2, 1, 10, false, &reply));
    assert_true(reply.verify_first == 0 && reply.problem[0] == 0);
    assert_int_equal(intake_counters(r.in)->ranges_verified, 1);
    OK(offer(&r, &l, 1, 11, 20, true, &reply));
    OK(offer(&r, &l, 1, 21, 30, true, &reply));
    OK(offer(&r, &other, 2, 0, 0, false, &reply));
    assert_true(reply.verify_first == 11 && reply.verify_last == 20);
    OK(offer(&r, &other, 2, 11, 20, false, &reply));
    assert_true(reply.verify_first == 21 && reply.problem[0] == 0);
    OK(offer(&r, &other, 2, 21, 30, false, &reply));
    assert_string_equal(reply.problem, "storage-2 rid 2: chain differs at [21, 30]");
    assert_int_equal(intake_counters(r.in)->replicas_differ, 1);
    /* Ends inside segments are compared too. */
    OK(offer(&r, &l, 3, 15, 24, false, &reply));
    assert_int_equal(intake_counters(r.in)->ranges_verified, 3);
    OK(offer(&r, &other, 3, 25, 28, false, &reply));
    assert_string_equal(reply.problem, "storage-3 rid 3: chain differs at [25, 28]");
    /* A leader whose log is another one cannot add to the archive. */
    OK(offer(&r, &other, 2, 31, 40, true, &reply));
    assert_int_equal(reply.archived, 30);
    assert_string_equal(reply.problem, "storage-2 rid 2: chain differs at [30, 30]");
    intake_each_group(r.in, expect_status, reply.problem);
    rig_free(&r);
}

void test_intake_blames_the_archive(void **state) {
    (void)state;
    struct rig r = rig_make();
    struct log l = log_make(0);
    struct intake_reply reply;
    OK(offer(&r, &l, 1, 1, 10, true, &reply));
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    char path[ARCHIVE_OBJECT_KEY_BYTES + 2];
    archive_segment_key(GID, 1, 10, l.chain[10], key);
    snprintf(path, sizeof path, "s/%s", key);
    OK(sim_fs_flip(r.disk, path, 150, 1));
    OK(offer(&r, &l, 2, 3, 8, false, &reply));
    assert_string_equal(reply.problem, "archive: segment [1, 10] is damaged");
    assert_int_equal(intake_counters(r.in)->archive_damaged, 1);
    assert_int_equal(intake_counters(r.in)->replicas_differ, 0);
    rig_free(&r);
}

void test_intake_refuses(void **state) {
    (void)state;
    struct rig r = rig_make();
    struct log l = log_make(0);
    struct intake_reply reply;
    struct log wrong = l;
    wrong.chain[7]++;
    OK(offer(&r, &wrong, 1, 1, 10, true, &reply));
    assert_int_equal(reply.archived, 0);
    assert_string_equal(reply.problem, "storage-1 rid 1: entry 7: chain does not continue");
    assert_int_equal(offer(&r, &l, 0, 1, 10, true, &reply), TC_EINVAL);
    assert_int_equal(offer(&r, &l, 1, 10, 9, false, &reply), TC_EINVAL);
    OK(offer(&r, &l, 1, 1, 10, true, &reply));
    assert_int_equal(reply.archived, 10);
    rig_free(&r);
}

static void expect_page(struct rig *r, const struct log *l, uint64_t first, uint64_t last,
                        uint64_t count) {
    struct tc_buf page = {0};
    struct archive_entry e;
    OK(intake_read(r->in, GID, first, last, &page));
    struct tc_slice rest = tc_buf_slice(&page);
    for (uint64_t i = first; i < first + count; i++) {
        assert_true(archive_entry_next(&rest, &e));
        assert_true(e.index == i && e.chain == l->chain[i]);
    }
    assert_int_equal(rest.len, 0);
    tc_buf_deinit(&page);
}

/* Page by page, each from one segment; what the archive has not, and what it has lost, it says. */
void test_intake_gives_back(void **state) {
    (void)state;
    struct rig r = rig_make();
    struct log l = log_make(0);
    struct intake_reply reply;
    struct tc_buf page = {0};
    assert_int_equal(intake_read(r.in, GID, 1, 9, &page), TC_ENOTFOUND);
    OK(offer(&r, &l, 1, 1, 10, true, &reply));
    OK(offer(&r, &l, 1, 11, 30, true, &reply));
    expect_page(&r, &l, 3, 25, 8);
    expect_page(&r, &l, 11, 25, 15);
    expect_page(&r, &l, 30, 99, 1);
    assert_int_equal(intake_counters(r.in)->entries_read, 24);
    assert_int_equal(intake_read(r.in, GID, 31, 40, &page), TC_ENOTFOUND);
    assert_int_equal(intake_read(r.in, GID + 1, 1, 9, &page), TC_ENOTFOUND);
    assert_int_equal(intake_read(r.in, GID, 0, 9, &page), TC_EINVAL);
    assert_int_equal(intake_read(r.in, GID, 9, 8, &page), TC_EINVAL);
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    char path[ARCHIVE_OBJECT_KEY_BYTES + 2];
    archive_segment_key(GID, 1, 10, l.chain[10], key);
    snprintf(path, sizeof path, "s/%s", key);
    OK(sim_fs_flip(r.disk, path, 150, 1));
    assert_int_equal(intake_read(r.in, GID, 5, 9, &page), TC_ECORRUPT);
    assert_int_equal(intake_counters(r.in)->archive_damaged, 1);
    assert_int_equal(page.len, 0);
    rig_free(&r);
}

/* A failing disk at every step: what was answered is archived, and a later offer succeeds. */
void test_intake_fault_sweep(void **state) {
    (void)state;
    bool hit = true;
    for (uint64_t n = 0; hit; n++) {
        struct rig r = rig_make();
        struct log l = log_make(0);
        struct intake_reply reply;
        OK(offer(&r, &l, 1, 1, 10, true, &reply));
        sim_fs_crash_after(r.disk, n);
        tc_err err = offer(&r, &l, 1, 11, 20, true, &reply);
        hit = sim_fs_is_down(r.disk);
        assert_int_equal(err == TC_OK, !hit || reply.archived == 20);
        sim_fs_crash(r.disk);
        intake_free(r.in);
        r.in = intake_new(r.store, true);
        struct intake_reply again;
        OK(offer(&r, &l, 1, 0, 0, false, &again));
        assert_int_equal(again.archived, err == TC_OK || again.archived == 20 ? 20 : 10);
        if (again.archived == 10)
            OK(offer(&r, &l, 1, 11, 20, true, &again));
        assert_int_equal(again.archived, 20);
        rig_free(&r);
    }
}

/* The manifest of a merged group names both that it comes from and where they end. */
void test_intake_notes_both_parents(void **state) {
    (void)state;
    struct rig r = rig_make();
    struct log l = log_make(0);
    struct intake_reply reply = {0};
    struct archive_manifest m = {0};
    struct tc_buf encoded = {0};
    log_entries(&l, 11, 20, &encoded);
    struct intake_offer o = {.segment = {.gid = GID,
                                         .table_id = 8,
                                         .table = TC_SLICE_LIT("orders"),
                                         .first = 11,
                                         .last = 20,
                                         .chain_before = l.chain[10],
                                         .chain_after = l.chain[20],
                                         .entries = tc_buf_slice(&encoded)},
                             .node = TC_SLICE_LIT("storage-1"),
                             .rid = 1,
                             .parent_gid = 1,
                             .base_index = 9,
                             .base_chain = l.chain[10],
                             .parent_index = 7,
                             .right_gid = 2,
                             .right_index = 10};
    assert_int_equal(intake_take(r.in, &o, &reply), TC_EINVAL); /* not the higher of both */
    o.base_index = 10;
    OK(intake_take(r.in, &o, &reply));
    assert_int_equal(reply.archived, 20);
    OK(archive_manifest_load(r.store, GID, &m));
    assert_true(m.parent_gid == 1 && m.parent_index == 7);
    assert_true(m.right_gid == 2 && m.right_index == 10 && m.base_index == 10);
    archive_manifest_deinit(&m);
    tc_buf_deinit(&encoded);
    rig_free(&r);
}
