#include "test_archive.h"

#include "engine/archive/manifest.h"
#include "env/sim/sim.h"

static struct archive_segment_ref run(uint64_t first, uint64_t last) {
    return (struct archive_segment_ref){
        .first = first,
        .last = last,
        .chain_before = (first - 1) * 1000,
        .chain_after = last * 1000,
        .first_ballot = 1,
        .last_ballot = 2,
        .first_ms = first,
        .last_ms = last,
        .bytes = 500,
        .crc = 9,
    };
}

static struct archive_manifest sample(void) {
    struct archive_manifest m = {
        .gid = 5, .table_id = 6, .parent_gid = 4, .base_index = 10, .base_chain = 10000};
    tc_buf_append_str(&m.table, "orders");
    tc_buf_append_str(&m.start, "a");
    for (uint64_t i = 0; i < 5; i++) {
        struct archive_segment_ref s = run(11 + i * 10, 20 + i * 10);
        OK(archive_manifest_add_segment(&m, &s));
    }
    struct archive_snapshot_ref snap = {
        .index = 20, .ballot = 1, .chain = 20000, .key_count = 3, .part_count = 1};
    OK(archive_manifest_add_snapshot(&m, &snap));
    snap.index = 35;
    OK(archive_manifest_add_snapshot(&m, &snap));
    return m;
}

void test_manifest_round_trip(void **state) {
    (void)state;
    struct archive_manifest m = sample();
    struct archive_manifest d = {0};
    struct tc_buf object = {0};
    struct tc_buf again = {0};
    m.version = 3;
    archive_manifest_encode(&m, &object);
    OK(archive_manifest_decode(tc_buf_slice(&object), &d));
    archive_manifest_encode(&d, &again);
    assert_true(tc_slice_eq(tc_buf_slice(&object), tc_buf_slice(&again)));
    uint64_t chain = 0;
    assert_int_equal(archive_manifest_last(&d, &chain), 60);
    assert_int_equal(chain, 60000);
    assert_null(archive_manifest_find(&d, 10));
    assert_int_equal(archive_manifest_find(&d, 11)->first, 11);
    assert_int_equal(archive_manifest_find(&d, 40)->first, 31);
    assert_null(archive_manifest_find(&d, 61));
    struct archive_manifest none = {0};
    for (size_t i = 0; i < object.len; i++) {
        object.data[i] ^= 4;
        assert_int_equal(archive_manifest_decode(tc_buf_slice(&object), &none), TC_ECORRUPT);
        object.data[i] ^= 4;
        assert_int_equal(archive_manifest_decode(tc_slice(object.data, i), &none), TC_ECORRUPT);
    }
    archive_manifest_deinit(&m);
    archive_manifest_deinit(&d);
    tc_buf_deinit(&object);
    tc_buf_deinit(&again);
}

static void expect_hole(struct archive_manifest *m, const char *why) {
    struct tc_buf diag = {0};
    assert_int_equal(archive_manifest_check(m, &diag), TC_ECORRUPT);
    tc_buf_append_u8(&diag, 0);
    assert_string_equal((const char *)diag.data, why);
    tc_buf_deinit(&diag);
    /* What does not check cannot be decoded either. */
    struct tc_buf object = {0};
    struct archive_manifest none = {0};
    m->version = 1;
    archive_manifest_encode(m, &object);
    assert_int_equal(archive_manifest_decode(tc_buf_slice(&object), &none), TC_ECORRUPT);
    tc_buf_deinit(&object);
}

void test_manifest_holes(void **state) {
    (void)state;
    struct archive_manifest m = sample();
    OK(archive_manifest_check(&m, NULL));
    struct archive_segment_ref s = run(62, 70);
    assert_int_equal(archive_manifest_add_segment(&m, &s), TC_ESTALE);
    s = run(51, 60);
    assert_int_equal(archive_manifest_add_segment(&m, &s), TC_ESTALE);
    s = run(61, 70);
    s.chain_before++;
    assert_int_equal(archive_manifest_add_segment(&m, &s), TC_ESTALE);
    struct archive_snapshot_ref snap = {.index = 61, .chain = 1, .part_count = 1};
    assert_int_equal(archive_manifest_add_snapshot(&m, &snap), TC_ESTALE);
    snap.index = 60;
    assert_int_equal(archive_manifest_add_snapshot(&m, &snap), TC_ESTALE);
    struct archive_segment_ref saved = m.segments[2];
    memmove(&m.segments[2], &m.segments[3], 2 * sizeof *m.segments);
    m.segment_count--;
    expect_hole(&m, "segment missing at index 31");
    m.segments[2] = saved;
    m.segments[2].first = 30;
    expect_hole(&m, "segments overlap at index 31");
    m.segments[2] = saved;
    m.segments[2].chain_before++;
    expect_hole(&m, "chain does not continue at index 31");
    m.segments[2] = saved;
    m.segment_count = 2;
    expect_hole(&m, "snapshot outside the log at index 35");
    archive_manifest_deinit(&m);
}

void test_manifest_store(void **state) {
    (void)state;
    struct sim_fs *disk = sim_fs_new(1);
    struct objstore *o = NULL;
    OK(tc_fs_mkdir(sim_fs_fs(disk), "s"));
    OK(objstore_dir_new(sim_fs_fs(disk), "s", &o));
    struct archive_manifest m = sample();
    struct archive_manifest other = {0};
    assert_int_equal(archive_manifest_load(o, 5, &other), TC_ENOTFOUND);
    OK(archive_manifest_store(o, &m));
    OK(archive_manifest_load(o, 5, &other));
    assert_int_equal(other.version, 1);
    for (uint64_t i = 0; i < 12; i++) {
        struct archive_segment_ref s = run(61 + i, 61 + i);
        OK(archive_manifest_add_segment(&m, &s));
        OK(archive_manifest_store(o, &m));
    }
    /* The other writer loses, and sees why when it looks again. */
    struct archive_segment_ref s = run(61, 70);
    OK(archive_manifest_add_segment(&other, &s));
    other.version = 12;
    assert_int_equal(archive_manifest_store(o, &other), TC_EEXISTS);
    assert_int_equal(other.version, 12);
    archive_manifest_deinit(&other);
    OK(archive_manifest_load(o, 5, &other));
    assert_int_equal(other.version, 13);
    assert_int_equal(other.segment_count, 17);
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    uint64_t size = 0;
    archive_manifest_key(5, 10, key);
    assert_int_equal(objstore_head(o, key, &size), TC_ENOTFOUND);
    archive_manifest_key(5, 11, key);
    OK(objstore_head(o, key, &size));
    archive_manifest_deinit(&other);
    archive_manifest_deinit(&m);
    objstore_free(o);
    sim_fs_free(disk);
}
