/* The directory store; formats are in the files beside this one. */
#include "test_archive.h"

#include "env/posix/posix.h"
#include "env/sim/sim.h"

#include <stdio.h>
#include <unistd.h>

static void test_dir_store_on_sim(void **state) {
    (void)state;
    struct sim_fs *s = sim_fs_new(1);
    struct objstore *o = NULL;
    OK(tc_fs_mkdir(sim_fs_fs(s), "store"));
    OK(objstore_dir_new(sim_fs_fs(s), "store", &o));
    check_store(o);
    check_long_list(o);
    objstore_free(o);
    sim_fs_free(s);
}

static void test_dir_store_on_disk(void **state) {
    (void)state;
    struct posix_fs p;
    posix_fs_init(&p);
    char dir[] = "./tercet-store-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct objstore *o = NULL;
    OK(objstore_dir_new(&p.fs, dir, &o));
    check_store(o);
    objstore_free(o);
    char path[128];
    static const char *const LEFT[] = {"g/1", "g/10", "g", ".tmp"};
    for (size_t i = 0; i < sizeof LEFT / sizeof *LEFT; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, LEFT[i]);
        TC_IGNORE(tc_fs_unlink(&p.fs, path));
    }
    assert_int_equal(rmdir(dir), 0);
}

/* What put answered TC_OK for is there after a crash; what it did not is absent or whole. */
static void test_dir_store_crashes(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_fs *s = sim_fs_new(seed);
        struct objstore *o = NULL;
        OK(tc_fs_mkdir(sim_fs_fs(s), "store"));
        OK(objstore_dir_new(sim_fs_fs(s), "store", &o));
        sim_fs_crash_after(s, seed % 23);
        int done = 0;
        char key[32];
        tc_err err = TC_OK;
        for (; done < 5; done++) {
            snprintf(key, sizeof key, "g/%d/a", done);
            err = objstore_put(o, key, TC_SLICE_LIT("some content of an object"));
            if (err != TC_OK)
                break;
        }
        sim_fs_crash(s);
        for (int i = 0; i < 5; i++) {
            struct tc_buf out = {0};
            snprintf(key, sizeof key, "g/%d/a", i);
            tc_err got = objstore_get(o, key, &out);
            assert_true(got == TC_OK || (i >= done && got == TC_ENOTFOUND));
            tc_buf_deinit(&out);
            if (got == TC_ENOTFOUND)
                OK(objstore_put(o, key, TC_SLICE_LIT("again")));
        }
        objstore_free(o);
        sim_fs_free(s);
    }
}

static void test_dir_store_notices_rot(void **state) {
    (void)state;
    struct sim_fs *s = sim_fs_new(1);
    struct objstore *o = NULL;
    OK(tc_fs_mkdir(sim_fs_fs(s), "store"));
    OK(objstore_dir_new(sim_fs_fs(s), "store", &o));
    OK(objstore_put(o, "a", TC_SLICE_LIT("content")));
    for (uint64_t at = 0; at < 7 + 16; at++) {
        struct tc_buf out = {0};
        OK(sim_fs_flip(s, "store/a", at, 3));
        assert_int_equal(objstore_get(o, "a", &out), TC_ECORRUPT);
        assert_int_equal(out.len, 0);
        OK(sim_fs_flip(s, "store/a", at, 3));
        OK(objstore_get(o, "a", &out));
        tc_buf_deinit(&out);
    }
    objstore_free(o);
    sim_fs_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dir_store_on_sim),
        cmocka_unit_test(test_dir_store_on_disk),
        cmocka_unit_test(test_dir_store_crashes),
        cmocka_unit_test(test_dir_store_notices_rot),
        cmocka_unit_test(test_segment_round_trip),
        cmocka_unit_test(test_segment_damage),
        cmocka_unit_test(test_segment_refuses_wrong),
        cmocka_unit_test(test_manifest_round_trip),
        cmocka_unit_test(test_manifest_holes),
        cmocka_unit_test(test_manifest_store),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_intake_archives_in_order),
        cmocka_unit_test(test_intake_compares_replicas),
        cmocka_unit_test(test_intake_blames_the_archive),
        cmocka_unit_test(test_intake_refuses),
        cmocka_unit_test(test_intake_notes_both_parents),
        cmocka_unit_test(test_intake_gives_back),
        cmocka_unit_test(test_intake_fault_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
