/* One conformance test that the real and the simulated file system both pass. */
#include "base/buf.h"
#include "env/posix/posix.h"
#include "env/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), TC_OK)

struct world {
    struct tc_fs *fs;
    char root[256];
};

static const char *at(const struct world *w, const char *name) {
    static _Thread_local char path[4][512];
    static _Thread_local unsigned turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", w->root, name);
    return out;
}

static struct tc_file *open_ok(const struct world *w, const char *name, unsigned flags) {
    struct tc_file *f = NULL;
    OK(tc_fs_open(w->fs, at(w, name), flags, &f));
    return f;
}

static void check_open(const struct world *w) {
    struct tc_file *f = NULL;
    assert_int_equal(tc_fs_open(w->fs, at(w, "none"), 0, &f), TC_ENOTFOUND);
    assert_int_equal(tc_fs_open(w->fs, at(w, "no/dir"), TC_FS_CREATE, &f), TC_ENOTFOUND);
    assert_null(f);
    char longest[TC_FS_PATH_MAX + 8];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(tc_fs_open(w->fs, longest, TC_FS_CREATE, &f), TC_EINVAL);
    tc_file_close(open_ok(w, "a", TC_FS_CREATE | TC_FS_EXCLUSIVE));
    assert_int_equal(tc_fs_open(w->fs, at(w, "a"), TC_FS_CREATE | TC_FS_EXCLUSIVE, &f), TC_EEXISTS);
    tc_file_close(open_ok(w, "a", TC_FS_CREATE));
    tc_file_close(open_ok(w, "a", TC_FS_READ_ONLY));
    tc_file_close(NULL);
    OK(tc_fs_unlink(w->fs, at(w, "a")));
    assert_int_equal(tc_fs_unlink(w->fs, at(w, "a")), TC_ENOTFOUND);
}

static void check_bytes(const struct world *w) {
    struct tc_file *f = open_ok(w, "bytes", TC_FS_CREATE);
    char got[16] = {0};
    uint64_t size = 7;
    OK(tc_file_size(f, &size));
    assert_int_equal(size, 0);
    assert_int_equal(tc_file_read_at(f, 0, got, 1), TC_EEND);
    OK(tc_file_write_at(f, 4090, "hello world!", 12));
    OK(tc_file_size(f, &size));
    assert_int_equal(size, 4102);
    OK(tc_file_read_at(f, 4090, got, 12));
    assert_memory_equal(got, "hello world!", 12);
    OK(tc_file_read_at(f, 4084, got, 8));
    assert_memory_equal(got, "\0\0\0\0\0\0he", 8);
    assert_int_equal(tc_file_read_at(f, 4095, got, 12), TC_EEND);
    assert_int_equal(tc_file_read_at(f, 9999, got, 1), TC_EEND);
    OK(tc_file_sync(f));
    OK(tc_file_truncate(f, 4092));
    OK(tc_file_truncate(f, 4100));
    OK(tc_file_read_at(f, 4090, got, 6));
    assert_memory_equal(got, "he\0\0\0\0", 6);
    tc_file_close(f);
    OK(tc_fs_unlink(w->fs, at(w, "bytes")));
}

static void check_prewrite(const struct world *w) {
    struct tc_file *f = open_ok(w, "pre", TC_FS_CREATE);
    OK(tc_file_write_at(f, 0, "keep", 4));
    OK(tc_file_prewrite(f, 3 << 20));
    OK(tc_file_prewrite(f, 1 << 20));
    uint64_t size = 0;
    OK(tc_file_size(f, &size));
    assert_int_equal(size, 3 << 20);
    char got[8] = {1};
    OK(tc_file_read_at(f, 0, got, 8));
    assert_memory_equal(got, "keep\0\0\0\0", 8);
    OK(tc_file_read_at(f, (3 << 20) - 8, got, 8));
    assert_memory_equal(got, "\0\0\0\0\0\0\0\0", 8);
    tc_file_close(f);
    OK(tc_fs_unlink(w->fs, at(w, "pre")));
}

static void check_direct(const struct world *w) {
    void *block = NULL;
    assert_int_equal(posix_memalign(&block, TC_FS_BLOCK_BYTES, TC_FS_BLOCK_BYTES), 0);
    memset(block, 0x5a, TC_FS_BLOCK_BYTES);
    struct tc_file *f = open_ok(w, "direct", TC_FS_CREATE | TC_FS_DIRECT | TC_FS_DSYNC);
    OK(tc_file_prewrite(f, 4 * TC_FS_BLOCK_BYTES));
    OK(tc_file_write_at(f, TC_FS_BLOCK_BYTES, block, TC_FS_BLOCK_BYTES));
    memset(block, 0, TC_FS_BLOCK_BYTES);
    OK(tc_file_read_at(f, TC_FS_BLOCK_BYTES, block, TC_FS_BLOCK_BYTES));
    assert_int_equal(((uint8_t *)block)[17], 0x5a);
    assert_int_equal(tc_file_read_at(f, 4 * TC_FS_BLOCK_BYTES, block, TC_FS_BLOCK_BYTES), TC_EEND);
    tc_file_close(f);
    free(block);
    OK(tc_fs_unlink(w->fs, at(w, "direct")));
}

static void join(void *user, const char *name) {
    tc_buf_printf(user, "%s,", name);
}

static void check_names(const struct world *w) {
    OK(tc_fs_mkdir(w->fs, at(w, "d")));
    assert_int_equal(tc_fs_mkdir(w->fs, at(w, "d")), TC_EEXISTS);
    assert_int_equal(tc_fs_mkdir(w->fs, at(w, "x/y")), TC_ENOTFOUND);
    tc_file_close(open_ok(w, "d/b", TC_FS_CREATE));
    tc_file_close(open_ok(w, "d/B", TC_FS_CREATE));
    tc_file_close(open_ok(w, "d/a", TC_FS_CREATE));
    OK(tc_fs_mkdir(w->fs, at(w, "d/sub")));
    tc_file_close(open_ok(w, "d/sub/deep", TC_FS_CREATE));
    struct tc_buf names = {0};
    OK(tc_fs_list(w->fs, at(w, "d"), join, &names));
    assert_int_equal(names.len, 10);
    assert_memory_equal(names.data, "B,a,b,sub,", 10);
    tc_buf_clear(&names);
    assert_int_equal(tc_fs_list(w->fs, at(w, "nodir"), join, &names), TC_ENOTFOUND);
    assert_int_equal(tc_fs_unlink(w->fs, at(w, "d")), TC_EBUSY);
    OK(tc_fs_sync_dir(w->fs, at(w, "d")));
    assert_int_equal(tc_fs_sync_dir(w->fs, at(w, "nodir")), TC_ENOTFOUND);
    assert_int_equal(tc_fs_rename(w->fs, at(w, "d/none"), at(w, "d/x")), TC_ENOTFOUND);
    struct tc_file *f = open_ok(w, "d/a", 0);
    OK(tc_file_write_at(f, 0, "A", 1));
    OK(tc_fs_rename(w->fs, at(w, "d/a"), at(w, "d/b")));
    char got = 0;
    struct tc_file *g = open_ok(w, "d/b", TC_FS_READ_ONLY);
    OK(tc_file_read_at(g, 0, &got, 1));
    assert_int_equal(got, 'A');
    OK(tc_fs_unlink(w->fs, at(w, "d/b")));
    OK(tc_file_read_at(f, 0, &got, 1));
    tc_file_close(f);
    tc_file_close(g);
    OK(tc_fs_unlink(w->fs, at(w, "d/B")));
    OK(tc_fs_unlink(w->fs, at(w, "d/sub/deep")));
    OK(tc_fs_unlink(w->fs, at(w, "d/sub")));
    OK(tc_fs_unlink(w->fs, at(w, "d")));
    tc_buf_deinit(&names);
}

static void check_all(const struct world *w) {
    check_open(w);
    check_bytes(w);
    check_prewrite(w);
    check_direct(w);
    check_names(w);
    struct tc_fs_space space = {0};
    OK(tc_fs_space(w->fs, w->root, &space));
    assert_true(space.total_bytes > 0 && space.free_bytes <= space.total_bytes);
}

static void in_dir(const char *parent) {
    struct posix_fs p;
    posix_fs_init(&p);
    struct world w = {.fs = &p.fs};
    snprintf(w.root, sizeof w.root, "%s/tercet-fs-XXXXXX", parent);
    if (mkdtemp(w.root) == NULL)
        return;
    check_all(&w);
    assert_int_equal(rmdir(w.root), 0);
}

/* The build folder's disk, and memory file systems that refuse O_DIRECT. */
static void test_posix(void **state) {
    (void)state;
    in_dir(".");
    in_dir("/dev/shm");
}

static void test_sim(void **state) {
    (void)state;
    struct sim_fs *s = sim_fs_new(1);
    struct world w = {.fs = sim_fs_fs(s), .root = "disk"};
    OK(tc_fs_mkdir(w.fs, "disk"));
    check_all(&w);
    sim_fs_free(s);
}

static void test_clocks(void **state) {
    (void)state;
    struct posix_clock p;
    posix_clock_init(&p);
    uint64_t a = tc_clock_mono_ns(&p.clock);
    assert_true(a > 0 && tc_clock_mono_ns(&p.clock) >= a);
    assert_true(tc_wall_ms(tc_clock_wall(&p.clock)) > 1600000000000u);
    struct sim_clock c;
    sim_clock_init(&c, 5, 1000000005);
    c.now_ns += 10;
    assert_int_equal(tc_clock_mono_ns(&c.clock), 15);
    assert_int_equal(tc_clock_wall(&c.clock).unix_ns, 1000000015);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posix),
        cmocka_unit_test(test_sim),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
