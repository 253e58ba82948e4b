/* The archive's objects, and the directory that stands in for an object store. */
#include "golden.h"

#include "base/crc32c.h"
#include "core/paxos/paxos.h"
#include "engine/archive/manifest.h"
#include "engine/archive/segment.h"
#include "engine/archive/snapshot.h"
#include "env/sim/sim.h"

#include <string.h>

enum {
    GID = 7,
    ENTRIES = 4,
};

/* Entries 11..14 and the segment around them. */
static struct archive_segment make_segment(struct tc_buf *entries) {
    struct archive_segment s = {.gid = GID, .table_id = 3, .first = 11, .last = 10 + ENTRIES};
    s.chain_before = s.chain_after = 0x1111222233334444u;
    s.first_ms = 1700000000000u;
    s.last_ms = 1700000005000u;
    s.table = tc_slice_str("things");
    s.start = tc_slice_str("a");
    s.end = tc_slice_str("q");
    for (uint64_t i = 0; i < ENTRIES; i++) {
        char body[64];
        memset(body, (int)('a' + i), sizeof body);
        struct archive_entry e = {.index = 11 + i, .ballot = (i / 2 + 1) << 24 | 1, .type = 2};
        e.body = tc_slice(body, 16 * i);
        e.body_crc = tc_crc32c(0, body, 16 * i);
        struct paxos_entry hashed = {.index = e.index,
                                     .ballot = e.ballot,
                                     .body_crc = e.body_crc,
                                     .body_len = (uint32_t)e.body.len,
                                     .type = e.type};
        e.chain = s.chain_after = paxos_chain(GID, s.chain_after, &hashed);
        archive_entry_encode(&e, entries);
    }
    s.entries = tc_buf_slice(entries);
    return s;
}

static void check_segment(const char *name) {
    struct tc_buf file = {0}, scratch = {0};
    struct archive_segment s;
    struct archive_entry e;
    golden_read(name, &file);
    OK(archive_segment_decode(tc_buf_slice(&file), &scratch, &s));
    assert_true(s.gid == GID && s.first == 11 && s.last == 14 && s.last_ms == 1700000005000u);
    assert_true(tc_slice_eq(s.table, tc_slice_str("things")));
    struct tc_slice rest = s.entries;
    for (uint64_t i = 0; i < ENTRIES; i++)
        assert_true(archive_entry_next(&rest, &e) && e.index == 11 + i && e.body.len == 16 * i);
    tc_buf_deinit(&file);
    tc_buf_deinit(&scratch);
}

static void test_segment(void **state) {
    (void)state;
    struct tc_buf entries = {0}, object = {0};
    struct archive_segment s = make_segment(&entries);
    OK(archive_segment_encode(&s, /* compress= */ false, &object));
    golden_same("archive-segment-v1", tc_buf_slice(&object));
    check_segment("archive-segment-v1");
    /* What zstd makes of the same entries is its own business: it is read, not compared. */
    tc_buf_clear(&object);
    OK(archive_segment_encode(&s, /* compress= */ true, &object));
    (void)golden_make("archive-segment-zstd-v1", tc_buf_slice(&object));
    check_segment("archive-segment-zstd-v1");
    tc_buf_deinit(&entries);
    tc_buf_deinit(&object);
}

static void test_manifest(void **state) {
    (void)state;
    struct archive_manifest m = {.version = 5, .gid = GID, .table_id = 3, .parent_gid = 2}, again;
    struct tc_buf object = {0}, file = {0};
    m.base_index = 10;
    m.base_chain = 77;
    tc_buf_append_str(&m.table, "things");
    tc_buf_append_str(&m.start, "a");
    for (uint64_t i = 0; i < 3; i++) {
        struct archive_segment_ref s = {.first = 11 + 10 * i,
                                        .last = 20 + 10 * i,
                                        .chain_before = 77 + i,
                                        .chain_after = 78 + i,
                                        .first_ballot = 1,
                                        .last_ballot = 2 + i,
                                        .first_ms = 1000 * i,
                                        .last_ms = 1000 * i + 999,
                                        .bytes = 4096,
                                        .crc = 0xabcdef};
        OK(archive_manifest_add_segment(&m, &s));
    }
    struct archive_snapshot_ref snapshot = {
        .index = 25, .ballot = 3, .chain = 79, .wall_ms = 1500, .key_count = 8, .part_count = 1};
    OK(archive_manifest_add_snapshot(&m, &snapshot));
    archive_manifest_encode(&m, &object);
    golden_same("archive-manifest-v1", tc_buf_slice(&object));
    golden_read("archive-manifest-v1", &file);
    OK(archive_manifest_decode(tc_buf_slice(&file), &again));
    assert_true(again.version == 5 && again.segment_count == 3 && again.snapshot_count == 1);
    assert_int_equal(again.segments[2].last, 40);
    archive_manifest_deinit(&again);
    archive_manifest_deinit(&m);
    tc_buf_deinit(&object);
    tc_buf_deinit(&file);
}

/* A merged group's manifest names both that it comes from. */
static void test_manifest_merged(void **state) {
    (void)state;
    struct archive_manifest m = {.version = 5, .gid = GID, .table_id = 3, .parent_gid = 2}, again;
    struct tc_buf object = {0}, file = {0};
    m.base_index = 14;
    m.base_chain = 77;
    m.parent_index = 10;
    m.right_gid = 4;
    m.right_index = 14;
    tc_buf_append_str(&m.table, "things");
    archive_manifest_encode(&m, &object);
    golden_same("archive-manifest-v2", tc_buf_slice(&object));
    golden_read("archive-manifest-v2", &file);
    OK(archive_manifest_decode(tc_buf_slice(&file), &again));
    assert_true(again.parent_gid == 2 && again.right_gid == 4 && again.base_index == 14);
    assert_true(again.parent_index == 10 && again.right_index == 14);
    archive_manifest_deinit(&again);
    archive_manifest_deinit(&m);
    tc_buf_deinit(&object);
    tc_buf_deinit(&file);
}

static void test_snapshot_part(void **state) {
    (void)state;
    struct tc_buf items = {0}, object = {0}, file = {0}, scratch = {0};
    archive_item_encode(tc_slice_str("key a"), tc_slice_str("item a"), &items);
    archive_item_encode(tc_slice_str("key b"), tc_slice_str("item b"), &items);
    struct archive_part p = {
        .gid = GID, .index = 25, .part = 0, .item_count = 2, .items = tc_buf_slice(&items)};
    struct archive_part again;
    OK(archive_part_encode(&p, /* compress= */ false, &object));
    golden_same("archive-part-v1", tc_buf_slice(&object));
    golden_read("archive-part-v1", &file);
    OK(archive_part_decode(tc_buf_slice(&file), &scratch, &again));
    assert_true(again.index == 25 && tc_slice_eq(again.items, tc_buf_slice(&items)));
    tc_buf_deinit(&items);
    tc_buf_deinit(&object);
    tc_buf_deinit(&file);
    tc_buf_deinit(&scratch);
}

static void test_snapshot_index(void **state) {
    (void)state;
    struct tc_buf parts = {0}, object = {0}, file = {0};
    struct archive_part_ref ref = {
        .first_key = tc_slice_str("key a"), .item_count = 2, .bytes = 200, .crc = 0x1234};
    archive_part_ref_encode(&ref, &parts);
    struct archive_snapshot s = {.gid = GID,
                                 .table_id = 3,
                                 .index = 25,
                                 .ballot = 3,
                                 .chain = 79,
                                 .wall_ms = 1500,
                                 .item_count = 2,
                                 .config = tc_slice_str("configuration"),
                                 .sums = tc_slice_str("sums"),
                                 .part_count = 1,
                                 .parts = tc_buf_slice(&parts)};
    struct archive_snapshot again;
    OK(archive_snapshot_encode(&s, &object));
    golden_same("archive-snapshot-v1", tc_buf_slice(&object));
    golden_read("archive-snapshot-v1", &file);
    OK(archive_snapshot_decode(tc_buf_slice(&file), &again));
    assert_true(again.index == 25 && again.part_count == 1 && again.item_count == 2);
    tc_buf_deinit(&parts);
    tc_buf_deinit(&object);
    tc_buf_deinit(&file);
}

static void write_file(struct tc_fs *fs, const char *path, struct tc_slice bytes) {
    struct tc_file *f = NULL;
    OK(tc_fs_open(fs, path, TC_FS_CREATE, &f));
    OK(tc_file_write_at(f, 0, bytes.data, bytes.len));
    tc_file_close(f);
}

static void read_file(struct tc_fs *fs, const char *path, struct tc_buf *out) {
    struct tc_file *f = NULL;
    uint64_t size = 0;
    OK(tc_fs_open(fs, path, TC_FS_READ_ONLY, &f));
    OK(tc_file_size(f, &size));
    OK(tc_file_read_at(f, 0, tc_buf_extend(out, (size_t)size), (size_t)size));
    tc_file_close(f);
}

static void test_directory_object(void **state) {
    (void)state;
    struct sim_fs *disk = sim_fs_new(1);
    struct tc_fs *fs = sim_fs_fs(disk);
    struct objstore *o = NULL;
    struct tc_buf file = {0}, got = {0};
    OK(tc_fs_mkdir(fs, "d"));
    OK(objstore_dir_new(fs, "d", &o));
    OK(objstore_put(o, "object", tc_slice_str("content")));
    read_file(fs, "d/object", &file);
    golden_same("archive-dir-object-v1", tc_buf_slice(&file));
    tc_buf_clear(&file);
    golden_read("archive-dir-object-v1", &file);
    write_file(fs, "d/other", tc_buf_slice(&file));
    OK(objstore_get(o, "other", &got));
    assert_true(tc_slice_eq(tc_buf_slice(&got), tc_slice_str("content")));
    objstore_free(o);
    sim_fs_free(disk);
    tc_buf_deinit(&file);
    tc_buf_deinit(&got);
}

int archive_formats(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment),         cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_manifest_merged), cmocka_unit_test(test_snapshot_part),
        cmocka_unit_test(test_snapshot_index),  cmocka_unit_test(test_directory_object),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
