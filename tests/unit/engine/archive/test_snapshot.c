#include "test_archive.h"

#include "engine/archive/snapshot.h"

#include <stdio.h>

static void check_damage(struct tc_buf *part, struct tc_buf *index) {
    struct tc_buf scratch = {0};
    struct archive_part p = {0};
    struct archive_snapshot s = {0};
    for (size_t i = 0; i < part->len; i++) {
        part->data[i] ^= 2;
        assert_int_equal(archive_part_decode(tc_buf_slice(part), &scratch, &p), TC_ECORRUPT);
        part->data[i] ^= 2;
        assert_int_equal(archive_part_decode(tc_slice(part->data, i), &scratch, &p), TC_ECORRUPT);
    }
    for (size_t i = 0; i < index->len; i++) {
        index->data[i] ^= 2;
        assert_int_equal(archive_snapshot_decode(tc_buf_slice(index), &s), TC_ECORRUPT);
        index->data[i] ^= 2;
        assert_int_equal(archive_snapshot_decode(tc_slice(index->data, i), &s), TC_ECORRUPT);
    }
    tc_buf_deinit(&scratch);
}

void test_snapshot(void **state) {
    (void)state;
    struct tc_buf items = {0};
    struct tc_buf part = {0};
    struct tc_buf refs = {0};
    struct tc_buf index = {0};
    struct tc_buf scratch = {0};
    for (int i = 0; i < 50; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%04d", i);
        archive_item_encode(tc_slice_str(key), TC_SLICE_LIT("some item, some item"), &items);
    }
    struct archive_part p = {
        .gid = 1, .index = 9, .part = 2, .item_count = 50, .items = tc_buf_slice(&items)};
    OK(archive_part_encode(&p, /* compress= */ true, &part));
    assert_true(part.len < items.len);
    struct archive_part d = {0};
    OK(archive_part_decode(tc_buf_slice(&part), &scratch, &d));
    assert_true(d.item_count == 50 && d.part == 2 && tc_slice_eq(d.items, p.items));
    struct archive_part_ref ref = {
        .first_key = TC_SLICE_LIT("key0000"), .item_count = 50, .bytes = part.len, .crc = 7};
    archive_part_ref_encode(&ref, &refs);
    struct archive_snapshot s = {.gid = 1,
                                 .index = 9,
                                 .chain = 4,
                                 .item_count = 50,
                                 .config = TC_SLICE_LIT("config"),
                                 .sums = TC_SLICE_LIT("sums"),
                                 .part_count = 1,
                                 .parts = tc_buf_slice(&refs)};
    OK(archive_snapshot_encode(&s, &index));
    struct archive_snapshot e = {0};
    OK(archive_snapshot_decode(tc_buf_slice(&index), &e));
    assert_true(e.item_count == 50 && tc_slice_eq(e.sums, s.sums) && tc_slice_eq(e.parts, s.parts));
    check_damage(&part, &index);
    struct tc_buf out = {0};
    p.item_count = 49;
    assert_int_equal(archive_part_encode(&p, false, &out), TC_EINVAL);
    archive_item_encode(TC_SLICE_LIT("aaa"), TC_SLICE_LIT("out of order"), &items);
    p.item_count = 51;
    p.items = tc_buf_slice(&items);
    assert_int_equal(archive_part_encode(&p, false, &out), TC_EINVAL);
    s.item_count = 51;
    assert_int_equal(archive_snapshot_encode(&s, &out), TC_EINVAL);
    tc_buf_deinit(&items);
    tc_buf_deinit(&part);
    tc_buf_deinit(&refs);
    tc_buf_deinit(&index);
    tc_buf_deinit(&scratch);
}
