/* What the simulated file system does at crashes and under faults. */
#include "env/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), TC_OK)

enum {
    SECTOR = TC_FS_SECTOR_BYTES,
    SECTORS = 64,
};

static struct sim_fs *disk(uint64_t seed) {
    struct sim_fs *s = sim_fs_new(seed);
    OK(tc_fs_mkdir(sim_fs_fs(s), "d"));
    return s;
}

static struct tc_file *file(struct sim_fs *s, const char *path, unsigned flags) {
    struct tc_file *f = NULL;
    OK(tc_fs_open(sim_fs_fs(s), path, TC_FS_CREATE | flags, &f));
    return f;
}

static void fill(struct tc_file *f, uint8_t value) {
    uint8_t all[SECTORS * SECTOR];
    memset(all, value, sizeof all);
    OK(tc_file_write_at(f, 0, all, sizeof all));
}

/* A whole-sector mixture of old and new: count of new sectors, -1 when a sector is neither. */
static int new_sectors(struct sim_fs *s, uint8_t before, uint8_t after) {
    uint8_t all[SECTORS * SECTOR];
    struct tc_file *f = file(s, "d/f", 0);
    OK(tc_file_read_at(f, 0, all, sizeof all));
    tc_file_close(f);
    int count = 0;
    for (int i = 0; i < SECTORS; i++) {
        uint8_t first = all[i * SECTOR];
        if (first != before && first != after)
            return -1;
        for (int k = 0; k < SECTOR; k++)
            if (all[i * SECTOR + k] != first)
                return -1;
        count += first == after;
    }
    return count;
}

static struct sim_fs *disk_with_synced_file(uint64_t seed) {
    struct sim_fs *s = disk(seed);
    struct tc_file *f = file(s, "d/f", 0);
    fill(f, 1);
    OK(tc_file_sync(f));
    OK(tc_fs_sync_dir(sim_fs_fs(s), "d"));
    tc_file_close(f);
    return s;
}

static void test_crash_keeps_synced(void **state) {
    (void)state;
    int none = 0;
    int all = 0;
    int some = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sim_fs *s = disk_with_synced_file(seed);
        struct tc_file *f = file(s, "d/f", 0);
        fill(f, 2);
        sim_fs_crash(s);
        char c;
        assert_int_equal(tc_file_read_at(f, 0, &c, 1), TC_EIO);
        tc_file_close(f);
        int count = new_sectors(s, 1, 2);
        assert_true(count >= 0);
        none += count == 0;
        all += count == SECTORS;
        some += count > 0 && count < SECTORS;
        sim_fs_free(s);
    }
    assert_true(none > 20 && all > 20 && some > 20);
}

static void test_dsync_and_restart(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sim_fs *s = disk_with_synced_file(seed);
        struct tc_file *f = file(s, "d/f", TC_FS_DSYNC);
        fill(f, 2);
        tc_file_close(f);
        sim_fs_crash(s);
        assert_int_equal(new_sectors(s, 1, 2), SECTORS);
        f = file(s, "d/f", 0);
        fill(f, 3);
        sim_fs_restart(s);
        tc_file_close(f);
        assert_int_equal(new_sectors(s, 2, 3), SECTORS);
        sim_fs_free(s);
    }
}

static void test_names_need_sync_dir(void **state) {
    (void)state;
    int there = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim_fs *s = disk_with_synced_file(seed);
        tc_file_close(file(s, "d/g", 0));
        OK(tc_fs_rename(sim_fs_fs(s), "d/f", "d/h"));
        sim_fs_crash(s);
        struct tc_file *f = NULL;
        tc_err old = tc_fs_open(sim_fs_fs(s), "d/f", 0, &f);
        if (old == TC_OK)
            tc_file_close(f);
        tc_err new = tc_fs_open(sim_fs_fs(s), "d/h", 0, &f);
        if (new == TC_OK)
            tc_file_close(f);
        assert_true((old == TC_OK) != (new == TC_OK));
        there += new == TC_OK;
        sim_fs_free(s);
    }
    assert_true(there > 20 && there < 80);
}

static void test_failed_sync_loses_for_good(void **state) {
    (void)state;
    int lost = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sim_fs *s = disk_with_synced_file(seed);
        struct tc_file *f = file(s, "d/f", 0);
        fill(f, 2);
        OK(sim_fs_fault(s, &(struct sim_fault){.kind = SIM_SYNC_ERROR, .hit_count = 1}));
        assert_int_equal(tc_file_sync(f), TC_EIO);
        OK(tc_file_sync(f));
        tc_file_close(f);
        sim_fs_crash(s);
        int count = new_sectors(s, 1, 2);
        assert_true(count >= 0);
        lost += count < SECTORS;
        sim_fs_free(s);
    }
    assert_true(lost > 45);
}

static void test_faults(void **state) {
    (void)state;
    struct sim_fs *s = disk_with_synced_file(3);
    struct tc_file *f = file(s, "d/f", 0);
    char c = 0;
    OK(sim_fs_fault(
        s, &(struct sim_fault){
               .kind = SIM_READ_ERROR, .path_part = "/f", .skip_count = 1, .hit_count = 1}));
    OK(sim_fs_fault(s, &(struct sim_fault){.kind = SIM_WRITE_ERROR, .path_part = "/g"}));
    OK(tc_file_read_at(f, 0, &c, 1));
    assert_int_equal(tc_file_read_at(f, 0, &c, 1), TC_EIO);
    OK(tc_file_read_at(f, 0, &c, 1));
    OK(tc_file_write_at(f, 0, "x", 1));
    struct tc_file *g = file(s, "d/g", 0);
    assert_int_equal(tc_file_write_at(g, 0, "x", 1), TC_EIO);
    sim_fs_heal(s);
    OK(tc_file_write_at(g, 0, "x", 1));
    OK(sim_fs_flip(s, "d/g", 0, 1));
    OK(tc_file_read_at(g, 0, &c, 1));
    assert_int_equal(c, 'x' ^ 2);
    assert_int_equal(sim_fs_flip(s, "d/g", 1, 1), TC_EEND);
    assert_int_equal(sim_fs_flip(s, "d/none", 1, 1), TC_ENOTFOUND);
    sim_fs_set_capacity(s, SECTORS * SECTOR + 100);
    assert_int_equal(tc_file_write_at(g, 200, "x", 1), TC_EFULL);
    OK(tc_file_write_at(g, 10, "x", 1));
    OK(tc_file_write_at(f, 10, "x", 1));
    tc_file_close(f);
    tc_file_close(g);
    assert_true(sim_fs_counters(s)->faults_hit == 2);
    sim_fs_wipe(s);
    assert_int_equal(tc_fs_open(sim_fs_fs(s), "d/f", 0, &f), TC_ENOTFOUND);
    sim_fs_free(s);
}

static void test_armed_crash_tears_the_write(void **state) {
    (void)state;
    int torn = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim_fs *s = disk_with_synced_file(seed);
        struct tc_file *f = file(s, "d/f", TC_FS_DSYNC);
        sim_fs_crash_after(s, 1);
        fill(f, 2);
        uint8_t all[SECTORS * SECTOR];
        memset(all, 3, sizeof all);
        assert_int_equal(tc_file_write_at(f, 0, all, sizeof all), TC_EIO);
        assert_true(sim_fs_is_down(s));
        assert_int_equal(tc_file_write_at(f, 0, all, sizeof all), TC_EIO);
        tc_file_close(f);
        sim_fs_crash(s);
        int count = new_sectors(s, 2, 3);
        assert_true(count >= 0 && count < SECTORS);
        torn += count > 0;
        sim_fs_free(s);
    }
    assert_true(torn > 30);
}

static void test_lie_and_latency(void **state) {
    (void)state;
    int lost = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sim_fs *s = disk_with_synced_file(seed);
        sim_fs_set_latency(s, &(struct sim_latency){.write_ns = 5, .sync_ns = 100, .kib_ns = 1});
        struct tc_file *f = file(s, "d/f", TC_FS_DSYNC);
        OK(sim_fs_fault(s, &(struct sim_fault){.kind = SIM_SYNC_LIE}));
        fill(f, 2);
        assert_int_equal(sim_fs_take_busy_ns(s), 5 + 100 + SECTORS / 2);
        assert_int_equal(sim_fs_take_busy_ns(s), 0);
        tc_file_close(f);
        sim_fs_crash(s);
        lost += new_sectors(s, 1, 2) < SECTORS;
        sim_fs_free(s);
    }
    assert_true(lost > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_keeps_synced),
        cmocka_unit_test(test_dsync_and_restart),
        cmocka_unit_test(test_names_need_sync_dir),
        cmocka_unit_test(test_failed_sync_loses_for_good),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_armed_crash_tears_the_write),
        cmocka_unit_test(test_lie_and_latency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
