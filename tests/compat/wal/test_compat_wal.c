/* A segment written by version 1 of the format must stay readable, record by record. */
#include "engine/wal/wal.h"
#include "env/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), TC_OK)

enum {
    SEGMENT = 64 * 1024,
};

/* The golden file is the used part of the segment; the rest was zeros. */
static void put_golden(struct tc_fs *fs) {
    static uint8_t bytes[SEGMENT];
    FILE *f = fopen(TC_SOURCE_DIR "/tests/compat/wal/segment-v1", "rb");
    assert_non_null(f);
    assert_int_equal(fread(bytes, 1, sizeof bytes, f), 20480);
    fclose(f);
    struct tc_file *to = NULL;
    OK(tc_fs_mkdir(fs, "d"));
    OK(tc_fs_open(fs, "d/seg-0000", TC_FS_CREATE, &to));
    OK(tc_file_write_at(to, 0, bytes, sizeof bytes));
    tc_file_close(to);
}

/* Record i of the file: group 1 + i % 2, index 1 + i / 2, i * 37 times the letter 'a' + i. */
static void check_record(struct wal *w, uint64_t i) {
    struct wal_entry e;
    struct tc_blob *body = NULL;
    uint64_t gid = 1 + i % 2;
    assert_true(wal_entry(w, gid, 1 + i / 2, &e));
    assert_true(e.ballot == 7 && e.chain == i * 99 && e.type == 2 && e.body_len == i * 37);
    OK(wal_read(w, gid, 1 + i / 2, &body));
    for (size_t k = 0; k < body->len; k++)
        assert_int_equal(body->data[k], 'a' + i);
    tc_blob_unref(body);
}

static void test_version_1(void **state) {
    (void)state;
    struct sim_fs *s = sim_fs_new(1);
    put_golden(sim_fs_fs(s));
    struct wal_options o = wal_options_default();
    o.segment_bytes = SEGMENT;
    o.max_bytes = 4 * SEGMENT;
    o.queue_max_bytes = SEGMENT / 2;
    memset(o.store_uuid, 'u', sizeof o.store_uuid);
    struct wal *w = NULL;
    OK(wal_open(sim_fs_fs(s), "d", &o, &w));
    assert_int_equal(wal_report(w)->durable_lsn, 7);
    assert_true(wal_report(w)->torn_bytes == 0 && !wal_report(w)->identity_lost);
    for (uint64_t i = 1; i <= 5; i++)
        check_record(w, i);
    struct tc_slice hard;
    assert_true(wal_state(w, 2, WAL_HARDSTATE, &hard));
    assert_true(hard.len == 5 * 37 && hard.data[0] == 'a' + 5);
    wal_close(w);
    sim_fs_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_version_1)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
